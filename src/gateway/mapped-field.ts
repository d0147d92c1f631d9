// A text of a request that a mapping asks for: the partition key, or the record's id. It is in a
// header or in the body, and has to be there once and be good.

import { isUtf8 } from 'node:buffer'
import { type HttpAnswer, type HttpHead, headerOf, isRepeated } from '../host/index.ts'
import { keyProblem } from '../record/index.ts'
import type { FieldPlace } from './config.ts'
import { textOfJson } from './json-scan.ts'
import type { JsonType, JsonValue } from './json-value.ts'
import { parsePointer } from './pointer.ts'
import { type ProblemCode, problem } from './problem.ts'
import { recordIdProblem } from './record-id.ts'

interface FieldKind {
  readonly types: readonly JsonType[]
  /** The same for people. */
  readonly typesText: string
  /** What is wrong with a text, or null. */
  readonly wrongWith: (text: string) => string | null
  readonly codes: Readonly<Record<'notFound' | 'notScalar' | 'invalid', ProblemCode>>
}

export const PARTITION_KEY: FieldKind = {
  types: ['string', 'number', 'boolean'],
  typesText: 'text, a number or a boolean',
  wrongWith: keyProblem,
  codes: { notFound: 'key-not-found', notScalar: 'key-not-scalar', invalid: 'key-invalid' },
}

export const RECORD_ID: FieldKind = {
  types: ['string', 'number'],
  typesText: 'text or a number',
  wrongWith: recordIdProblem,
  codes: {
    notFound: 'record-id-not-found',
    notScalar: 'record-id-not-scalar',
    invalid: 'record-id-invalid',
  },
}

export class MappedField {
  /** Where it is in the body; null when it is in a header. */
  readonly path: readonly string[] | null
  readonly #kind: FieldKind
  /** Of the header; for the body what people are shown. */
  readonly #name: string
  readonly #lowerCaseName: string

  constructor(kind: FieldKind, { location, specification }: FieldPlace) {
    const isInBody = location === 'body'
    this.#kind = kind
    this.path = isInBody ? parsePointer(specification)! : null
    this.#name = isInBody && specification === '' ? 'the whole body' : specification
    this.#lowerCaseName = specification.toLowerCase()
  }

  /** What the head carries, or the answer that it does not; null when the body has it. */
  ofHead(head: HttpHead): string | HttpAnswer | null {
    if (this.path !== null) return null
    const { codes } = this.#kind
    const raw = headerOf(head.headers, this.#lowerCaseName)
    if (raw === null) return problem(codes.notFound, `The header ${this.#name} is missing.`)
    if (isRepeated(head.headers, this.#lowerCaseName)) {
      return problem(codes.invalid, `The header ${this.#name} must come once.`)
    }
    // Node reads header bytes as Latin-1; clients write UTF-8. Anything else would become the same
    // replacement characters for different texts.
    const bytes = Buffer.from(raw, 'latin1')
    const text = bytes.toString('utf8')
    const wrong = isUtf8(bytes) ? this.#kind.wrongWith(text) : 'is no UTF-8'
    return wrong === null ? text : problem(codes.invalid, `The header ${this.#name} ${wrong}.`)
  }

  /** What was found in the body, as text, or the answer that it is not there or no good. */
  ofBody(body: Buffer, value: JsonValue | null): string | HttpAnswer {
    const { codes, types, typesText, wrongWith } = this.#kind
    if (value === null) {
      return problem(codes.notFound, `There is nothing at ${this.#name} in the body.`)
    }
    if (!types.includes(value.type)) {
      const found = value.type === 'null' ? 'null' : `${article(value.type)} ${value.type}`
      const detail = `At ${this.#name} there is ${found}; ${typesText} is needed.`
      return problem(codes.notScalar, detail)
    }
    const text = textOfJson(body, value)
    const wrong = wrongWith(text)
    return wrong === null ? text : problem(codes.invalid, `The text at ${this.#name} ${wrong}.`)
  }
}

function article(type: JsonType): string {
  return type === 'boolean' ? 'a' : 'an'
}
