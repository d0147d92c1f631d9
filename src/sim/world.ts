// The simulated world: one queue of events, a clock that moves from one to the next, and checkers
// that look after each. Computing takes no virtual time; waiting takes no real time.

import assert from 'node:assert'
import { type Timer, TimerQueue } from '../host/index.ts'
import { nextTurn } from './next-turn.ts'
import { SimRandom } from './sim-random.ts'
import { Trace } from './trace.ts'

/** Events without a single one that moves the clock: a world that only goes round. */
const EVENTS_AT_ONE_INSTANT_MAX_COUNT = 10_000

export interface WorldOptions {
  /** An integer in 0..2**32-1. */
  readonly seed: number
}

/** Looks at the world after each event; throws when it finds something wrong. */
export type Checker = () => void

export class World {
  readonly random: SimRandom
  readonly trace = new Trace()
  readonly #queue = new TimerQueue()
  readonly #checkers: Checker[] = []
  #nowMs = 0
  #eventsAtInstantCount = 0
  #areFaultsOn = true
  #failure: { readonly error: unknown } | null = null

  constructor({ seed }: WorldOptions) {
    this.random = new SimRandom(seed)
  }

  /** Virtual time since the world began. */
  get nowMs(): number {
    return this.#nowMs
  }

  /** False from `stopFaults` on: nothing of the outside goes wrong any more. */
  get areFaultsOn(): boolean {
    return this.#areFaultsOn
  }

  stopFaults(): void {
    this.#areFaultsOn = false
    this.note('faults stop')
  }

  addChecker(check: Checker): void {
    this.#checkers.push(check)
  }

  /** Puts something that happened into the trace. */
  note(kind: string, first = 0, second = 0): void {
    this.trace.add(this.#nowMs, kind, first, second)
  }

  /** Runs `task` when the clock shows `atMs`, or after what is scheduled for now. */
  schedule(atMs: number, kind: string, task: () => void): Timer {
    assert(!Number.isNaN(atMs), `${kind} is scheduled for no instant`)
    return this.#queue.add(Math.max(atMs, this.#nowMs), () => {
      this.note(kind)
      task()
    })
  }

  /** Makes the run that is under way reject: for what goes wrong outside of every event. */
  fail(error: unknown): void {
    this.#failure ??= { error }
  }

  /** Makes the run reject with what `look` throws, wherever it is called. */
  guard(look: () => void): void {
    try {
      look()
    } catch (error) {
      this.fail(error)
    }
  }

  /** Rejects with what a checker or an event throws. */
  async runFor(durationMs: number): Promise<void> {
    await this.#run(this.#nowMs + durationMs, () => false)
  }

  /** Resolves with whether `isReached` became true within `maxMs`. Rejects as `runFor` does. */
  runUntil(isReached: () => boolean, maxMs: number): Promise<boolean> {
    return this.#run(this.#nowMs + maxMs, isReached)
  }

  /** Whether `count` became 0; false after `maxMs` in which it was not once less than ever. */
  async runDown(count: () => number, maxMs: number): Promise<boolean> {
    for (let least = count(); least > 0; least = count()) {
      if (!(await this.runUntil(() => count() < least, maxMs))) return false
    }
    return true
  }

  #run(untilMs: number, isReached: () => boolean): Promise<boolean> {
    return new Promise((resolve, reject) => {
      // Between two events promises get one turn of the event loop to settle.
      const turn = () => {
        try {
          this.#look()
          if (isReached()) return resolve(true)
          if (!this.#step(untilMs)) return resolve(false)
        } catch (error) {
          return reject(error)
        }
        nextTurn(turn)
      }
      nextTurn(turn)
    })
  }

  #look(): void {
    if (this.#failure !== null) throw this.#failure.error
    for (const check of this.#checkers) check()
  }

  /** Lets the next event happen; false when none is due by `untilMs`. */
  #step(untilMs: number): boolean {
    const event = this.#queue.first()
    if (event === undefined || event.atMs > untilMs) {
      this.#nowMs = untilMs
      return false
    }
    this.#queue.takeFirst()
    this.#eventsAtInstantCount = event.atMs > this.#nowMs ? 0 : this.#eventsAtInstantCount + 1
    assert(this.#eventsAtInstantCount < EVENTS_AT_ONE_INSTANT_MAX_COUNT, 'time stands still')
    this.#nowMs = event.atMs
    event.task()
    return true
  }
}
