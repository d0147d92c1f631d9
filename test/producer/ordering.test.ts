// With `ordering: 'partition-key'` the records of a key arrive in the order in which they were put.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ProducerConfig } from '../../src/producer/index.ts'
import { hashKeyFromBigInt, UserRecord } from '../../src/record/index.ts'
import { SimRandom } from '../../src/sim/index.ts'
import { type Line, type LineOptions, line } from './line.ts'
import { oneKeyBytesPerSecond } from './one-key.ts'
import { evenShards, type SentEntry, type Verdict } from './scripted-service.ts'

const THROTTLED = { entryError: 'ProvisionedThroughputExceededException' } as const
const LOST = { noAnswer: 'connection-lost', isStored: true } as const
/** Between the first and the second, fates that entries have in these tests. */
const FATES: readonly Verdict[] = ['store', 'store', THROTTLED, { entryError: 'InternalFailure' }]

/** A line that knows its shards and keeps order, unless `settings` say otherwise. */
async function started(
  settings: Partial<ProducerConfig> = {},
  options: LineOptions = {},
): Promise<Line> {
  const ordered = { ordering: 'partition-key' as const, ...settings }
  const running = line({ ...options, settings: ordered })
  running.put('warm', 'up')
  await running.runFor(1000)
  running.results.length = 0
  running.service.sent.length = 0
  running.service.stored.length = 0
  return running
}

/** What is stored of a key, each record where it comes first. */
function firstsOf({ service }: Line, key: string): number[] {
  const numbers = service.stored
    .filter((one) => one.startsWith(`${key}:`))
    .map((one) => Number(one.slice(key.length + 1)))
  return [...new Set(numbers)]
}

function countTo(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}

function requestsOf({ service }: Line): (readonly string[])[] {
  return service.sent.map(({ entries }) => entries.flatMap(({ userRecords }) => userRecords))
}

/** Puts `count` records of a key, `everyMs` apart. */
async function putAll(running: Line, key: string, count: number, everyMs: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    running.put(key, `${i}`)
    await running.runFor(everyMs)
  }
}

for (const ordering of ['none', 'partition-key'] as const) {
  test(`a record ${ordering === 'none' ? 'passes' : 'waits for'} a throttled one: ordering is ${ordering}`, async () => {
    const running = await started({ ordering })
    running.service.script = (n) => (n === 0 ? THROTTLED : 'store')
    running.put('k', '0')
    await running.runFor(125)
    running.put('k', '1')
    running.producer.flush()

    await running.runFor(2000)

    assert.deepEqual(firstsOf(running, 'k'), ordering === 'none' ? [1, 0] : [0, 1])
    assert.equal(running.results.length, 2)
  })
}

test('records of a key that come together go together, and the next ones after their answer', async () => {
  const running = await started()
  running.service.latencyMs = 200
  for (const i of countTo(3)) running.put('k', `${i}`)
  await running.runFor(150)
  for (const i of [3, 4]) running.put('k', `${i}`)

  await running.runFor(2000)

  assert.deepEqual(requestsOf(running), [
    ['k:0', 'k:1', 'k:2'],
    ['k:3', 'k:4'],
  ])
  const [first, second] = running.service.sent
  assert.ok(second!.atMs >= first!.atMs + 200, `${second!.atMs - first!.atMs} ms apart`)
})

test('keys do not wait for each other', async () => {
  const counts: number[] = []
  for (const ordering of ['none', 'partition-key'] as const) {
    const running = await started({ ordering })
    for (const i of countTo(1000)) running.put(`key-${i}`, '0')
    await running.runFor(130)
    assert.equal(running.results.length, 1000)
    counts.push(running.service.sent.flatMap(({ entries }) => entries).length)
  }
  assert.equal(counts[0], counts[1], 'Kinesis records')
})

for (const aggregation of ['safe', 'same-key', 'off'] as const) {
  test(`order holds while entries are throttled and fail, with aggregation ${aggregation}`, async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const random = new SimRandom(seed)
      const settings = { aggregation, recordTtl: 'none', aggregationMaxSize: 64 } as const
      const running = await started(settings, { random, shards: evenShards(3) })
      running.service.script = (_n, entries) => entries.map(() => random.pick(FATES))
      const counts = new Map<string, number>()
      for (let i = 0; i < 300; i++) {
        const key = `key-${random.below(8)}`
        const number = counts.get(key) ?? 0
        counts.set(key, number + 1)
        running.put(key, `${number}`)
        await running.runFor(random.below(8))
      }

      await running.runFor(600_000)

      assert.equal(running.results.length, 300, `seed ${seed}`)
      for (const [key, count] of counts) {
        assert.deepEqual(firstsOf(running, key), countTo(count), `seed ${seed}, ${key}`)
      }
    }
  })
}

