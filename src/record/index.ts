export type { Attempt } from './attempt.ts'
export { HashKey, hashKeyFromBigInt, hashKeyFromDecimal } from './hash-key.ts'
export type { Place, RecordResult } from './result.ts'
export {
  ATTEMPTS_KEPT_MAX_COUNT,
  NO_SHARD,
  UserRecord,
  type UserRecordFields,
} from './user-record.ts'
