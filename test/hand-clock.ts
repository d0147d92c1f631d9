// A clock that a test moves by hand.

import type { Clock, Timer } from '../src/host/index.ts'
import { TimerQueue } from '../src/host/timer-queue.ts'

export class HandClock implements Clock {
  /** Added to the monotonic time; move it to make the wall clock jump. */
  wallOffsetMs = 1_700_000_000_000
  #nowMs = 0
  readonly #tasks = new TimerQueue()

  monotonicMs(): number {
    return this.#nowMs
  }

  wallMs(): number {
    return this.#nowMs + this.wallOffsetMs
  }

  schedule(atMs: number, run: () => void): Timer {
    return this.#tasks.add(Math.max(atMs, this.#nowMs), run)
  }

  get scheduledCount(): number {
    return this.#tasks.size
  }

  /** The instant of the next task, or the end of time. */
  nextAtMs(): number {
    return this.#tasks.first()?.atMs ?? Number.POSITIVE_INFINITY
  }

  /** Runs all that is due until then, in order. */
  advanceTo(atMs: number): void {
    while (this.nextAtMs() <= atMs) {
      const { atMs: dueAtMs, task } = this.#tasks.takeFirst()!
      this.#nowMs = dueAtMs
      task()
    }
    this.#nowMs = atMs
  }

  /** Nothing ran until then, as in a machine that slept; what is due runs late. */
  oversleepBy(ms: number): void {
    this.#nowMs += ms
    while (this.nextAtMs() <= this.#nowMs) this.#tasks.takeFirst()!.task()
  }

  advanceBy(ms: number): void {
    this.advanceTo(this.#nowMs + ms)
  }
}
