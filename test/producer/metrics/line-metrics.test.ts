import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Metric } from '../../../src/producer/index.ts'
import { type Line, type LineOptions, line } from '../line.ts'
import { evenShards, md5Of, type Shard, shardIdOf, type Verdict } from '../scripted-service.ts'

const LATENCY_MS = 10
const ONE = 'shardId-000000000000'

/** A line that has delivered nothing yet and knows its shards; at 15 ms past a whole second. */
async function started(options: LineOptions = {}): Promise<Line> {
  const running = line(options)
  running.put('warm', '')
  await running.runFor(500)
  await running.runFor(60_500 + 15)
  return running
}

/** What of one metric came in the last minute, by its dimensions after the name. */
function minute({ producer }: Line, name: string): Map<string, Metric> {
  return new Map(
    producer
      .getMetrics(name, 60)
      .map((metric) => [[...metric.dimensions.values()].join(' '), metric]),
  )
}

function at(running: Line, name: string, path = `s ${ONE}`) {
  const metric = minute(running, name).get(path)
  return metric === undefined
    ? null
    : [metric.sampleCount, metric.sum, metric.min, metric.max, metric.unit, metric.level]
}

function keyIn(shard: Shard): string {
  for (let i = 0; ; i++) {
    const hash = md5Of(`key-${i}`)
    if (shard.start <= hash && hash <= shard.end) return `key-${i}`
  }
}

test('each metric of delivered records has its value, unit and level', async () => {
  const running = await started()
  running.put('a', 'xx')
  await running.runFor(40)
  running.put('b', 'xxxx')

  await running.runFor(400)

  assert.deepEqual(at(running, 'UserRecordsReceived', 's'), [2, 2, 1, 1, 'Count', 'detailed'])
  assert.deepEqual(at(running, 'UserRecordsPut'), [2, 2, 1, 1, 'Count', 'summary'])
  assert.deepEqual(at(running, 'UserRecordsDataPut'), [2, 6, 2, 4, 'Bytes', 'detailed'])
  assert.deepEqual(at(running, 'KinesisRecordsPut'), [1, 1, 1, 1, 'Count', 'summary'])
  const size = running.service.sent[1]!.entries[0]!.data.length
  const data = [1, size, size, size, 'Bytes', 'detailed']
  assert.deepEqual(at(running, 'KinesisRecordsDataPut'), data)
  assert.deepEqual(at(running, 'AllErrors'), [1, 0, 0, 0, 'Count', 'summary'])
  assert.deepEqual(at(running, 'RetriesPerRecord'), [2, 0, 0, 0, 'Count', 'detailed'])
  // The older one waits 100 ms for company and 20 ms in the collector.
  const waits = [2, 120 + 80, 80, 120, 'Milliseconds', 'summary']
  assert.deepEqual(at(running, 'BufferingTime'), waits)
  const request = [1, LATENCY_MS, LATENCY_MS, LATENCY_MS, 'Milliseconds', 'detailed']
  assert.deepEqual(at(running, 'RequestTime', 's'), request)
  const [two, one] = [
    [1, 2, 2, 2, 'Count', 'detailed'],
    [1, 1, 1, 1, 'Count', 'detailed'],
  ]
  assert.deepEqual(at(running, 'UserRecordsPerKinesisRecord'), two)
  assert.deepEqual(at(running, 'KinesisRecordsPerPutRecordsRequest', 's'), one)
  assert.deepEqual(at(running, 'UserRecordsPerPutRecordsRequest', 's'), two)
  assert.equal(at(running, 'ErrorsByCode'), null)
  assert.equal(at(running, 'UserRecordExpired'), null)
})

test('per-shard metrics also exist per stream and for all; per-stream ones not per shard', async () => {
  const shards = evenShards(2)
  const running = await started({ shards })
  for (const shard of shards) running.put(keyIn(shard), 'x')
  running.put('k', 'x', 'other')

  await running.runFor(400)

  const puts = minute(running, 'UserRecordsPut')
  assert.equal(puts.get('')?.sum, 3)
  assert.equal(puts.get('s')?.sum, 2)
  assert.equal(puts.get('other')?.sum, 1)
  for (const { number } of shards) assert.equal(puts.get(`s ${shardIdOf(number)}`)?.sum, 1)
  assert.deepEqual([...puts.get(`s ${ONE}`)!.dimensions.keys()], ['StreamName', 'ShardId'])
  assert.deepEqual([...minute(running, 'RequestTime').keys()], ['', 's', 'other'])
})

