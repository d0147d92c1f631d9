// What becomes of records whose request was answered in a way that is neither yes nor no.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Backoff } from '../../src/producer/backoff.ts'
import type { ProducerConfig } from '../../src/producer/index.ts'
import { KinesisRecord } from '../../src/producer/kinesis-record.ts'
import type { StreamMetrics } from '../../src/producer/metrics/stream-metrics.ts'
import { Retrier } from '../../src/producer/retrier.ts'
import type { ShardMap } from '../../src/producer/shard-map.ts'
import { UserRecord } from '../../src/record/index.ts'
import { HandClock } from '../hand-clock.ts'
import { codesOf, type Line, line } from './line.ts'
import { evenShards, type Shard } from './scripted-service.ts'

const THROTTLED = { entryError: 'ProvisionedThroughputExceededException' } as const
const REFUSED = { requestError: 'ServiceUnavailable', status: 503 } as const

async function started(settings: Partial<ProducerConfig> = {}): Promise<Line> {
  const running = line({ settings })
  running.put('warm', 'up')
  running.producer.flush()
  await running.runFor(1000)
  running.results.length = 0
  running.service.sent.length = 0
  running.service.stored.length = 0
  return running
}

/** What is sent lands in these shards, and the service lists those that it listed before. */
function landIn({ service }: Line, shards: Shard[], nextListed = service.shards): void {
  service.script = () => {
    service.shards = shards
    queueMicrotask(() => {
      service.shards = nextListed
    })
    return 'store'
  }
}

test('what became of requests and records is counted', async () => {
  const running = await started()
  const { service, producer, put, runFor } = running
  service.script = (n) => (n === 0 ? REFUSED : n === 1 ? THROTTLED : 'store')
  put('a', '1')
  put('b', '2')
  await runFor(2000)
  landIn(running, evenShards(2, 1), evenShards(2, 1))
  for (let i = 0; i < 8; i++) put(`key-${i}`, 'in both of the children')
  await runFor(2000)

  const {
    stream,
    openShards,
    outstanding,
    streamMode,
    recordDistribution,
    maxRecordSize,
    ...counts
  } = producer.describe().streams[0]!
  assert.deepEqual([stream, openShards, outstanding], ['s', 2, 0])
  assert.deepEqual(
    [streamMode, recordDistribution, maxRecordSize],
    ['PROVISIONED', null, 1_048_576],
  )
  assert.deepEqual(counts, {
    // The first, a refused one, a throttled one, one that is delivered; the stray one, its parts.
    putRecordsCount: 6,
    kinesisRecordsCount: 7,
    throttledCount: 1,
    failedRequestCount: 1,
    retriedCount: 2 + 2 + 8,
    wrongShardCount: 8,
  })
})

test('the rate is told when a record that a shard refused had been sent, not when that was known', () => {
  const told: number[][] = []
  const backoff = { put() {}, succeeded() {} } as unknown as Backoff
  const parts = { shards: {} as ShardMap, metrics: { ended() {} } as unknown as StreamMetrics }
  const clock = new HandClock()
  const retrier = new Retrier(clock, parts.shards, { failIfThrottled: false }, parts.metrics)
  const nothing = { put: () => assert.fail() }
  retrier.joinTo({
    start: nothing,
    backoff,
    sender: nothing,
    throttled: (...what) => told.push(what),
    doubted: () => assert.fail(),
  })
  const fields = { stream: 's', partitionKey: 'k', data: Buffer.from('x'), onSettle() {} }
  const errorCode = THROTTLED.entryError
  const entries = ['InternalFailure', errorCode].map((code) => ({
    errorCode: code,
    errorMessage: '',
  }))
  const records = [3, 7].map((shard) => {
    const record = new UserRecord(fields)
    record.arrival = { ...record.arrival, expiresAtMs: 30_000 }
    return new KinesisRecord([record], 1, shard)
  })

  retrier.onEnded({ records, startAtMs: 5, endAtMs: 1005, result: { entries } })

  assert.deepEqual(told, [[7, 5]])
})

test('with FailIfThrottled what another limit than the rate of a shard refuses goes again', async () => {
  const running = await started({ failIfThrottled: true })
  running.service.script = (n) => (n === 0 ? { entryError: 'KMSThrottlingException' } : 'store')
  running.put('k', 'v')

  await running.runFor(1000)

  assert.deepEqual(running.results.map(codesOf), [['KMSThrottlingException', null]])
})

