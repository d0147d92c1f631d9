// How fast records settle, measured: from it comes the time after which it is worth to come back.

import type { Random } from '../host/index.ts'

/** The past counts with a weight that falls to 1/e in this time. */
const MEMORY_MS = 5000
const RETRY_AFTER_MIN_S = 1
const RETRY_AFTER_MAX_S = 60
/** Those who were refused together come back within a quarter more than the time they are told. */
const SPREAD = 0.25

export class DrainRate {
  /** Records that settled, and busy milliseconds in which they did: both fade alike. */
  #settledCount = 0
  #busyMs = 0
  #atMs = 0

  /** Something is outstanding from now on; the time before was idle and says nothing. */
  busyFrom(nowMs: number): void {
    this.#atMs = nowMs
  }

  /** Some records settled. */
  settled(count: number, nowMs: number): void {
    this.#fade(nowMs)
    this.#settledCount += count
  }

  /**
   * Whole seconds, 1 to 60, until `backlog` records will have drained, spread so that those who
   * were refused together do not come back together.
   */
  retryAfterSeconds(backlog: number, nowMs: number, random: Random): number {
    this.#fade(nowMs)
    const drainMs = (backlog * this.#busyMs) / this.#settledCount
    return retryAfter(Number.isNaN(drainMs) ? 0 : drainMs / 1000, random)
  }

  #fade(nowMs: number): void {
    const elapsedMs = nowMs - this.#atMs
    const share = Math.exp(-elapsedMs / MEMORY_MS)
    this.#settledCount *= share
    this.#busyMs = this.#busyMs * share + MEMORY_MS * (1 - share)
    this.#atMs = nowMs
  }
}

/** Whole seconds, 1 to 60, at least as many as are asked for, spread by a quarter. */
export function retryAfter(seconds: number, random: Random): number {
  const least = Math.max(RETRY_AFTER_MIN_S, Math.min(RETRY_AFTER_MAX_S / (1 + SPREAD), seconds))
  return Math.ceil(least * (1 + (SPREAD * random.below(1024)) / 1024))
}
