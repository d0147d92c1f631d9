// Waiting on behalf of faults, until the service closes.

import type { Clock, Timer } from '../../host/index.ts'

export class Delays {
  readonly #clock: Clock
  /** Bounded by the bodies in flight: each delayed request holds its own. */
  readonly #waiting = new Map<Timer, (isOpen: boolean) => void>()
  #isOpen = true

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Resolves when the time is over, or with false when the service closes before that. */
  wait(delayMs: number): Promise<boolean> {
    if (delayMs === 0 || !this.#isOpen) return Promise.resolve(this.#isOpen)
    return new Promise((resolve) => {
      const timer = this.#clock.schedule(this.#clock.monotonicMs() + delayMs, () => {
        this.#waiting.delete(timer)
        resolve(true)
      })
      this.#waiting.set(timer, resolve)
    })
  }

  close(): void {
    this.#isOpen = false
    for (const [timer, resolve] of this.#waiting) {
      timer.cancel()
      resolve(false)
    }
    this.#waiting.clear()
  }
}
