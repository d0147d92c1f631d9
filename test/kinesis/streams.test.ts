import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Bench, base64, untilTrue } from './bench-top.ts'

test('a record that was put comes back with its key, its number and its time', async () => {
  const bench = await Bench.open()
  await bench.ok('CreateStream', { StreamName: 's1', ShardCount: 1 })
  const data = base64('hello')

  const put = await bench.ok('PutRecord', { StreamName: 's1', PartitionKey: 'k', Data: data })
  const records = await bench.readAll('s1')

  assert.equal(put.ShardId, 'shardId-000000000000')
  assert.match(put.SequenceNumber, /^[0-9]{56}$/)
  assert.deepEqual(records, [
    {
      SequenceNumber: put.SequenceNumber,
      PartitionKey: 'k',
      Data: data,
      ApproximateArrivalTimestamp: bench.clock.wallMs() / 1000,
      EncryptionType: 'NONE',
    },
  ])
})

test('CBOR carries the same as JSON', async () => {
  const bench = await Bench.open()
  await bench.ok('CreateStream', { StreamName: 's1', ShardCount: 1 }, 'cbor')
  const Records = [{ PartitionKey: 'ключ', Data: Buffer.from([0, 255, 1]) }]
  const put = await bench.ok('PutRecords', { StreamName: 's1', Records }, 'cbor')
  const start = { StreamName: 's1', ShardId: '0', ShardIteratorType: 'TRIM_HORIZON' }

  const { ShardIterator } = await bench.ok('GetShardIterator', start, 'cbor')
  const page = await bench.ok('GetRecords', { ShardIterator }, 'cbor')

  assert.equal(put.FailedRecordCount, 0)
  const [record] = page.Records
  assert.equal(record.PartitionKey, 'ключ')
  assert.deepEqual([...record.Data], [0, 255, 1])
  assert.equal(record.ApproximateArrivalTimestamp.ms, bench.clock.wallMs())
  assert.equal(record.SequenceNumber, put.Records[0].SequenceNumber)
})

test('the shards of a new stream share the hash keys evenly', async () => {
  const bench = await Bench.open()
  await bench.ok('CreateStream', { StreamName: 's3', ShardCount: 3 })

  const { Shards } = await bench.ok('ListShards', { StreamName: 's3' })

  // floor(2^128 / 3) wide; the last shard has the remainder.
  assert.deepEqual(
    Shards.map((shard: { HashKeyRange: object }) => shard.HashKeyRange),
    [
      { StartingHashKey: '0', EndingHashKey: '113427455640312821154458202477256070484' },
      {
        StartingHashKey: '113427455640312821154458202477256070485',
        EndingHashKey: '226854911280625642308916404954512140969',
      },
      {
        StartingHashKey: '226854911280625642308916404954512140970',
        EndingHashKey: '340282366920938463463374607431768211455',
      },
    ],
  )
})

test('a record goes where its explicit hash key says, else where the MD5 of its key does', async () => {
  const bench = await Bench.open()
  await bench.ok('CreateStream', { StreamName: 's2', ShardCount: 2 })
  const half = 2n ** 127n
  // md5('a') begins with 0c, md5('b') with 92.
  const entries = [
    { PartitionKey: 'a' },
    { PartitionKey: 'b' },
    { PartitionKey: 'a', ExplicitHashKey: `${half}` },
    { PartitionKey: 'b', ExplicitHashKey: `${half - 1n}` },
    { PartitionKey: 'b', ExplicitHashKey: '0' },
    { PartitionKey: 'a', ExplicitHashKey: `${2n ** 128n - 1n}` },
  ]

  for (const format of ['json', 'cbor'] as const) {
    const Data = format === 'json' ? '' : Buffer.alloc(0)
    const Records = entries.map((entry) => ({ ...entry, Data }))
    const put = await bench.ok('PutRecords', { StreamName: 's2', Records }, format)

    const shards = put.Records.map(({ ShardId }: { ShardId: string }) => Number(ShardId.at(-1)))
    assert.deepEqual(shards, [0, 1, 1, 0, 0, 1])
  }
})

