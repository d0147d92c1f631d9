// How fast records settle, measured: from it comes the time after which it is worth to come back.

import type { Random } from '../host/index.ts'

/** The past counts with a weight that falls to 1/e in this time. */
const MEMORY_MS = 5000
const RETRY_AFTER_MIN_S = 1
const RETRY_AFTER_MAX_S = 60

export class DrainRate {
  #perMs = 0
  #atMs = 0

  /** Some records settled. */
  settled(count: number, nowMs: number): void {
    this.#fade(nowMs)
    this.#perMs += count / MEMORY_MS
  }

  perSecond(nowMs: number): number {
    this.#fade(nowMs)
    return this.#perMs * 1000
  }

  /**
   * Whole seconds, 1 to 60, until `backlog` records will have drained, spread by up to a quarter so
   * that those who were refused together do not come back together.
   */
  retryAfterSeconds(backlog: number, nowMs: number, random: Random): number {
    const spread = 1 + random.below(256) / 1024
    const seconds = Math.ceil((backlog / this.perSecond(nowMs)) * spread)
    if (Number.isNaN(seconds)) return RETRY_AFTER_MIN_S
    return Math.min(RETRY_AFTER_MAX_S, Math.max(RETRY_AFTER_MIN_S, seconds))
  }

  #fade(nowMs: number): void {
    const elapsedMs = nowMs - this.#atMs
    if (elapsedMs <= 0) return
    this.#perMs *= Math.exp(-elapsedMs / MEMORY_MS)
    this.#atMs = nowMs
  }
}
