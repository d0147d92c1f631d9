import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type RecordResult, UserRecord } from '../../src/record/index.ts'
import { codesOf, type Line, line } from './line.ts'
import { evenShards, md5Of, type Shard } from './scripted-service.ts'

const THROTTLED = { entryError: 'ProvisionedThroughputExceededException' } as const

type FailedResult = Extract<RecordResult, { isDelivered: false }>

/** The first of `key-0`, `key-1`, … whose hash key is in the shard. */
function keyIn(shard: Shard): string {
  for (let i = 0; ; i++) {
    const hash = md5Of(`key-${i}`)
    if (shard.start <= hash && hash <= shard.end) return `key-${i}`
  }
}

async function started(options: Parameters<typeof line>[0] = {}): Promise<Line> {
  const running = line(options)
  running.put('warm', 'up')
  await running.runFor(1000)
  running.results.length = 0
  running.service.sent.length = 0
  running.service.stored.length = 0
  return running
}

test('records of one shard travel together and settle with their places', async () => {
  const running = await started()
  running.put('a', 'one')
  running.put('b', 'two')

  await running.runFor(500)

  assert.equal(running.service.sent.length, 1)
  assert.deepEqual(running.service.sent[0]!.entries[0]!.userRecords, ['a:one', 'b:two'])
  assert.deepEqual(
    running.results.map((result) => result.isDelivered && result.place.subSequenceNumber),
    [0, 1],
  )
  assert.equal(running.producer.outstandingCount, 0)
  assert.equal(running.producer.outstandingBytes, 0)
  assert.equal(running.producer.oldestRecordAgeMs, 0)
})

test('a record alone is stored as it is, routed by the MD5 of its key', async () => {
  const running = await started()
  running.put('k', 'raw')

  await running.runFor(500)

  const entry = running.service.sent[0]!.entries[0]!
  assert.equal(entry.data.toString(), 'raw')
  assert.equal(entry.partitionKey, 'k')
  assert.equal(entry.explicitHashKey, String(md5Of('k')))
  assert.equal(running.results[0]?.isDelivered && running.results[0].place.subSequenceNumber, null)
})

test('an aggregate has the partition key a, and the hash key of its first record', async () => {
  const running = await started()
  for (const key of ['user-1', 'user-2', 'user-3']) running.put(key, 'v')

  await running.runFor(500)

  const { entries } = running.service.sent[0]!
  assert.equal(entries.length, 1)
  const { partitionKey, explicitHashKey, userRecords } = entries[0]!
  assert.deepEqual(userRecords, ['user-1:v', 'user-2:v', 'user-3:v'])
  assert.deepEqual([partitionKey, explicitHashKey], ['a', String(md5Of('user-1'))])
})

test('records of different shards never share a Kinesis record', async () => {
  const shards = evenShards(2)
  const running = await started({ shards })
  const keys = shards.map(keyIn)
  for (const key of [...keys, ...keys]) running.put(key, 'x')

  await running.runFor(500)

  const entries = running.service.sent.flatMap((request) => request.entries)
  assert.deepEqual(
    entries.map((entry) => entry.userRecords).sort(),
    keys.map((key) => [`${key}:x`, `${key}:x`]).sort(),
  )
})

test('a record leaves the aggregator after RecordMaxBufferedTime and the collector soon after', async () => {
  const running = await started()
  const startMs = running.clock.monotonicMs()
  running.put('k', 'v')

  await running.runFor(99)
  assert.equal(running.service.sent.length, 0)
  await running.runFor(21)

  assert.equal(running.service.sent[0]!.atMs - startMs, 120, '100 ms, and a fifth of it')
})

test('a throttled record is sent again and settles once', async () => {
  const running = await started()
  running.service.script = (n) => (n === 0 ? THROTTLED : 'store')
  running.put('user-7', 'hello')

  await running.runFor(1000)

  assert.deepEqual(running.results.map(codesOf), [[THROTTLED.entryError, null]])
  assert.deepEqual(running.service.stored, ['user-7:hello'])
})

