// The spool as the others see it: who appends, who takes the records on, who is told what.

import type { UserRecord } from '../record/index.ts'
import type { DeadLetterSink } from './dead-letter.ts'
import type { RefusedStreams } from './refused-streams.ts'
import type {
  KnownIdempotency,
  Outcome,
  ReceiptState,
  SpoolRefusal,
  Transaction,
} from './transaction.ts'

/** What a spool needs beside its host. */
export interface SpoolParts {
  readonly deadLetters: DeadLetterSink
  /** Without it a record fails at once when its stream refuses all. */
  readonly refused?: RefusedStreams
  /** What the disk does not give now counts as lost, instead of waiting for the next start. */
  readonly givesUp?: boolean
}

/** Where the records go: the producer. */
export interface SpoolLine {
  put(record: UserRecord): void
  /** The shard in which the record will land, as a number that names it among all streams. */
  laneOf(record: UserRecord): number
  /** `told` is called when records may belong to other lanes than before. */
  onLanesChanged(told: () => void): void
}

export interface SpoolEvents {
  /** A record has settled, one call for each. */
  settled(kind: Outcome['kind']): void
  /** What `refusal` says may have changed for the better. */
  changed(): void
}

export interface SpoolTotals {
  readonly successes: number
  readonly failures: number
  readonly exhausted: number
  /** Records that are durable and have not settled. */
  readonly unsettled: number
}

export type SpoolState =
  | 'ok'
  | 'spool-full'
  | 'disk-full'
  | 'disk-failed'
  /** Records failed and there is no room for them; when too many, nothing more is sent. */
  | 'dead-letters-full'
  | 'closed'

export interface SpoolStats {
  readonly state: SpoolState
  /** On the disk: records, and what became of them. */
  readonly bytes: number
  /** `spool.maxBytes`. */
  readonly maxBytes: number
  readonly segments: number
  readonly unsettledRecords: number
  /** Of the oldest unsettled record, by the wall clock; may be a little too much. */
  readonly oldestAgeMs: number
  /** Handed on and unsettled. */
  readonly windowBytes: number
  readonly windowRecords: number
  /** Transactions that wait for the disk. */
  readonly waitingTransactions: number
  readonly waitingRecords: number
  readonly waitingBytes: number
  readonly parkedRecords: number
  /** Bytes that could not be read back, since the start. */
  readonly damagedBytes: number
  /** Records lost in them. */
  readonly damagedRecords: number
  /** Records that the disk has not given since the start: they stay unsettled, for the next one. */
  readonly unreadableRecords: number
  /** Files in which they are; in one that could not be read at all nobody knows how many. */
  readonly unreadableFiles: number
  /** Receipts that went before `receipts.retentionMs` was over, since the start. */
  readonly forgottenReceipts: number
  /** Idempotency keys, since the start, that would still count and that a restart will not know. */
  readonly forgottenKeys: number
  /** Groups that were synced, since the start. */
  readonly syncs: number
}

/** What the gateway uses of a spool, or of several that stand behind one. */
export interface SpoolFront {
  /** Never waits, never throws. */
  append(transaction: Transaction): void
  /** What a transaction would be told at once now; null when it would be tried. */
  refusal(): SpoolRefusal | null
  receipt(id: string): Promise<ReceiptState>
  /** Whoever waited for the outcome of that record is not to be told any more. */
  forget(receipt: string): void
  /** What was kept under that key within the window. */
  idempotency(key: string): KnownIdempotency | null
  /** Counts a record that was turned away before it entered, so that a restart knows of it. */
  countExhausted(): void
  /** Right after the start it is what the ledger begins with. */
  readonly totals: SpoolTotals
  readonly stats: SpoolStats
}
