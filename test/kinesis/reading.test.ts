import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EpochMs } from '../../src/wire/index.ts'
import { Bench, base64, textsOf } from './bench-top.ts'

const SHARD_0 = 'shardId-000000000000'

async function benchWithRecords(...texts: string[]) {
  const bench = await Bench.open({ config: { limits: false } })
  await bench.ok('CreateStream', { StreamName: 's1', ShardCount: 1 })
  const numbers: string[] = []
  const times: number[] = []
  for (const text of texts) {
    bench.clock.advanceBy(1000)
    const put = await bench.ok('PutRecord', {
      StreamName: 's1',
      PartitionKey: 'k',
      Data: base64(text),
    })
    numbers.push(put.SequenceNumber)
    times.push(bench.clock.wallMs())
  }
  const iterator = async (ShardIteratorType: string, more: object = {}) => {
    const input = { StreamName: 's1', ShardId: SHARD_0, ShardIteratorType, ...more }
    return (await bench.ok('GetShardIterator', input)).ShardIterator as string
  }
  const read = async (ShardIteratorType: string, more: object = {}) => {
    const ShardIterator = await iterator(ShardIteratorType, more)
    return textsOf((await bench.ok('GetRecords', { ShardIterator })).Records)
  }
  return { bench, numbers, times, iterator, read }
}

test('each kind of iterator begins where it says', async () => {
  const { numbers, times, read } = await benchWithRecords('a', 'b', 'c')
  const [, StartingSequenceNumber] = numbers
  const at = (ms: number) => read('AT_TIMESTAMP', { Timestamp: ms / 1000 })

  assert.deepEqual(await read('TRIM_HORIZON'), ['a', 'b', 'c'])
  assert.deepEqual(await read('LATEST'), [])
  assert.deepEqual(await read('AT_SEQUENCE_NUMBER', { StartingSequenceNumber }), ['b', 'c'])
  assert.deepEqual(await read('AFTER_SEQUENCE_NUMBER', { StartingSequenceNumber }), ['c'])
  assert.deepEqual(await at(0), ['a', 'b', 'c'])
  assert.deepEqual(await at(times[1]! - 1), ['b', 'c'])
  assert.deepEqual(await at(times[1]!), ['b', 'c'])
  assert.deepEqual(await at(times[1]! + 1), ['c'])
  assert.deepEqual(await at(times[2]!), ['c'])
})

test('AT_TIMESTAMP works in CBOR, in milliseconds', async () => {
  const { bench, times } = await benchWithRecords('a', 'b')
  const input = { StreamName: 's1', ShardId: SHARD_0, ShardIteratorType: 'AT_TIMESTAMP' }
  const Timestamp = new EpochMs(times[1]!)

  const { ShardIterator } = await bench.ok('GetShardIterator', { ...input, Timestamp }, 'cbor')
  const { Records } = await bench.ok('GetRecords', { ShardIterator }, 'cbor')

  assert.deepEqual(
    Records.map(({ Data }: { Data: Buffer }) => Data.toString()),
    ['b'],
  )
})

test('an iterator after the newest record reads what comes next', async () => {
  const { bench, iterator, numbers, times } = await benchWithRecords('a')
  const iterators = [
    await iterator('LATEST'),
    await iterator('AFTER_SEQUENCE_NUMBER', { StartingSequenceNumber: numbers[0] }),
  ]
  bench.clock.advanceBy(1)
  iterators.push(await iterator('AT_TIMESTAMP', { Timestamp: (times[0]! + 1) / 1000 }))

  await bench.ok('PutRecord', { StreamName: 's1', PartitionKey: 'k', Data: base64('b') })

  for (const ShardIterator of iterators) {
    const { Records } = await bench.ok('GetRecords', { ShardIterator })
    assert.deepEqual(textsOf(Records), ['b'])
  }
})

test('page follows page without gap or overlap', async () => {
  const all = Array.from({ length: 25 }, (_, i) => `${i}`)
  const { bench, iterator } = await benchWithRecords(...all)
  let ShardIterator = await iterator('TRIM_HORIZON')
  const pages: string[][] = []
  const behind: number[] = []

  for (let page = 0; page < 4; page++) {
    const answer = await bench.ok('GetRecords', { ShardIterator, Limit: 10 })
    pages.push(textsOf(answer.Records))
    behind.push(answer.MillisBehindLatest)
    ShardIterator = answer.NextShardIterator
  }

  assert.deepEqual(pages, [all.slice(0, 10), all.slice(10, 20), all.slice(20), []])
  // A record came each second: the tenth 15 s before the newest, which is now.
  assert.deepEqual(behind, [15_000, 5_000, 0, 0])
})

