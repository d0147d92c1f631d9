import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Datum, dataOf, inBatches, Uploader } from '../../src/cloudwatch/index.ts'
import { KEPT_DATA_MAX_COUNT } from '../../src/cloudwatch/uploader.ts'
import { silentLog } from '../../src/host/index.ts'
import type { Metric } from '../../src/producer/index.ts'
import { HandClock } from '../hand-clock.ts'

function metric(sum: number, dimensions: Record<string, string> = {}): Metric {
  return {
    ...{ name: 'RequestTime', unit: 'Milliseconds', level: 'detailed', durationSeconds: 1 },
    dimensions: new Map(Object.entries(dimensions)),
    ...{ sampleCount: 1, sum, mean: sum, min: sum, max: sum },
  }
}

interface Running {
  readonly clock: HandClock
  readonly uploader: Uploader
  /** What the next take gives. */
  readonly ready: Metric[]
  readonly put: { atMs: number; namespace: string; data: readonly Datum[] }[]
  /** Tells of each put whether it fails. */
  fails: (data: readonly Datum[]) => boolean
  runFor(ms: number): Promise<void>
}

function started(everyMs = 60_000): Running {
  const clock = new HandClock()
  const running = { ready: [] as Metric[], put: [] as Running['put'], fails: () => false }
  const sink = {
    put: async (namespace: string, data: readonly Datum[]) => {
      if ((running as unknown as Running).fails(data)) throw new Error('no')
      running.put.push({ atMs: clock.monotonicMs(), namespace, data })
    },
  }
  const source = { takeMetrics: () => running.ready.splice(0) }
  const config = { namespace: 'N', everyMs }
  const uploader = new Uploader(clock, source, config, { sink, log: silentLog })
  const runFor = async (ms: number) => {
    const untilMs = clock.monotonicMs() + ms
    while (clock.monotonicMs() < untilMs) {
      clock.advanceTo(Math.min(untilMs, clock.nextAtMs()))
      await new Promise(setImmediate)
    }
  }
  return Object.assign(running as unknown as Running, { clock, uploader, runFor })
}

function putSums({ put }: Running): number[] {
  return put.flatMap(({ data }) => data.map(({ sum }) => sum))
}

test('metrics are uploaded at a fixed pace, with the time at which they were taken', async () => {
  const running = started()
  running.ready.push(metric(1))
  await running.runFor(59_999)
  assert.equal(running.put.length, 0)
  await running.runFor(1)
  running.ready.push(metric(2))
  await running.runFor(60_000)

  const { wallOffsetMs } = running.clock
  const uploads = running.put.map(({ atMs, namespace, data }) => {
    return [atMs, namespace, ...data.map(({ atWallMs }) => atWallMs - wallOffsetMs)]
  })
  assert.deepEqual(uploads, [
    [60_000, 'N', 60_000],
    [120_000, 'N', 120_000],
  ])
})

test('an upload that failed goes with the next, with its own time', async () => {
  const running = started()
  running.fails = () => true
  running.ready.push(metric(1))
  await running.runFor(60_000)
  running.fails = () => false
  running.ready.push(metric(2))
  await running.runFor(60_000)

  assert.deepEqual(putSums(running).sort(), [1, 2])
  const times = running.put.flatMap(({ data }) => data.map(({ atWallMs }) => atWallMs))
  assert.equal(Math.abs(times[0]! - times[1]!), 60_000)
  assert.equal(running.uploader.waitingCount, 0)
})

test('data that are refused again and again do not block the others', async () => {
  const running = started()
  running.fails = (data) => data.some(({ sum }) => sum === 13)
  running.ready.push(metric(13))
  await running.runFor(60_000)
  running.ready.push(metric(1))
  await running.runFor(120_000)

  assert.deepEqual(putSums(running), [1])
  assert.equal(running.uploader.waitingCount, 1)
})

test('what waits is bounded; one upload may be larger than the bound', async () => {
  const running = started()
  running.fails = () => true
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < KEPT_DATA_MAX_COUNT; i++) running.ready.push(metric(round))
    await running.runFor(60_000)
    assert.ok(running.uploader.waitingCount <= 2 * KEPT_DATA_MAX_COUNT)
  }
  running.fails = () => false
  for (let i = 0; i < KEPT_DATA_MAX_COUNT * 2; i++) running.ready.push(metric(9))
  await running.runFor(60_000)

  assert.equal(putSums(running).filter((sum) => sum === 9).length, KEPT_DATA_MAX_COUNT * 2)
  assert.equal(running.uploader.waitingCount, 0)
})

test('a close uploads what is there, and tells what it could not', async () => {
  const running = started()
  running.ready.push(metric(1))
  assert.equal(await running.uploader.close(1000), 0)
  assert.deepEqual(putSums(running), [1])
  assert.equal(running.clock.scheduledCount, 0)

  const broken = started()
  broken.fails = () => true
  broken.ready.push(metric(1), metric(2))
  assert.equal(await broken.uploader.close(1000), 2)
})

test('less than a second between two uploads counts as one', async () => {
  const running = started(1)
  for (let i = 0; i < 20; i++) running.ready.push(metric(i))

  await running.runFor(999)
  assert.equal(running.put.length, 0)
  await running.runFor(1)
  assert.equal(running.put.length, 1)
})

test('a request has at most 20 data and 38 912 bytes, few dimensions first', () => {
  const metrics = [
    metric(3, { StreamName: 's', ShardId: 'b' }),
    metric(2, { StreamName: 's', ShardId: 'a' }),
    metric(1, { StreamName: 's' }),
    metric(0),
  ]
  assert.deepEqual(
    dataOf(metrics, 0).map(({ sum }) => sum),
    [0, 1, 2, 3],
  )

  const many = Array.from({ length: 41 }, (_, i) => metric(i))
  const counts = (metrics: Metric[]) => inBatches(dataOf(metrics, 0)).map(({ length }) => length)
  assert.deepEqual(counts(many), [20, 20, 1])
  const large = Array.from({ length: 5 }, () => metric(1, { Own: 'x'.repeat(12_000) }))
  assert.deepEqual(counts(large), [3, 2])
})

test('a dimension without a value is left out, as are metrics without values', () => {
  const empty: Metric = { ...metric(0), sampleCount: 0, mean: null, min: null, max: null }

  const data = dataOf([metric(1, { ErrorCode: '', StreamName: 's' }), empty], 0)

  assert.deepEqual(
    data.map(({ dimensions }) => dimensions),
    [[{ name: 'StreamName', value: 's' }]],
  )
})
