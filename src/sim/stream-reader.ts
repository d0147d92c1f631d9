// Reads streams back through the service's own API, as any consumer would.

import assert from 'node:assert'
import { isAnswer, type Network } from '../host/index.ts'
import { contentTypeOf, decodeAnswer, encodeRequest, targetOf } from '../wire/index.ts'
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
  readonly records: readonly StoredRecord[]
}

const REQUEST_TIMEOUT_MS = 60_000
/** GetRecords calls for one shard; a drawn world needs a handful. */
const CALLS_MAX_COUNT = 10_000

export class StreamReader {
  readonly #network: Network
  readonly #process: SimProcess
  readonly #origin: string

  constructor(process: SimProcess, origin: string) {
    this.#network = process.network
    this.#process = process
    this.#origin = origin
  }

  async read(stream: string): Promise<StoredShard[]> {
    const answer = await this.#call('ListShards', { StreamName: stream })
    const shards: StoredShard[] = []
    for (const shard of answer['Shards'] as ShardAnswer[]) {
      shards.push({
        shardId: shard.ShardId,
        startingHashKey: BigInt(shard.HashKeyRange.StartingHashKey),
        endingHashKey: BigInt(shard.HashKeyRange.EndingHashKey),
        records: await this.#readShard(stream, shard.ShardId),
      })
    }
    return shards
  }

  async #readShard(stream: string, shardId: string): Promise<StoredRecord[]> {
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
      const isAtEnd = answer['MillisBehindLatest'] === 0
      if (iterator === undefined || iterator === null || isAtEnd) return records
    }
    throw new Error(`${shardId} does not come to an end`)
  }

  async #call(action: string, payload: object): Promise<Record<string, unknown>> {
    const answer = await this.#network.exchange(
      {
        origin: this.#origin,
        method: 'POST',
        target: '/',
        headers: ['content-type', contentTypeOf('json'), 'x-amz-target', targetOf(action)],
        body: encodeRequest('json', action, payload),
      },
      this.#process.clock.monotonicMs() + REQUEST_TIMEOUT_MS,
    )
    assert(isAnswer(answer), `${action}: no answer`)
    assert(answer.status === 200, `${action}: ${answer.status} ${String(answer.body)}`)
    return decodeAnswer('json', answer.body as Buffer) as Record<string, unknown>
  }
}

interface ShardAnswer {
  readonly ShardId: string
  readonly HashKeyRange: { readonly StartingHashKey: string; readonly EndingHashKey: string }
}

interface RecordAnswer {
  readonly SequenceNumber: string
  readonly PartitionKey: string
  readonly Data: Buffer
}
