// The line while its stream is resharded, and while nobody says how.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isWithin, numberRangeFrom } from '../../src/producer/number-range.ts'
import { type Line, type LineOptions, line } from './line.ts'
import { evenShards, md5Of, type Shard } from './scripted-service.ts'

const [LOW, HIGH] = evenShards(2, 1) as [Shard, Shard]

/** Keys whose hash keys are in the shard. */
function keysIn(shard: Shard, count: number): string[] {
  const keys: string[] = []
  for (let i = 0; keys.length < count; i++) {
    const hash = md5Of(`key-${i}`)
    if (shard.start <= hash && hash <= shard.end) keys.push(`key-${i}`)
  }
  return keys
}

/** A line that knows one shard, which has just been split. */
async function split(options: LineOptions = {}): Promise<Line> {
  const running = line(options)
  running.put('warm', 'up')
  await running.runFor(1000)
  running.results.length = 0
  running.service.sent.length = 0
  running.service.stored.length = 0
  running.service.shards = [LOW, HIGH]
  return running
}

function codesOf(running: Line): (string | null)[][] {
  return running.results.map((result) => result.attempts.map((attempt) => attempt.code))
}

function entriesOf({ service }: Line) {
  return service.sent.flatMap(({ entries }) => entries)
}

test('what landed in an unknown child with all its members is not sent again', async () => {
  const running = await split()
  for (const key of keysIn(HIGH, 3)) running.put(key, 'x')

  await running.runFor(2000)

  assert.equal(entriesOf(running).length, 1)
  assert.deepEqual(codesOf(running), [[null], [null], [null]])
})

test('an aggregate that lies across the split goes again, to each child its own', async () => {
  const running = await split()
  const keys = [...keysIn(LOW, 2), ...keysIn(HIGH, 2)]
  for (const key of keys) running.put(key, 'x')

  await running.runFor(2000)

  assert.deepEqual(
    entriesOf(running).map((entry) => entry.userRecords.length),
    [4, 2, 2],
  )
  assert.ok(running.results.every((result) => result.isDelivered))
  const { listShardsCount, describeCount } = running.service
  assert.deepEqual([listShardsCount, describeCount], [2, 2], 'at the start and after the split')
})

test('while ListShards is refused, what landed waits for it and is not sent again', async () => {
  const running = await split({ settings: { recordTtl: 'none' } })
  running.service.listShardsError = 'LimitExceededException'
  for (const key of keysIn(LOW, 3)) running.put(key, 'x')

  await running.runFor(180_000)
  const before = { sent: entriesOf(running).length, settled: running.results.length }
  const { listShardsCount } = running.service
  running.service.listShardsError = null
  await running.runFor(60_000)

  assert.deepEqual(before, { sent: 1, settled: 0 })
  assert.ok(listShardsCount > 5 && listShardsCount < 20, `${listShardsCount} listings`)
  assert.equal(entriesOf(running).length, 1)
  assert.deepEqual(codesOf(running), [[null], [null], [null]])
})

test('close gives up what landed and is not judged yet, and says that it may be written', async () => {
  const running = await split({ settings: { recordTtl: 'none' } })
  running.service.listShardsError = 'LimitExceededException'
  for (const key of keysIn(LOW, 3)) running.put(key, 'x')
  await running.runFor(10_000)
  let left = -1
  running.producer.close(500).then((count) => {
    left = count
  })

  await running.runFor(1000)
  await running.producer.close(0)

  assert.equal(left, 3)
  const told = running.results.map((one) => !one.isDelivered && [one.code, one.mayBeWritten])
  assert.deepEqual(told, Array(3).fill(['Closed', true]))
})

test('while ListShards is refused, only records of one key share a Kinesis record', async () => {
  const running = await split()
  running.service.listShardsError = 'LimitExceededException'
  const [low] = keysIn(LOW, 1)
  const [high] = keysIn(HIGH, 1)
  running.put(low!, 'finds out')
  await running.runFor(2000)
  running.service.sent.length = 0
  for (let i = 0; i < 3; i++) for (const key of [low!, high!]) running.put(key, `${i}`)

  await running.runFor(1000)

  const shown = entriesOf(running).map(({ partitionKey, userRecords }) => {
    return [partitionKey, userRecords.length]
  })
  assert.deepEqual(
    shown.sort(),
    [
      [high, 3],
      [low, 3],
    ].sort(),
  )
  assert.ok(running.results.every((result) => result.isDelivered))
})

test('while ListShards is refused, what waits for the rate of a shard that moved goes by key', async () => {
  const settings = { rateLimit: 1, recordTtl: 'none', aggregationMaxSize: 2000 } as const
  const running = line({ settings })
  // Afterwards nothing is saved up.
  running.put('large', 'x'.repeat(1_045_000))
  await running.runFor(200)
  running.service.shards = [LOW, HIGH]
  running.service.listShardsError = 'LimitExceededException'
  const keys = [...keysIn(LOW, 20), ...keysIn(HIGH, 20)]
  for (let i = 0; i < 20; i++) for (const key of keys) running.put(key, 'x'.repeat(600))

  await running.runFor(300_000)
  running.service.listShardsError = null
  await running.runFor(60_000)

  assert.equal(running.results.length, 1 + keys.length * 20)
  const extraCount = running.service.stored.length - running.results.length
  assert.ok(extraCount <= 3, `${extraCount} more records sent than what showed that it moved`)
})

