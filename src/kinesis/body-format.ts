// The two ways in which a body is written. The answer uses the request's.

import { decodeCbor, EpochMs, encodeCbor, ProtocolError } from '../wire/index.ts'
import type { FormatReader } from './field.ts'
import { serialization } from './service-error.ts'

export interface BodyFormat extends FormatReader {
  readonly contentType: string
  /** Throws a `ServiceError` when the body is not written this way. */
  decode(body: Buffer): unknown
  encode(value: object): Buffer | string
}

export const JSON_FORMAT: BodyFormat = {
  contentType: 'application/x-amz-json-1.1',

  decode(body) {
    try {
      return JSON.parse(body.toString('utf8'))
    } catch {
      throw serialization('The body is not valid JSON.')
    }
  },

  encode: (value) =>
    // An instant is seconds with a fraction here.
    JSON.stringify(value, (_, field: unknown) =>
      field instanceof EpochMs ? field.ms / 1000 : field,
    ),

  blob(value) {
    if (typeof value !== 'string') return null
    const problem = base64Problem(value)
    if (problem !== null) {
      throw serialization(`'${shortened(value)}' can not be converted to a Blob: ${problem}`)
    }
    return Buffer.from(value, 'base64')
  },

  timestamp: (value) => (typeof value === 'number' ? value * 1000 : null),
}

export const CBOR_FORMAT: BodyFormat = {
  contentType: 'application/x-amz-cbor-1.1',

  decode(body) {
    try {
      return decodeCbor(body)
    } catch (error) {
      if (error instanceof ProtocolError) throw serialization(error.message)
      throw error
    }
  },

  encode: encodeCbor,

  blob: (value) => (Buffer.isBuffer(value) ? value : null),

  timestamp: (value) => (value instanceof EpochMs ? value.ms : null),
}

/** The format of a Content-Type header, or null. */
/** Of a header, without its parameters. */
export function contentTypeOf(header: string | null): string {
  return (header ?? '').split(';', 1)[0]!.trim().toLowerCase()
}

export function formatOf(contentType: string): BodyFormat | null {
  if (contentType === JSON_FORMAT.contentType) return JSON_FORMAT
  return contentType === CBOR_FORMAT.contentType ? CBOR_FORMAT : null
}

/** Whether a text is base64 as the service takes it: padded, its own alphabet, no stray bits. */
export function isBase64(text: string, decodedBytes: number): boolean {
  return (
    text.length % 4 === 0 &&
    decodedBytes === base64DecodedBytes(text) &&
    // Node takes base64url's letters too.
    !text.includes('-') &&
    !text.includes('_') &&
    hasNoStrayBits(text)
  )
}

/** How many bytes the text stands for, when it is base64. */
export function base64DecodedBytes(text: string): number {
  const length = text.length
  if (length === 0) return 0
  const paddingCount = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  return (length / 4) * 3 - paddingCount
}

/** The bits of the last letter that belong to no byte are zero. */
function hasNoStrayBits(text: string): boolean {
  if (!text.endsWith('=')) return true
  const letters = text.endsWith('==') ? 'AQgw' : 'AEIMQUYcgkosw048'
  return letters.includes(text.charAt(text.indexOf('=', text.length - 2) - 1))
}

function base64Problem(text: string): string | null {
  if (text.length % 4 !== 0) {
    return `Base64 encoded length is expected a multiple of 4 bytes but found: ${text.length}`
  }
  const stray = /[^A-Za-z0-9+/=]|=(?!=?$)/.exec(text)
  if (stray !== null) return `Invalid Base64 character: '${stray[0]}'`
  return hasNoStrayBits(text) ? null : 'Invalid last non-pad Base64 character detected'
}

const SHOWN_MAX_CHARACTERS = 64

function shortened(text: string): string {
  return text.length <= SHOWN_MAX_CHARACTERS ? text : `${text.slice(0, SHOWN_MAX_CHARACTERS)}…`
}
