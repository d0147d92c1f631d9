// Samples how many records are pending, each 200 ms as the KPL does, but without a timer: the
// number only changes when something happens, so what happens next brings the samples up to date.

import { type Accumulator, WINDOW_MAX_SECONDS } from './accumulator.ts'

const SAMPLE_EVERY_MS = 200
const SECOND_MS = 1000
const LONGEST_WINDOW_MS = WINDOW_MAX_SECONDS * SECOND_MS

export class PendingSampler {
  readonly #into: Accumulator
  #nextAtMs: number

  constructor(into: Accumulator, nowMs: number) {
    this.#into = into
    this.#nextAtMs = nowMs + SAMPLE_EVERY_MS
  }

  /** Takes the samples that are due: `count` was pending since the last call. */
  catchUp(nowMs: number, count: number): void {
    if (nowMs >= this.#nextAtMs) this.#sample(nowMs, count)
  }

  #sample(nowMs: number, count: number): void {
    // What no window can see any more is added in one piece.
    this.#add(Math.floor((nowMs - LONGEST_WINDOW_MS - this.#nextAtMs) / SAMPLE_EVERY_MS), count)
    while (this.#nextAtMs <= nowMs) {
      const secondEndsAtMs = (Math.floor(this.#nextAtMs / SECOND_MS) + 1) * SECOND_MS
      const isOver = secondEndsAtMs <= nowMs
      const samples = ((isOver ? secondEndsAtMs : nowMs) - this.#nextAtMs) / SAMPLE_EVERY_MS
      this.#add(isOver ? Math.ceil(samples) : Math.floor(samples) + 1, count)
    }
  }

  #add(samples: number, count: number): void {
    if (samples <= 0) return
    const values = { count: samples, sum: samples * count, min: count, max: count }
    this.#into.addAll(values, this.#nextAtMs)
    this.#nextAtMs += samples * SAMPLE_EVERY_MS
  }
}
