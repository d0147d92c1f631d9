// Who may enter, who waits, who is told to come back. Bounds the records that are inside, and the
// bytes that they hold in memory before the spool or the producer has them.

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

export type AdmissionConfig = Pick<GatewayConfig, 'backpressure'>

/** What is there when the process starts, and what is taken from the memory for others. */
export interface AdmissionStart {
  readonly insideCount: number
  /** Bytes that may be lent. */
  readonly lendableBytes: number
}

/** Short of memory: from a refusal on, while more than this part of it is lent. */
const SHORT_SHARE = 7 / 8

/** A place in the line, for one who goes away before being let in. */
export type LinePlace = Place<Waiting>

export class Admission {
  readonly #clock: Clock
  readonly #config: AdmissionConfig
  readonly #line = new WaitingLine<Waiting>()
  readonly #lendableBytes: number
  readonly #threshold: number
  #insideCount: number
  #lentBytes = 0
  #isShortOfBytes = false
  #isLettingIn = false
  #timer: Timer | null = null

  constructor(clock: Clock, config: AdmissionConfig, start: AdmissionStart) {
    this.#clock = clock
    this.#config = config
    this.#insideCount = start.insideCount
    this.#lendableBytes = start.lendableBytes
    const { strategy, threshold } = config.backpressure
    const isBound = strategy !== 'none' && threshold !== 'none'
    this.#threshold = isBound ? threshold : Number.POSITIVE_INFINITY
  }

  /** Records that entered and have not settled. */
  get insideCount(): number {
    return this.#insideCount
  }

  get waitingCount(): number {
    return this.#line.size
  }

  get lentBytes(): number {
    return this.#lentBytes
  }

  /** Whether a body of so many bytes could be held now. */
  hasRoomFor(bytes: number): boolean {
    return this.#lentBytes + bytes <= this.#lendableBytes
  }

  /** Lends memory for what came of a body; false when there is not enough left. */
  lendBytes(bytes: number): boolean {
    if (!this.hasRoomFor(bytes)) return false
    this.#lentBytes += bytes
    return true
  }

  returnBytes(bytes: number): void {
    this.#lentBytes -= bytes
    this.#isShortOfBytes &&= this.#isNearlyAllLent
  }

  /** There was no room for a body, though there may be for a smaller one. */
  bytesRefused(): void {
    this.#isShortOfBytes = this.#isNearlyAllLent
  }

  /** Most bodies are refused now: what is left is seldom nothing, and fits nobody all the same. */
  get isShortOfBytes(): boolean {
    return this.#isShortOfBytes || !this.hasRoomFor(1)
  }

  get #isNearlyAllLent(): boolean {
    return this.#lentBytes > SHORT_SHARE * this.#lendableBytes
  }

  /** Why one more would be turned away at once, or null. */
  get turnsAway(): string | null {
    const { strategy, threshold, maxWaiting } = this.#config.backpressure
    if (this.#isOpen) return null
    if (strategy === 'reject') return `${threshold} records are outstanding, as many as may be.`
    if (this.#line.size < maxWaiting) return null
    return `${maxWaiting} records wait in line already, as many as may.`
  }

  /**
   * Lets the applicant in, or turns it away, or makes it wait and answers its place in the line.
   */
  apply(applicant: Applicant): LinePlace | null {
    if (this.#isOpen) {
      this.#admit(applicant)
      return null
    }
    const why = this.turnsAway
    if (why !== null) {
      applicant.giveUp(why)
      return null
    }
    const untilMs = this.#clock.monotonicMs() + this.#config.backpressure.maxWaitMs
    const place = this.#line.join({ applicant, untilMs })
    this.#watch()
    return place
  }

  /** One who is not asked: counted, and let in past line and threshold. */
  enterAnyway(): void {
    this.#insideCount++
  }

  /** One who waited has gone away. */
  leave(place: LinePlace): void {
    this.#line.leave(place)
  }

  /** A record has settled, or did not get in after all: the first in line may enter. */
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

  /** Nobody waits, and one more may be inside. */
  get #isOpen(): boolean {
    return this.#insideCount < this.#threshold && this.#line.size === 0
  }

  #letIn(): void {
    while (this.#insideCount < this.#threshold) {
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
