// What a stream takes for a record is learned from it, and kept to before anything is sent.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ProducerConfig } from '../../src/producer/index.ts'
import { UserRecord } from '../../src/record/index.ts'
import { RecordingLog } from '../recording-log.ts'
import { type Line, line } from './line.ts'

const MIB = 1024 * 1024

/** A stream that takes records of so many KiB; it refuses a request with a larger one whole. */
function streamOf(sizeKiB: number, settings: Partial<ProducerConfig> = {}): Line {
  const running = line({ settings: { rateLimit: 1_000_000, ...settings } })
  resize(running, sizeKiB)
  return running
}

function resize({ service }: Line, sizeKiB: number): void {
  service.summary = {
    StreamModeDetails: { StreamMode: 'ON_DEMAND' },
    MaxRecordSizeInKiB: sizeKiB,
    RecordDistributionStrategy: 'USER_PARTITION_KEY',
  }
  service.script = (_n, entries) =>
    entries.some((entry) => sizeOf(entry) > sizeKiB * 1024)
      ? { requestError: 'ValidationException', status: 400 }
      : 'store'
}

function sizeOf({ data, partitionKey }: { data: Uint8Array; partitionKey: string }): number {
  return data.length + Buffer.byteLength(partitionKey)
}

function largestOf({ service }: Line): number {
  return Math.max(...service.sent.flatMap(({ entries }) => entries.map(sizeOf)))
}

/** A record of so many bytes with its key, and what became of it: attempts, the last one last. */
function put({ producer }: Line, bytes: number, partitionKey = 'k') {
  const told: { codes: (string | null)[]; message: string | null; mayBeWritten: boolean[] } = {
    codes: [],
    message: null,
    mayBeWritten: [],
  }
  const data = Buffer.alloc(bytes - Buffer.byteLength(partitionKey))
  producer.put(
    new UserRecord({
      stream: 's',
      partitionKey,
      data,
      onSettle: ({ attempts }) => {
        told.codes = attempts.map(({ code }) => code)
        told.message = attempts.at(-1)!.message
        told.mayBeWritten = attempts.map(({ mayBeWritten }) => mayBeWritten)
      },
    }),
  )
  return told
}

const DELIVERED = [null]
const TOO_LARGE = ['RecordTooLarge']

for (const aggregation of ['safe', 'always', 'same-key', 'off'] as const) {
  test(`${aggregation}: a record of the stream's size goes, a byte more fails alone`, async () => {
    const running = streamOf(2048, { aggregation })
    const small = Array.from({ length: 20 }, (_, i) => put(running, 100, `n${i}`))
    const below = put(running, 2 * MIB - 1)
    const at = put(running, 2 * MIB)
    const atWithLongKey = put(running, 2 * MIB, '\u{1f30a}'.repeat(256))
    const above = put(running, 2 * MIB + 1, '\u{1f30a}'.repeat(256))

    await running.runFor(10_000)

    for (const { codes } of [below, at, atWithLongKey, ...small]) assert.deepEqual(codes, DELIVERED)
    assert.deepEqual(above.codes, TOO_LARGE)
    assert.deepEqual(above.mayBeWritten, [false])
    assert.equal(above.message, 'with its key 2097153 bytes; the stream takes 2097152')
    assert.equal(running.service.describeCount, 1)
    assert.equal(running.producer.outstandingCount, 0)
  })
}

for (const [aggregation, key] of [
  ['safe', 'k'],
  ['same-key', '\u{1f30a}'.repeat(256)],
] as const) {
  test(`${aggregation}: an aggregate of the stream's size is one record, a byte more makes two`, async () => {
    const entriesOf = async (bytes: number) => {
      const settings = { aggregationMaxSize: 10 * MIB, recordMaxBufferedTime: 500 }
      const running = streamOf(2048, { ...settings, aggregation })
      put(running, 1000, 'has the size asked for')
      await running.runFor(1000)
      running.service.sent.length = 0
      put(running, MIB, key)
      put(running, bytes, key)
      await running.runFor(5000)
      assert.equal(running.producer.outstandingCount, 0)
      return running.service.sent.flatMap(({ entries }) => entries.map(sizeOf))
    }
    // What the aggregate has beside the data, to fill it to the byte.
    const [whole] = await entriesOf(MIB - 2000)
    const full = MIB - 2000 + (2 * MIB - whole!)

    assert.deepEqual(await entriesOf(full - 1), [2 * MIB - 1])
    assert.deepEqual(await entriesOf(full), [2 * MIB])
    assert.deepEqual(await entriesOf(full + 1), [MIB, full + 1])
  })
}

