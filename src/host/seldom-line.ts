// A log line about what can happen thousands of times a second.

import type { Clock, Timer } from './clock.ts'

/** After a line, what happens is counted for that long and then told in one line. */
export const SELDOM_LINE_MS = 10_000

/** Told at once, but not once for each: then how often, and the last of them. */
export class SeldomLine<T> {
  readonly #clock: Clock
  readonly #say: (count: number, last: T) => void
  #count = 0
  #last: T | null = null
  #timer: Timer | null = null

  constructor(clock: Clock, say: (count: number, last: T) => void) {
    this.#clock = clock
    this.#say = say
  }

  add(last: T): void {
    this.#count++
    this.#last = last
    if (this.#timer === null) this.#tell()
  }

  /** Tells what has not been told. */
  flush(): void {
    this.#timer?.cancel()
    this.#timer = null
    this.#empty()
  }

  #tell(): void {
    this.#empty()
    this.#timer = this.#clock.schedule(this.#clock.monotonicMs() + SELDOM_LINE_MS, () => {
      this.#timer = null
      if (this.#count > 0) this.#tell()
    })
  }

  #empty(): void {
    const count = this.#count
    if (count === 0) return
    const last = this.#last!
    this.#count = 0
    this.#last = null
    this.#say(count, last)
  }
}
