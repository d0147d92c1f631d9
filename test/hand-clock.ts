// A clock that a test moves by hand.

import type { Clock, Timer } from '../src/host/index.ts'

interface Task {
  readonly atMs: number
  readonly order: number
  readonly run: () => void
}

export class HandClock implements Clock {
  /** Added to the monotonic time; move it to make the wall clock jump. */
  wallOffsetMs = 1_700_000_000_000
  #nowMs = 0
  #order = 0
  #tasks: Task[] = []

  monotonicMs(): number {
    return this.#nowMs
  }

  wallMs(): number {
    return this.#nowMs + this.wallOffsetMs
  }

  schedule(atMs: number, run: () => void): Timer {
    const task = { atMs: Math.max(atMs, this.#nowMs), order: this.#order++, run }
    this.#tasks.push(task)
    return {
      cancel: () => {
        this.#tasks = this.#tasks.filter((other) => other !== task)
      },
    }
  }

  get scheduledCount(): number {
    return this.#tasks.length
  }

  /** The instant of the next task, or the end of time. */
  nextAtMs(): number {
    return this.#tasks.reduce((least, task) => Math.min(least, task.atMs), Number.POSITIVE_INFINITY)
  }

  /** Runs all that is due until then, in order. */
  advanceTo(atMs: number): void {
    for (let task = this.#next(atMs); task !== undefined; task = this.#next(atMs)) {
      this.#tasks = this.#tasks.filter((other) => other !== task)
      this.#nowMs = task.atMs
      task.run()
    }
    this.#nowMs = atMs
  }

  advanceBy(ms: number): void {
    this.advanceTo(this.#nowMs + ms)
  }

  #next(atMs: number): Task | undefined {
    return this.#tasks
      .filter((task) => task.atMs <= atMs)
      .sort((a, b) => a.atMs - b.atMs || a.order - b.order)[0]
  }
}