test('an iterator lives five minutes', async () => {
  const { bench, iterator } = await benchWithRecords('a')
  const ShardIterator = await iterator('TRIM_HORIZON')

  bench.clock.wallOffsetMs = 1_421_889_722_000 - bench.clock.monotonicMs()
  const inPast = await iterator('TRIM_HORIZON')
  bench.clock.advanceBy(300_000)
  await bench.ok('GetRecords', { ShardIterator: inPast })
  bench.clock.advanceBy(1)
  assert.equal(
    await bench.refused('GetRecords', { ShardIterator: inPast }),
    'ExpiredIteratorException: Iterator expired. The iterator was created at time ' +
      'Thu Jan 22 01:22:02 UTC 2015 while right now it is Thu Jan 22 01:27:02 UTC 2015 which is ' +
      'further in the future than the tolerated delay of 300000 milliseconds.',
  )
  await bench.ok('GetRecords', { ShardIterator })
})

test('an iterator cannot be made up or changed', async () => {
  const { bench, iterator } = await benchWithRecords('a')
  const sealed = Buffer.from(await iterator('TRIM_HORIZON'), 'base64')
  const refused = (ShardIterator: string) => bench.refused('GetRecords', { ShardIterator })
  const invalid = 'InvalidArgumentException: Invalid ShardIterator.'

  for (let at = 0; at < sealed.length; at++) {
    const changed = Buffer.from(sealed)
    changed[at]! ^= 1
    assert.equal(await refused(changed.toString('base64')), invalid)
  }
  for (const text of ['x', 'AAAA', sealed.subarray(1).toString('base64'), '!', 'é'.repeat(40)]) {
    assert.equal(await refused(text), invalid)
  }
  // Sealed by the same key, but for something else.
  await bench.ok('CreateStream', { StreamName: 's2', ShardCount: 2 })
  const { NextToken } = await bench.ok('ListShards', { StreamName: 's2', MaxResults: 1 })
  assert.equal(await refused(NextToken), invalid)
})

test('what does not belong together is refused in the service’s words', async () => {
  const { bench, numbers } = await benchWithRecords('a')
  await bench.ok('CreateStream', { StreamName: 's2', ShardCount: 2 })
  const other = await bench.ok('PutRecord', {
    StreamName: 's2',
    PartitionKey: 'k',
    ExplicitHashKey: `${2n ** 127n}`,
    Data: '',
  })
  const refused = (input: object) =>
    bench.refused('GetShardIterator', { StreamName: 's1', ShardId: SHARD_0, ...input })
  const at = { ShardIteratorType: 'AT_SEQUENCE_NUMBER' }

  assert.match(await refused(at), /^InvalidArgumentException: .* and no StartingSequenceNumber\.$/)
  assert.match(
    await refused({ ShardIteratorType: 'LATEST', StartingSequenceNumber: numbers[0] }),
    /Request specified LATEST and also a StartingSequenceNumber\.$/,
  )
  assert.match(
    await refused({ ...at, StartingSequenceNumber: '1' }),
    /^InvalidArgumentException: StartingSequenceNumber 1 used in .* is invalid\.$/,
  )
  assert.match(
    await refused({ ...at, StartingSequenceNumber: other.SequenceNumber }),
    /It encodes shardId-000000000001, while it was used in a call to a shard with shardId-0+$/,
  )
  assert.match(await refused({ ShardIteratorType: 'AT_TIMESTAMP' }), /Must specify timestamp/)
  const future = (bench.clock.wallMs() + 1) / 1000
  assert.match(
    await refused({ ShardIteratorType: 'AT_TIMESTAMP', Timestamp: future }),
    /cannot be greater than the currentTimestampInMillis/,
  )
  const latest = { ShardIteratorType: 'LATEST' }
  assert.equal(
    await refused({ ...latest, ShardId: 'shardId-000000000001' }),
    'ResourceNotFoundException: Shard shardId-000000000001 in stream s1 under account 111122223333 does not exist',
  )
  assert.equal(
    await refused({ ...latest, ShardId: 'nonsense' }),
    'ResourceNotFoundException: Could not find shard nonsense in stream s1 under account 111122223333.',
  )
  bench.clock.advanceBy(5000)
  await bench.ok('DeleteStream', { StreamName: 's1' })
  await bench.ok('CreateStream', { StreamName: 's1', ShardCount: 1 })
  assert.match(
    await refused({ ...at, StartingSequenceNumber: numbers[0] }),
    /is invalid because it did not come from this stream\.$/,
  )
})

