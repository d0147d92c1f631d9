// The input of an operation, from what a format has decoded: first every value must have its type
// (SerializationException), then keep its constraints (ValidationException).

import { checkStructure, problemsFound } from './constraints.ts'
import type { Field, Fields, FormatReader, InputOf, Value } from './field.ts'
import { type ServiceError, serialization } from './service-error.ts'

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
