import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Datum, dataOf, inBatches, Uploader } from '../../src/cloudwatch/index.ts'
import { KEPT_DATA_MAX_COUNT } from '../../src/cloudwatch/uploader.ts'
import type { Log, Timer } from '../../src/host/index.ts'
import type { Metric } from '../../src/producer/index.ts'
import { HandClock } from '../hand-clock.ts'

function metric(sum: number, dimensions: Record<string, string> = {}): Metric {
  return {
    ...{ name: 'RequestTime', unit: 'Milliseconds', level: 'detailed', durationSeconds: 1 },
    dimensions: new Map(Object.entries(dimensions)),
    ...{ sampleCount: 1, sum, mean: sum, min: sum, max: sum },
  }
}

/** Of a process that sleeps at times: what was due meanwhile runs when it wakes. */
class SleepyClock extends HandClock {
  #sleptMs = 0

  sleepFor(ms: number): void {
    this.#sleptMs += ms
  }

  override monotonicMs(): number {
    return super.monotonicMs() + this.#sleptMs
  }

  /** Until the next task is due. */
  nextInMs(): number {
    return this.nextAtMs() - super.monotonicMs()
  }

  override schedule(atMs: number, run: () => void): Timer {
    return super.schedule(atMs - this.#sleptMs, run)
  }
}

interface Running {
  readonly clock: SleepyClock
  readonly uploader: Uploader
  /** What the next take gives. */
  readonly ready: Metric[]
  readonly put: { atMs: number; namespace: string; data: readonly Datum[] }[]
  /** When metrics were taken. */
  readonly takenAtMs: number[]
  /** What was said. */
  readonly said: unknown[]
  /** Tells of each put whether it fails. */
  fails: (data: readonly Datum[]) => boolean | Promise<boolean>
  runFor(ms: number): Promise<void>
}

function started(everyMs = 60_000): Running {
  const clock = new SleepyClock()
  const said: unknown[] = []
  const takenAtMs: number[] = []
  const running = { ready: [] as Metric[], put: [] as Running['put'], fails: () => false }
  const sink = {
    put: async (namespace: string, data: readonly Datum[]) => {
      if (await (running as unknown as Running).fails(data)) throw new Error('no')
      running.put.push({ atMs: clock.monotonicMs(), namespace, data })
    },
  }
  const source = {
    takeMetrics: () => {
      takenAtMs.push(clock.monotonicMs())
      return running.ready.splice(0)
    },
  }
  const config = { namespace: 'N', everyMs }
  const log: Log = {
    info: () => assert.fail(),
    warn: (message, fields) => said.push(['warn', message, fields]),
    error: (message, fields) => said.push(['error', message, fields]),
  }
  const uploader = new Uploader(clock, source, config, { sink, log })
  const runFor = async (ms: number) => {
    for (let leftMs = ms; leftMs > 0; ) {
      const stepMs = Math.min(leftMs, clock.nextInMs())
      clock.advanceBy(stepMs)
      leftMs -= stepMs
      await new Promise(setImmediate)
    }
  }
  return Object.assign(running as unknown as Running, { clock, uploader, runFor, said, takenAtMs })
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
  assert.deepEqual(running.said, [])
})

test('the pace does not drift, and is not caught up with after a sleep', async () => {
  const running = started()
  await running.runFor(59_990)
  running.clock.sleepFor(25)
  await running.runFor(60_000)
  assert.deepEqual(running.takenAtMs.splice(0), [60_025, 120_000])

  running.clock.sleepFor(600_000)
  await running.runFor(180_000)
  assert.deepEqual(running.takenAtMs, [780_000, 840_000, 900_000])
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
  const message = 'metrics could not be uploaded; they go with a later upload'
  assert.deepEqual(running.said, [['warn', message, { why: 'Error: no', waitingCount: 1 }]])
})

test('each reason of an upload that failed is said, once', async () => {
  const running = started()
  const reasons = [new TypeError('a'), 'b', new TypeError('a')]
  running.fails = () => {
    throw reasons.shift()
  }
  for (let i = 0; i < 60; i++) running.ready.push(metric(i))
  await running.runFor(60_000)
  const [[, , fields]] = running.said as [[string, string, { why: string }]]
  assert.equal(fields.why, 'TypeError: a; b')
})

