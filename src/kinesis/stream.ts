// One stream: what its file on the disk says, and its shards.

import { HashKeyRouter, type HashKeyWords } from './hash-key-range.ts'
import type { Shard, ShardRecord } from './shard.ts'

export type StreamStatus = 'CREATING' | 'ACTIVE' | 'DELETING' | 'UPDATING'
export type StreamMode = 'PROVISIONED' | 'ON_DEMAND'

/** What is kept of a stream, as JSON, in `stream.json` beside its shards. */
export interface StreamRecord {
  /** Of this layout; a file of another is left alone. */
  readonly format: 1
  /** Unique for ever: a stream that is deleted and made again has another. Names its folder. */
  readonly id: string
  readonly name: string
  readonly status: StreamStatus
  readonly mode: StreamMode
  readonly creationAtMs: number
  readonly retentionHours: number
  readonly maxRecordSizeKiB: number
  readonly tags: Readonly<Record<string, string>>
  readonly shards: readonly ShardRecord[]
}

export const STREAM_FORMAT = 1

export class Stream {
  record: StreamRecord
  readonly arn: string
  readonly accountId: string
  /** In order of their numbers. */
  readonly shards: readonly Shard[]
  readonly #router: HashKeyRouter<Shard>

  constructor(record: StreamRecord, arn: string, accountId: string, shards: readonly Shard[]) {
    this.record = record
    this.arn = arn
    this.accountId = accountId
    this.shards = shards
    this.#router = new HashKeyRouter(
      shards.filter((shard) => shard.isOpen),
      (shard) => shard.range,
    )
  }

  get name(): string {
    return this.record.name
  }

  get id(): string {
    return this.record.id
  }

  get status(): StreamStatus {
    return this.record.status
  }

  /** Records go in and out; while shards are split or merged too. */
  get isUsable(): boolean {
    return this.status === 'ACTIVE' || this.status === 'UPDATING'
  }

  get maxRecordBytes(): number {
    return this.record.maxRecordSizeKiB * 1024
  }

  get openShardCount(): number {
    return this.shards.filter((shard) => shard.isOpen).length
  }

  shardOf(hashKey: HashKeyWords): Shard {
    return this.#router.ownerOf(hashKey)
  }

  shardNumbered(number: number): Shard | null {
    return this.shards.find((shard) => shard.record.number === number) ?? null
  }
}
