// From a request's head and body to a user record's fields, or to the answer that says why not.

import { isUtf8 } from 'node:buffer'
import { type HttpAnswer, type HttpHead, headerOf, isRepeated } from '../host/index.ts'
import { keyProblem, STREAM_NAME_PATTERN } from '../record/index.ts'
import { NO_PARTITION_KEY, NO_STREAM_NAME } from './answers.ts'
import { findJson, findMembers, textOfJson } from './json-scan.ts'
import { JsonError, type JsonName, type JsonValue, jsonName } from './json-value.ts'
import { problem } from './problem.ts'

export interface Ingested {
  readonly stream: string
  readonly partitionKey: string
  readonly data: Uint8Array
}

/** Reads the record out of a body. */
export type Ingest = (body: Buffer) => Ingested | HttpAnswer

/** Wraps an ingest so that what is no JSON becomes its answer. */
function reading(ingest: Ingest): Ingest {
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

/** A mapping with its key in the body: bytes stored as they came. */
export function ingestByPointer(
  stream: string,
  pointer: string,
  path: readonly JsonName[],
): Ingest {
  return reading((body) => {
    const value = findJson(body, path)
    const shown = pointer === '' ? 'the whole body' : pointer
    if (value === null) return problem('key-not-found', `There is nothing at ${shown} in the body.`)
    if (!isScalar(value)) {
      const detail = `At ${shown} there is ${value.type === 'null' ? 'null' : `an ${value.type}`}; text, a number or a boolean is needed.`
      return problem('key-not-scalar', detail)
    }
    const partitionKey = textOfJson(body, value)
    const wrong = keyProblem(partitionKey)
    if (wrong !== null) return problem('key-invalid', `The text at ${shown} ${wrong}.`)
    return { stream, partitionKey, data: body }
  })
}

/** A mapping with its key in a header, which the head has shown to be there. */
export function ingestByHeader(stream: string, partitionKey: string): Ingest {
  return reading((body) => {
    findJson(body, WHOLE)
    return { stream, partitionKey, data: body }
  })
}

/** The key that a header carries, or the answer that it is not there. */
export function keyOfHeader(
  head: HttpHead,
  name: string,
  lowerCaseName: string,
): string | HttpAnswer {
  const raw = headerOf(head.headers, lowerCaseName)
  if (raw === null) return problem('key-not-found', `The header ${name} is missing.`)
  if (isRepeated(head.headers, lowerCaseName)) {
    return problem('key-invalid', `The header ${name} must come once.`)
  }
  // Node reads header bytes as Latin-1; clients write UTF-8. Anything else would become the same
  // replacement characters for different keys.
  const bytes = Buffer.from(raw, 'latin1')
  const key = bytes.toString('utf8')
  const wrong = isUtf8(bytes) ? keyProblem(key) : 'is no UTF-8'
  if (wrong !== null) return problem('key-invalid', `The header ${name} ${wrong}.`)
  return key
}

/**
 * `{"streamName","key","data"}`: a text's own bytes are stored, any other value as it is written.
 */
export const ingestWriteToStream: Ingest = reading((body) => {
  const [streamName, key, data] = findMembers(body, MEMBERS)
  const stream = streamName?.type === 'string' ? textOfJson(body, streamName) : ''
  if (stream === '') return NO_STREAM_NAME
  const partitionKey = key && isScalar(key) ? textOfJson(body, key) : ''
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
  return { stream, partitionKey, data: dataOf(body, data) }
})

const WHOLE: readonly JsonName[] = []
const MEMBERS = ['streamName', 'key', 'data'].map(jsonName)

function isScalar({ type }: JsonValue): boolean {
  return type === 'string' || type === 'number' || type === 'boolean'
}

function dataOf(body: Buffer, value: JsonValue): Buffer {
  if (value.type === 'string') return Buffer.from(textOfJson(body, value), 'utf8')
  return Buffer.from(body.subarray(value.start, value.end))
}