test('only the throttled entries of a request go again', async () => {
  const shards = evenShards(3)
  const running = await started({ shards })
  const keys = shards.map(keyIn)
  let isFirst = true
  running.service.script = (_n, entries) => {
    const verdicts = entries.map((entry) =>
      isFirst && entry.partitionKey === keys[1] ? THROTTLED : ('store' as const),
    )
    isFirst = false
    return verdicts
  }
  for (const key of keys) running.put(key, 'x')

  await running.runFor(1000)

  assert.deepEqual(
    running.service.sent.map((request) => request.entries.length),
    [3, 1],
  )
  assert.equal(running.service.stored.length, 3)
  assert.equal(running.results.length, 3)
})

test('with FailIfThrottled a throttled record fails at once', async () => {
  const running = await started({ settings: { failIfThrottled: true } })
  running.service.script = () => THROTTLED
  running.put('k', 'v')

  await running.runFor(1000)

  assert.deepEqual(running.results.map(codesOf), [[THROTTLED.entryError]])
  assert.equal(running.service.sent.length, 1)
})

test('a record that expires fails with all its attempts, the last one Expired', async () => {
  const running = await started({ settings: { recordTtl: 1000 } })
  running.service.script = () => ({ requestError: 'ServiceUnavailable', status: 503 })
  running.put('k', 'v')

  await running.runFor(5000)

  const result = running.results[0]!
  assert.equal(running.results.length, 1)
  assert.ok(!result.isDelivered && result.code === 'Expired' && result.mayBeWritten)
  const codes = codesOf(result)
  assert.ok(codes.length > 3)
  assert.equal(codes.at(-1), 'Expired')
  assert.ok(codes.slice(0, -1).every((code) => code === 'ServiceUnavailable'))
})

test('a record that expires in the limiter says so', async () => {
  // 1 % of a shard: 10 486 bytes a second once the saved-up mebibyte is spent.
  const running = await started({ settings: { rateLimit: 1, recordTtl: 2000 } })
  const big = 'x'.repeat(500_000)
  for (let i = 0; i < 4; i++) running.put(`k${i}`, big)

  await running.runFor(5000)

  const failed = running.results.filter((result) => !result.isDelivered)
  assert.equal(failed.length, 2)
  assert.equal(failed[0]!.attempts[0]!.message, 'Expiration reached while waiting in limiter')
  assert.equal(failed[0]!.isDelivered || failed[0]!.mayBeWritten, false)
})

test('a permanent error fails at once and hits the service no further', async () => {
  const running = await started()
  running.service.script = () => ({ requestError: 'ResourceNotFoundException', status: 400 })
  running.put('k', 'v')

  await running.runFor(3000)

  assert.deepEqual(running.results.map(codesOf), [['ResourceNotFoundException']])
  assert.equal(running.service.sent.length, 1)
})

test('one entry that poisons a request is found, and fails alone', async () => {
  const running = await started({ settings: { aggregationEnabled: false } })
  running.service.script = (_n, entries) =>
    entries.some((entry) => entry.partitionKey === 'poison')
      ? { requestError: 'InvalidArgumentException', status: 400 }
      : 'store'
  for (let i = 0; i < 20; i++) running.put(i === 13 ? 'poison' : `k${i}`, 'v')

  await running.runFor(3000)

  const [failed, ...others] = running.results.filter((result) => !result.isDelivered)
  assert.equal(others.length, 0)
  // Each refused request that it was in: of 20, 10, 5, 3, 2 and 1 entries.
  assert.deepEqual(codesOf(failed), Array(6).fill('InvalidArgumentException'))
  assert.equal(running.service.stored.length, 19)
  const delivered = running.results.filter((result) => result.isDelivered)
  assert.ok(delivered.every(({ attempts }) => attempts[0]!.code === 'InvalidArgumentException'))
})

