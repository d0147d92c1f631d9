import type { Attempt } from './attempt.ts'

/** Where a delivered record is. */
export interface Place {
  readonly shardId: string
  readonly sequenceNumber: string
  /** The place within an aggregated Kinesis record; null when it travelled alone. */
  readonly subSequenceNumber: number | null
}

/** What became of a user record, with every attempt in order. */
export type RecordResult =
  | { readonly isDelivered: true; readonly place: Place; readonly attempts: readonly Attempt[] }
  | {
      readonly isDelivered: false
      /** The last attempt's code: `Expired`, `ResourceNotFoundException`, … */
      readonly code: string
      readonly message: string
      /** Some attempt ended without an answer: the record may be in the stream all the same. */
      readonly mayBeWritten: boolean
      readonly attempts: readonly Attempt[]
    }
