// What all requests share: the ledger, the admission, the spool or the line behind them.

import type { Clock, HttpAnswer, Log, Random } from '../host/index.ts'
import type { UserRecord } from '../record/index.ts'
import type { RefusedStreams, SpoolFront, SpoolRefusal, Transaction } from '../spool/index.ts'
import { Admission } from './admission.ts'
import type { GatewayConfig } from './config.ts'
import { type AnyOutcome, DirectLine, type Handover } from './direct-line.ts'
import { DrainRate, retryAfter } from './drain-rate.ts'
import { ConnectionLog, FailureLog, RefusalLog } from './failure-log.ts'
import { type IdempotencyKeys, LocalKeys } from './idempotency.ts'
import { Ledger } from './ledger.ts'
import type { Peers } from './peers.ts'
import { type ProblemAnswer, type ProblemCode, problem } from './problem.ts'
import { type Reason, reasonOf } from './refusals.ts'
import { Tally } from './tally.ts'

/** What sends the records: the producer. */
export interface RecordLine {
  /** Takes over a record and settles it, later, exactly once. Never waits, never refuses. */
  put(record: UserRecord): void
  /** The configuration in force and the state of the line, for people. */
  describe(): object
  /** Its metrics, for Prometheus to scrape. */
  prometheusText(): string
}

/** How full the store of dead letters is. */
export interface DeadLetterStats {
  readonly count: number
  readonly bytes: number
  /** As many as there may be. */
  readonly maxCount: number
  readonly maxBytes: number
  readonly state: 'ok' | 'full' | 'disk-failed'
}

/** What is behind the gateway. */
export interface Behind {
  readonly line: RecordLine
  /** Null where records go to the line at once. */
  readonly spool: SpooledLine | null
  /** Other processes of the same gateway; null where it is one process. */
  readonly peers: Peers | null
}

export interface SpooledLine {
  readonly front: SpoolFront
  /** What the spool may hand on; taken from the memory that bodies may hold. */
  readonly windowBytes: number
  readonly deadLetters: { readonly stats: DeadLetterStats }
  /** Streams that refuse everything, while their records wait in the spool. */
  readonly refused: Pick<RefusedStreams, 'list' | 'count'>
  /** Whether the spool remembers idempotency keys. */
  readonly keepsKeys: boolean
}

/** One who will be told when the process ends before its record has settled. */
export interface Leftover {
  leave(): void
}

export class Door {
  readonly clock: Clock
  readonly config: GatewayConfig
  readonly line: RecordLine
  readonly spool: SpoolFront | null
  readonly peers: Peers | null
  readonly deadLetters: SpooledLine['deadLetters'] | null
  readonly refused: SpooledLine['refused'] | null
  readonly ledger: Ledger
  readonly admission: Admission
  readonly failureLog: FailureLog
  readonly refusalLog: RefusalLog
  readonly connectionLog: ConnectionLog
  readonly tally: Tally
  /** Null where nothing remembers them. */
  readonly keys: IdempotencyKeys | null
  /** Those whose record is safe and who wait for its delivery; bounded by the open requests. */
  readonly waiting = new Set<Leftover>()
  /** Requests that wait for their body or their answer. */
  openCount = 0
  readonly #direct: DirectLine
  readonly #random: Random
  readonly #drainRate = new DrainRate()
  readonly #commitRate = new DrainRate()
  /** Requests whose records are on their way to the disk. */
  #committingCount = 0
  #isDraining = false
  #onEmpty: (() => void) | null = null