test('once a request or a shard has taken something, the waits begin anew', async () => {
  for (const trouble of [REFUSED, THROTTLED]) {
    const running = await started({ recordTtl: 'none', rateLimit: 150 })
    let isTrouble = true
    running.service.script = () => (isTrouble ? trouble : 'store')
    running.put('k', 'v')
    await running.runFor(20_000)
    isTrouble = false
    await running.runFor(10_000)
    assert.equal(running.results.length, 1)
    isTrouble = true
    running.service.sent.length = 0
    running.put('k', 'v')
    await running.runFor(1000)

    // From 50 ms on; in a row it would be five seconds, half of which the test's chance draws.
    assert.ok(running.service.sent.length >= 4, `${running.service.sent.length} requests`)
    running.producer.close(0)
  }
})

test('an aggregate that is refused is taken apart into requests of 500 at most', async () => {
  const running = await started()
  running.service.script = (_n, entries) =>
    entries.some(({ userRecords }) => userRecords.length > 1)
      ? { requestError: 'ValidationException', status: 400 }
      : 'store'
  for (let i = 0; i < 1200; i++) running.put(`k${i}`, 'v')

  await running.runFor(20_000)

  const counts = running.service.sent.map(({ entries }) => entries.length)
  assert.deepEqual(counts, [1, 500, 500, 200])
  assert.equal(running.results.filter(({ isDelivered }) => isDelivered).length, 1200)
})

test('what landed in a shard that no listing has goes again after the third that has not', async () => {
  const running = await started()
  landIn(running, evenShards(1, 9))
  for (const key of ['a', 'b']) running.put(key, 'v')
  await running.runFor(200)
  running.service.script = () => 'store'
  for (let i = 0; i < 100 && running.results.length === 0; i++) await running.runFor(100)

  assert.deepEqual(running.results.map(codesOf), Array(2).fill(['Wrong Shard', null]))
  assert.equal(running.service.listShardsCount, 4, 'the first and three that were to have it')
  assert.equal(running.service.sent.length, 2)
})

test('what landed and cannot be judged expires, and may be written', async () => {
  const running = await started({ recordTtl: 5000 })
  running.service.listShardsError = 'LimitExceededException'
  landIn(running, evenShards(1, 9))
  for (const key of ['a', 'b']) running.put(key, 'v')

  await running.runFor(60_000)

  assert.deepEqual(running.results.map(codesOf), Array(2).fill(['Wrong Shard', 'Expired']))
  assert.ok(running.results.every((one) => !one.isDelivered && one.mayBeWritten))
  assert.equal(running.service.sent.length, 1)
})

test('what lands in an unknown shard has it looked for, however new the map is', async () => {
  const running = await started()
  const { service, put, runFor, producer } = running
  const quarters = evenShards(4, 3)
  const halves = evenShards(2, 1)
  // Under way for two seconds, and lands in a grandchild; the map gets to know the children.
  landIn(running, evenShards(1, 3), halves)
  service.latencyMs = 2000
  for (const key of ['a', 'b']) put(key, 'v')
  await runFor(200)
  service.latencyMs = 10
  service.script = () => 'store'
  put('c', 'finds out')
  await runFor(1000)
  assert.equal(producer.describe().streams[0]!.openShards, 2)
  service.shards = quarters

  await runFor(2000)

  assert.equal(running.results.length, 3)
})

test('records without a predicted shard say nothing of the map', async () => {
  const running = await started({ aggregation: 'off' })
  for (let i = 0; i < 20; i++) {
    running.put(`k${i}`, 'v')
    await running.runFor(1000)
  }

  assert.equal(running.results.length, 20)
  assert.equal(running.service.listShardsCount, 1)
})

test('what has to go again for where it landed waits for no company', async () => {
  const running = await started({ recordMaxBufferedTime: 20_000, recordTtl: 60_000 })
  landIn(running, evenShards(2, 1), evenShards(2, 1))
  for (let i = 0; i < 8; i++) running.put(`key-${i}`, 'in both of the children')
  running.producer.flush()

  await running.runFor(1000)

  assert.deepEqual(running.results.map(codesOf), Array(8).fill(['Wrong Shard', null]))
})
