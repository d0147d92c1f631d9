// A closed loop, as JMeter's thread group: each thread sends, waits for its answer, and sends
// again. All have started when the ramp-up is over, one after the other at equal distances.

import type { Samples } from './samples.ts'
import type { Ending, LoadClock, Target } from './target.ts'

export interface ClosedPlan {
  readonly threads: number
  readonly rampUpMs: number
  /** Requests of each thread. */
  readonly loops: number
  /** No thread begins another request when so many have begun; null: each ends its loops. */
  readonly stopAfterSamples: number | null
}

export class ClosedLoad {
  readonly #plan: ClosedPlan
  readonly #clock: LoadClock
  readonly #target: Target
  readonly #samples: Samples
  #begunCount = 0
  #isStopped = false
  /** Threads that have started and not ended. */
  activeCount = 0

  constructor(plan: ClosedPlan, clock: LoadClock, target: Target, samples: Samples) {
    this.#plan = plan
    this.#clock = clock
    this.#target = target
    this.#samples = samples
  }

  get begunCount(): number {
    return this.#begunCount
  }

  /** Requests that the plan has altogether. */
  get plannedCount(): number {
    const { threads, loops, stopAfterSamples } = this.#plan
    return Math.min(threads * loops, stopAfterSamples ?? Number.POSITIVE_INFINITY)
  }

  /** Every request has its answer and none will be sent any more. */
  get isOver(): boolean {
    const isAllBegun = this.#isStopped || this.#begunCount === this.plannedCount
    return isAllBegun && this.activeCount === 0
  }

  start(): void {
    const { threads, rampUpMs } = this.#plan
    const nowMs = this.#clock.nowMs()
    for (let i = 0; i < threads; i++) {
      this.#clock.schedule(nowMs + (i * rampUpMs) / threads, () => {
        this.activeCount++
        new LoadThread(i, this, this.#plan.loops).next()
      })
    }
  }

  /** No request is begun any more; those under way end. */
  stop(): void {
    this.#isStopped = true
  }

  /** Whether a thread may begin another request; it does then. */
  mayBegin(): boolean {
    const { stopAfterSamples } = this.#plan
    if (this.#isStopped) return false
    if (stopAfterSamples !== null && this.#begunCount >= stopAfterSamples) return false
    this.#begunCount++
    return true
  }

  ended(): void {
    this.activeCount--
  }

  nowMs(): number {
    return this.#clock.nowMs()
  }

  send(thread: number, done: (ending: Ending) => void): void {
    this.#target.send(thread, done)
  }

  sampled(thread: number, startMs: number, { status, receivedBytes }: Ending): void {
    const elapsedMs = this.#clock.nowMs() - startMs
    const { sentBytes } = this.#target
    const active = this.activeCount
    this.#samples.add({ startMs, elapsedMs, status, receivedBytes, sentBytes, thread, active })
  }
}

class LoadThread {
  readonly #number: number
  readonly #load: ClosedLoad
  #leftLoops: number
  #startMs = 0
  readonly #done = (ending: Ending): void => {
    this.#load.sampled(this.#number, this.#startMs, ending)
    this.next()
  }

  constructor(number: number, load: ClosedLoad, loops: number) {
    this.#number = number
    this.#load = load
    this.#leftLoops = loops
  }

  next(): void {
    if (this.#leftLoops === 0 || !this.#load.mayBegin()) return this.#load.ended()
    this.#leftLoops--
    this.#startMs = this.#load.nowMs()
    this.#load.send(this.#number, this.#done)
  }
}
