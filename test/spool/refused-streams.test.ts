// A stream that refuses everything: its records wait in the spool for it, and cost the others
// nothing.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { UserRecord } from '../../src/record/index.ts'
import { REST_FIRST_MS, REST_MAX_MS } from '../../src/spool/index.ts'
import { Station, type StationOptions } from './station.ts'

const DENIED = 'AccessDenied'
const GONE = 'ResourceNotFoundException'
const MAX_MS = 600_000

const open = (options: StationOptions = {}) =>
  Station.open({ refusedMaxMs: MAX_MS, laneOf: laneOfStream, ...options })
const laneOfStream = ({ stream }: UserRecord) => stream.charCodeAt(0)
const heldTexts = ({ held }: Station) => held.map(({ data }) => String(data))

test('records of a stream that refuses all stay; one is tried from time to time, then all go', async () => {
  const station = await open()
  const sent = station.append(['a', 'b', 'c'])
  await station.turn()
  station.settleAll(DENIED)
  await station.put('d')
  assert.deepEqual(heldTexts(station), [])

  await station.runFor(REST_FIRST_MS - 1)
  assert.deepEqual(heldTexts(station), [])
  await station.runFor(1)
  assert.deepEqual(heldTexts(station), ['a'])
  station.settle('a', DENIED)
  await station.runFor(2 * REST_FIRST_MS - 1)
  assert.deepEqual(heldTexts(station), [], 'it rests twice as long')
  await station.runFor(1)
  assert.deepEqual([station.letters.length, station.spool.stats.unsettledRecords], [0, 4])
  assert.equal(station.refused.list()[0]!.forMs, 3 * REST_FIRST_MS)

  station.settle('a')
  await station.turn()
  assert.deepEqual(heldTexts(station), ['b', 'c', 'd'])
  station.settleAll()
  await station.turn()
  assert.deepEqual(
    sent.outcomes.map((outcome) => outcome?.kind),
    Array(3).fill('delivered'),
  )
  assert.deepEqual([station.refused.count, station.spool.stats.unsettledRecords], [0, 0])
  assert.equal(station.clock.scheduledCount <= 1, true, 'no try is to come')
  assert.match(
    station.log.lines[0]!,
    /^error a stream refuses all records; they wait .*AccessDenied/,
  )
  assert.equal(station.log.lines[1], 'info a stream takes records again')
  assert.equal(station.log.lines.length, 2)
})

test('after the stated time they become dead letters, and not before it', async () => {
  const station = await open()
  await station.put('a', 'b', 'c')
  station.settleAll(DENIED)
  const isLate = () => station.clock.monotonicMs() >= MAX_MS
  let restMs = REST_FIRST_MS
  while (!isLate()) {
    await station.runFor(restMs - 1)
    assert.deepEqual(heldTexts(station), [])
    await station.runFor(1)
    assert.deepEqual(heldTexts(station), ['a'])
    restMs = Math.min(REST_MAX_MS, 2 * restMs)
    if (!isLate()) station.settle('a', DENIED)
    assert.equal(station.letters.length, 0)
  }
  station.settle('a', DENIED)
  await station.turn()
  assert.equal(station.letters.length, 1)
  assert.deepEqual(heldTexts(station), ['b', 'c'], 'nothing waits any more')
  station.settleAll(DENIED)
  await station.put('d')
  station.settle('d', DENIED)
  await station.turn()
  assert.equal(station.letters.length, 4)
  assert.deepEqual(
    station.refused.list().map(({ isWaitedFor }) => isWaitedFor),
    [false],
  )
  await station.put('e')
  station.settle('e')
  assert.equal(station.refused.count, 0)
})

test('one millisecond before the time it still waits', async () => {
  const station = await open({ refusedMaxMs: REST_FIRST_MS + 1 })
  await station.put('a')
  station.settle('a', DENIED)
  await station.runFor(REST_FIRST_MS)
  station.settle('a', DENIED)
  assert.equal(station.letters.length, 0)
  const other = await open({ refusedMaxMs: REST_FIRST_MS })
  await other.put('a')
  other.settle('a', DENIED)
  await other.runFor(REST_FIRST_MS)
  other.settle('a', DENIED)
  assert.equal(other.letters.length, 1)
})

test('it is at once where no time is stated, and for what is wrong with the record', async () => {
  const never = await open({ refusedMaxMs: 0 })
  await never.put('a')
  never.settle('a', DENIED)
  assert.deepEqual([never.letters.length, never.refused.count], [1, 0])

  const station = await open()
  await station.put('a')
  station.settle('a', 'ValidationException')
  assert.deepEqual([station.letters.length, station.refused.count], [1, 0])
})