test('a stream is CREATING, then ACTIVE, then DELETING, then gone', async () => {
  const bench = await Bench.open({ config: { creatingMs: 500, deletingMs: 300 } })
  const StreamName = 's1'
  const describe = async () => {
    const { StreamDescription } = await bench.ok('DescribeStream', { StreamName })
    return [StreamDescription.StreamStatus, StreamDescription.Shards.length]
  }
  const putting = () => bench.call('PutRecord', { StreamName, PartitionKey: 'k', Data: '' })

  await bench.ok('CreateStream', { StreamName, ShardCount: 1 })
  assert.deepEqual(await describe(), ['CREATING', 0])
  assert.equal((await putting()).body.__type, 'ResourceNotFoundException')
  bench.clock.advanceBy(499)
  assert.deepEqual(await describe(), ['CREATING', 0])
  bench.clock.advanceBy(1)
  assert.deepEqual(await describe(), ['ACTIVE', 1])
  assert.equal((await putting()).status, 200)

  await bench.ok('DeleteStream', { StreamName })
  assert.deepEqual(await describe(), ['DELETING', 1])
  assert.equal((await putting()).body.__type, 'ResourceNotFoundException')
  assert.match(await bench.refused('CreateStream', { StreamName, ShardCount: 1 }), /InUse/)
  bench.clock.advanceBy(300)
  await untilTrue(async () => (await bench.call('DescribeStream', { StreamName })).status === 400)
  assert.deepEqual([...bench.disk.files.keys()], ['service.json'])
})

test('a stream in on-demand mode begins with four shards', async () => {
  const bench = await Bench.open()
  const StreamModeDetails = { StreamMode: 'ON_DEMAND' }
  await bench.ok('CreateStream', { StreamName: 's1', StreamModeDetails })

  const { StreamDescriptionSummary: summary } = await bench.ok('DescribeStreamSummary', {
    StreamName: 's1',
  })

  assert.equal(summary.OpenShardCount, 4)
  assert.deepEqual(summary.StreamModeDetails, StreamModeDetails)
  assert.match(
    await bench.refused('CreateStream', { StreamName: 's2', StreamModeDetails, ShardCount: 1 }),
    /^ValidationException: ShardCount must not/,
  )
  assert.match(
    await bench.refused('CreateStream', { StreamName: 's2' }),
    /^ValidationException: ShardCount must be/,
  )
})

test('a stream is found by name, ARN or id, and not when two of them disagree', async () => {
  const bench = await Bench.open()
  await bench.ok('CreateStream', { StreamName: 's1', ShardCount: 1 })
  await bench.ok('CreateStream', { StreamName: 's2', ShardCount: 1 })
  const summaryOf = async (choice: object) =>
    (await bench.ok('DescribeStreamSummary', choice)).StreamDescriptionSummary
  const { StreamARN, StreamId } = await summaryOf({ StreamName: 's1' })

  assert.equal(StreamARN, 'arn:aws:kinesis:us-east-1:111122223333:stream/s1')
  assert.equal((await summaryOf({ StreamARN })).StreamName, 's1')
  assert.equal((await summaryOf({ StreamId })).StreamName, 's1')
  assert.equal((await summaryOf({ StreamARN, StreamName: 's1' })).StreamName, 's1')
  const refused = (choice: object) => bench.refused('DescribeStreamSummary', choice)
  assert.match(await refused({ StreamARN, StreamName: 's2' }), /^ResourceNotFoundException/)
  assert.match(await refused({ StreamId, StreamName: 's2' }), /^ResourceNotFoundException/)
  assert.match(
    await refused({ StreamARN: 'arn:aws:kinesis:us-east-1:999999999999:stream/s1' }),
    /^ResourceNotFoundException/,
  )
  assert.match(await refused({}), /^InvalidArgumentException/)
  assert.equal(
    await refused({ StreamName: 's9' }),
    'ResourceNotFoundException: Stream s9 under account 111122223333 not found.',
  )
})

test('a name is taken until its stream is deleted; then it is another stream', async () => {
  const bench = await Bench.open()
  const StreamName = 's1'
  await bench.ok('CreateStream', { StreamName, ShardCount: 1 })
  await bench.ok('PutRecord', { StreamName, PartitionKey: 'k', Data: '' })
  const start = { StreamName, ShardId: '0', ShardIteratorType: 'TRIM_HORIZON' }
  const { ShardIterator } = await bench.ok('GetShardIterator', start)
  assert.equal(
    await bench.refused('CreateStream', { StreamName, ShardCount: 1 }),
    'ResourceInUseException: Stream s1 under account 111122223333 already exists.',
  )

  await bench.ok('DeleteStream', { StreamName })
  await bench.ok('CreateStream', { StreamName, ShardCount: 1 })

  assert.deepEqual(await bench.readAll(StreamName), [])
  assert.match(await bench.refused('GetRecords', { ShardIterator }), /^ResourceNotFoundException/)
})

