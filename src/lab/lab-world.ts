// Virtual time for experiments: an hour of a million requests in seconds. The world of `sim/` looks
// for mistakes, so it traces every event and gives promises a turn after each; here most events are
// a thread's next request, which waits for no promise, and a turn is given where one is due.

import type { Clock, Timer } from '../host/index.ts'
import { TimerQueue } from '../host/index.ts'
import { nextTurn } from '../sim/index.ts'

/** 2026-11-23T00:00:00Z, when the world's wall clock begins; the same as in `sim/`. */
const WALL_EPOCH_MS = 1_795_392_000_000

export class LabWorld {
  /** The clock of what runs in the world: its tasks may wait for promises. */
  readonly clock: Clock
  readonly #queue = new TimerQueue()
  #nowMs = 0
  #isTurnDue = true

  constructor() {
    this.clock = {
      monotonicMs: () => this.#nowMs,
      wallMs: () => Math.floor(WALL_EPOCH_MS + this.#nowMs),
      schedule: (atMs, task) =>
        this.schedule(atMs, () => {
          this.#isTurnDue = true
          task()
        }),
    }
  }

  get nowMs(): number {
    return this.#nowMs
  }

  /** For tasks that touch no promise. Those that do call `promised`. */
  schedule(atMs: number, task: () => void): Timer {
    return this.#queue.add(Math.max(atMs, this.#nowMs), task)
  }

  /** Something happened that promises wait for: they get their turn before time goes on. */
  promised(): void {
    this.#isTurnDue = true
  }

  /** Lets time pass until `isOver`, or until nothing is left to happen. */
  async run(isOver: () => boolean): Promise<void> {
    for (;;) {
      if (this.#isTurnDue) {
        this.#isTurnDue = false
        await new Promise<void>(nextTurn)
        continue
      }
      if (isOver()) return
      const event = this.#queue.takeFirst()
      if (event === undefined) return
      this.#nowMs = event.atMs
      event.task()
    }
  }
}
