// Where a record belongs in the hash key space.

import type { HashKey, UserRecord } from '../record/index.ts'
import { hashKeyOf } from '../wire/index.ts'

/** The explicit hash key, or the MD5 of the partition key. */
export function hashKeyFor({ hashKey, explicitHashKey, partitionKey }: UserRecord): HashKey {
  return hashKey ?? explicitHashKey ?? hashKeyOf(partitionKey)
}
