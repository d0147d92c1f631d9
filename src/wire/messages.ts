// Requests and answers of any action, as plain objects with the service's field names. The two
// formats differ in bytes and instants; on this side of the door they do not.

import { decodeCbor } from './cbor-reader.ts'
import { encodeCbor } from './cbor-writer.ts'
import { EpochMs } from './epoch-ms.ts'
import { ProtocolError } from './protocol-error.ts'
import type { WireFormat } from './wire-format.ts'

/**
 * The body of a request. Bytes are `Uint8Array`s; instants, in fields whose names end in
 * `Timestamp`, are seconds since the epoch with a fraction, as the JSON API has them.
 */
export function encodeRequest(format: WireFormat, _action: string, payload: object): Buffer {
  if (format === 'cbor') return encodeCbor(toCbor(payload, ''))
  return Buffer.from(JSON.stringify(toJson(payload)))
}

/**
 * An answer's fields: bytes in fields named `Data` are Buffers (views, where the format allows it),
 * instants are seconds with a fraction. Throws only `ProtocolError`.
 */
export function decodeAnswer(format: WireFormat, body: Uint8Array): unknown {
  return format === 'cbor' ? fromCbor(decodeCbor(body)) : fromJson(decodeJson(body), '')
}

/** Nesting of a JSON body; the deepest of the service's own is five. */
const JSON_MAX_DEPTH = 32

/** Parses JSON. Throws only `ProtocolError`. */
export function decodeJson(body: Uint8Array): unknown {
  const text = Buffer.from(body.buffer, body.byteOffset, body.length).toString('utf8')
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new ProtocolError(`JSON: ${(error as Error).message}`)
  }
}

/** The object of a body, or a `ProtocolError`. */
export function decodeObject(format: WireFormat, body: Uint8Array): Record<string, unknown> {
  const value = format === 'cbor' ? decodeCbor(body) : decodeJson(body)
  return objectOf(value, 'the answer')
}

/** `value` when it is an object that is no array; else a `ProtocolError` that names `what`. */
export function objectOf(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ProtocolError(`${what} is no object`)
  }
  return value as Record<string, unknown>
}

function isInstant(name: string): boolean {
  return name.endsWith('Timestamp')
}

function toJson(value: unknown): unknown {
  if (value instanceof Uint8Array) {
    return Buffer.from(value.buffer, value.byteOffset, value.length).toString('base64')
  }
  if (value instanceof EpochMs) return value.ms / 1000
  return mapped(value, (member) => toJson(member))
}

function toCbor(value: unknown, name: string): unknown {
  if (typeof value === 'number' && isInstant(name)) return new EpochMs(Math.round(value * 1000))
  if (value instanceof Uint8Array || value instanceof EpochMs) return value
  return mapped(value, toCbor)
}

function fromCbor(value: unknown): unknown {
  if (value instanceof Uint8Array) return value
  if (value instanceof EpochMs) return value.ms / 1000
  return mapped(value, (member) => fromCbor(member))
}

function fromJson(value: unknown, name: string, depth = 0): unknown {
  if (depth > JSON_MAX_DEPTH) throw new ProtocolError(`JSON: more than ${JSON_MAX_DEPTH} levels`)
  if (typeof value === 'string' && name === 'Data') return Buffer.from(value, 'base64')
  return mapped(value, (member, memberName) => fromJson(member, memberName, depth + 1))
}

/** The same array or object with each member put through `change`; anything else as it is. */
function mapped(value: unknown, change: (member: unknown, name: string) => unknown): unknown {
  if (Array.isArray(value)) return value.map((member) => change(member, ''))
  if (typeof value !== 'object' || value === null) return value
  // Through entries: a field called __proto__ stays a field.
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, change(member, name)]),
  )
}
