// What a start reads, and what becomes of files that cannot be read.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Bench, untilTrue } from './bench-top.ts'
import { benchWithStream, put, segmentsOf, texts } from './one-stream.ts'

const KIB = 1024
const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000

const RECORD_COUNT = 200
const RECORD_BYTES = 8 * KIB
const ALL = Array.from({ length: RECORD_COUNT }, (_, i) => i)

/** Records with their numbers in them, a minute apart, in twenty-five segments of eight. */
async function benchWithSegments(): Promise<Bench> {
  const bench = await benchWithStream({
    config: { segmentMaxBytes: 64 * KIB, segmentMaxAgeMs: 24 * HOUR_MS },
  })
  for (const i of ALL) {
    bench.clock.advanceBy(MINUTE_MS)
    await put(bench, `${i}`.padEnd(RECORD_BYTES, '.'))
  }
  assert.equal(segmentsOf(bench.disk).length, 25)
  return bench
}

async function numbersIn(bench: Bench): Promise<number[]> {
  return (await texts(bench)).map(Number.parseFloat)
}

test('a start reads the last segment, and of each other one record', async () => {
  const { disk, reopen } = await segmentsOnDisk()
  disk.readBytes = 0

  const after = await reopen()

  assert.ok(disk.readBytes < 40 * 9 * KIB)
  assert.deepEqual(await numbersIn(after), ALL)
  assert.deepEqual(after.log.lines, [])
})

test('what is asked for by its time after a start is found without reading all before it', async () => {
  const { disk, reopen, startedAtMs } = await segmentsOnDisk()
  const after = await reopen()
  disk.readBytes = 0

  const start = { StreamName: 's1', ShardId: '0', ShardIteratorType: 'AT_TIMESTAMP' }
  const Timestamp = (startedAtMs + 100 * MINUTE_MS) / 1000
  const { ShardIterator } = await after.ok('GetShardIterator', { ...start, Timestamp })
  const page = await after.ok('GetRecords', { ShardIterator, Limit: 1 })

  assert.equal(Number.parseFloat(Buffer.from(page.Records[0].Data, 'base64').toString()), 99)
  assert.ok(disk.readBytes < 5 * 64 * KIB)
})

test('segments from before a start go after the retention period without being read', async () => {
  const { disk, reopen } = await segmentsOnDisk()
  const after = await reopen()
  after.clock.advanceBy(21.5 * HOUR_MS)
  disk.readBytes = 0

  after.clock.advanceBy(MINUTE_MS)

  await untilTrue(() => segmentsOf(disk).length < 20)
  assert.equal(disk.readBytes, 0)
  const rest = await numbersIn(after)
  assert.deepEqual(rest, ALL.slice(-rest.length))
})

test('a last segment that cannot be read at a start is kept, and read when it can be', async () => {
  const bench = await benchWithStream()
  await put(bench, 'a')
  const first = await bench.readAll('s1')
  bench.disk.fault = (asked) => (asked === 'read' ? 'EIO' : null)
  const after = await bench.reopen()

  const { body } = await put(after, 'b')
  assert.match(after.log.lines.join(), /cannot be read now/)
  assert.ok(BigInt(body.Records[0].SequenceNumber) > BigInt(first[0]!.SequenceNumber))
  assert.match(await after.refused('GetRecords', await atHorizon(after)), /^InternalFailure/)

  bench.disk.fault = () => null
  assert.deepEqual(await texts(after), ['a', 'b'])
  assert.deepEqual(await texts(await after.reopen()), ['a', 'b'])
})

test('an older segment that cannot be read is kept, and read when it can be', async () => {
  const { disk, reopen } = await segmentsOnDisk()
  const [oldest] = segmentsOf(disk)
  disk.fault = (asked, name) => (asked === 'open' && name === oldest ? 'EMFILE' : null)
  const after = await reopen()

  await put(after, `${RECORD_COUNT}`)
  assert.match(await after.refused('GetRecords', await atHorizon(after)), /^InternalFailure/)

  disk.fault = () => null
  assert.deepEqual(await numbersIn(after), [...ALL, RECORD_COUNT])
})

test('damage in an older segment is reported when it is read, and costs one record', async () => {
  const { disk, reopen } = await segmentsOnDisk()
  const { bytes } = disk.content(segmentsOf(disk)[3]!)
  bytes[bytes.length >> 1]! ^= 1

  const after = await reopen()

  assert.deepEqual(after.log.lines, [])
  const [one, two] = await Promise.all([numbersIn(after), numbersIn(after)])
  assert.equal(one.length, RECORD_COUNT - 1)
  assert.deepEqual(two, one)
  assert.equal(after.log.lines.length, 1)
  assert.match(after.log.lines[0]!, /a segment is damaged.*"s1".*"shardId-000000000000"/)
})

test('a file that somebody cuts while we run fails the read, and is not read for ever', async () => {
  const { disk, bench } = await segmentsOnDisk()
  const content = disk.content(segmentsOf(disk)[0]!)
  content.bytes = content.bytes.subarray(0, 20 * KIB)

  assert.match(await bench.refused('GetRecords', await atHorizon(bench)), /^InternalFailure/)
  assert.match(bench.log.lines.join(), /shorter than it was/)
})

async function segmentsOnDisk() {
  const bench = await benchWithSegments()
  return {
    bench,
    disk: bench.disk,
    reopen: () => bench.reopen(),
    startedAtMs: bench.clock.wallMs() - RECORD_COUNT * MINUTE_MS,
  }
}

async function atHorizon(bench: Bench): Promise<{ ShardIterator: string }> {
  const start = { StreamName: 's1', ShardId: '0', ShardIteratorType: 'TRIM_HORIZON' }
  return bench.ok('GetShardIterator', start)
}
