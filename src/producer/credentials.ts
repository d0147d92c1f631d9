// Keys to sign with: fetched once, kept until shortly before they expire, fetched again when the
// service refuses them.

import { type Clock, messageOf, until } from '../host/index.ts'
import type { Credentials } from '../wire/index.ts'

/** Where credentials come from: the SDK's provider chain, or fixed ones. May reject. */
export type CredentialsProvider = () => Promise<Credentials>

/** Credentials that expire sooner are fetched again before they are used. As the SDKs do. */
const REFRESH_BEFORE_EXPIRY_MS = 5 * 60_000
/**
 * A provider that failed is not asked again sooner, and who has no keys waits until then: refused
 * at once, its records would come again at once, and nothing else would get a turn.
 */
const ASK_AGAIN_AFTER_MS = 1000
/**
 * Refused keys are fetched again at once; when those that came are refused as well, no sooner than
 * after this, twice as long with each that follows, up to the longest: not so long that a record of
 * 30 s would miss other keys. Meanwhile the keys there are serve on, at the pace of the backoff, so
 * that each attempt tells what the service says.
 */
const RENEW_MIN_MS = 1000
const RENEW_MAX_MS = 10_000

/** A line's end is the usual one of the others: the keys were read from a file. */
const HEADER_TEXT = /^[\x21-\x7e]*$/

export class CredentialsKeeper {
  readonly #clock: Clock
  readonly #provider: CredentialsProvider
  #kept: Credentials | null = null
  #fetching: Promise<Credentials | { problem: string }> | null = null
  #problem = ''
  #askAgainAtMs = Number.NEGATIVE_INFINITY
  #renewWaitMs = RENEW_MIN_MS
  /** Refused keys are not fetched again sooner. */
  #renewAtMs = Number.NEGATIVE_INFINITY

  constructor(clock: Clock, provider: CredentialsProvider) {
    this.#clock = clock
    this.#provider = provider
  }

  /** Usable credentials, or null when they must be fetched. */
  current(): Credentials | null {
    const kept = this.#kept
    if (kept?.expiresAtMs === undefined) return kept
    return this.#clock.wallMs() < kept.expiresAtMs - REFRESH_BEFORE_EXPIRY_MS ? kept : null
  }

  /** Fetches; all who ask meanwhile wait for the same answer. Never rejects. */
  fetch(): Promise<Credentials | { problem: string }> {
    if (this.#fetching !== null) return this.#fetching
    const fetching = this.#ask()
    this.#fetching = fetching
    // Here and not within: an answer that needs no waiting is there before it has been kept.
    fetching.then(() => {
      this.#fetching = null
    })
    return fetching
  }

  /** Why there were none when the provider was asked last; empty when there were. */
  get problem(): string {
    return this.#problem
  }

  /**
   * The service refused these: the next call fetches, unless that was done just now. Of many
   * requests that were signed with them only the first says something new.
   */
  forget(refused: Credentials): void {
    const nowMs = this.#clock.monotonicMs()
    if (this.#kept !== refused || nowMs < this.#renewAtMs) return
    const isInARow = nowMs < this.#renewAtMs + RENEW_MAX_MS
    this.#renewWaitMs = isInARow ? Math.min(2 * this.#renewWaitMs, RENEW_MAX_MS) : RENEW_MIN_MS
    this.#renewAtMs = nowMs + this.#renewWaitMs
    this.#kept = null
  }

  async #ask(): Promise<Credentials | { problem: string }> {
    try {
      if (this.#isTooEarly() && this.#usable() === null) await this.#untilAskAgain()
      if (!this.#isTooEarly()) this.#keep(await this.#provider())
    } catch (error) {
      this.#problem = messageOf(error)
      this.#askAgainAtMs = this.#clock.monotonicMs() + ASK_AGAIN_AFTER_MS
    }
    return this.#usable() ?? { problem: this.#problem }
  }

  /** Throws for keys that no request can be signed with. */
  #keep(keys: Credentials): void {
    const { accessKeyId, sessionToken = '', expiresAtMs = Number.POSITIVE_INFINITY } = keys
    for (const [name, text] of Object.entries({ accessKeyId, sessionToken })) {
      if (!HEADER_TEXT.test(text)) throw new Error(`${name} has a character that no header takes`)
    }
    if (expiresAtMs <= this.#clock.wallMs()) throw new Error('the keys have expired')
    this.#kept = keys
    this.#problem = ''
  }

  /** Old keys are worth a try as long as they have not expired. */
  #usable(): Credentials | null {
    const kept = this.#kept
    return this.#clock.wallMs() < (kept?.expiresAtMs ?? Infinity) ? kept : null
  }

  #isTooEarly(): boolean {
    return this.#clock.monotonicMs() < this.#askAgainAtMs
  }

  #untilAskAgain(): Promise<void> {
    return until(this.#clock, this.#askAgainAtMs)
  }
}