test('what is gathered when the stream is made to take less is sent as it takes it', async () => {
  const settings = { aggregationMaxSize: 10 * MIB, recordMaxBufferedTime: 10_000 }
  const running = streamOf(4096, { ...settings, shardMapMaxAge: 86_400_000 })
  for (let i = 0; i < 70; i++) put(running, 50_000)
  await running.runFor(65_000)
  assert.ok(largestOf(running) > 3 * MIB)

  // The first aggregate is refused, taken apart, and shows what the service takes now.
  resize(running, 1024)
  running.service.sent.length = 0
  const next = Array.from({ length: 70 }, () => put(running, 50_000))
  await running.runFor(20_000)
  for (const { codes } of next) assert.deepEqual(codes, ['ValidationException', null])
  running.service.sent.length = 0
  const after = Array.from({ length: 70 }, () => put(running, 50_000))
  await running.runFor(20_000)

  for (const { codes } of after) assert.deepEqual(codes, DELIVERED)
  assert.ok(largestOf(running) <= MIB && largestOf(running) > 0.9 * MIB)
})

test('a stream that is made to take more is asked again before a record is refused', async () => {
  const running = streamOf(1024, { aggregation: 'off', recordMaxBufferedTime: 0 })
  const first = put(running, MIB + 1)
  await running.runFor(1000)
  resize(running, 2048)
  const second = put(running, MIB + 1)
  await running.runFor(1000)
  const asked = running.service.describeCount
  await running.runFor(60_000)
  const third = put(running, MIB + 1)
  const behind = put(running, 10)
  const other = put(running, 10, 'other')
  await running.runFor(1000)

  assert.deepEqual([first.codes, second.codes], [TOO_LARGE, TOO_LARGE])
  assert.equal(asked, 1, 'an answer serves for a minute')
  for (const { codes } of [third, behind, other]) assert.deepEqual(codes, DELIVERED)
  const order = running.service.stored.map((one) => `${one.split(':')[0]} ${one.length > 100}`)
  assert.ok(order.indexOf('k true') < order.indexOf('k false'), `${order}`)
  assert.equal(order[0], 'other false', 'records of other keys do not wait')
  assert.equal(running.service.describeCount, 2)
  const { streamMode, recordDistribution, maxRecordSize } = running.producer.describe().streams[0]!
  assert.deepEqual([streamMode, recordDistribution], ['ON_DEMAND', 'USER_PARTITION_KEY'])
  assert.equal(maxRecordSize, 2 * MIB)
})

test('what waits to be judged is hurried by a flush, and given back by a close', async () => {
  const waiting = { recordMaxBufferedTime: 60_000, aggregationMaxSize: 10 * MIB }
  const running = streamOf(2048, { ...waiting, aggregation: 'same-key' })
  running.service.latencyMs = 500
  const flushed = put(running, MIB + 100)
  void running.producer.flush()
  await running.runFor(3000)
  assert.deepEqual(flushed.codes, DELIVERED)

  await running.runFor(60_000)
  const left = put(running, 2 * MIB + 1)
  void running.producer.close(100)
  await running.runFor(200)
  assert.deepEqual(left.codes, ['Closed'])
})

test('without the permission to ask, aggregates are of 1 MiB; a larger record goes alone', async () => {
  const log = new RecordingLog()
  const settings = { aggregation: 'always', aggregationMaxSize: 10 * MIB } as const
  const running = line({ settings: { rateLimit: 1_000_000, ...settings }, log })
  running.service.describeError = 'AccessDeniedException'
  const large = put(running, MIB + 1)
  const others = Array.from({ length: 100 }, () => put(running, 50_000))
  await running.runFor(10_000)

  for (const { codes } of [large, ...others]) assert.deepEqual(codes, DELIVERED)
  const sizes = running.service.sent.flatMap(({ entries }) => entries.map(sizeOf))
  assert.deepEqual(
    sizes.filter((size) => size > MIB),
    [MIB + 1],
  )
  assert.equal(log.lines.filter((text) => text.includes('DescribeStreamSummary')).length, 1)
  assert.equal(running.producer.describe().streams[0]!.maxRecordSize, null)
})