test('what comes while the new map is one call away waits for it, to share Kinesis records', async () => {
  const running = await split()
  const { service } = running
  const keys = [...keysIn(LOW, 3), ...keysIn(HIGH, 3)]
  running.put(keys[0]!, 'finds out')
  await running.runFor(125)
  service.latencyMs = 300
  await running.runFor(25)
  for (const key of keys) running.put(key, 'x')
  service.sent.length = 0

  await running.runFor(2000)

  assert.deepEqual(
    entriesOf(running).map(({ userRecords }) => userRecords.length),
    [3, 3],
  )
  assert.ok(running.results.every(({ attempts }) => attempts.length === 1))
})

test('when that call takes longer than half a second, what waits for it goes by key', async () => {
  const running = await split()
  const [low, high] = [keysIn(LOW, 1)[0]!, keysIn(HIGH, 1)[0]!]
  running.put(low, 'finds out')
  await running.runFor(125)
  running.service.latencyMs = 10_000
  await running.runFor(25)
  running.service.sent.length = 0
  for (const key of [low, high, low, high]) running.put(key, 'x')

  await running.runFor(450)
  assert.equal(entriesOf(running).length, 0)
  await running.runFor(150)

  const members = entriesOf(running).map(({ userRecords }) => userRecords)
  assert.deepEqual(members.sort(), [low, high].map((key) => [`${key}:x`, `${key}:x`]).sort())
})

test('a stream made anew is asked what it allows, however lately the old one was', async () => {
  const running = line({ shards: evenShards(2) })
  const { service } = running
  const { eight, teller } = madeAnew()
  running.put(teller, 'warm')
  await running.runFor(1000)
  service.shards = eight
  service.summary = {
    StreamModeDetails: { StreamMode: 'ON_DEMAND' },
    RecordDistributionStrategy: 'AUTO',
  }
  running.put(teller, 'where it lands shows what became of the stream')
  await running.runFor(1000)
  service.sent.length = 0

  for (const key of keysIn(eight[0]!, 3)) running.put(key, 'x')
  await running.runFor(1000)

  assert.deepEqual(
    entriesOf(running).map(({ userRecords }) => userRecords.length),
    [1, 1, 1],
  )
})

test('what waits for the rate of a closed shard goes by the new ones, not twice', async () => {
  const running = await split({ settings: { rateLimit: 1, aggregationMaxSize: 64 } })
  const keys = [...keysIn(LOW, 20), ...keysIn(HIGH, 20)]
  for (let i = 0; i < 100; i++) for (const key of keys) running.put(key, 'x'.repeat(60))

  await running.runFor(20_000)

  const extraCount = running.service.stored.length - keys.length * 100
  assert.ok(extraCount <= 0, `${extraCount} records sent beyond what was put`)
})

test('two shards become one: nothing goes again', async () => {
  const running = line({ shards: [LOW, HIGH] })
  running.put('warm', 'up')
  await running.runFor(1000)
  running.service.stored.length = 0
  running.service.shards = evenShards(1, 3)
  for (const key of [...keysIn(LOW, 2), ...keysIn(HIGH, 2)]) running.put(key, 'x')

  await running.runFor(2000)

  assert.equal(running.service.stored.length, 4)
  assert.ok(running.results.every((result) => result.isDelivered))
})

test('a shard of the same name in a stream made anew is told apart by its numbers', () => {
  // From a stream at AWS: a shard's first and last number, and its child's first.
  const first = '49563335997420305725896584603874146327194044269160562690'
  const last = '49563335997431456098495849915443705260510755470006288386'
  const child = '49563336006362904550507364483629969354526038951045627922'

  const range = numberRangeFrom(first)!

  assert.ok(isWithin(range, first) && isWithin(range, last))
  const [low, high] = [BigInt(range.low), BigInt(range.high)]
  assert.deepEqual(
    [low - 1n, low, high, high + 1n].map((number) => isWithin(range, `${number}`)),
    [false, true, true, false],
  )
  assert.equal(isWithin(range, child), false)
  assert.equal(isWithin(range, '17'), true, 'of another layout: it says nothing')
  assert.equal(numberRangeFrom('1'), null)
  assert.equal(numberRangeFrom(`1${'0'.repeat(55)}`), null, 'its range begins with fewer digits')
})

/**
 * A stream of two shards is made anew with eight: the first one of either has the same name. The
 * two keys belong to the first one of two, and to different ones of eight; the third tells.
 */
