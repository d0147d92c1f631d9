// Notices a process that runs and says nothing any more: stopped, or in a loop without end. Silence
// is counted in looks of ours, not by the clock: while we ourselves do not run (a machine that
// sleeps, a process that is stopped) no look happens, however much later the next one is, and
// between two looks what was said meanwhile is heard. Any message is a sign of life; giving one
// that is asked for takes a turn of the event loop, so who is busy reading a large spool can.

import type { Clock, Timer } from '../host/index.ts'

/** Time between two looks. */
export const WATCH_EACH_MS = 1_000

interface Watched {
  readonly ask: () => void
  readonly onSilent: (silentMs: number) => void
  hasSpoken: boolean
  silentCount: number
}

export class Watch {
  readonly #clock: Clock
  readonly #silenceMaxMs: number
  readonly #watched = new Map<number, Watched>()
  #timer: Timer | null = null

  /** Infinity for no end. */
  constructor(clock: Clock, silenceMaxMs: number) {
    this.#clock = clock
    this.#silenceMaxMs = silenceMaxMs
  }

  /** `onSilent` is called at most once, and then it is watched no more. */
  begin(index: number, ask: () => void, onSilent: (silentMs: number) => void): void {
    if (this.#silenceMaxMs === Number.POSITIVE_INFINITY) return
    this.#watched.set(index, { ask, onSilent, hasSpoken: true, silentCount: 0 })
    this.#timer ??= this.#wake()
  }

  heard(index: number): void {
    const watched = this.#watched.get(index)
    if (watched !== undefined) watched.hasSpoken = true
  }

  end(index: number): void {
    this.#watched.delete(index)
    if (this.#watched.size > 0) return
    this.#timer?.cancel()
    this.#timer = null
  }

  /** The next look is that much after this one, also where this one is late. */
  #wake(): Timer {
    return this.#clock.schedule(this.#clock.monotonicMs() + WATCH_EACH_MS, () => this.#look())
  }

  #look(): void {
    this.#timer = this.#wake()
    for (const [index, watched] of [...this.#watched]) {
      if (watched.hasSpoken) {
        watched.hasSpoken = false
        watched.silentCount = 0
        watched.ask()
        continue
      }
      watched.silentCount++
      const silentMs = watched.silentCount * WATCH_EACH_MS
      if (silentMs < this.#silenceMaxMs) continue
      this.end(index)
      watched.onSilent(silentMs)
    }
  }
}
