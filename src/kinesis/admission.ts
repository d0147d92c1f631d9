// What becomes of each entry of a PutRecords request, and of a PutRecord.

import type { EntryError } from './service-error.ts'
import { rateExceededText } from './service-error.ts'
import type { Shard } from './shard.ts'
import type { Stream } from './stream.ts'

/** Null stores the entry. */
export type Verdict = EntryError | null

export interface EntryPlace {
  readonly stream: Stream
  readonly shard: Shard
  /** Data and partition key. */
  readonly sizeBytes: number
}

/**
 * The one place that decides about an entry that is well formed. A refused one takes no sequence
 * number, and the entries behind it are judged by themselves.
 */
export function verdictOf({ stream, shard, sizeBytes }: EntryPlace, nowMs: number): Verdict {
  if (shard.limiter !== null && !shard.limiter.tryWrite(sizeBytes, nowMs)) {
    return throttledEntry(stream, shard)
  }
  return null
}

export function throttledEntry({ name, accountId }: Stream, { id }: Shard): EntryError {
  return {
    code: 'ProvisionedThroughputExceededException',
    message: rateExceededText({ shardId: id, streamName: name, accountId }),
  }
}
