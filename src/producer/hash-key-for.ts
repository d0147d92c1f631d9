// Where a record belongs in the hash key space.

import type { HashKey, UserRecord } from '../record/index.ts'
import { hashKeyOf, hashTopOf } from '../wire/index.ts'

/** The explicit hash key, or the MD5 of the partition key. */
export function hashKeyFor({ hashKey, explicitHashKey, partitionKey }: UserRecord): HashKey {
  return hashKey ?? explicitHashKey ?? hashKeyOf(partitionKey)
}

/** Its upper word: nearly always that is enough, and no object has to be made for it. */
export function hashTopFor({ hashKey, explicitHashKey, partitionKey }: UserRecord): number {
  const known = hashKey ?? explicitHashKey
  return known === null ? hashTopOf(partitionKey) : known.w0
}
