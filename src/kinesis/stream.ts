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
  #shards: readonly Shard[]
  #router: HashKeyRouter<Shard>

  constructor(record: StreamRecord, arn: string, accountId: string, shards: readonly Shard[]) {
    this.record = record
    this.arn = arn
    this.accountId = accountId
    this.#shards = shards
    this.#router = routerOf(shards)
  }

  /** In order of their numbers. */
  get shards(): readonly Shard[] {
    return this.#shards
  }

  /**
   * Puts other shards in place, from the next record on: those of the record, of which `added` are
   * new. What closed ones have been given before is written to its end.
   */
  reshape(record: StreamRecord, added: readonly Shard[]): void {
    const known = new Map([...this.#shards, ...added].map((shard) => [shard.record.number, shard]))
    const shards = record.shards.map((of) => {
      const shard = known.get(of.number)!
      shard.record = of
      return shard
    })
    this.record = record
    this.#shards = shards
    this.#router = routerOf(shards)
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

function routerOf(shards: readonly Shard[]): HashKeyRouter<Shard> {
  const open = shards.filter((shard) => shard.isOpen)
  return new HashKeyRouter(open, (shard) => shard.range)
}