  constructor(
    host: { readonly clock: Clock; readonly random: Random },
    config: GatewayConfig,
    { line, spool, peers }: Behind,
    log: Log,
  ) {
    this.clock = host.clock
    this.#random = host.random
    this.config = config
    this.line = line
    this.spool = spool?.front ?? null
    this.peers = peers
    this.deadLetters = spool?.deadLetters ?? null
    this.refused = spool?.refused ?? null
    const { front } = spool ?? {}
    this.ledger = new Ledger(front?.totals)
    this.admission = new Admission(host.clock, config, {
      insideCount: front?.totals.unsettled ?? 0,
      lendableBytes: config.memory.maxBytes - (spool?.windowBytes ?? 0),
    })
    this.failureLog = new FailureLog(host.clock, log)
    this.refusalLog = new RefusalLog(host.clock, log)
    this.connectionLog = new ConnectionLog(host.clock, log)
    this.tally = new Tally((answer) => this.refusalLog.add(answer))
    this.keys =
      front === undefined || !spool!.keepsKeys
        ? null
        : (peers?.keys ?? new LocalKeys((key) => front.idempotency(key)))
    this.#direct = new DirectLine({
      put: (record) => line.put(record),
      settled: (kind) => this.onSettled(kind),
    })
    if (this.ledger.outstanding > 0) this.#drainRate.busyFrom(this.clock.monotonicMs())
  }

  get isDraining(): boolean {
    return this.#isDraining
  }

  /** Records that are in line, on their way to the disk, in the spool or in the producer. */
  get heldCount(): number {
    const stats = this.spool?.stats
    const behind = stats ? stats.unsettledRecords + stats.waitingRecords : 0
    return this.admission.waitingCount + this.#direct.unsettledCount + behind
  }

  get imbalance(): number {
    return this.ledger.imbalance(this.heldCount)
  }

  /** Bytes that records hold in memory, at every stage. */
  get heldBytes(): number {
    return this.admission.lentBytes + (this.spool?.stats.windowBytes ?? 0)
  }

  /** Why a request of so many bytes need not even send its body, or null. */
  refusal(bodyBytes: number): HttpAnswer | null {
    if (this.#isDraining) return this.drainingAnswer()
    const { maxOpenRequests } = this.config.admission
    if (this.openCount >= maxOpenRequests) {
      const detail = `${maxOpenRequests} requests wait for an answer, as many as may. Nothing was stored.`
      return this.refuse('too-many-requests-open', detail)
    }
    return this.admission.hasRoomFor(bodyBytes) ? null : this.memoryFull()
  }

  /**
   * Why a record need not even ask to enter, or null. Where there is a key that is asked only when
   * it is new: what it stands for may be in already.
   */
  refusalOfRecord(): HttpAnswer | null {
    const reason = this.#spoolReason()
    if (reason !== null) return this.#turnAway(reason.code, reason.detail)
    const why = this.admission.turnsAway
    return why === null ? null : this.#turnAway('back-pressure', `${why} Nothing was stored.`)
  }

  /** As if it had asked to enter: those of whom the same is found out later are counted, too. */
  #turnAway(code: ProblemCode, detail: string): ProblemAnswer {
    this.onAttempt()
    this.onExhausted()
    return this.refuse(code, detail)
  }

  drainingAnswer(): ProblemAnswer {
    const detail = 'Nothing was stored. Another gateway, or this one when it is back, will take it.'
    // Closed, so that the client's next request finds another gateway.
    const headers = ['connection', 'close']
    const retryAfterSeconds = this.retryAfterSeconds()
    return problem('draining', detail, { retryAfterSeconds, headers })
  }

  memoryFull(): ProblemAnswer {
    this.admission.bytesRefused()
    return this.refuse(
      'memory-full',
      'Records hold as much memory as they may. Nothing was stored.',
    )
  }

  refuse(code: ProblemCode, detail: string, more?: { mayBeWritten: boolean }): ProblemAnswer {
    const retryAfterSeconds = this.retryAfterSeconds(code)
    return problem(code, detail, { retryAfterSeconds, ...(more && { more }) })
  }

  refusedBySpool(refusal: SpoolRefusal): ProblemAnswer {
    const { code, detail, mayBeWritten } = reasonOf(refusal)
    if (code === 'draining' && !mayBeWritten) return this.drainingAnswer()
    return this.refuse(code, detail, { mayBeWritten })
  }

  /** A record asks to enter. */
  onAttempt(): void {
    if (this.ledger.outstanding === 0) this.#drainRate.busyFrom(this.clock.monotonicMs())
    this.ledger.attempt()
  }

  /** It gave up before it entered. */
  onExhausted(): void {
    this.ledger.exhaust()
    this.spool?.countExhausted()
  }

  /** Takes the records of a request that was let in. */
  append(handover: Handover): void {
    if (this.spool === null) return this.#direct.append(handover)
    if (this.#committingCount++ === 0) this.#commitRate.busyFrom(this.clock.monotonicMs())
    this.spool.append(handover)
  }

  /** Takes records that were given up once, such as dead letters, past line and limits. */
  enterAgain(transaction: Transaction): void {
    const each = (count: () => void) => {
      for (const _ of transaction.records) count()
    }
    each(() => this.onAttempt())
    each(() => this.admission.enterAnyway())
    this.append({
      records: transaction.records,
      idempotency: transaction.idempotency,
      settled: null,
      durable: (receipts) => {
        this.onCommitted()
        transaction.durable(receipts)
      },
      refused: (refusal) => {
        transaction.refused(refusal)
        this.onCommitted()
        each(() => this.onTurnedAway())
      },
    })
  }

  /** What was appended is on the disk, or was refused. */
  onCommitted(): void {
    this.#committingCount--
    this.#commitRate.settled(1, this.clock.monotonicMs())
    this.#tellIfEmpty()
  }

  /** One that had been let in did not get into the spool. */
  onTurnedAway(): void {
    this.onExhausted()
    this.admission.settled()
  }

  onSettled(kind: AnyOutcome['kind']): void {
    if (kind === 'delivered') this.ledger.succeed()
    else this.ledger.fail()
    this.#drainRate.settled(1, this.clock.monotonicMs())
    this.admission.settled()
    this.#tellIfEmpty()
  }

  /** When it is worth to come back: backlog by measured rate, of what the refusal is about. */
  retryAfterSeconds(code: ProblemCode | null = null): number {
    const nowMs = this.clock.monotonicMs()
    // Bodies wait for the disk where there is one, and not for Kinesis.
    const isOfBodies = code === 'memory-full' || code === 'too-many-requests-open'
    if (this.spool !== null && isOfBodies) {
      return this.#commitRate.retryAfterSeconds(this.#committingCount, nowMs, this.#random)
    }
    const backlog = this.admission.insideCount + this.admission.waitingCount
    return this.#drainRate.retryAfterSeconds(backlog, nowMs, this.#random)
  }

  /** The same for a wait that is known. */
  retryAfterWait(waitMs: number): number {
    return retryAfter(waitMs / 1000, this.#random)
  }

  /**
   * Lets nobody in any more; resolves when nothing is on its way to the disk, or without a spool
   * when nothing is outstanding, or at the deadline.
   */
  async drain(deadlineMs: number): Promise<void> {
    this.#isDraining = true
    this.admission.clearLine('The gateway is stopping.')
    if (this.#isEmpty) return
    await new Promise<void>((resolve) => {
      const timer = this.clock.schedule(this.clock.monotonicMs() + deadlineMs, resolve)
      this.#onEmpty = () => {
        timer.cancel()
        resolve()
      }
    })
  }

  get #isEmpty(): boolean {
    return this.spool === null ? this.ledger.outstanding === 0 : this.#committingCount === 0
  }

  #tellIfEmpty(): void {
    if (this.#isEmpty) this.#onEmpty?.()
  }

  #spoolReason(): Reason | null {
    if (this.spool === null) return null
    const refusal = this.spool.refusal()
    if (refusal !== null) return reasonOf(refusal)
    const { maxOldestAgeMs } = this.config.admission
    if (maxOldestAgeMs === 'none') return null
    const { oldestAgeMs } = this.spool.stats
    if (oldestAgeMs < maxOldestAgeMs) return null
    const detail = `The oldest record waits for ${Math.round(oldestAgeMs)} ms; ${maxOldestAgeMs} are allowed. Nothing was stored.`
    return { code: 'backlog-too-old', detail, mayBeWritten: false }
  }
}
