// What is in the stream, read by the official SDK and taken apart by another implementation; what
// is among the dead letters; and what receipts say.

import { createRequire } from 'node:module'
import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  type KinesisClient,
  ListShardsCommand,
} from '@aws-sdk/client-kinesis'
import { idOf } from './requests.ts'
import { withSdk } from './sdk.ts'

const { deaggregateSync } = createRequire(import.meta.url)('aws-kinesis-agg')

const PAGE_COUNT = 1000

export interface ReadBack {
  /** Where each id was found: shard and sequence number. */
  readonly found: ReadonlyMap<number, readonly string[]>
  /** Records whose bytes nobody sent. */
  readonly strangeCount: number
}

/** The shards have no read limits. */
export function readStream(endpoint: string, stream: string): Promise<ReadBack> {
  return withSdk(endpoint, async (sdk) => {
    const found = new Map<number, string[]>()
    let strangeCount = 0
    const { Shards: shards = [] } = await sdk.send(new ListShardsCommand({ StreamName: stream }))
    for (const { ShardId } of shards) {
      for await (const record of recordsOf(sdk, stream, ShardId!)) {
        const place = `${ShardId} ${record.SequenceNumber}`
        for (const data of takeApart(record)) {
          const id = idOf(data)
          if (id === null) strangeCount++
          else found.set(id, [...(found.get(id) ?? []), place])
        }
      }
    }
    return { found, strangeCount }
  })
}

interface Read {
  readonly Data: Uint8Array
  readonly PartitionKey: string
  readonly SequenceNumber: string
}

/** A closed shard ends without a next iterator. */
async function* recordsOf(
  sdk: KinesisClient,
  StreamName: string,
  ShardId: string,
): AsyncGenerator<Read> {
  const start = { StreamName, ShardId, ShardIteratorType: 'TRIM_HORIZON' } as const
  let { ShardIterator } = await sdk.send(new GetShardIteratorCommand(start))
  while (ShardIterator !== undefined) {
    const page = await sdk.send(new GetRecordsCommand({ ShardIterator }))
    yield* page.Records as Read[]
    if (page.Records!.length === 0 && page.MillisBehindLatest === 0) return
    ShardIterator = page.NextShardIterator
  }
}

function takeApart({ Data, PartitionKey, SequenceNumber }: Read): string[] {
  const data = Buffer.from(Data).toString('base64')
  const legacy = { partitionKey: PartitionKey, sequenceNumber: SequenceNumber, data }
  const found: string[] = []
  deaggregateSync(legacy, true, (error: Error | null, records: { data: string }[]) => {
    if (error) throw error
    for (const record of records) found.push(Buffer.from(record.data, 'base64').toString('utf8'))
  })
  return found
}

/** Where a receipt says that its record is, or what it says else. */
export async function placeOf(gateway: string, receipt: string): Promise<string> {
  const answer = await fetch(`${gateway}/receipts/${receipt}`)
  const told = (await answer.json()) as Record<string, string>
  return told['state'] === 'delivered'
    ? `${told['shardId']} ${told['sequenceNumber']}`
    : told['state']!
}

/** The receipts of all dead letters. */
export async function deadReceipts(admin: string): Promise<ReadonlySet<string>> {
  const receipts = new Set<string>()
  for (let after = 0; ; ) {
    const answer = await fetch(`${admin}/dead-letters?limit=${PAGE_COUNT}&after=${after}`)
    if (!answer.ok) throw new Error(`the admin address says ${answer.status}`)
    const { letters } = (await answer.json()) as { letters: { number: number; receipt: string }[] }
    if (letters.length === 0) return receipts
    for (const { receipt } of letters) receipts.add(receipt)
    after = letters.at(-1)!.number
  }
}
