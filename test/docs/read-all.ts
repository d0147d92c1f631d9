import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  type KinesisClient,
  ListShardsCommand,
} from '@aws-sdk/client-kinesis'
import { deaggregateRecord } from '../../src/library/aggregation.ts'

/** The user records of a stream that nobody writes to, taken apart. */
export async function readAll(client: KinesisClient, stream: string) {
  const { Shards: shards = [] } = await client.send(new ListShardsCommand({ StreamName: stream }))
  const found = []
  for (const { ShardId } of shards) {
    const from = { StreamName: stream, ShardId, ShardIteratorType: 'TRIM_HORIZON' } as const
    let { ShardIterator } = await client.send(new GetShardIteratorCommand(from))
    for (;;) {
      const page = await client.send(new GetRecordsCommand({ ShardIterator }))
      for (const { PartitionKey, Data } of page.Records ?? []) {
        found.push(...deaggregateRecord({ partitionKey: PartitionKey!, data: Data! }))
      }
      if (page.Records?.length === 0) break
      ShardIterator = page.NextShardIterator
    }
  }
  return found
}