test('nothing newer is sent before a lost answer has been made good', async () => {
  const running = await started()
  running.service.script = (n) => (n < 3 ? LOST : 'store')
  await putAll(running, 'k', 20, 30)

  await running.runFor(5000)

  const [first, second] = requestsOf(running)
  assert.deepEqual(second, first, 'the same records again')
  assert.deepEqual(firstsOf(running, 'k'), countTo(20))
  const last = running.service.stored.lastIndexOf('k:0')
  assert.ok(last < running.service.stored.indexOf(`k:${first!.length}`), 'no old copy comes late')
  assert.ok(running.service.stored.length > 20, 'there are copies')
})

for (const [what, rateLimit, padding] of [
  ['', 1_000_000, 0],
  [', with records that wait for the rate of their shard', 1, 30_000],
] as const) {
  test(`order holds across reshards${what}`, async () => {
    const settings = { rateLimit, recordTtl: 'none', aggregationMaxSize: 64 } as const
    const running = await started(settings, { shards: evenShards(1) })
    let entryCount = 0
    running.service.script = (_n, entries) => {
      const verdicts = entries.map(() => (entryCount++ % 3 === 0 ? THROTTLED : 'store'))
      if (entryCount >= 40) running.service.shards = evenShards(2, 1)
      if (entryCount >= 100) running.service.shards = evenShards(3, 3)
      return verdicts
    }
    const keys = countTo(10).map((i) => `key-${i}`)
    for (let i = 0; i < 20; i++) {
      for (const key of keys) running.put(key, `${i}`.padStart(padding, '0'))
      await running.runFor(150)
    }

    await running.runFor(1_000_000)

    assert.ok(entryCount > 110, `${entryCount} entries`)
    assert.equal(running.results.length, 200)
    for (const key of keys) assert.deepEqual(firstsOf(running, key), countTo(20))
  })
}

test('a record that expires leaves a gap, and the others go on in order', async () => {
  const running = await started({ recordTtl: 1000, recordMaxBufferedTime: 0 })
  const isFirst = ({ userRecords }: SentEntry) => userRecords.includes('k:0')
  running.service.script = (_n, entries) =>
    entries.map((one) => (isFirst(one) ? THROTTLED : 'store'))
  running.put('k', '0')
  await running.runFor(900)
  for (const i of [1, 2, 3]) running.put('k', `${i}`)

  await running.runFor(2000)

  assert.deepEqual(firstsOf(running, 'k'), [1, 2, 3])
  assert.deepEqual(
    running.results.map((result) => result.isDelivered),
    [false, true, true, true],
  )
})

test('with failIfThrottled a throttled record fails and the next one goes', async () => {
  const running = await started({ failIfThrottled: true, aggregation: 'off' })
  running.service.script = (n) => (n === 1 ? THROTTLED : 'store')
  for (const i of countTo(3)) running.put('k', `${i}`)

  await running.runFor(2000)

  assert.deepEqual(firstsOf(running, 'k'), [0, 2])
  assert.deepEqual(
    running.results.map((result) => result.isDelivered),
    [true, false, true],
  )
})

test('the record that a request is refused for fails alone, and order holds', async () => {
  const running = await started({ recordTtl: 'none' })
  const isBad = ({ userRecords }: SentEntry) => userRecords.includes('k:11')
  running.service.script = (_n, entries) =>
    entries.some(isBad) ? { requestError: 'ValidationException', status: 400 } : 'store'
  for (const i of countTo(40)) running.put('k', `${i}`)

  await running.runFor(60_000)

  assert.deepEqual(
    firstsOf(running, 'k'),
    countTo(40).filter((i) => i !== 11),
  )
  assert.equal(running.results.filter((result) => !result.isDelivered).length, 1)
  assert.ok(running.service.sent.length <= 16, `${running.service.sent.length} requests`)
})

test('what a refused Kinesis record leaves to be sent waits for no company', async () => {
  const running = await started({ recordMaxBufferedTime: 20_000, recordTtl: 60_000 })
  running.service.script = (n) =>
    n === 0 ? { requestError: 'ValidationException', status: 400 } : 'store'
  for (const i of countTo(4)) running.put('k', `${i}`)
  running.producer.flush()

  await running.runFor(2000)

  assert.deepEqual(firstsOf(running, 'k'), countTo(4))
})

