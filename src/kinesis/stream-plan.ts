// What a new stream begins with.

import type { Random } from '../host/index.ts'
import { evenRanges } from './hash-key-range.ts'
import type { ShardRecord } from './shard.ts'
import { STREAM_FORMAT, type StreamMode, type StreamRecord } from './stream.ts'

export interface StreamPlan {
  readonly name: string
  readonly shardCount: number
  readonly mode: StreamMode
  readonly maxRecordSizeKiB: number
  readonly tags: Readonly<Record<string, string>>
}

/** `atMs` is the wall clock's. */
export function newStreamRecord(
  { shardCount, ...kept }: StreamPlan,
  from: Pick<StreamRecord, 'status' | 'retentionHours'>,
  atMs: number,
  random: Random,
): StreamRecord {
  const creationAtMs = Math.floor(atMs)
  const shards = evenRanges(shardCount).map(
    ({ start, end }, number): ShardRecord => ({
      number,
      startingHashKey: start.toString(),
      endingHashKey: end.toString(),
      creationAtMs,
      parentNumber: null,
      adjacentParentNumber: null,
      closed: null,
    }),
  )
  return { format: STREAM_FORMAT, id: newId(random), creationAtMs, shards, ...from, ...kept }
}

/** 24 hexadecimal digits. */
function newId(random: Random): string {
  return Array.from({ length: 3 }, () =>
    random
      .below(2 ** 32)
      .toString(16)
      .padStart(8, '0'),
  ).join('')
}