function madeAnew() {
  const eight = evenShards(8)
  const [first] = keysIn(eight[0]!, 1)
  const [second] = keysIn(eight[1]!, 1)
  const [teller] = keysIn(eight[5]!, 1)
  return { eight, keys: [first!, second!], teller: teller! }
}

test('an aggregate that acts on the next stream of its name is not taken as expected', async () => {
  const running = line({ shards: evenShards(2) })
  const { service } = running
  const { eight, keys, teller } = madeAnew()
  running.put(teller, 'warm')
  await running.runFor(1000)
  running.results.length = 0
  for (const key of keys.toReversed()) running.put(key, 'x')
  service.latencyMs = 5000
  service.script = () => {
    service.shards = eight
    return 'store'
  }
  await running.runFor(1000)
  service.latencyMs = 10
  running.put(teller, 'where it lands shows what became of the stream')

  await running.runFor(10_000)

  assert.deepEqual(codesOf(running), [[null], ['Wrong Shard', null], ['Wrong Shard', null]])
  assert.equal(running.producer.describe().streams[0]!.openShards, 8)
  assert.equal(service.listShardsCount, 2, 'what was sent before a map says nothing of it')
})

test('an aggregate that lands in the next shard of the name is judged by the range of that', async () => {
  const running = line({ shards: evenShards(2) })
  const { service } = running
  const { eight, keys, teller } = madeAnew()
  // From a stream at AWS: a shard's first number, and the first of one that was made later.
  service.numbersFrom = 49563335997420305725896584603874146327194044269160562690n
  running.put(teller, 'warm')
  await running.runFor(1000)
  running.results.length = 0
  service.shards = eight
  service.numbersFrom = 49563336006362904550507364483629969354526038951045627922n

  for (const key of keys) running.put(key, 'x')
  await running.runFor(10_000)

  assert.deepEqual(codesOf(running), [
    ['Wrong Shard', null],
    ['Wrong Shard', null],
  ])
})

test('what was gathered for a shard goes by the next one of its name', async () => {
  const running = line({ settings: { recordMaxBufferedTime: 5000 }, shards: evenShards(2) })
  const { service } = running
  const { eight, keys, teller } = madeAnew()
  running.put(teller, 'warm')
  await running.runFor(6000)
  service.shards = eight
  running.put(teller, 'where it lands shows what became of the stream')
  await running.runFor(4900)
  for (const key of keys) running.put(key, 'x')

  await running.runFor(10_000)

  assert.deepEqual(
    entriesOf(running).map(({ userRecords }) => userRecords.length),
    [1, 1, 1, 1],
  )
  assert.ok(running.results.every(({ attempts }) => attempts.length === 1))
})

test('a split shows by the age of the map, before a record has gone astray', async () => {
  const shards = evenShards(2)
  const running = line({ settings: { shardMapMaxAge: 100_000 }, shards })
  const [quiet, busy] = [keysIn(shards[0]!, 1)[0]!, keysIn(shards[1]!, 1)[0]!]
  running.put(quiet, 'x')
  running.put(busy, 'x')
  await running.runFor(1000)
  const middle = shards[0]!.end / 2n
  const children = [
    { number: 2, start: 0n, end: middle },
    { number: 3, start: middle + 1n, end: shards[0]!.end },
  ]
  running.service.shards = [...children, shards[1]!]
  for (let second = 0; second < 80; second++) {
    running.put(busy, 'x')
    await running.runFor(1000)
  }
  const { openShards, wrongShardCount } = running.producer.describe().streams[0]!
  const askedCount = running.service.describeCount
  for (const key of [...keysIn(children[0]!, 2), ...keysIn(children[1]!, 2)]) running.put(key, 'x')
  await running.runFor(1000)

  assert.deepEqual([openShards, wrongShardCount], [3, 0])
  assert.equal(askedCount, 2, 'the stream itself may be another')
  assert.equal(running.producer.describe().streams[0]!.wrongShardCount, 0)
  assert.ok(running.results.every((result) => result.isDelivered && result.attempts.length === 1))
})

test('while a new map is being listed, records share Kinesis records by the old one', async () => {
  const shards = evenShards(2)
  const running = line({ settings: { shardMapMaxAge: 100_000 }, shards })
  const keys = [...keysIn(shards[0]!, 2), ...keysIn(shards[1]!, 3)]
  running.put(keys[0]!, 'x')
  await running.runFor(100_000)
  const { listShardsCount } = running.service
  running.service.sent.length = 0
  running.service.latencyMs = 5000

  // The first one has the map fetched, which is old.
  for (const key of keys) running.put(key, 'x')
  await running.runFor(1000)

  assert.equal(running.service.listShardsCount, listShardsCount + 1)
  const counts = entriesOf(running).map(({ userRecords }) => userRecords.length)
  assert.deepEqual(counts.sort(), [2, 3])
  await running.runFor(10_000)
  const delivered = running.results.filter((one) => one.isDelivered && one.attempts.length === 1)
  assert.equal(delivered.length, 1 + keys.length)
})
