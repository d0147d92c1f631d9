// Who may enter, who waits, who is told to come back. Bounds the records outstanding in the
// producer and the bytes that bodies hold in memory; both are given back when a record settles.

import type { Clock, Timer } from '../host/index.ts'
import type { GatewayConfig } from './config.ts'
import { type Place, WaitingLine } from './waiting-line.ts'

/** One who asks to enter. */
export interface Applicant {
  /** May enter now; called during `apply`, or later out of the line. */
  enter(): void
  /** Will not be let in any more. */
  giveUp(why: string): void
}

interface Waiting {
  readonly applicant: Applicant
  readonly untilMs: number
}

export type AdmissionConfig = Pick<GatewayConfig, 'backpressure' | 'memory'>

/** A place in the line, for one who goes away before being let in. */
export type LinePlace = Place<Waiting>

export class Admission {
  readonly #clock: Clock
  readonly #config: AdmissionConfig
  readonly #line = new WaitingLine<Waiting>()
  #insideCount = 0
  #heldBytes = 0
  #isLettingIn = false
  #timer: Timer | null = null

  constructor(clock: Clock, config: AdmissionConfig) {
    this.#clock = clock
    this.#config = config
  }

  /** Records that entered and have not settled. */
  get insideCount(): number {
    return this.#insideCount
  }

  get waitingCount(): number {
    return this.#line.size
  }

  get heldBytes(): number {
    return this.#heldBytes
  }

  /** Whether a body of so many bytes could be held now. */
  hasRoomFor(bytes: number): boolean {
    return this.#heldBytes + bytes <= this.#config.memory.maxBytes
  }

  /** Lends memory for what came of a body; false when there is not enough left. */
  lendBytes(bytes: number): boolean {
    if (!this.hasRoomFor(bytes)) return false
    this.#heldBytes += bytes
    return true
  }

  returnBytes(bytes: number): void {
    this.#heldBytes -= bytes
  }

  /**
   * Lets the applicant in, or turns it away, or makes it wait and answers its place in the line.
   */
  apply(applicant: Applicant): LinePlace | null {
    const { strategy, threshold, maxWaiting, maxWaitMs } = this.#config.backpressure
    if (strategy === 'none' || (this.#insideCount < threshold && this.#line.size === 0)) {
      this.#admit(applicant)
      return null
    }
    if (strategy === 'reject') {
      applicant.giveUp(`${threshold} records are outstanding, as many as may be.`)
      return null
    }
    if (this.#line.size >= maxWaiting) {
      applicant.giveUp(`${maxWaiting} records wait in line already, as many as may.`)
      return null
    }
    const untilMs = this.#clock.monotonicMs() + maxWaitMs
    const place = this.#line.join({ applicant, untilMs })
    if (this.#line.size === 1) this.#watch()
    return place
  }

  /** One who waited has gone away. */
  leave(place: LinePlace): void {
    this.#line.leave(place)
  }

  /** A record has settled: the first in line may enter. */
  settled(): void {
    this.#insideCount--
    // One who enters may settle at once. Letting the next one in from there would nest as deeply as
    // the line is long.
    if (this.#isLettingIn) return
    this.#isLettingIn = true
    try {
      this.#letIn()
    } finally {
      this.#isLettingIn = false
    }
  }

  /** Nobody in line will be let in any more. */
  clearLine(why: string): void {
    for (let waiting = this.#line.shift(); waiting !== null; waiting = this.#line.shift()) {
      waiting.applicant.giveUp(why)
    }
    this.#timer?.cancel()
    this.#timer = null
  }

  #letIn(): void {
    const { threshold } = this.#config.backpressure
    while (this.#insideCount < threshold) {
      const waiting = this.#line.shift()
      if (waiting === null) return
      this.#admit(waiting.applicant)
    }
  }

  #admit(applicant: Applicant): void {
    this.#insideCount++
    applicant.enter()
  }

  // All wait equally long, so the first in line is the first whose time is up: one timer.
  #watch(): void {
    const first = this.#line.peek()
    if (first === null || this.#timer !== null) return
    this.#timer = this.#clock.schedule(first.untilMs, () => {
      this.#timer = null
      const nowMs = this.#clock.monotonicMs()
      for (let head = this.#line.peek(); head !== null; head = this.#line.peek()) {
        if (head.untilMs > nowMs) break
        this.#line.shift()
        head.applicant.giveUp(`No room in ${this.#config.backpressure.maxWaitMs} ms.`)
      }
      this.#watch()
    })
  }
}
