// The requests that are sent: each has a record with an id, and every kind of door is used.

import type { SimRandom } from '../../src/sim/index.ts'
import type { Sent } from './client.ts'

const PAD_MAX_BYTES = 2000
/** Every so many records one is large. */
const LARGE_EACH = 211
const LARGE_MIN_BYTES = 60_000
const LARGE_MAX_BYTES = 400_000

/** Keys that a header names, few enough that their shards are known. */
const KEY_COUNT = 40

/** The mappings that the requests below want, and the streams that they go to. */
export const MAPPINGS = `
mappings:
  - { resource: live, stream: live, location: body, specification: /id }
  - { resource: header, stream: live, location: header, specification: S1KEY }
  - { resource: gone, stream: gone, location: body, specification: /id }
`
/** Where idempotency is kept. */
export const ID_MAPPING = `\
  - resource: ids
    stream: live
    location: body
    specification: /id
    recordId: { location: body, specification: /id }
`
export const STREAM = 'live'

export interface Drawn extends Sent {
  /** Sent again it is stored once: it has an idempotency key, or its record an id. */
  readonly isRepeatable: boolean
}

/** Of 1000 requests. */
const ODDS = [
  ['live', 550],
  ['header', 100],
  ['key', 150],
  ['ids', 100],
  ['write', 70],
  ['gone', 30],
] as const

/** `isIdempotent`: whether the gateway keeps keys and ids. */
export function drawRequest(
  random: SimRandom,
  id: number,
  { ack, isIdempotent }: { readonly ack: string; readonly isIdempotent: boolean },
): Drawn {
  let left = random.below(1000)
  const [kind] = ODDS.find(([, odds]) => {
    left -= odds
    return left < 0
  })!
  const key = `key-${random.below(KEY_COUNT)}`
  const headers = { 'content-type': 'application/json', 'headgate-ack': ack }
  const body = bodyOf(id)
  const mapped = (resource: string, more: Record<string, string> = {}, isRepeatable = false) => {
    return {
      path: `/mappedIngest/${resource}`,
      headers: { ...headers, ...more },
      body,
      isRepeatable,
    }
  }
  if (kind === 'header') return mapped('header', { S1KEY: key })
  if (kind === 'gone') return mapped('gone')
  if (kind === 'key' && isIdempotent) return mapped('live', { 'idempotency-key': `k${id}` }, true)
  if (kind === 'ids' && isIdempotent) return mapped('ids', {}, true)
  if (kind === 'write') {
    const wrapped = JSON.stringify({ streamName: STREAM, key, data: body })
    return { path: '/writeToStream', headers, body: wrapped, isRepeatable: false }
  }
  return mapped('live')
}

/** The first id from this one on whose record is large. */
export function largeFrom(id: number): number {
  return id + (LARGE_EACH - 1 - (id % LARGE_EACH))
}

/** The record with this id, always the same bytes. */
export function bodyOf(id: number): string {
  const draw = id * 7919
  const padBytes =
    largeFrom(id) === id
      ? LARGE_MIN_BYTES + (draw % (LARGE_MAX_BYTES - LARGE_MIN_BYTES))
      : draw % PAD_MAX_BYTES
  return `{"id":${id},"pad":"${String.fromCharCode(97 + (id % 26)).repeat(padBytes)}"}`
}

/** The id of a record, or null when its bytes are not those that were sent. */
export function idOf(data: string): number | null {
  const id = Number(/^\{"id":([0-9]{1,12}),/.exec(data)?.[1] ?? Number.NaN)
  return Number.isInteger(id) && data === bodyOf(id) ? id : null
}