test('a poisoned member of an aggregate fails alone too', async () => {
  const running = await started()
  running.service.script = (_n, entries) =>
    entries.some((entry) => entry.userRecords.includes('poison:v'))
      ? { requestError: 'InvalidArgumentException', status: 400 }
      : 'store'
  for (const key of ['a', 'poison', 'b']) running.put(key, 'v')

  await running.runFor(3000)

  assert.deepEqual(running.service.stored.toSorted(), ['a:v', 'b:v'])
  assert.equal(running.results.filter((result) => !result.isDelivered).length, 1)
})

test('an answer that is lost may have been written, and the record says so', async () => {
  const running = await started()
  running.service.script = (n) => (n === 0 ? { noAnswer: 'timed-out', isStored: true } : 'store')
  running.put('k', 'v')

  await running.runFor(2000)

  assert.deepEqual(codesOf(running.results[0]), ['RequestTimeout', null])
  assert.equal(running.results[0]!.attempts[0]!.mayBeWritten, true)
  assert.deepEqual(running.service.stored, ['k:v', 'k:v'], 'the duplicate that nobody can rule out')
})

test('an answer with another number of results fails nothing and loses nothing', async () => {
  const running = await started()
  running.service.script = (n) => (n === 0 ? 'no results' : 'store')
  running.put('k', 'v')
  await running.runFor(2000)
  assert.deepEqual(codesOf(running.results[0]), ['Record Count Mismatch', null])
  assert.equal(running.results[0]!.attempts[0]!.mayBeWritten, true)
  assert.deepEqual(running.service.stored, ['k:v'])
})

test('while the service cannot be reached the waits double, up to five seconds', async () => {
  const running = await started({ settings: { recordTtl: 60_000 } })
  running.service.script = () => ({ noAnswer: 'connect-failed', isStored: false })
  running.put('k', 'v')

  await running.runFor(40_000)

  const instants = running.service.sent.map(({ atMs }) => atMs)
  const waitsMs = instants.slice(1).map((atMs, i) => atMs - instants[i]!)
  // The test's chance always draws the middle: half of 50, 100, 200, … ms, and the exchange.
  const expected = [25, 50, 100, 200, 400, 800, 1600, 2500, 2500]
  for (const [i, expectedMs] of expected.entries()) {
    assert.ok(Math.abs(waitsMs[i]! - expectedMs - 31) <= 2, `${waitsMs}`)
  }

  running.service.script = () => 'store'
  await running.runFor(5000)
  assert.ok(running.results[0]!.isDelivered)
  const codes = codesOf(running.results[0])
  assert.deepEqual([...new Set(codes)], ['ConnectFailed', null])
})

test('a record too large to wait for company waits all the same before it goes again', async () => {
  const running = await started({ settings: { collectionMaxCount: 1 } })
  running.service.script = () => THROTTLED
  running.put('k', 'x'.repeat(60_000))

  await running.runFor(10_000)

  assert.ok(running.service.sent.length < 15, `${running.service.sent.length} requests in 10 s`)
})

test('records that landed in range after a split are not sent again', async () => {
  const running = await started()
  running.service.shards = evenShards(2, 1)
  const [left] = running.service.shards
  running.put(keyIn(left!), 'x')
  running.put(keyIn(left!), 'y')

  await running.runFor(3000)

  assert.ok(running.results.every((result) => result.isDelivered))
  assert.equal(running.service.stored.length, 2)
  assert.equal(running.service.listShardsCount, 2, 'one at the start, one for the split')
})

test('an aggregate with one member out of range goes again whole, as the KCL drops it whole', async () => {
  const running = await started()
  running.service.shards = evenShards(2, 1)
  const [left, right] = running.service.shards.map(keyIn)
  running.put(left!, 'x')
  running.put(right!, 'stray')

  await running.runFor(3000)

  const afterwards = running.service.sent.slice(1).flatMap((request) => request.entries)
  assert.deepEqual(
    afterwards.map((entry) => entry.userRecords).sort(),
    [[`${left}:x`], [`${right}:stray`]].sort(),
  )
  assert.deepEqual(running.results.map(codesOf), [
    ['Wrong Shard', null],
    ['Wrong Shard', null],
  ])
})