test('a refused entry is a 0 of KinesisRecordsPut and an error; its record is retried', async () => {
  const running = await started()
  running.service.script = (n): Verdict =>
    n === 1 ? { entryError: 'ProvisionedThroughputExceededException' } : 'store'
  running.put('a', 'xx')

  await running.runFor(2000)

  assert.deepEqual(at(running, 'KinesisRecordsPut'), [2, 1, 0, 1, 'Count', 'summary'])
  assert.deepEqual(at(running, 'AllErrors'), [2, 1, 0, 1, 'Count', 'summary'])
  const error = [1, 1, 1, 1, 'Count', 'summary']
  const code = 'ProvisionedThroughputExceededException'
  for (const path of ['', code, `${code} s`, `${code} s ${ONE}`]) {
    assert.deepEqual(at(running, 'ErrorsByCode', path), error)
  }
  assert.deepEqual(at(running, 'UserRecordsPut'), [1, 1, 1, 1, 'Count', 'summary'])
  assert.deepEqual(at(running, 'RetriesPerRecord'), [1, 1, 1, 1, 'Count', 'detailed'])
  assert.equal(at(running, 'BufferingTime')?.[0], 2)
})

test('a request that fails as a whole is one error of the stream', async () => {
  const shards = evenShards(2)
  const running = await started({ shards })
  running.service.script = (n): Verdict =>
    n === 1 ? { requestError: 'InternalFailure', status: 500 } : 'store'
  for (const shard of shards) running.put(keyIn(shard), 'x')

  await running.runFor(2000)

  assert.equal(running.service.sent[1]!.entries.length, 2)
  assert.deepEqual(at(running, 'ErrorsByCode', 'InternalFailure s')?.slice(0, 2), [1, 1])
  assert.equal(at(running, 'ErrorsByCode', `InternalFailure s ${ONE}`), null)
  assert.deepEqual(at(running, 'AllErrors', 's')?.slice(0, 2), [3, 1])
  assert.deepEqual(at(running, 'KinesisRecordsPut', 's')?.slice(0, 2), [2, 2])
  assert.equal(at(running, 'RequestTime', 's')?.[0], 2)
})

test('a record that expires is a 0 of UserRecordsPut, and expired', async () => {
  const running = await started({ settings: { recordTtl: 300 } })
  running.service.script = () => ({ requestError: 'InternalFailure', status: 500 })
  running.put('a', 'xx')

  await running.runFor(3000)

  assert.deepEqual(at(running, 'UserRecordsPut'), [1, 0, 0, 0, 'Count', 'summary'])
  assert.deepEqual(at(running, 'UserRecordExpired'), [1, 1, 1, 1, 'Count', 'summary'])
  assert.equal(at(running, 'UserRecordsDataPut')?.[0], 0)
  const attempts = running.results.at(-1)!.attempts
  assert.equal(attempts.at(-1)?.code, 'Expired')
  assert.equal(at(running, 'RetriesPerRecord')?.[1], attempts.length - 1)
  assert.equal(at(running, 'BufferingTime')?.[0], attempts.length)
  assert.equal(minute(running, 'ErrorsByCode').has('Expired'), false)
})

test('what is pending is sampled five times a second, without a timer', async () => {
  const running = await started()
  const idle = at(running, 'UserRecordsPending', 's')
  assert.equal(running.clock.scheduledCount, 0)
  running.service.latencyMs = 1000
  for (const key of ['a', 'b', 'c']) running.put(key, 'x')

  await running.runFor(4000)

  assert.deepEqual(idle?.slice(1), [0, 0, 0, 'Count', 'detailed'])
  const [count, sum, min, max] = at(running, 'UserRecordsPending', 's') as number[]
  assert.ok(Math.abs(count! - 300) <= 5, `${count} samples in a minute`)
  // 1120 ms: five or six samples of three records.
  assert.ok(sum === 15 || sum === 18, `${sum}`)
  assert.deepEqual([min, max], [0, 3])
})

test('what comes after a rest was not pending during the rest', async () => {
  const running = await started()
  await running.runFor(30_000)
  running.put('a', 'x')
  assert.deepEqual(at(running, 'UserRecordsPending', 's')?.slice(1, 4), [0, 0, 0])
})

test('received is what has settled and what is pending, also after a close in the midst', async () => {
  const running = await started()
  running.service.script = () => ({ noAnswer: 'timed-out', isStored: false })
  for (let i = 0; i < 50; i++) running.put(`key-${i}`, 'x')
  await running.runFor(300)
  const closing = running.producer.close(0)
  await running.runFor(1)

  assert.equal(await closing, 50)
  assert.deepEqual(at(running, 'UserRecordsReceived', '')?.slice(0, 2), [50, 50])
  assert.deepEqual(at(running, 'UserRecordsPut', '')?.slice(0, 2), [50, 0])
  const retryCount = running.results.at(-1)!.attempts.length - 1
  assert.deepEqual(at(running, 'RetriesPerRecord', '')?.slice(0, 2), [50, 50 * retryCount])
})

