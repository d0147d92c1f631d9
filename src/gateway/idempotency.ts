// Requests that carry a key: the same request again gets the first answer again. What has been
// kept is remembered by the spool; here are the keys of requests that are under way.

import type { KnownIdempotency } from '../spool/index.ts'

/** 1 to 256 visible ASCII characters. */
export const IDEMPOTENCY_KEY_PATTERN = /^[\x21-\x7e]{1,256}$/

export type Claim =
  /** Nobody had the key; whoever claimed it releases it. */
  | { readonly kind: 'mine' }
  /** A request with it has not been answered yet. */
  | { readonly kind: 'running' }
  /** It stands for another request. */
  | { readonly kind: 'mismatch' }
  | { readonly kind: 'known'; readonly entry: KnownIdempotency }

export interface IdempotencyKeys {
  /** Asks for a key; `told` is called exactly once, now or later. */
  claim(key: string, bodyHash: Uint8Array, told: (claim: Claim) => void): void
  /** The request that got the key has been answered, or nothing of it was kept. */
  release(key: string): void
}

/** The keys of one process. */
export class LocalKeys implements IdempotencyKeys {
  readonly #known: (key: string) => KnownIdempotency | null
  /** Bounded by `admission.maxOpenRequests`. */
  readonly #running = new Map<string, Uint8Array>()

  constructor(known: (key: string) => KnownIdempotency | null) {
    this.#known = known
  }

  claim(key: string, bodyHash: Uint8Array, told: (claim: Claim) => void): void {
    told(this.#claim(key, bodyHash))
  }

  release(key: string): void {
    this.#running.delete(key)
  }

  #claim(key: string, bodyHash: Uint8Array): Claim {
    const running = this.#running.get(key)
    if (running !== undefined) {
      return { kind: isSame(running, bodyHash) ? 'running' : 'mismatch' }
    }
    const entry = this.#known(key)
    if (entry === null) {
      this.#running.set(key, bodyHash)
      return { kind: 'mine' }
    }
    return isSame(entry.bodyHash, bodyHash) ? { kind: 'known', entry } : { kind: 'mismatch' }
  }
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0
}