test('after a split new records go by the new map', async () => {
  const running = await started()
  running.service.shards = evenShards(2, 1)
  const keys = running.service.shards.map(keyIn)
  running.put(keys[0]!, 'finds out')
  running.put(keys[0]!, 'finds out too')
  await running.runFor(2000)
  running.service.sent.length = 0
  for (const key of [...keys, ...keys]) running.put(key, 'x')

  await running.runFor(2000)

  const entries = running.service.sent.flatMap((request) => request.entries)
  assert.equal(entries.length, 2)
})

test('while the first shard map is on its way records wait for it, and are aggregated', async () => {
  // With `always` nothing else is waited for.
  for (const aggregation of ['safe', 'always'] as const) {
    const running = line({ settings: { aggregation } })
    running.service.latencyMs = 500
    running.put('a', '1')
    running.put('b', '2')

    await running.runFor(2000)

    assert.deepEqual(running.service.sent[0]!.entries[0]!.userRecords, ['a:1', 'b:2'])
  }
})

test('when the shards cannot be listed records travel alone and still arrive', async () => {
  const running = line({})
  running.service.listShardsError = 'AccessDeniedException'
  running.put('a', '1')
  running.put('b', '2')

  await running.runFor(2000)

  assert.deepEqual(running.service.stored.toSorted(), ['a:1', 'b:2'])
  assert.ok(running.results.every((result) => result.isDelivered))
})

test('a failed listing is tried again with growing pauses', async () => {
  const running = line({})
  running.service.listShardsError = 'InternalFailure'
  for (let second = 0; second < 120; second++) {
    running.put('a', '1')
    await running.runFor(1000)
  }

  const count = running.service.listShardsCount
  assert.ok(count >= 6 && count <= 14, `${count} listings in two minutes`)
})

test('the window between records is never broken: many sizes, one settlement each', async () => {
  const running = await started({ shards: evenShards(4) })
  for (let i = 0; i < 3000; i++) running.put(`key-${i}`, 'z'.repeat((i * 37) % 900))

  await running.runFor(20_000)

  assert.equal(running.results.length, 3000)
  assert.ok(running.results.every((result) => result.isDelivered))
  assert.equal(new Set(running.service.stored).size, 3000)
  assert.equal(running.service.stored.length, 3000)
})

test('a signature refused for the clock corrects the clock', async () => {
  const running = await started()
  const ahead = 'Wed, 15 Nov 2023 00:00:00 GMT'
  running.service.script = (n) =>
    n === 0 ? { requestError: 'InvalidSignatureException', status: 400, date: ahead } : 'store'
  running.put('k', 'v')

  await running.runFor(1000)

  assert.deepEqual(codesOf(running.results[0]), ['InvalidSignatureException', null])
  assert.match(running.service.dates.at(-1)!, /^20231115T0000/)
})

test('flush sends at once and resolves when all that came before has settled', async () => {
  const running = await started({ settings: { recordMaxBufferedTime: 60_000, recordTtl: 120_000 } })
  running.put('k', 'v')
  let isFlushed = false
  const flushedAtMs = running.clock.monotonicMs()
  running.producer.flush().then(() => {
    isFlushed = true
  })
  running.put('later', 'v')

  await running.runFor(5)
  assert.equal(isFlushed, false)
  await running.runFor(100)

  assert.equal(isFlushed, true)
  assert.deepEqual(running.service.stored.toSorted(), ['k:v', 'warm:up'])
  assert.equal(running.service.sent.at(-1)!.atMs, flushedAtMs)
  assert.equal(running.producer.outstandingCount, 1, 'the one that came later')
})

test('flush sends what waits to go again', async () => {
  const running = await started({ settings: { recordTtl: 600_000 } })
  running.service.script = () => ({ noAnswer: 'connect-failed', isStored: false })
  running.put('k', 'v')
  await running.runFor(30_000)
  while (running.clock.nextAtMs() < running.clock.monotonicMs() + 1000) await running.runFor(10)
  running.service.script = () => 'store'

  const flushed = running.producer.flush()
  await running.runFor(100)

  assert.deepEqual(running.service.stored, ['k:v'])
  await flushed
})

