// What the service hands out and gets back unread: shard iterators and tokens for the next page.
// Opaque to clients and not to be forged; everything is in the text, nothing is remembered.
//
//     ┌──────┬───────────────┬──────────────────────────┬──────────────┐
//     │ kind │ made at, ms   │ content                  │ HMAC-SHA-256 │   in base64
//     │ u8   │ u48           │ JSON                     │ 16 bytes     │
//     └──────┴───────────────┴──────────────────────────┴──────────────┘

import { createHmac, timingSafeEqual } from 'node:crypto'

/** What a token is for: one kind is not taken for another. */
export type TokenKind = 'iterator' | 'shards' | 'streams'

const KIND_BYTES = { iterator: 1, shards: 2, streams: 3 } as const
const HEAD_BYTES = 7
const MAC_BYTES = 16
const TIME_MAX = 2 ** 48 - 1

export interface OpenedToken {
  readonly madeAtMs: number
  readonly content: unknown
}

export class TokenSealer {
  readonly #key: Buffer

  /** `key`: 32 bytes, kept with the streams, so that a token outlives a restart. */
  constructor(key: Buffer) {
    this.#key = key
  }

  seal(kind: TokenKind, madeAtMs: number, content: readonly (string | number)[]): string {
    const body = Buffer.from(JSON.stringify(content))
    const token = Buffer.allocUnsafe(HEAD_BYTES + body.length + MAC_BYTES)
    token[0] = KIND_BYTES[kind]
    token.writeUIntBE(Math.min(TIME_MAX, Math.max(0, Math.floor(madeAtMs))), 1, 6)
    body.copy(token, HEAD_BYTES)
    const signed = token.subarray(0, HEAD_BYTES + body.length)
    this.#macOf(signed).copy(token, signed.length)
    return token.toString('base64')
  }

  /** What was sealed, or null when the text is no token of this kind from us. */
  open(kind: TokenKind, text: string): OpenedToken | null {
    const token = Buffer.from(text, 'base64')
    if (token.length <= HEAD_BYTES + MAC_BYTES || token.toString('base64') !== text) return null
    const signed = token.subarray(0, token.length - MAC_BYTES)
    const mac = token.subarray(token.length - MAC_BYTES)
    if (!timingSafeEqual(this.#macOf(signed), mac) || token[0] !== KIND_BYTES[kind]) return null
    const content: unknown = JSON.parse(signed.toString('utf8', HEAD_BYTES))
    return { madeAtMs: token.readUIntBE(1, 6), content }
  }

  #macOf(bytes: Buffer): Buffer {
    return createHmac('sha256', this.#key).update(bytes).digest().subarray(0, MAC_BYTES)
  }
}