test('a name that is wrong is told at once; a stream that was there is waited for', async () => {
  const station = await open()
  const put = async (text: string, stream: string, code: string | null) => {
    station.append([text], { stream })
    await station.turn()
    station.settle(text, code)
  }
  await put('a', 's', GONE)
  await put('b', 'unnamed', DENIED)
  assert.equal(station.letters.length, 2)
  await put('c', 's', null)
  await put('d', 'unnamed', null)
  await put('e', 's', GONE)
  await put('f', 'unnamed', DENIED)
  assert.equal(station.letters.length, 2)
  assert.deepEqual(
    station.refused.list().map(({ stream, code }) => [stream, code]),
    [
      ['s', GONE],
      ['unnamed', DENIED],
    ],
  )
})

test('a stream that refuses all takes nothing of the window from the others', async () => {
  const shards = 40
  const laneOf = ({ stream, partitionKey }: UserRecord) =>
    stream === 't' ? 1000 : Number(partitionKey) % shards
  const station = await open({ spool: { windowBytes: 64 * 1024 }, laneOf })
  for (let i = 0; i < 400; i++) station.append([`s${i}`], { partitionKey: String(i) })
  await station.turn()
  for (let times = 0; times < 20; times++) {
    station.settleAll(DENIED)
    station.append([`t${times}`], { stream: 't' })
    await station.runFor(times === 0 ? 1 : 500)
    assert.ok(heldTexts(station).includes(`t${times}`), 'the other stream goes on')
    station.settle(`t${times}`)
    assert.ok(station.held.length <= shards, 'one of each lane')
  }
  assert.equal(station.letters.length, 0)
  const { windowBytes, windowRecords, unsettledRecords } = station.spool.stats
  assert.equal(unsettledRecords, 400)
  assert.ok(windowRecords <= shards && windowBytes <= shards * 520, `${windowRecords} are out`)

  await station.runFor(REST_MAX_MS)
  while (station.spool.stats.unsettledRecords > 0) {
    station.settleAll()
    await station.turn()
  }
  const own = station.handed.filter((text) => text.startsWith('s'))
  const lastOf = new Map(own.map((text, at) => [text, at]))
  for (let i = shards; i < 400; i++) {
    assert.ok(lastOf.get(`s${i}`)! > lastOf.get(`s${i - shards}`)!, 'each lane keeps its order')
  }
})

test('what refuses while others of its lane are read is not passed over', async () => {
  const station = await open({ spool: { windowBytes: 64 * 1024, segmentBytes: 64 * 1024 } })
  const texts = Array.from({ length: 300 }, (_, i) => `${i}`.padEnd(1000, '.'))
  for (const text of texts) station.append([text])
  await station.turn()
  for (let round = 0; station.spool.stats.unsettledRecords > 0; round++) {
    assert.ok(round < 2000, 'it ends')
    const first = station.held.length > 0 ? String(station.held[0]!.data) : null
    if (first !== null) station.settle(first, round % 3 === 0 ? DENIED : null)
    else await station.runFor(REST_FIRST_MS)
    if (round % 2 === 0) await station.turn()
  }
  assert.equal(station.letters.length, 0)
  assert.equal(new Set(station.handed).size, texts.length)
})

test('what waits for its stream waits over a restart', async () => {
  const first = await open()
  await first.put('a', 'b')
  first.settleAll(DENIED)
  await first.until(first.spool.close(1000))
  const second = await open({ disk: first.disk, clock: first.clock })
  assert.deepEqual(heldTexts(second), ['a', 'b'])
})

test('what refuses while a pass is under way is behind that pass, not before its end', async () => {
  const first = await open()
  await first.put('a0')
  for (let i = 0; i < 100; i++) first.append([`b${i}`], { stream: 't' })
  await first.put('a1')
  await first.until(first.spool.close(1000))
  const second = await open({ disk: first.disk, clock: first.clock, isStarted: false })
  const laneOf = (record: UserRecord) => {
    if (String(record.data) === 'b50') second.settle('a0', DENIED)
    return laneOfStream(record)
  }
  second.start({ laneOf })
  await second.turn()
  assert.deepEqual([second.held.length, heldTexts(second).includes('a1')], [100, false])

  await second.runFor(REST_FIRST_MS)
  assert.equal(heldTexts(second).at(-1), 'a0')
  second.settle('a0')
  await second.turn()
  assert.equal(heldTexts(second).at(-1), 'a1')
})