test('a shard that refuses is asked ever more seldom, and another one is not spared for it', async () => {
  const shards = evenShards(2)
  const running = await started({ shards, settings: { rateLimit: 150, recordTtl: 60_000 } })
  const [refusing, other] = shards.map(keyIn)
  running.service.script = (_, entries) =>
    entries.map(({ userRecords }) =>
      userRecords[0]!.startsWith(`${refusing}:`) ? THROTTLED : 'store',
    )
  running.put(refusing!, 'v')
  // Each of its answers is a success of the stream, and of the other shard.
  for (let i = 0; i < 20; i++) {
    running.put(other!, 'v')
    await running.runFor(1000)
  }

  const instants = running.service.sent
    .filter(({ entries }) => entries.some(({ userRecords }) => userRecords[0] === `${refusing}:v`))
    .map(({ atMs }) => atMs)
  const waitsMs = instants.slice(1).map((atMs, i) => atMs - instants[i]!)
  const expected = [25, 50, 100, 200, 400, 800, 1600, 2500, 2500]
  for (const [i, expectedMs] of expected.entries()) {
    assert.ok(Math.abs(waitsMs[i]! - expectedMs - 31) <= 5, `${waitsMs}`)
  }
  assert.equal(running.service.stored.length, 20)
})

test('flush hurries what waits for the first listing of shards, and it travels together', async () => {
  const running = line({ settings: { recordMaxBufferedTime: 60_000, recordTtl: 120_000 } })
  for (let i = 0; i < 10; i++) running.put(`k${i}`, 'v')
  let isFlushed = false
  running.producer.flush().then(() => {
    isFlushed = true
  })

  await running.runFor(200)

  assert.equal(isFlushed, true)
  assert.equal(running.service.stored.length, 10)
  assert.equal(running.service.sent.length, 1)
  assert.equal(running.service.sent[0]!.entries.length, 1)
})

test('flush of a stream neither hurries nor awaits the others', async () => {
  const running = line({ settings: { recordMaxBufferedTime: 60_000, recordTtl: 120_000 } })
  running.put('k', 'v', 's')
  running.put('k', 'other', 'other')
  await running.runFor(1000)
  const flushed: string[] = []
  running.producer.flush('s').then(() => flushed.push('s'))
  running.producer.flush('unknown').then(() => flushed.push('unknown'))

  await running.runFor(1000)

  assert.deepEqual(flushed, ['unknown', 's'])
  assert.deepEqual(running.service.stored, ['k:v'])
  assert.equal(running.producer.outstandingCount, 1)
})

test('flush of a stream awaits its own records, whatever settles of others meanwhile', async () => {
  const running = line({})
  running.service.script = (_n, entries) =>
    entries.some(({ userRecords }) => userRecords[0] === 'k:v') ? THROTTLED : 'store'
  running.put('k', 'v', 's')
  for (let i = 0; i < 5; i++) running.put('k', 'other', 'other')
  let isFlushed = false
  running.producer.flush('s').then(() => {
    isFlushed = true
  })
  running.producer.flush('other')

  await running.runFor(1000)
  assert.equal(running.results.length, 5)
  assert.equal(isFlushed, false)
  running.service.script = () => 'store'
  await running.runFor(5000)

  assert.equal(isFlushed, true)
})

test('close delivers what it can', async () => {
  const running = await started()
  running.put('k', 'v')
  let left = -1
  running.producer.close(10_000).then((count) => {
    left = count
  })

  await running.runFor(200)

  assert.equal(left, 0)
  assert.equal(running.results[0]?.isDelivered, true)
  assert.equal(running.clock.scheduledCount, 0, 'its deadline is no more')
})

test('close gives up at its deadline, wherever the records are, and settles each', async () => {
  const running = await started({ settings: { rateLimit: 1 }, shards: evenShards(2) })
  running.service.script = () => THROTTLED
  for (let i = 0; i < 40; i++) running.put(`k${i}`, 'x'.repeat(40_000))
  await running.runFor(300)
  running.put('late', 'v')
  let left = -1
  running.producer.close(500).then((count) => {
    left = count
  })

  await running.runFor(1000)

  assert.equal(left, 41)
  assert.equal(running.results.length, 41)
  assert.ok(running.results.every((result) => !result.isDelivered && result.code === 'Closed'))
  assert.equal(running.producer.outstandingCount, 0)
})

