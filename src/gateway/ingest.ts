// From a request's head and body to a user record's fields, or to the answer that says why not.

import type { HttpAnswer } from '../host/index.ts'
import { keyProblem, STREAM_NAME_PATTERN } from '../record/index.ts'
import { NO_PARTITION_KEY, NO_STREAM_NAME } from './answers.ts'
import { findJson, textOfJson } from './json-scan.ts'
import { JsonError, type JsonValue, soughtAt } from './json-value.ts'
import { PARTITION_KEY } from './mapped-field.ts'
import { problem } from './problem.ts'

export interface Ingested {
  readonly stream: string
  readonly partitionKey: string
  readonly data: Uint8Array
  /** Made of the id that the record brings along; null where none is asked for. */
  readonly idempotencyKey: string | null
}

/** Reads the record out of a body. */
export type Ingest = (body: Buffer) => Ingested | HttpAnswer

/** Wraps an ingest so that what is no JSON becomes its answer. */
export function reading(ingest: Ingest): Ingest {
  return (body) => {
    try {
      return ingest(body)
    } catch (error) {
      if (!(error instanceof JsonError)) throw error
      const code = error.code === 'too-deep' ? 'body-too-deep' : 'body-not-json'
      return problem(code, `The body has ${error.message}. Nothing was stored.`)
    }
  }
}

/**
 * `{"streamName","key","data"}`: a text's own bytes are stored, any other value as it is written.
 */
export const ingestWriteToStream: Ingest = reading((body) => {
  const [streamName, key, data] = findJson(body, MEMBERS)
  const stream = streamName?.type === 'string' ? textOfJson(body, streamName) : ''
  if (stream === '') return NO_STREAM_NAME
  const partitionKey = key && PARTITION_KEY.types.includes(key.type) ? textOfJson(body, key) : ''
  if (partitionKey === '') return NO_PARTITION_KEY
  if (!STREAM_NAME_PATTERN.test(stream)) {
    const allowed = '1 to 128 of letters, digits and _ . - are allowed'
    return problem(
      'stream-name-invalid',
      `streamName cannot be ${JSON.stringify(stream)}: ${allowed}.`,
    )
  }
  const wrong = keyProblem(partitionKey)
  if (wrong !== null) return problem('key-invalid', `key ${wrong}.`)
  if (!data || data.type === 'null')
    return problem('data-not-specified', 'data is missing; an empty text is allowed.')
  const bytes = dataOf(body, data)
  if (bytes === null)
    return problem('data-invalid', 'data has half of a surrogate pair in it, which has no bytes.')
  return { stream, partitionKey, data: bytes, idempotencyKey: null }
})

const MEMBERS = soughtAt(['streamName'], ['key'], ['data'])

/** Null for a text that would be another one in UTF-8. */
function dataOf(body: Buffer, value: JsonValue): Buffer | null {
  if (value.type !== 'string') return Buffer.from(body.subarray(value.start, value.end))
  const text = textOfJson(body, value)
  return text.isWellFormed() ? Buffer.from(text, 'utf8') : null
}
