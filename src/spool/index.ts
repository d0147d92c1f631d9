export { type SpoolConfig, spoolFields } from './config.ts'
export type { DeadLetter, DeadLetterSink } from './dead-letter.ts'
export { claimedBytes, FRAME_HEAD_BYTES, isWhole, MARKER_BYTES, sealFrame } from './frame.ts'
export type {
  SpoolEvents,
  SpoolFront,
  SpoolLine,
  SpoolParts,
  SpoolState,
  SpoolStats,
  SpoolTotals,
} from './front.ts'
export { NewerFormatError } from './log-header.ts'
export {
  REST_FIRST_MS,
  REST_MAX_MS,
  type RefusedStream,
  RefusedStreams,
} from './refused-streams.ts'
export { Spool } from './spool.ts'
export {
  type AckLevel,
  type IdempotencyEntry,
  type KnownIdempotency,
  type Outcome,
  type ReceiptState,
  type SpoolRecord,
  type SpoolRefusal,
  TRANSACTION_MAX_BYTES,
  type Transaction,
} from './transaction.ts'
