// What the spool takes, and what it says of it later.

import type { HashKey, Place } from '../record/index.ts'

/** Larger transactions are refused: a frame is read in one piece. */
export const TRANSACTION_MAX_BYTES = 64 * 1024 * 1024

export interface SpoolRecord {
  readonly stream: string
  readonly partitionKey: string
  readonly explicitHashKey: HashKey | null
  /** Left unchanged by the caller until the record has settled or was refused. */
  readonly data: Uint8Array
  /** A dead letter that is sent again keeps the receipt that its sender has. */
  readonly receipt?: string
  /** And it came when it first came, on the wall clock. */
  readonly arrivedAtMs?: number
}

/** What an answer was promised to mean. */
export type AckLevel = 'accepted' | 'durable' | 'delivered'

export interface IdempotencyEntry {
  /** Well-formed text, at most 65 535 bytes of UTF-8: what is there asks for far less. */
  readonly key: string
  /** SHA-256: 32 bytes. */
  readonly bodyHash: Uint8Array
  readonly ack: AckLevel
}

export interface KnownIdempotency {
  /** In the order of the transaction's records. */
  readonly receipts: readonly string[]
  readonly bodyHash: Uint8Array
  readonly ack: AckLevel
  /**
   * False: the records were found after a crash, the disk could not write them anew, and they have
   * not settled. They are handed on like all others, but power loss may take them.
   */
  readonly isDurable: boolean
}

export interface SpoolRefusal {
  readonly code:
    | 'spool-full'
    | 'disk-full'
    | 'disk-failed'
    | 'sync-failed'
    | 'transaction-too-large'
    | 'closed'
  readonly message: string
  /** The records may be found and delivered after a crash all the same. */
  readonly mayBeWritten: boolean
}

export type Outcome =
  | { readonly kind: 'delivered'; readonly place: Place }
  | { readonly kind: 'dead-lettered'; readonly code: string; readonly message: string }

/** One request's records: all of them are kept, or none. At least one. */
export interface Transaction {
  readonly records: readonly SpoolRecord[]
  readonly idempotency: IdempotencyEntry | null
  /** They are on the disk, synced. `receipts[i]` belongs to `records[i]`. */
  durable(receipts: readonly string[]): void
  /** They are not kept. Either this or `durable` is called, once; perhaps within `append`. */
  refused(refusal: SpoolRefusal): void
  /** For those who wait for delivery: called at most once a record, after `durable`. */
  readonly settled: ((index: number, outcome: Outcome) => void) | null
}

export type ReceiptState =
  | { readonly state: 'pending' | 'unknown' }
  | { readonly state: 'delivered'; readonly place: Place }
  | { readonly state: 'dead-lettered'; readonly code: string; readonly message: string }
