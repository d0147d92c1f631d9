// What an operation takes, as a table of fields, and the checks of it with the service's own words:
// first that every value has its type (SerializationException), then the constraints
// (ValidationException, up to ten in one message).

import { type ServiceError, serialization, validation } from './service-error.ts'

interface Presence {
  readonly required?: true
}

export interface StringField extends Presence {
  readonly type: 'string'
  /** In Unicode characters. */
  readonly min?: number
  readonly max?: number
  /** As the service prints it; the whole text must match. */
  readonly pattern?: string
  readonly oneOf?: readonly string[]
}

export interface IntegerField extends Presence {
  readonly type: 'integer'
  readonly min?: number
  readonly max?: number
}

export interface BlobField extends Presence {
  readonly type: 'blob'
  readonly max?: number
}

export interface PlainField extends Presence {
  readonly type: 'boolean' | 'timestamp'
}

export interface TextMapField extends Presence {
  readonly type: 'text-map'
  readonly max?: number
}

export interface StructureField extends Presence {
  readonly type: 'structure'
  readonly fields: Fields
}

export interface ListField extends Presence {
  readonly type: 'list'
  readonly min?: number
  readonly max?: number
  /** What the service calls a member when it prints the list. */
  readonly memberName: string
  readonly member: StructureField
}

export type Field =
  | StringField
  | IntegerField
  | BlobField
  | PlainField
  | TextMapField
  | StructureField
  | ListField

export type Fields = { readonly [name: string]: Field }

/** The value of a field that is there. Timestamps are milliseconds since 1970, blobs are bytes. */
export type ValueOf<F extends Field> = F extends StringField
  ? string
  : F extends IntegerField
    ? number
    : F extends BlobField
      ? Buffer
      : F extends StructureField
        ? InputOf<F['fields']>
        : F extends ListField
          ? readonly ValueOf<F['member']>[]
          : F extends TextMapField
            ? Readonly<Record<string, string>>
            : F extends { type: 'boolean' }
              ? boolean
              : number

/** What an operation gets: null stands for what was not there. */
export type InputOf<T extends Fields> = {
  readonly [K in keyof T]: T[K] extends { required: true } ? ValueOf<T[K]> : ValueOf<T[K]> | null
}

/** Turns what a format leaves open into values: bytes and instants differ between JSON and CBOR. */
export interface FormatReader {
  /** Null when the value is none; throws a `ServiceError` that says what is wrong with a text. */
  blob(value: unknown): Buffer | null
  /** Milliseconds, or null when the value is no instant. */
  timestamp(value: unknown): number | null
}

/** Checks the whole input. Throws a `ServiceError`. */
export function checkInput<T extends Fields>(
  fields: T,
  raw: unknown,
  reader: FormatReader,
): InputOf<T> {
  const input = new TypeCheck(reader).structure(fields, raw)
  const problems: string[] = []
  checkStructure(fields, input, '', problems)
  if (problems.length > 0) throw problemsFound(problems)
  return input as InputOf<T>
}

/** The service counts the problems and lists at most ten. */
const PROBLEMS_MAX_COUNT = 10

export function problemsFound(problems: readonly string[]): ServiceError {
  const count = `${problems.length} validation error${problems.length > 1 ? 's' : ''} detected: `
  return validation(count + problems.join('; '))
}

type Value = Record<string, unknown>

class TypeCheck {
  readonly #reader: FormatReader

  constructor(reader: FormatReader) {
    this.#reader = reader
  }

  structure(fields: Fields, raw: unknown): Value {
    const source = asObject(raw, 'Expected null')
    const value: Value = {}
    for (const [name, field] of Object.entries(fields)) {
      const given = source[name]
      value[name] = given === undefined || given === null ? null : this.#valueOf(field, given)
    }
    return value
  }

  #valueOf(field: Field, given: unknown): unknown {
    switch (field.type) {
      case 'structure':
        return this.structure(field.fields, given)
      case 'list':
        if (!Array.isArray(given)) throw notAList(given)
        return given.map((member) => this.structure(field.member.fields, member))
      case 'text-map':
        return textMapOf(asObject(given, 'Expected map or null'))
      case 'string':
        return typeof given === 'string' ? given : refuse(given, 'an String')
      case 'boolean':
        return typeof given === 'boolean' ? given : refuse(given, 'an Boolean')
      case 'integer':
        return typeof given === 'number' ? Math.floor(given) : refuse(given, 'an Integer')
      case 'timestamp':
        return this.#reader.timestamp(given) ?? refuse(given, 'milliseconds since epoch')
      case 'blob':
        return this.#reader.blob(given) ?? refuse(given, 'a Blob')
    }
  }
}

function asObject(given: unknown, otherwise: string): Value {
  if (Array.isArray(given)) throw serialization('Start of list found where not expected')
  if (typeof given !== 'object' || given === null) throw serialization(otherwise)
  return given as Value
}

function notAList(given: unknown): ServiceError {
  const isObject = typeof given === 'object'
  return serialization(
    isObject ? 'Start of structure or map found where not expected.' : 'Expected list or null',
  )
}

function textMapOf(given: Value): Record<string, string> {
  // Names come from outside: one of them may be `__proto__`.
  const map: Record<string, string> = Object.create(null)
  for (const [name, text] of Object.entries(given)) {
    map[name] = typeof text === 'string' ? text : refuse(text, 'an String')
  }
  return map
}

function refuse(given: unknown, wanted: string): never {
  if (Array.isArray(given)) throw serialization('Start of list found where not expected')
  switch (typeof given) {
    case 'object':
      throw serialization('Start of structure or map found where not expected.')
    case 'boolean':
      throw serialization(`class java.lang.Boolean can not be converted to ${wanted}`)
    case 'string':
      throw serialization(`class java.lang.String can not be converted to ${wanted}`)
    default:
      throw serialization(
        `class com.amazon.coral.value.json.numbers.TruncatingBigNumber can not be converted to ${wanted}`,
      )
  }
}

function checkStructure(fields: Fields, value: Value, path: string, problems: string[]): void {
  for (const [name, field] of Object.entries(fields)) {
    if (problems.length >= PROBLEMS_MAX_COUNT) return
    checkField(field, value[name], path + lowerFirst(name), problems)
  }
}

function checkField(field: Field, value: unknown, path: string, problems: string[]): void {
  const complain = (constraint: string) => {
    if (problems.length < PROBLEMS_MAX_COUNT) {
      problems.push(problemOf(printed(field, value), path, constraint))
    }
  }
  if (value === null) {
    if (field.required) complain('Member must not be null')
    return
  }
  if (field.type === 'string') checkText(field, value as string, complain)
  else if (field.type === 'integer') checkRange(field, value as number, complain)
  else if (field.type === 'blob') checkLength(field, (value as Buffer).length, complain)
  else if (field.type === 'text-map') {
    checkLength(field, Object.keys(value as Value).length, complain)
  } else if (field.type === 'structure') {
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

interface LengthBounds {
  readonly min?: number
  readonly max?: number
}

function checkLength(field: LengthBounds, length: number, complain: Complain): void {
  if (field.max !== undefined && length > field.max) complain(lengthAtMost(field.max))
  if (field.min !== undefined && length < field.min) {
    complain(`Member must have length greater than or equal to ${field.min}`)
  }
}

export function lengthAtMost(max: number): string {
  return `Member must have length less than or equal to ${max}`
}

/** Unicode characters, not UTF-16 units; only texts that may be too long are counted. */
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