test('streams are listed by name, a page at a time', async () => {
  const bench = await Bench.open()
  for (const name of ['c', 'a', 'b']) {
    await bench.ok('CreateStream', { StreamName: name, ShardCount: 1 })
  }

  const first = await bench.ok('ListStreams', { Limit: 2 })
  assert.deepEqual([first.StreamNames, first.HasMoreStreams], [['a', 'b'], true])
  const second = await bench.ok('ListStreams', { Limit: 2, NextToken: first.NextToken })
  assert.deepEqual([second.StreamNames, second.HasMoreStreams], [['c'], false])
  assert.equal(second.NextToken, undefined)
  const after = await bench.ok('ListStreams', { ExclusiveStartStreamName: 'a' })
  assert.deepEqual(after.StreamNames, ['b', 'c'])
  assert.equal(after.StreamSummaries[0].StreamStatus, 'ACTIVE')
})

test('shards are listed a page at a time, and a token lives five minutes', async () => {
  const bench = await Bench.open()
  await bench.ok('CreateStream', { StreamName: 's1', ShardCount: 5 })
  const idsOf = (answer: { Shards: { ShardId: string }[] }) =>
    answer.Shards.map(({ ShardId }) => Number(ShardId.slice(8)))

  const first = await bench.ok('ListShards', { StreamName: 's1', MaxResults: 2 })
  assert.deepEqual(idsOf(first), [0, 1])
  const { NextToken } = first
  bench.clock.advanceBy(300_000)
  const second = await bench.ok('ListShards', { NextToken, MaxResults: 2 })
  assert.deepEqual(idsOf(second), [2, 3])
  const third = await bench.ok('ListShards', { NextToken: second.NextToken, MaxResults: 2 })
  assert.deepEqual(idsOf(third), [4])
  assert.equal(third.NextToken, undefined)

  bench.clock.advanceBy(1)
  assert.match(await bench.refused('ListShards', { NextToken }), /^ExpiredNextTokenException/)
  for (const [name, value] of Object.entries({
    StreamName: 's1',
    StreamARN: 'arn:aws:kinesis:us-east-1:111122223333:stream/s1',
    ExclusiveStartShardId: 'shardId-000000000002',
    StreamCreationTimestamp: 0,
    ShardFilter: { Type: 'AT_LATEST' },
  })) {
    assert.equal(
      await bench.refused('ListShards', { NextToken, [name]: value }),
      `InvalidArgumentException: NextToken and ${name} cannot be provided together.`,
    )
  }
  assert.match(await bench.refused('ListShards', { NextToken: 'x' }), /^InvalidArgumentException/)
  const after = { StreamName: 's1', ExclusiveStartShardId: 'shardId-000000000002' }
  assert.deepEqual(idsOf(await bench.ok('ListShards', after)), [3, 4])
  const latest = { StreamName: 's1', ShardFilter: { Type: 'AT_LATEST' } }
  assert.deepEqual(idsOf(await bench.ok('ListShards', latest)), [0, 1, 2, 3, 4])
})

test('DescribeStream shows 100 shards at once', async () => {
  const bench = await Bench.open()
  await bench.ok('CreateStream', { StreamName: 's1', ShardCount: 150 })

  const first = await bench.ok('DescribeStream', { StreamName: 's1', Limit: 10_000 })
  const { Shards, HasMoreShards } = first.StreamDescription
  const rest = await bench.ok('DescribeStream', {
    StreamName: 's1',
    ExclusiveStartShardId: Shards.at(-1).ShardId,
  })

  assert.deepEqual([Shards.length, HasMoreShards], [100, true])
  const restOf = rest.StreamDescription
  assert.deepEqual([restOf.Shards.length, restOf.HasMoreShards], [50, false])
})

test('createStreamIfAbsent leaves a stream that is there as it is', async () => {
  const bench = await Bench.open()
  await bench.kinesis.createStreamIfAbsent('s1', 2)
  await bench.kinesis.createStreamIfAbsent('s1', 1)

  const { Shards } = await bench.ok('ListShards', { StreamName: 's1' })
  assert.equal(Shards.length, 2)
})

test('a dry run says that all is well and stores nothing', async () => {
  const bench = await Bench.open()
  await bench.ok('CreateStream', { StreamName: 's1', ShardCount: 1 })
  const entry = { PartitionKey: 'k', Data: '' }
  const DryRun = true

  const one = await bench.refused('PutRecord', { StreamName: 's1', ...entry, DryRun })
  const many = await bench.refused('PutRecords', { StreamName: 's1', Records: [entry], DryRun })
  const none = await bench.refused('PutRecord', { StreamName: 's9', ...entry, DryRun })

  assert.match(one, /^DryRunOperationException/)
  assert.match(many, /^DryRunOperationException/)
  assert.match(none, /^ResourceNotFoundException/)
  assert.deepEqual(await bench.readAll('s1'), [])
})