test('a record that fails for good is no expired one, and leaves nothing to the next', async () => {
  const running = await started()
  running.service.script = (n): Verdict =>
    n === 1 ? { requestError: 'AccessDeniedException', status: 400 } : 'store'
  running.put('a', 'xx')
  await running.runFor(1000)
  assert.equal(running.results.at(-1)!.isDelivered, false)
  running.put('b', 'xxx')
  await running.runFor(1000)

  assert.equal(at(running, 'UserRecordExpired'), null)
  assert.deepEqual(at(running, 'UserRecordsPut')?.slice(0, 2), [2, 1])
  assert.deepEqual(at(running, 'UserRecordsDataPut')?.slice(0, 2), [1, 3])
  assert.equal(at(running, 'BufferingTime')?.[0], 2)
})

test('an upload cuts no window; it takes each whole second once', async () => {
  const running = await started()
  running.producer.takeMetrics()
  running.put('a', 'x')
  await running.runFor(1500)

  const taken = () =>
    running.producer
      .takeMetrics()
      .filter(({ name, dimensions }) => name === 'UserRecordsPut' && dimensions.size === 0)
      .map(({ sum }) => sum)
  assert.deepEqual(taken(), [1])
  assert.deepEqual(taken(), [])
  assert.equal(at(running, 'UserRecordsPut', '')?.[1], 1)
})

for (const [settings, expected] of [
  [{ metricsLevel: 'none' }, []],
  [{ metricsLevel: 'summary', metricsGranularity: 'global' }, ['UserRecordsPut']],
  [{ metricsLevel: 'detailed', metricsGranularity: 'global' }, ['UserRecordsPut', 'RequestTime']],
  [
    { metricsLevel: 'summary', metricsGranularity: 'stream' },
    ['UserRecordsPut', 'UserRecordsPut s'],
  ],
  [{ metricsLevel: 'summary' }, ['UserRecordsPut', 'UserRecordsPut s', `UserRecordsPut s ${ONE}`]],
] as const) {
  test(`with ${JSON.stringify(settings)} an upload has ${expected.length} of these`, async () => {
    const running = await started({ settings })
    const taken = running.producer
      .takeMetrics()
      .filter(({ name }) => name === 'UserRecordsPut' || name === 'RequestTime')
      .map(({ name, dimensions }) => [name, ...dimensions.values()].join(' '))

    assert.deepEqual(taken.sort(), [...expected].sort())
    assert.equal(running.producer.getMetrics('UserRecordsPut').length, 3)
  })
}

test('the metrics of a shard that closed are told apart a while, then only in its stream', async () => {
  const [left, right] = evenShards(2) as [Shard, Shard]
  const running = await started({ shards: [left, right] })
  for (const shard of [left, right]) running.put(keyIn(shard), 'x')
  await running.runFor(400)
  running.service.shards = [left, { ...right, number: 2 }]
  const put = async () => {
    running.put(keyIn(left), 'x')
    running.put(keyIn(right), 'x')
    await running.runFor(20_000)
  }
  const puts = () =>
    new Set(
      running.producer.getMetrics('UserRecordsPut').map((metric) => {
        return [...metric.dimensions.values()].join(' ')
      }),
    )

  await put()
  assert.ok(puts().has(`s ${shardIdOf(1)}`))
  for (let i = 0; i < 5; i++) await put()

  assert.deepEqual([...puts()].sort(), ['', 's', `s ${ONE}`, `s ${shardIdOf(2)}`])
  const [all] = running.producer.getMetrics('UserRecordsPut')
  assert.equal(all!.sum, running.results.length)
})

test('a stream that made room for another stays in the totals', async () => {
  const running = await started({ settings: { maxStreams: 1 } })
  running.service.script = (n): Verdict =>
    n === 1 ? { requestError: 'InternalFailure', status: 500 } : 'store'
  running.put('k', 'x')
  await running.runFor(1500)
  running.put('k', 'x', 'other')
  await running.runFor(500)

  const puts = new Map(
    running.producer.getMetrics('UserRecordsPut').map((metric) => {
      return [[...metric.dimensions.values()].join(' '), metric.sum]
    }),
  )
  assert.deepEqual([...puts.keys()], ['', 'other', `other ${ONE}`])
  assert.equal(puts.get(''), 3)
  const all = running.producer.getMetrics()
  assert.ok(all.every(({ dimensions }) => dimensions.get('StreamName') !== 's'))
  assert.ok(all.some(({ dimensions }) => dimensions.get('ErrorCode') === 'InternalFailure'))
})
