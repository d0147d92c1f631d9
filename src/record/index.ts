export type { Attempt } from './attempt.ts'
export { HashKey, hashKeyFromBigInt, hashKeyFromDecimal } from './hash-key.ts'
export {
  keyProblem,
  PARTITION_KEY_MAX_BYTES,
  PARTITION_KEY_MAX_CHARACTERS,
} from './partition-key.ts'
export type { Place, RecordResult } from './result.ts'
export { STREAM_NAME_PATTERN } from './stream-name.ts'
export {
  type Arrival,
  ATTEMPTS_KEPT_MAX_COUNT,
  type KeyTurn,
  NO_SHARD,
  UserRecord,
  type UserRecordFields,
} from './user-record.ts'
