// Which shards of a stream ListShards shows.

import type { Shard } from './shard.ts'
import type { Stream } from './stream.ts'

export const FILTER_TYPES = [
  'AFTER_SHARD_ID',
  'AT_TRIM_HORIZON',
  'FROM_TRIM_HORIZON',
  'AT_LATEST',
  'AT_TIMESTAMP',
  'FROM_TIMESTAMP',
]

export interface ShardFilter {
  /** One of `FILTER_TYPES`. */
  readonly type: string
  /** Of AFTER_SHARD_ID, else empty. */
  readonly shardId: string
  /** Of the two that speak of an instant, else 0. */
  readonly atMs: number
}

export const DEFAULT_FILTER: ShardFilter = { type: 'FROM_TRIM_HORIZON', shardId: '', atMs: 0 }

/** In the order of their identifiers. `nowMs` is the wall clock's. */
export function filterShards(stream: Stream, filter: ShardFilter, nowMs: number): readonly Shard[] {
  if (stream.status === 'CREATING') return []
  const { retentionHours, creationAtMs } = stream.record
  const horizonMs = Math.max(nowMs - retentionHours * 3_600_000, creationAtMs)
  const isOpenAt = (shard: Shard, atMs: number) =>
    shard.record.creationAtMs <= atMs && isOpenFrom(shard, atMs)
  switch (filter.type) {
    case 'AT_LATEST':
      return stream.shards.filter((shard) => shard.isOpen)
    case 'AT_TRIM_HORIZON':
      return stream.shards.filter((shard) => isOpenAt(shard, horizonMs))
    case 'AT_TIMESTAMP':
      return stream.shards.filter((shard) => isOpenAt(shard, filter.atMs))
    case 'FROM_TIMESTAMP':
      return stream.shards.filter((shard) => isOpenFrom(shard, Math.max(filter.atMs, horizonMs)))
    case 'AFTER_SHARD_ID':
      return stream.shards.filter(
        (shard) => shard.id > filter.shardId && isOpenFrom(shard, horizonMs),
      )
    default:
      return stream.shards.filter((shard) => isOpenFrom(shard, horizonMs))
  }
}

/** Open now, or closed at that instant or later. */
function isOpenFrom(shard: Shard, atMs: number): boolean {
  return shard.isOpen || shard.record.closed!.atMs >= atMs
}
