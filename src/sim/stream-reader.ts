// Reads streams back through the service's own API, as any consumer would.

import assert from 'node:assert'
import { type Fields, KinesisCaller } from './kinesis-caller.ts'
import type { SimProcess } from './machine.ts'

export interface StoredRecord {
  readonly shardId: string
  readonly sequenceNumber: string
  readonly partitionKey: string
  readonly data: Buffer
}

export interface StoredShard {
  readonly shardId: string
  readonly startingHashKey: bigint
  readonly endingHashKey: bigint
  readonly parentIds: readonly string[]
  /** It takes records; a closed one has been read to its very end. */
  readonly isOpen: boolean
  /** As its end tells; of an open shard none. */
  readonly childIds: readonly string[]
  readonly records: readonly StoredRecord[]
}

/** GetRecords calls for one shard; a drawn world needs a handful. */
const CALLS_MAX_COUNT = 10_000

export class StreamReader {
  readonly #kinesis: KinesisCaller

  constructor(process: SimProcess, origin: string) {
    this.#kinesis = new KinesisCaller(process, origin)
  }

  async read(stream: string): Promise<StoredShard[]> {
    const answer = await this.#call('ListShards', { StreamName: stream })
    const shards: StoredShard[] = []
    for (const shard of answer['Shards'] as ShardAnswer[]) {
      const { HashKeyRange: range, SequenceNumberRange: numbers } = shard
      const isOpen = (numbers.EndingSequenceNumber ?? null) === null
      shards.push({
        shardId: shard.ShardId,
        startingHashKey: BigInt(range.StartingHashKey),
        endingHashKey: BigInt(range.EndingHashKey),
        parentIds: [shard.ParentShardId, shard.AdjacentParentShardId].filter((id) => id != null),
        isOpen,
        ...(await this.#readShard(stream, shard.ShardId, isOpen)),
      })
    }
    return shards
  }

  async #readShard(stream: string, shardId: string, isOpen: boolean): Promise<Content> {
    const start = { StreamName: stream, ShardId: shardId, ShardIteratorType: 'TRIM_HORIZON' }
    let iterator = (await this.#call('GetShardIterator', start))['ShardIterator']
    const records: StoredRecord[] = []
    for (let callCount = 0; callCount < CALLS_MAX_COUNT; callCount++) {
      const answer = await this.#call('GetRecords', { ShardIterator: iterator })
      for (const record of answer['Records'] as RecordAnswer[]) {
        const { SequenceNumber: sequenceNumber, PartitionKey: partitionKey, Data: data } = record
        records.push({ shardId, sequenceNumber, partitionKey, data })
      }
      iterator = answer['NextShardIterator']
      if (iterator === undefined || iterator === null) {
        assert(!isOpen, `the open ${shardId} ends`)
        const children = answer['ChildShards'] as { ShardId: string }[]
        return { records, childIds: children.map((child) => child.ShardId) }
      }
      if (isOpen && answer['MillisBehindLatest'] === 0) return { records, childIds: [] }
    }
    throw new Error(`${shardId} does not come to an end`)
  }

  async #call(action: string, payload: object): Promise<Fields> {
    const { status, fields } = await this.#kinesis.call(action, payload)
    assert(status === 200, `${action}: ${status} ${JSON.stringify(fields)}`)
    return fields
  }
}

interface Content {
  readonly records: readonly StoredRecord[]
  readonly childIds: readonly string[]
}

interface ShardAnswer {
  readonly ShardId: string
  readonly ParentShardId?: string
  readonly AdjacentParentShardId?: string
  readonly HashKeyRange: { readonly StartingHashKey: string; readonly EndingHashKey: string }
  readonly SequenceNumberRange: { readonly EndingSequenceNumber?: string | null }
}

interface RecordAnswer {
  readonly SequenceNumber: string
  readonly PartitionKey: string
  readonly Data: Buffer
}
