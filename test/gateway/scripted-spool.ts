// A spool that does what the test says, when it says so.

import type { SpooledLine } from '../../src/gateway/index.ts'
import type {
  KnownIdempotency,
  Outcome,
  ReceiptState,
  RefusedStream,
  SpoolFront,
  SpoolRefusal,
  SpoolStats,
  Transaction,
} from '../../src/spool/index.ts'

interface Kept {
  readonly transaction: Transaction
  readonly partitionKeys: readonly string[]
  state: ReceiptState
}

export class ScriptedSpool implements SpoolFront {
  /** Appended, and neither durable nor refused. */
  readonly appended: Transaction[] = []
  readonly kept = new Map<string, Kept>()
  readonly keys = new Map<string, KnownIdempotency>()
  readonly forgotten: string[] = []
  refuses: SpoolRefusal | null = null
  state: SpoolStats['state'] = 'ok'
  oldestAgeMs = 0
  windowBytes = 0
  keepsKeys = true
  exhausted = 0
  deadLetters: SpooledLine['deadLetters']['stats'] = {
    count: 0,
    bytes: 0,
    maxCount: 100,
    maxBytes: 1000,
    state: 'ok',
  }
  refusedStreams: RefusedStream[] = []
  onSettled: (kind: Outcome['kind']) => void = () => {}
  #successes: number
  #failures: number
  #unsettled: number

  constructor({ successes = 0, failures = 0, exhausted = 0, unsettled = 0 } = {}) {
    this.#successes = successes
    this.#failures = failures
    this.exhausted = exhausted
    this.#unsettled = unsettled
  }

  get line(): SpooledLine {
    const stats = () => this.deadLetters
    return {
      front: this,
      windowBytes: 1000,
      keepsKeys: this.keepsKeys,
      refused: { list: () => this.refusedStreams, count: this.refusedStreams.length },
      deadLetters: {
        get stats() {
          return stats()
        },
      },
    }
  }

  append(transaction: Transaction): void {
    if (this.refuses === null) this.appended.push(transaction)
    else transaction.refused(this.refuses)
  }

  refusal(): SpoolRefusal | null {
    return this.refuses
  }

  forget(receipt: string): void {
    this.forgotten.push(receipt)
  }

  /** The disk has confirmed the oldest transaction. */
  commit(): string {
    const transaction = this.appended.shift()!
    const receipt = `r-${this.kept.size}`
    const partitionKeys = transaction.records.map((record) => record.partitionKey)
    this.kept.set(receipt, { transaction, partitionKeys, state: { state: 'pending' } })
    const { idempotency } = transaction
    if (idempotency !== null) {
      const { key, bodyHash, ack } = idempotency
      this.keys.set(key, { receipts: [receipt], bodyHash, ack, isDurable: true })
    }
    this.#unsettled++
    transaction.durable([receipt])
    return receipt
  }

  /** The disk has failed under the oldest transaction. */
  refuse(refusal: SpoolRefusal): void {
    this.appended.shift()!.refused(refusal)
  }

  settle(receipt: string, outcome: Outcome): void {
    const kept = this.kept.get(receipt)!
    const { kind, ...rest } = outcome
    kept.state = { state: kind, ...rest } as ReceiptState
    this.#unsettled--
    if (kind === 'delivered') this.#successes++
    else this.#failures++
    kept.transaction.settled?.(0, outcome)
    this.onSettled(kind)
  }

  async receipt(id: string): Promise<ReceiptState> {
    return this.kept.get(id)?.state ?? { state: 'unknown' }
  }

  idempotency(key: string): KnownIdempotency | null {
    return this.keys.get(key) ?? null
  }

  countExhausted(): void {
    this.exhausted++
  }

  get totals() {
    const [successes, failures] = [this.#successes, this.#failures]
    return { successes, failures, exhausted: this.exhausted, unsettled: this.#unsettled }
  }

  get stats(): SpoolStats {
    return {
      state: this.state,
      bytes: 0,
      maxBytes: 1_000_000,
      segments: 1,
      unsettledRecords: this.#unsettled,
      oldestAgeMs: this.oldestAgeMs,
      windowBytes: this.windowBytes,
      windowRecords: 0,
      waitingTransactions: this.appended.length,
      waitingRecords: this.appended.length,
      waitingBytes: 0,
      parkedRecords: 0,
      damagedBytes: 0,
      damagedRecords: 0,
      unreadableRecords: 0,
      unreadableFiles: 0,
      forgottenReceipts: 0,
      forgottenKeys: 0,
      syncs: 0,
    }
  }
}
