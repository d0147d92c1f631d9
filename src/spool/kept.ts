import type { Segment } from './segment.ts'
import type { SpoolRecord, Transaction } from './transaction.ts'

/** A transaction that has become durable. */
export interface Kept {
  readonly transaction: Transaction
  /** Taken when it was written: the transaction may let go of them once it is told. */
  readonly records: readonly SpoolRecord[]
  readonly segment: Segment
  readonly position: number
  readonly firstOrdinal: number
  readonly arrivedAtMs: number
}
