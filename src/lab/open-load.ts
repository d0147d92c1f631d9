// An open loop: requests go at their scheduled times, whatever became of those before. Response
// time counts from the scheduled time, so that a server that stands still is charged for all who
// came.

import type { Random } from '../host/index.ts'
import type { Samples } from './samples.ts'
import type { LoadClock, Target } from './target.ts'

/** So many requests a second for so long. */
export interface Step {
  readonly ratePerSecond: number
  readonly forMs: number
}

export interface OpenPlan {
  readonly steps: readonly Step[]
  /** `poisson`: independent users; `constant`: like a metronome. */
  readonly arrivals: 'poisson' | 'constant'
  readonly stopAfterSamples: number | null
}

export class OpenLoad {
  readonly #plan: OpenPlan
  readonly #clock: LoadClock
  readonly #target: Target
  readonly #samples: Samples
  readonly #random: Random
  #begunCount = 0
  #isStopped = false
  #isScheduleOver = false
  /** How late the last request was sent, at most since the last look: the generator's own lag. */
  #lateMs = 0
  /** Requests under way. */
  activeCount = 0

  constructor(
    plan: OpenPlan,
    { clock, random }: { readonly clock: LoadClock; readonly random: Random },
    target: Target,
    samples: Samples,
  ) {
    this.#plan = plan
    this.#clock = clock
    this.#random = random
    this.#target = target
    this.#samples = samples
  }

  get begunCount(): number {
    return this.#begunCount
  }

  get plannedCount(): number {
    const { steps, stopAfterSamples } = this.#plan
    const all = steps.reduce((sum, step) => sum + (step.ratePerSecond * step.forMs) / 1000, 0)
    return Math.min(Math.round(all), stopAfterSamples ?? Number.POSITIVE_INFINITY)
  }

  get isOver(): boolean {
    return this.#isScheduleOver && this.activeCount === 0
  }

  /** The generator's greatest lag behind its schedule since the last call. */
  takeLateMs(): number {
    const lateMs = this.#lateMs
    this.#lateMs = 0
    return lateMs
  }

  start(): void {
    this.#step(0, this.#clock.nowMs())
  }

  stop(): void {
    this.#isStopped = true
  }

  #step(index: number, fromMs: number): void {
    const step = this.#plan.steps[index]
    if (step === undefined) {
      this.#isScheduleOver = true
      return
    }
    this.#arrive({ ...step, index, untilMs: fromMs + step.forMs }, fromMs)
  }

  /** The next arrival of a step after `afterMs`. Arrivals that are due already go at once. */
  #arrive(step: Step & { index: number; untilMs: number }, afterMs: number): void {
    for (let atMs = afterMs; ; ) {
      atMs += this.#gapMs(step.ratePerSecond)
      const { stopAfterSamples } = this.#plan
      const isEnough = stopAfterSamples !== null && this.#begunCount >= stopAfterSamples
      if (this.#isStopped || isEnough) {
        this.#isScheduleOver = true
        return
      }
      if (atMs > step.untilMs) return this.#step(step.index + 1, step.untilMs)
      if (atMs > this.#clock.nowMs()) {
        const dueMs = atMs
        this.#clock.schedule(dueMs, () => {
          if (!this.#isStopped) this.#send(dueMs)
          this.#arrive(step, dueMs)
        })
        return
      }
      this.#send(atMs)
    }
  }

  #gapMs(ratePerSecond: number): number {
    const meanMs = 1000 / ratePerSecond
    if (this.#plan.arrivals === 'constant') return meanMs
    // 1 is not drawn as 0, whose logarithm is no number.
    return -Math.log((this.#random.below(2 ** 32) + 1) / 2 ** 32) * meanMs
  }

  #send(scheduledMs: number): void {
    const thread = this.#begunCount++
    this.#lateMs = Math.max(this.#lateMs, this.#clock.nowMs() - scheduledMs)
    this.activeCount++
    this.#target.send(thread, ({ status, receivedBytes }) => {
      const elapsedMs = this.#clock.nowMs() - scheduledMs
      const active = this.activeCount--
      const { sentBytes } = this.#target
      this.#samples.add({
        startMs: scheduledMs,
        elapsedMs,
        status,
        receivedBytes,
        sentBytes,
        thread: 0,
        active,
      })
    })
  }
}