test('of two closes the shorter gives up, and both tell of it', async () => {
  const running = await started({})
  running.service.script = () => THROTTLED
  for (let i = 0; i < 3; i++) running.put(`k${i}`, 'v')
  const told: string[] = []
  const close = async (deadlineMs: number) => {
    told.push(`${deadlineMs}: ${await running.producer.close(deadlineMs)}`)
  }
  close(20_000)
  close(500)

  await running.runFor(1000)
  close(0)
  await running.runFor(1)

  assert.deepEqual(told.sort(), ['0: 3', '20000: 3', '500: 3'])
})

for (const [noAnswer, isUnsure] of [
  ['connect-failed', false],
  ['timed-out', true],
] as const) {
  test(`close gives up what waits to go again, too, after ${noAnswer}`, async () => {
    const running = await started({ settings: { recordTtl: 600_000 } })
    running.service.script = () => ({ noAnswer, isStored: false })
    running.put('k', 'v')
    await running.runFor(30_000)
    let left = -1
    running.producer.close(500).then((count) => {
      left = count
    })

    await running.runFor(1000)

    assert.equal(left, 1)
    const [{ code, mayBeWritten }] = running.results as [FailedResult]
    assert.deepEqual([code, mayBeWritten], ['Closed', isUnsure])
    assert.equal(running.results.length, 1)
  })
}

test('what close gave up while it waited for credentials is not sent after all', async () => {
  const keys = { accessKeyId: 'AKID', secretAccessKey: 'secret' }
  const { producer, service, put, results, runFor, clock } = line({
    settings: { aggregationEnabled: false },
    credentials: () => new Promise((resolve) => clock.schedule(1_000, () => resolve(keys))),
  })
  put('k', 'hello')
  await runFor(500)
  producer.close(100)
  await runFor(2_000)

  assert.equal(results.length, 1)
  assert.ok(!results[0]!.isDelivered && !results[0]!.mayBeWritten)
  assert.deepEqual(service.stored, [])
})

test('a record put after close fails at once', async () => {
  const running = await started()
  await running.producer.close(0)
  running.put('k', 'v')
  assert.deepEqual(running.results.map(codesOf), [['Closed']])
})

test('streams at the bound: an idle line makes room, a busy one does not', async () => {
  const running = await started({ settings: { maxStreams: 2 } })
  running.put('k', 'v', 'second')
  running.put('k', 'v', 'third')
  assert.equal(running.results.length, 0, 'the idle first stream made room')
  running.put('k', 'v', 'fourth')
  assert.deepEqual(running.results.map(codesOf), [['TooManyStreams']])

  await running.runFor(1000)
  assert.equal(running.results.length, 3)
  await running.producer.close(0)
  assert.equal(running.clock.scheduledCount, 0, 'nor has the line that made room left anything')
})

test('no more requests are under way than there are connections', async () => {
  const running = await started({
    settings: { maxConnections: 2, aggregationEnabled: false, collectionMaxCount: 1 },
  })
  running.service.latencyMs = 100
  for (let i = 0; i < 6; i++) running.put(`k${i}`, 'v')

  await running.runFor(2000)

  const starts = running.service.sent.map((request) => request.atMs - running.service.sent[0]!.atMs)
  assert.deepEqual(starts, [0, 0, 100, 100, 200, 200])
})

test('a record settles once even when its line breaks the promise', () => {
  const record = new UserRecord({
    stream: 's',
    partitionKey: 'k',
    data: Buffer.alloc(0),
    onSettle: () => {},
  })
  const result: RecordResult = {
    isDelivered: true,
    place: { shardId: 's', sequenceNumber: '1', subSequenceNumber: null },
    attempts: [],
  }
  record.settle(result)
  assert.throws(() => record.settle(result), /settled twice/)
})
