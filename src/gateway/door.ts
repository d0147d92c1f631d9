// What all requests share: the ledger, the admission, the line behind them.

import type { Clock, HttpAnswer, Log, Random } from '../host/index.ts'
import type { UserRecord } from '../record/index.ts'
import { Admission } from './admission.ts'
import type { GatewayConfig } from './config.ts'
import { DrainRate } from './drain-rate.ts'
import { FailureLog } from './failure-log.ts'
import { Ledger } from './ledger.ts'
import { problem } from './problem.ts'

/** What is behind the gateway: the producer now, the spool before it later. */
export interface RecordLine {
  /** Takes over a record and settles it, later, exactly once. Never waits, never refuses. */
  put(record: UserRecord): void
  /** The configuration in force and the state of the line, for people. */
  describe(): object
}

export class Door {
  readonly clock: Clock
  readonly config: GatewayConfig
  readonly line: RecordLine
  readonly ledger = new Ledger()
  readonly admission: Admission
  readonly failureLog: FailureLog
  readonly #random: Random
  readonly #drainRate = new DrainRate()
  #isDraining = false
  #onEmpty: (() => void) | null = null

  constructor(
    host: { readonly clock: Clock; readonly random: Random },
    config: GatewayConfig,
    line: RecordLine,
    log: Log,
  ) {
    this.clock = host.clock
    this.#random = host.random
    this.config = config
    this.line = line
    this.admission = new Admission(host.clock, config)
    this.failureLog = new FailureLog(host.clock, log)
  }

  get isDraining(): boolean {
    return this.#isDraining
  }

  /** The answer to every record while the gateway is stopping, else null. */
  refusal(): HttpAnswer | null {
    if (!this.#isDraining) return null
    const detail = 'Nothing was stored. Another gateway, or this one when it is back, will take it.'
    // Closed, so that the client's next request finds another gateway.
    const headers = ['connection', 'close']
    return problem('draining', detail, { retryAfterSeconds: this.retryAfterSeconds(), headers })
  }

  memoryFull(): HttpAnswer {
    const detail = 'Bodies hold as much memory as they may. Nothing was stored.'
    return problem('memory-full', detail, { retryAfterSeconds: this.retryAfterSeconds() })
  }

  /** A record asks to enter. */
  onAttempt(): void {
    if (this.ledger.outstanding === 0) this.#drainRate.busyFrom(this.clock.monotonicMs())
    this.ledger.attempt()
  }

  retryAfterSeconds(): number {
    const backlog = this.admission.insideCount + this.admission.waitingCount
    const nowMs = this.clock.monotonicMs()
    return this.#drainRate.retryAfterSeconds(backlog, nowMs, this.#random)
  }

  onSettled(): void {
    this.#drainRate.settled(1, this.clock.monotonicMs())
    this.admission.settled()
    if (this.ledger.outstanding === 0) this.#onEmpty?.()
  }

  /** Lets nobody in any more; resolves when nothing is outstanding, or at the deadline. */
  async drain(deadlineMs: number): Promise<void> {
    this.#isDraining = true
    this.admission.clearLine('The gateway is stopping.')
    if (this.ledger.outstanding === 0) return
    await new Promise<void>((resolve) => {
      const timer = this.clock.schedule(this.clock.monotonicMs() + deadlineMs, resolve)
      this.#onEmpty = () => {
        timer.cancel()
        resolve()
      }
    })
  }
}
