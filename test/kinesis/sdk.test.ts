// The official SDK, unchanged, with nothing but an endpoint and credentials: over HTTP/2 as it
// comes, and over HTTP/1.1.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import {
  CreateStreamCommand,
  DeleteStreamCommand,
  DescribeStreamCommand,
  DescribeStreamSummaryCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  type KinesisClientConfig,
  ListShardsCommand,
  ListStreamsCommand,
  MergeShardsCommand,
  PutRecordCommand,
  PutRecordsCommand,
  ResourceInUseException,
  ResourceNotFoundException,
  ScalingType,
  ShardFilterType,
  ShardIteratorType,
  SplitShardCommand,
  UpdateShardCountCommand,
} from '@aws-sdk/client-kinesis'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { readConfig } from '../../src/config/index.ts'
import { listen, nodeHost } from '../../src/host/node/index.ts'
import { EmbeddedKinesis, type KinesisConfig, kinesisFields } from '../../src/kinesis/index.ts'

/** A server on a free port and a client for it; both end with the test. */
async function clientOf(
  context: TestContext,
  options: KinesisClientConfig = {},
  settings: Partial<KinesisConfig> = {},
) {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'headgate-kinesis-'))
  const host = await nodeHost({ dataDirectory })
  const config = readConfig(kinesisFields, { overrides: { limits: false, ...settings } })
  const kinesis = await EmbeddedKinesis.open(host, config)
  const listening = await listen(kinesis, { host: '127.0.0.1', port: 0, http2: true })
  const client = new KinesisClient({
    endpoint: `http://127.0.0.1:${listening.port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    ...options,
  })
  context.after(async () => {
    client.destroy()
    await listening.close(0)
    await kinesis.close()
    await host.close()
    await rm(dataDirectory, { recursive: true })
  })
  return client
}

const StreamName = 's1'

async function callAll(client: KinesisClient): Promise<void> {
  await client.send(new CreateStreamCommand({ StreamName, ShardCount: 2 }))

  const { StreamDescription: stream } = await client.send(new DescribeStreamCommand({ StreamName }))
  assert.equal(stream?.StreamStatus, 'ACTIVE')
  assert.ok(Math.abs(stream!.StreamCreationTimestamp!.getTime() - Date.now()) < 600_000)
  const { StreamARN } = stream!
  const summary = await client.send(new DescribeStreamSummaryCommand({ StreamARN }))
  assert.equal(summary.StreamDescriptionSummary?.OpenShardCount, 2)
  const streams = await client.send(new ListStreamsCommand({}))
  assert.deepEqual(streams.StreamNames, [StreamName])
  const { Shards } = await client.send(new ListShardsCommand({ StreamName }))
  assert.equal(Shards?.length, 2)

  const ExplicitHashKey = '0'
  const one = { StreamName, PartitionKey: 'k', ExplicitHashKey, Data: Buffer.from('first') }
  const put = await client.send(new PutRecordCommand(one))
  const more = await client.send(
    new PutRecordsCommand({
      StreamName,
      Records: [
        { PartitionKey: 'ключ', ExplicitHashKey, Data: Buffer.from([0, 255, 128]) },
        { PartitionKey: 'e', ExplicitHashKey, Data: Buffer.alloc(0) },
      ],
    }),
  )
  assert.equal(more.FailedRecordCount, 0)

  const { ShardId } = put
  const keysFrom = async (start: { ShardIteratorType: ShardIteratorType; Timestamp?: Date }) => {
    const input = { StreamName, ShardId, ...start }
    const { ShardIterator } = await client.send(new GetShardIteratorCommand(input))
    const page = await client.send(new GetRecordsCommand({ ShardIterator }))
    assert.equal(page.MillisBehindLatest, 0)
    assert.ok(page.NextShardIterator)
    return page.Records?.map((record) => [record.PartitionKey, [...record.Data!]])
  }
  const all = [
    ['k', [...Buffer.from('first')]],
    ['ключ', [0, 255, 128]],
    ['e', []],
  ]
  const StartingSequenceNumber = put.SequenceNumber!
  const at = { StartingSequenceNumber }
  assert.deepEqual(await keysFrom({ ShardIteratorType: 'TRIM_HORIZON' }), all)
  assert.deepEqual(await keysFrom({ ShardIteratorType: 'LATEST' }), [])
  assert.deepEqual(await keysFrom({ ShardIteratorType: 'AT_SEQUENCE_NUMBER', ...at }), all)
  const rest = await keysFrom({ ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', ...at })
  assert.deepEqual(rest, all.slice(1))
  const Timestamp = new Date(Date.now() - 3_600_000)
  assert.deepEqual(await keysFrom({ ShardIteratorType: 'AT_TIMESTAMP', Timestamp }), all)

  await client.send(new DeleteStreamCommand({ StreamName }))
  await assert.rejects(client.send(new DescribeStreamCommand({ StreamName })), (error) => {
    assert.ok(error instanceof ResourceNotFoundException)
    assert.equal(error.message, 'Stream s1 under account 111122223333 not found.')
    return true
  })
}

test('the SDK as it comes, over HTTP/2, finds every operation as it expects it', async (context) => {
  await callAll(await clientOf(context))
})

test('the SDK over HTTP/1.1 finds the same', async (context) => {
  await callAll(await clientOf(context, { requestHandler: new NodeHttpHandler() }))
})

test('sixty calls of the default client at once are all answered', async (context) => {
  const client = await clientOf(context)
  await client.send(new CreateStreamCommand({ StreamName, ShardCount: 1 }))
  const calls = Array.from({ length: 60 }, (_, call) =>
    client.send(
      new PutRecordsCommand({
        StreamName,
        Records: Array.from({ length: 20 }, (_, entry) => ({
          PartitionKey: `${call}`,
          Data: Buffer.from(`${call}/${entry}`),
        })),
      }),
    ),
  )

  const answers = await Promise.all(calls)
  const start = { StreamName, ShardId: '0', ShardIteratorType: ShardIteratorType.TRIM_HORIZON }
  const { ShardIterator } = await client.send(new GetShardIteratorCommand(start))
  const { Records } = await client.send(new GetRecordsCommand({ ShardIterator }))

  const numbers = answers.flatMap(({ Records }) => Records!.map((entry) => entry.SequenceNumber))
  assert.equal(new Set(numbers).size, 60 * 20)
  assert.equal(new Set(Records!.map(({ Data }) => Buffer.from(Data!).toString())).size, 60 * 20)
})

test('large requests that wait side by side are stored byte for byte', async (context) => {
  const requestHandler = new NodeHttpHandler({ httpAgent: { maxSockets: 8 } })
  const faults = [{ kind: 'latency' as const, latencyMs: 0, jitterMs: 10, odds: 1 }]
  const client = await clientOf(context, { requestHandler }, { faults })
  await client.send(new CreateStreamCommand({ StreamName, ShardCount: 1 }))
  const sent = Array.from({ length: 40 }, (_, i) => Buffer.alloc(30_000 + 1000 * i, `${i},`))
  const put = (from: number) =>
    new PutRecordsCommand({
      StreamName,
      Records: sent.slice(from, from + 2).map((Data) => ({ PartitionKey: 'k', Data })),
    })
  await Promise.all(sent.map((_, i) => (i % 2 === 0 ? client.send(put(i)) : null)))

  const start = { StreamName, ShardId: '0', ShardIteratorType: ShardIteratorType.TRIM_HORIZON }
  const { ShardIterator } = await client.send(new GetShardIteratorCommand(start))
  const { Records } = await client.send(new GetRecordsCommand({ ShardIterator }))
  const stored = Records!.map(({ Data }) => Buffer.from(Data!))
  stored.sort((a, b) => a.length - b.length)
  assert.equal(stored.length, sent.length)
  for (const [i, data] of stored.entries()) assert.ok(data.equals(sent[i]!), `record ${i}`)
})

test('the SDK splits, merges and follows the children of what it reads', async (context) => {
  const client = await clientOf(context, {}, { updatingMs: 100 })
  await client.send(new CreateStreamCommand({ StreamName, ShardCount: 1 }))
  const untilActive = async () => {
    for (;;) {
      const { StreamDescriptionSummary: summary } = await client.send(
        new DescribeStreamSummaryCommand({ StreamName }),
      )
      if (summary!.StreamStatus === 'ACTIVE') return
    }
  }
  const put = async (text: string) => {
    const input = { StreamName, PartitionKey: 'k', Data: Buffer.from(text) }
    const { ShardId } = await client.send(new PutRecordCommand(input))
    return ShardId!
  }
  const readToEnd = async (ShardId: string) => {
    const start = { StreamName, ShardId, ShardIteratorType: ShardIteratorType.TRIM_HORIZON }
    const { ShardIterator } = await client.send(new GetShardIteratorCommand(start))
    return client.send(new GetRecordsCommand({ ShardIterator }))
  }

  const first = await put('one')
  const half = { ShardToSplit: first, NewStartingHashKey: `${2n ** 127n}` }
  await client.send(new SplitShardCommand({ StreamName, ...half }))
  await assert.rejects(
    client.send(new SplitShardCommand({ StreamName, ...half })),
    ResourceInUseException,
  )
  const second = await put('two')
  await untilActive()
  const parent = await readToEnd(first)
  const [left, right] = parent.ChildShards!.map((child) => child.ShardId)
  const pair = { ShardToMerge: left, AdjacentShardToMerge: right }
  await client.send(new MergeShardsCommand({ StreamName, ...pair }))
  await untilActive()
  const third = await put('three')
  const scaling = { TargetShardCount: 2, ScalingType: ScalingType.UNIFORM_SCALING }
  const scaled = await client.send(new UpdateShardCountCommand({ StreamName, ...scaling }))

  assert.deepEqual(
    parent.Records!.map(({ Data }) => Buffer.from(Data!).toString()),
    ['one'],
  )
  assert.equal(parent.NextShardIterator ?? null, null)
  assert.ok([left, right].includes(second))
  assert.equal(third, 'shardId-000000000003')
  assert.deepEqual([scaled.CurrentShardCount, scaled.TargetShardCount], [1, 2])
  const { Shards: all } = await client.send(new ListShardsCommand({ StreamName }))
  const merged = all!.find((shard) => shard.ShardId === third)
  assert.deepEqual([merged!.ParentShardId, merged!.AdjacentParentShardId], [left, right])
  const ShardFilter = { Type: ShardFilterType.AT_LATEST }
  const { Shards: open } = await client.send(new ListShardsCommand({ StreamName, ShardFilter }))
  assert.equal(open!.length, 2)
})
