import type { Quantiles } from './generator.ts'

/** Steps of 50 µs up to 10 s; what is longer counts as that. */
const STEP_MS = 0.05
const STEP_COUNT = 200_000

export class Latencies {
  readonly #counts = new Uint32Array(STEP_COUNT + 1)
  #count = 0
  #maxMs = 0

  add(ms: number): void {
    const step = Math.floor(Math.max(0, ms) / STEP_MS)
    this.#counts[Math.min(step, STEP_COUNT)]!++
    this.#count++
    this.#maxMs = Math.max(this.#maxMs, ms)
  }

  quantiles(): Quantiles {
    return { p50: this.#quantile(0.5), p99: this.#quantile(0.99), max: this.#maxMs }
  }

  /** The upper end of the step in which it is; 0 when there is nothing. */
  #quantile(part: number): number {
    let left = part * this.#count
    if (left === 0) return 0
    const step = this.#counts.findIndex((count) => {
      left -= count
      return left <= 0
    })
    return (step + 1) * STEP_MS
  }
}