test('who is told that a record is too large puts the next one behind those that wait', async () => {
  const running = await started()
  await running.runFor(3_600_000)
  const data = Buffer.alloc(2 * 1024 * 1024)
  const onSettle = () => running.put('k', '1')
  running.producer.put(new UserRecord({ stream: 's', partitionKey: 'k', data, onSettle }))
  running.put('k', '0')

  await running.runFor(2000)

  assert.deepEqual(firstsOf(running, 'k'), [0, 1])
})

test('with another explicit hash key a record has another order', async () => {
  const running = await started({}, { shards: evenShards(2) })
  running.service.latencyMs = 1000
  const put = (hashKey: bigint | null, data: string) => {
    const explicitHashKey = hashKey === null ? null : hashKeyFromBigInt(hashKey)
    const fields = { stream: 's', partitionKey: 'k', explicitHashKey, data: Buffer.from(data) }
    running.producer.put(new UserRecord({ ...fields, onSettle() {} }))
  }
  put(0n, '0')
  put(null, '0')
  await running.runFor(150)
  put(1n, '1')
  await running.runFor(150)
  put(0n, '1')

  await running.runFor(500)
  assert.equal(running.service.stored.length, 3, 'the fourth waits for the first')
  await running.runFor(2000)
  assert.equal(running.service.stored.length, 4)
})

test('flush hurries what waits for its turn, and resolves when that has settled', async () => {
  const running = await started({ recordMaxBufferedTime: 600_000, collectionMaxCount: 1 })
  running.service.script = (n) => (n === 0 ? THROTTLED : 'store')
  const big = '0'.repeat(30_000)
  for (const i of countTo(5)) running.put('k', `${big}${i}`)
  let settledCount = -1
  running.producer.flush().then(() => {
    settledCount = running.results.length
  })

  await running.runFor(10_000)

  assert.equal(settledCount, 6, 'with the one that the line was started with')
  assert.ok(running.service.sent.length > 5, 'one Kinesis record has room for one of them')
  assert.deepEqual(firstsOf(running, 'k'), countTo(5))
})

test('flush hurries what it trims from a Kinesis record itself', async () => {
  let trimmedCount = 0
  // Some of these sizes are below the KPL's estimate of what fits, and do not fit.
  for (let sizeBytes = 25_560; sizeBytes < 25_600; sizeBytes++) {
    const running = await started({ recordMaxBufferedTime: 600_000 })
    for (const i of countTo(2)) running.put('k', `${i}`.padStart(sizeBytes, '0'))
    const beforeCount = running.service.sent.length
    running.producer.flush()

    await running.runFor(1000)

    assert.equal(running.results.length, 3, `${sizeBytes} bytes`)
    if (beforeCount === 0 && running.service.sent.length === 2) trimmedCount++
  }
  assert.ok(trimmedCount > 0)
})

test('close gives up at its deadline what waits, and settles each record once', async () => {
  const running = await started()
  running.service.latencyMs = 5000
  await putAll(running, 'k', 10, 50)
  let leftCount = -1
  running.producer.close(1000).then((count) => {
    leftCount = count
  })

  await running.runFor(1500)

  assert.equal(leftCount, 10)
  assert.equal(running.results.length, 10)
  assert.ok(running.results.every((result) => !result.isDelivered && result.code === 'Closed'))
  assert.equal(
    running.results.filter((result) => !result.isDelivered && result.mayBeWritten).length,
    2,
  )
  assert.equal(running.producer.outstandingCount, 0)
})

test('close delivers what waits when there is time', async () => {
  const running = await started()
  running.service.latencyMs = 300
  await putAll(running, 'k', 10, 50)
  let leftCount = -1
  running.producer.close(60_000).then((count) => {
    leftCount = count
  })

  await running.runFor(10_000)

  assert.equal(leftCount, 0)
  assert.deepEqual(firstsOf(running, 'k'), countTo(10))
})

test('that very many keys expire at once with records waiting is no stack of calls', async () => {
  const running = line({ settings: { ordering: 'partition-key', recordTtl: 2000, rateLimit: 1 } })
  // Each record alone, and held back for its shard's rate.
  running.service.describeError = 'AccessDeniedException'
  for (const round of countTo(3)) {
    for (const i of countTo(10_000)) running.put(`key-${i}`, `${round}`)
  }

  await running.runFor(30_000)

  assert.equal(running.results.length, 30_000)
})

for (const [latencyMs, leastPerSecond] of [
  [20, 1_100_000],
  [100, 380_000],
] as const) {
  test(`one key gets an aggregate through for each ${latencyMs} ms of a round trip`, async () => {
    const perSecond = await oneKeyBytesPerSecond(latencyMs)

    assert.ok(perSecond > leastPerSecond, `${perSecond} bytes/s`)
  })
}