test('a closed shard ends: no next iterator, but its children', async () => {
  const { bench } = await benchWithRecords('a', 'b')
  const last = (await bench.readAll('s1')).at(-1)!
  closeAndSplit(bench, last.SequenceNumber)
  const after = await bench.reopen()
  const start = { StreamName: 's1', ShardId: SHARD_0, ShardIteratorType: 'TRIM_HORIZON' }
  const { ShardIterator } = await after.ok('GetShardIterator', start)

  const first = await after.ok('GetRecords', { ShardIterator, Limit: 1 })
  const second = await after.ok('GetRecords', { ShardIterator: first.NextShardIterator })
  const put = await after.ok('PutRecord', { StreamName: 's1', PartitionKey: 'b', Data: '' })

  assert.ok(first.NextShardIterator)
  assert.equal(first.ChildShards, undefined)
  assert.deepEqual(textsOf(second.Records), ['b'])
  assert.equal(second.NextShardIterator, null)
  assert.deepEqual(
    second.ChildShards.map((child: { ShardId: string; ParentShards: string[] }) => [
      child.ShardId,
      child.ParentShards,
    ]),
    [
      ['shardId-000000000001', [SHARD_0]],
      ['shardId-000000000002', [SHARD_0]],
    ],
  )
  // md5('b') begins with 92: the upper half.
  assert.equal(put.ShardId, 'shardId-000000000002')
})

test('filters show the shards that were open when they say', async () => {
  const { bench, times } = await benchWithRecords('a', 'b')
  const last = (await bench.readAll('s1')).at(-1)!
  closeAndSplit(bench, last.SequenceNumber)
  const after = await bench.reopen()
  const shown = async (ShardFilter: object) => {
    const { Shards } = await after.ok('ListShards', { StreamName: 's1', ShardFilter })
    return Shards.map(({ ShardId }: { ShardId: string }) => Number(ShardId.at(-1)))
  }

  assert.deepEqual(await shown({ Type: 'FROM_TRIM_HORIZON' }), [0, 1, 2])
  assert.deepEqual(await shown({ Type: 'AT_TRIM_HORIZON' }), [0])
  assert.deepEqual(await shown({ Type: 'AT_LATEST' }), [1, 2])
  assert.deepEqual(await shown({ Type: 'AFTER_SHARD_ID', ShardId: SHARD_0 }), [1, 2])
  const closedAt = times[1]! / 1000
  assert.deepEqual(await shown({ Type: 'AT_TIMESTAMP', Timestamp: closedAt - 0.5 }), [0])
  assert.deepEqual(await shown({ Type: 'AT_TIMESTAMP', Timestamp: closedAt + 0.5 }), [1, 2])
  assert.deepEqual(await shown({ Type: 'FROM_TIMESTAMP', Timestamp: closedAt - 0.5 }), [0, 1, 2])
  assert.deepEqual(await shown({ Type: 'FROM_TIMESTAMP', Timestamp: closedAt + 0.5 }), [1, 2])
  const { Shards } = await after.ok('ListShards', { StreamName: 's1' })
  assert.equal(Shards[1].ParentShardId, SHARD_0)
  assert.equal(Shards[0].SequenceNumberRange.EndingSequenceNumber, last.SequenceNumber)
  after.clock.advanceBy(25 * 3_600_000)
  assert.deepEqual(await shown({ Type: 'FROM_TRIM_HORIZON' }), [1, 2])
  assert.deepEqual(await shown({ Type: 'AT_TRIM_HORIZON' }), [1, 2])
})

/** What a split leaves in the stream's file. */
function closeAndSplit(bench: Bench, endingSequenceNumber: string): void {
  const name = [...bench.disk.files.keys()].find((file) => file.endsWith('stream.json'))!
  const content = bench.disk.content(name)
  const stream = JSON.parse(content.bytes.toString())
  const atMs = bench.clock.wallMs()
  const half = 2n ** 127n
  const child = { creationAtMs: atMs, parentNumber: 0, adjacentParentNumber: null, closed: null }
  stream.shards[0].closed = { atMs, endingSequenceNumber }
  stream.shards.push(
    { number: 1, startingHashKey: '0', endingHashKey: `${half - 1n}`, ...child },
    { number: 2, startingHashKey: `${half}`, endingHashKey: `${2n * half - 1n}`, ...child },
  )
  content.bytes = Buffer.from(JSON.stringify(stream))
}
