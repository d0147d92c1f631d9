// What a value must be beside its type: the checks that end in a ValidationException, in the
// service's own words, up to ten in one message.

import type {
  Field,
  Fields,
  IntegerField,
  LengthRange,
  StringField,
  TextMapField,
  Value,
} from './field.ts'
import { type ServiceError, validation } from './service-error.ts'

/** The service counts the problems and lists at most ten. */
const PROBLEMS_MAX_COUNT = 10

export function problemsFound(all: readonly string[]): ServiceError {
  const problems = all.slice(0, PROBLEMS_MAX_COUNT)
  const count = `${problems.length} validation error${problems.length > 1 ? 's' : ''} detected: `
  return validation(count + problems.join('; '))
}

/** Adds what is wrong with a structure, up to as many problems as are told. */
export function checkStructure(
  fields: Fields,
  value: Value,
  path: string,
  problems: string[],
): void {
  for (const [name, field] of Object.entries(fields)) {
    if (problems.length >= PROBLEMS_MAX_COUNT) return
    checkField(field, value[name], path + lowerFirst(name), problems)
  }
}

function checkField(field: Field, value: unknown, path: string, problems: string[]): void {
  const complain = (constraint: string) => {
    problems.push(problemOf(printed(field, value), path, constraint))
  }
  if (value === null) {
    if (field.required) complain('Member must not be null')
    return
  }
  if (field.type === 'string') checkText(field, value as string, complain)
  else if (field.type === 'integer') checkRange(field, value as number, complain)
  else if (field.type === 'blob') checkLength(field, (value as Buffer).length, complain)
  else if (field.type === 'text-map') checkTextMap(field, value as Value, complain)
  else if (field.type === 'structure') {
    checkStructure(field.fields, value as Value, `${path}.`, problems)
  } else if (field.type === 'list') {
    const members = value as Value[]
    checkLength(field, members.length, complain)
    for (const [index, member] of members.entries()) {
      if (problems.length >= PROBLEMS_MAX_COUNT) return
      checkStructure(field.member.fields, member, `${path}.${index + 1}.member.`, problems)
    }
  }
}

/** One problem as the service words it. */
export function problemOf(value: string, path: string, constraint: string): string {
  const shown = value === '' ? '' : ` ${value}`
  return `Value${shown} at '${path}' failed to satisfy constraint: ${constraint}`
}

type Complain = (constraint: string) => void

function checkText(field: StringField, text: string, complain: Complain): void {
  checkLength(field, characterCount(text), complain)
  if (field.pattern !== undefined && !wholly(field.pattern).test(text)) {
    complain(`Member must satisfy regular expression pattern: ${field.pattern}`)
  }
  if (field.oneOf !== undefined && !field.oneOf.includes(text)) {
    complain(`Member must satisfy enum value set: [${field.oneOf.join(', ')}]`)
  }
}

function checkRange(field: IntegerField, value: number, complain: Complain): void {
  if (field.max !== undefined && value > field.max) {
    complain(`Member must have value less than or equal to ${field.max}`)
  }
  if (field.min !== undefined && value < field.min) {
    complain(`Member must have value greater than or equal to ${field.min}`)
  }
}

function checkTextMap(field: TextMapField, map: Value, complain: Complain): void {
  const { keyLength, valueLength } = field
  const [keys, values] = [Object.keys(map), Object.values(map) as string[]]
  checkLength(field, keys.length, complain)
  if (!keys.every((key) => isWithin(keyLength, key))) {
    complain(`Map keys must satisfy constraint: ${lengthsAllowed(keyLength)}`)
  }
  if (!values.every((value) => isWithin(valueLength, value))) {
    complain(`Map value must satisfy constraint: ${lengthsAllowed(valueLength)}`)
  }
}

function isWithin({ min, max }: LengthRange, text: string): boolean {
  const count = characterCount(text)
  return count >= min && count <= max
}

function lengthsAllowed({ min, max }: LengthRange): string {
  return `[${lengthAtMost(max)}, ${lengthAtLeast(min)}]`
}

interface LengthBounds {
  readonly min?: number
  readonly max?: number
}

function checkLength(field: LengthBounds, length: number, complain: Complain): void {
  if (field.max !== undefined && length > field.max) complain(lengthAtMost(field.max))
  if (field.min !== undefined && length < field.min) complain(lengthAtLeast(field.min))
}

function lengthAtLeast(min: number): string {
  return `Member must have length greater than or equal to ${min}`
}

export function lengthAtMost(max: number): string {
  return `Member must have length less than or equal to ${max}`
}

/** Unicode characters, not UTF-16 units. */
export function characterCount(text: string): number {
  let count = text.length
  for (let i = 0; i + 1 < text.length; i++) {
    const isHigh = (text.charCodeAt(i) & 0xfc00) === 0xd800
    if (isHigh && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) {
      count--
      i++
    }
  }
  return count
}

const patterns = new Map<string, RegExp>()

/** Patterns come from our own tables: as many as there are fields. */
function wholly(pattern: string): RegExp {
  const known = patterns.get(pattern)
  if (known !== undefined) return known
  const made = new RegExp(`^(?:${pattern})$`)
  patterns.set(pattern, made)
  return made
}

function printed(field: Field, value: unknown): string {
  if (value === null) return 'null'
  switch (field.type) {
    // The service has stopped to print the bytes' address; it says nothing there.
    case 'blob':
      return ''
    case 'list':
      return quoted(`[${(value as unknown[]).map(() => field.memberName).join(', ')}]`)
    case 'text-map':
    case 'structure':
      return quoted(JSON.stringify(value))
    default:
      return quoted(String(value))
  }
}

/** The service prints values whole; a message of megabytes helps nobody. */
const PRINTED_MAX_CHARACTERS = 1024

function quoted(text: string): string {
  return text.length <= PRINTED_MAX_CHARACTERS
    ? `'${text}'`
    : `'${text.slice(0, PRINTED_MAX_CHARACTERS)}…'`
}

function lowerFirst(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1)
}
