// Node's clocks. One Node timer serves all scheduled tasks, because ours ask for fractions of a
// millisecond, are cancelled far more often than they run, and must never run early: Node counts
// whole milliseconds and may wake up to one too soon.

// Imported, because the global one is a getter, which costs as much as the clock itself.
import { performance } from 'node:perf_hooks'
import type { Clock, Timer } from '../clock.ts'
import { TimerQueue } from '../timer-queue.ts'

/** Node turns a longer delay into 1 ms; we wake in between instead. */
const TIMEOUT_MAX_MS = 2 ** 31 - 1

export interface NodeClockOptions {
  /**
   * Whether a scheduled task keeps the process from ending. True unless told otherwise: a record
   * that waits for company in a buffer must not be lost because nothing else is going on.
   */
  readonly keepsProcessAlive?: boolean
}

export class NodeClock implements Clock {
  readonly #keepsProcessAlive: boolean
  readonly #queue = new TimerQueue(() => this.#timeout?.unref())
  readonly #run = () => this.#runDue()
  #timeout: NodeJS.Timeout | null = null
  #immediate: NodeJS.Immediate | null = null
  /** When the Node timer rings, at the latest. */
  #wakeAtMs = Number.POSITIVE_INFINITY

  constructor({ keepsProcessAlive = true }: NodeClockOptions = {}) {
    this.#keepsProcessAlive = keepsProcessAlive
  }

  monotonicMs(): number {
    return performance.now()
  }

  wallMs(): number {
    return Date.now()
  }

  schedule(atMs: number, task: () => void): Timer {
    const timer = this.#queue.add(atMs, task)
    // What is due must not wait for Node's timer for an earlier one, which rings up to 1 ms late.
    if (timer.place === 0 || atMs <= performance.now()) this.#arm(atMs)
    return timer
  }

  #arm(atMs: number): void {
    if (this.#immediate !== null) return
    const delayMs = atMs - performance.now()
    if (delayMs <= 0) {
      this.#immediate = setImmediate(this.#run)
      if (!this.#keepsProcessAlive) this.#immediate.unref()
      return
    }
    if (atMs >= this.#wakeAtMs) {
      if (this.#keepsProcessAlive) this.#timeout?.ref()
      return
    }
    if (this.#timeout !== null) clearTimeout(this.#timeout)
    this.#wakeAtMs = atMs
    this.#timeout = setTimeout(this.#run, Math.min(Math.ceil(delayMs), TIMEOUT_MAX_MS))
    if (!this.#keepsProcessAlive) this.#timeout.unref()
  }

  #runDue(): void {
    if (this.#timeout !== null) clearTimeout(this.#timeout)
    this.#timeout = null
    this.#immediate = null
    this.#wakeAtMs = Number.POSITIVE_INFINITY
    // What the tasks schedule waits for the next turn, however soon it is due: input and output
    // get theirs in between.
    const firstOfNextTurn = this.#queue.nextSequence
    const nowMs = performance.now()
    try {
      let timer = this.#queue.first()
      while (timer !== undefined && timer.atMs <= nowMs && timer.sequence < firstOfNextTurn) {
        this.#queue.takeFirst()
        timer.task()
        timer = this.#queue.first()
      }
    } finally {
      const first = this.#queue.first()
      if (first !== undefined) this.#arm(first.atMs)
    }
  }
}