test('eight requests at most are under way, also when an upload lasts to the next', async () => {
  const running = started()
  let [open, most] = [0, 0]
  const { promise: later, resolve } = Promise.withResolvers<void>()
  running.fails = async () => {
    most = Math.max(most, ++open)
    await later
    open--
    return false
  }
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 200; i++) running.ready.push(metric(i))
    await running.runFor(60_000)
  }
  resolve()
  await running.runFor(1)

  assert.equal(most, 8)
  assert.equal(putSums(running).length, 400)
})

test('a CloudWatch that is not there is tried a few times, not with all that waits', async () => {
  const running = started()
  let tryCount = 0
  running.fails = () => {
    tryCount++
    return true
  }
  for (let i = 0; i < 2000; i++) running.ready.push(metric(i))
  await running.runFor(60_000)
  assert.ok(tryCount >= 3 && tryCount <= 3 + 8, `${tryCount} tries`)
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

  // More of them than there are requests at once.
  for (let i = 0; i < 20 * 20; i++) running.ready.push(metric(13))
  for (let i = 0; i < 20; i++) running.ready.push(metric(99))
  await running.runFor(300_000)
  assert.ok(putSums(running).includes(99))
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

test('up to the bound nothing is dropped, and beyond it the oldest, with a word', async () => {
  for (const beyondCount of [0, 1]) {
    const running = started()
    running.fails = () => true
    const count = KEPT_DATA_MAX_COUNT + beyondCount
    for (let i = 0; i < count; i++) running.ready.push(metric(i))
    await running.runFor(60_000)
    running.said.length = 0
    running.fails = () => false
    await running.runFor(60_000)

    // A whole request at a time.
    const droppedCount = beyondCount === 0 ? 0 : 20
    assert.equal(putSums(running).length, count - droppedCount)
    const message = 'metrics were dropped: too many wait to be uploaded'
    const said = droppedCount === 0 ? [] : [['error', message, { droppedCount }]]
    assert.deepEqual(running.said, said)
  }
  assert.equal(KEPT_DATA_MAX_COUNT, 20_000)
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

test('a close tries once more what fails while it waits, and nothing after its deadline', async () => {
  const running = started()
  const first = Promise.withResolvers<boolean>()
  running.fails = () => first.promise
  running.ready.push(metric(1))
  await running.runFor(60_000)
  const closing = running.uploader.close(1000)
  running.fails = () => false
  first.resolve(true)
  assert.equal(await closing, 0)
  assert.deepEqual(putSums(running), [1])

  const hanging = started()
  hanging.fails = () => new Promise(() => {})
  hanging.ready.push(metric(1))
  await hanging.runFor(60_000)
  hanging.ready.push(metric(2))
  const left = hanging.uploader.close(1000)
  await hanging.runFor(1000)
  assert.equal(await left, 2)
  assert.equal(hanging.clock.scheduledCount, 0)
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
  const huge = Array.from({ length: 2 }, () => metric(1, { Own: 'x'.repeat(50_000) }))
  assert.deepEqual(counts(huge), [1, 1], 'none is empty')
})

test('a request is no larger with the longer names that CloudWatch has for the same', () => {
  for (let ownBytes = 1600; ownBytes < 1900; ownBytes += 10) {
    const own = { Own: 'x'.repeat(ownBytes), StreamName: 's', ShardId: 'shardId-000000000000' }
    for (const batch of inBatches(dataOf(Array(40).fill(metric(1, own)), 1_700_000_000_000))) {
      const MetricData = batch.map(({ name, unit, dimensions, atWallMs, ...values }) => ({
        MetricName: name,
        Unit: unit,
        Dimensions: dimensions.map((pair) => ({ Name: pair.name, Value: pair.value })),
        Timestamp: atWallMs / 1000,
        StatisticValues: {
          SampleCount: values.sampleCount,
          Sum: values.sum,
          Minimum: values.min,
          Maximum: values.max,
        },
      }))
      const body = JSON.stringify({ Namespace: 'KinesisProducerLibrary', MetricData })
      assert.ok(body.length <= 38_912, `${body.length} bytes`)
    }
  }
})

test('a dimension without a value is left out, as are metrics without values', () => {
  const empty: Metric = { ...metric(0), sampleCount: 0, mean: null, min: null, max: null }

  const data = dataOf([metric(1, { ErrorCode: '', StreamName: 's' }), empty], 0)

  assert.deepEqual(
    data.map(({ dimensions }) => dimensions),
    [[{ name: 'StreamName', value: 's' }]],
  )
})
