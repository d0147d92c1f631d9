// The map by itself: pages, ten thousand shards, and a service that says no.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Random, silentLog } from '../../src/host/index.ts'
import { ShardMap } from '../../src/producer/shard-map.ts'
import { StreamFacts } from '../../src/producer/stream-facts.ts'
import { HashKey, hashKeyFromBigInt } from '../../src/record/index.ts'
import { SimRandom } from '../../src/sim/index.ts'
import { HandClock } from '../hand-clock.ts'
import { RecordingLog } from '../recording-log.ts'
import { middling } from './line.ts'
import { clientOf, drawing, pagesOf, REFUSAL } from './listed-shards.ts'
import { evenShards, shardIdOf } from './scripted-service.ts'

const CONFIG = { log: silentLog, maxAgeMs: 300_000 }

async function mapOf(shardCount: number, random: Random = middling) {
  const { client, calls } = clientOf(pagesOf(shardCount))
  const clock = new HandClock()
  const map = new ShardMap({ clock, random }, 's', client, CONFIG)
  await new Promise<void>((resolve) =>
    map.start({ isNeeded: () => true, moved() {}, listed: () => resolve() }),
  )
  return { map, calls, clock }
}

test('ten thousand shards come in ten pages; a lookup compares fourteen times at most', async () => {
  const { map, calls } = await mapOf(10_000)
  const compare = HashKey.prototype.compare
  let compareCount = 0
  HashKey.prototype.compare = function (other) {
    compareCount++
    return compare.call(this, other)
  }
  try {
    for (const { number, start, end } of evenShards(10_000)) {
      for (const key of [start, end]) {
        compareCount = 0
        assert.equal(map.index.predict(hashKeyFromBigInt(key)!), number)
        assert.ok(compareCount <= 14, `${compareCount} comparisons`)
      }
    }
  } finally {
    HashKey.prototype.compare = compare
  }
  assert.equal(calls.length, 10)
  assert.equal(map.openCount, 10_000)
})

test('a burst of evidence is one listing; the old map serves meanwhile', async () => {
  const { map, calls, clock } = await mapOf(4)
  const key = hashKeyFromBigInt(0n)!
  clock.advanceBy(1000)
  for (let i = 0; i < 500; i++) map.invalidate(clock.monotonicMs(), i % 4)

  const predicted = map.index.predict(key)
  await new Promise(setImmediate)

  assert.equal(predicted, 0)
  assert.equal(calls.length, 2)
  map.invalidate(500, 0)
  await new Promise(setImmediate)
  assert.equal(calls.length, 2, 'evidence that is older than the map')
})

test('a shard is the one of the map only if it gives numbers as that one does', async () => {
  // From a stream at AWS: a shard's first and last number, and its child's first.
  const first = '49563335997420305725896584603874146327194044269160562690'
  const last = '49563335997431456098495849915443705260510755470006288386'
  const child = '49563336006362904550507364483629969354526038951045627922'
  const { client } = clientOf(pagesOf(1, first))
  const host = { clock: new HandClock(), random: middling }
  const map = new ShardMap(host, 's', client, CONFIG)
  assert.equal(map.isKnown(0, first), false)
  map.start({ isNeeded: () => true, moved() {}, listed() {} })
  await new Promise(setImmediate)

  assert.ok(map.isKnown(0, first) && map.isKnown(0, last))
  assert.equal(map.isKnown(0, child), false, 'of a stream made anew')
  assert.equal(map.isKnown(1, first), false)
})

test('a map is fetched anew for its age: when a record comes, and once', async () => {
  for (const [part, dueMs] of [
    [0, 150_000],
    [1, 299_999],
  ] as const) {
    const { map, calls, clock } = await mapOf(4, drawing(part))
    clock.advanceTo(dueMs - 1)
    map.wake(dueMs - 1)
    await new Promise(setImmediate)
    assert.equal(calls.length, 1, 'below')
    clock.advanceTo(dueMs)
    await new Promise(setImmediate)
    assert.equal(calls.length, 1, 'without a record')
    for (let i = 0; i < 500; i++) map.wake(dueMs)
    await new Promise(setImmediate)
    assert.equal(calls.length, 2, 'at')
    assert.equal(clock.scheduledCount, 0)
    clock.advanceTo(3_600_000)
    map.wake(3_600_000)
    await new Promise(setImmediate)
    assert.equal(calls.length, 3, 'above')
  }
})

test('a fleet that started at one instant asks at many', async () => {
  const random = new SimRandom(7)
  const instants = new Set<number>()
  for (let i = 0; i < 30; i++) {
    const { map, calls, clock } = await mapOf(1, random.fork(`${i}`))
    for (let atMs = 0; calls.length < 2; atMs += 5000) {
      clock.advanceTo(atMs)
      map.wake(atMs)
      await new Promise(setImmediate)
    }
    instants.add(clock.monotonicMs())
  }
  // Of the 31 that there are between half of the age and all of it.
  assert.ok(instants.size >= 15, `${[...instants]}`)
  assert.ok(Math.min(...instants) >= 150_000 && Math.max(...instants) <= 300_000)
})

test('of a listing with closed shards too only the open ones are predicted', async () => {
  const pages = pagesOf(3)
  const { client } = clientOf((input) => {
    const outcome = pages(input)
    assert.ok('body' in outcome)
    const { Shards } = JSON.parse(String(outcome.body))
    // The parent of the first two: it ends where the second one does.
    const HashKeyRange = {
      StartingHashKey: '0',
      EndingHashKey: Shards[1].HashKeyRange.EndingHashKey,
    }
    const SequenceNumberRange = { StartingSequenceNumber: '1', EndingSequenceNumber: '2' }
    Shards.unshift({ ShardId: shardIdOf(9), HashKeyRange, SequenceNumberRange })
    return { format: 'json', body: Buffer.from(JSON.stringify({ Shards })) }
  })
  const map = new ShardMap({ clock: new HandClock(), random: middling }, 's', client, CONFIG)
  map.start({ isNeeded: () => true, moved() {}, listed() {} })
  await new Promise(setImmediate)

  const predicted = evenShards(3).flatMap(({ start, end }) =>
    [start, end].map((key) => map.index.predict(hashKeyFromBigInt(key)!)),
  )
  assert.deepEqual(predicted, [0, 0, 1, 1, 2, 2])
  assert.equal(map.openCount, 3)
  assert.equal(map.contains(9, hashKeyFromBigInt(0n)!), true, 'its range is known')
})

test('a fleet whose listings failed at one instant asks again at many', async () => {
  const instants: number[] = []
  for (const part of [0, 0.5, 1]) {
    const { client, calls } = clientOf(() => REFUSAL)
    const clock = new HandClock()
    const map = new ShardMap({ clock, random: drawing(part) }, 's', client, CONFIG)
    map.start({ isNeeded: () => true, moved() {}, listed() {} })
    await new Promise(setImmediate)
    while (calls.length < 2) clock.advanceBy(1)
    instants.push(clock.monotonicMs())
    map.close()
  }
  assert.deepEqual(instants, [500, 749, 999])
})

test('the range of a shard that was closed is known for a minute, and then forgotten', async () => {
  let answer = pagesOf(1)
  const { client } = clientOf((input) => answer(input))
  const clock = new HandClock()
  const map = new ShardMap({ clock, random: middling }, 's', client, CONFIG)
  map.start({ isNeeded: () => true, moved() {}, listed() {} })
  await new Promise(setImmediate)
  const key = hashKeyFromBigInt(0n)!
  const both = pagesOf(3)
  // Shards 1 and 2 in the place of shard 0.
  answer = (input) => {
    const outcome = both(input)
    assert.ok('body' in outcome)
    const { Shards } = JSON.parse(String(outcome.body))
    return { format: 'json', body: Buffer.from(JSON.stringify({ Shards: Shards.slice(1) })) }
  }
  const listAt = async (atMs: number) => {
    clock.advanceTo(atMs)
    map.invalidate(atMs, -1)
    await new Promise(setImmediate)
    return map.contains(0, key)
  }
  assert.equal(await listAt(1000), true, 'for records on their way')
  assert.equal(await listAt(60_000), true)
  assert.equal(await listAt(60_001), null)
})

test('an old map that cannot be fetched anew serves on', async () => {
  const pages = pagesOf(4)
  let isRefusing = false
  const { client, calls } = clientOf((input) => (isRefusing ? REFUSAL : pages(input)))
  const clock = new HandClock()
  const map = new ShardMap({ clock, random: middling }, 's', client, CONFIG)
  map.start({ isNeeded: () => true, moved: () => assert.fail(), listed() {} })
  await new Promise(setImmediate)
  isRefusing = true
  for (let second = 0; second < 600; second++) {
    clock.advanceBy(1000)
    map.wake(clock.monotonicMs())
    await new Promise(setImmediate)
    assert.equal(map.isSettled(0), true)
  }
  assert.ok(calls.length >= 10 && calls.length <= 40, `${calls.length} listings`)
  map.close()
  assert.equal(clock.scheduledCount, 0)
})

test('a service that refuses listings for minutes is asked ever more seldom', async () => {
  const { client, calls } = clientOf(() => REFUSAL)
  const clock = new HandClock()
  const map = new ShardMap({ clock, random: middling }, 's', client, CONFIG)
  let isSettled = true
  map.start({ isNeeded: () => true, moved() {}, listed: () => (isSettled = map.isSettled(0)) })
  for (let second = 0; second < 600; second++) {
    clock.advanceBy(1000)
    await new Promise(setImmediate)
    // Whatever lands elsewhere meanwhile does not make it hurry.
    map.invalidate(clock.monotonicMs(), -1)
    map.refresh()
  }

  assert.ok(calls.length >= 15 && calls.length <= 40, `${calls.length} listings in ten minutes`)
  assert.equal(isSettled, false)
  map.close()
  assert.equal(clock.scheduledCount, 0)
})

test('a listing that fails goes again only while somebody needs it, and is told once', async () => {
  const refusal = { ...REFUSAL, code: 'AccessDeniedException' }
  const pages = pagesOf(1)
  let isThere = false
  const { client, calls } = clientOf((input) => (isThere ? pages(input) : refusal))
  const clock = new HandClock()
  const log = new RecordingLog()
  const map = new ShardMap({ clock, random: middling }, 's', client, { ...CONFIG, log })
  let isNeeded = true
  map.start({ isNeeded: () => isNeeded, moved() {}, listed() {} })
  const wait = async () => {
    await new Promise(setImmediate)
    clock.advanceBy(60_000)
    await new Promise(setImmediate)
  }
  await wait()
  assert.ok(calls.length > 1)
  isNeeded = false
  await wait()
  const before = calls.length
  await wait()
  assert.equal(calls.length, before)
  assert.equal(clock.scheduledCount, 0)

  isNeeded = true
  map.wake(clock.monotonicMs())
  map.wake(clock.monotonicMs())
  await new Promise(setImmediate)
  assert.equal(calls.length, before + 1)
  assert.equal(log.lines.length, 1)

  // From here on the service knows the stream.
  isThere = true
  await wait()
  const found = calls.length
  map.wake(clock.monotonicMs())
  await new Promise(setImmediate)
  assert.equal(calls.length, found, 'nothing is left undone')
  isThere = false
  map.invalidate(clock.monotonicMs() + 1, -1)
  await new Promise(setImmediate)
  assert.equal(log.lines.length, 2, 'it is news again')
  map.close()
})

test('a permission to describe that is missing is said once', async () => {
  const refusal = { ...REFUSAL, code: 'AccessDeniedException' }
  const { client, calls } = clientOf(() => refusal)
  const clock = new HandClock()
  const log = new RecordingLog()
  const facts = new StreamFacts({ clock, random: middling }, 's', client, {
    askAgainMaxMs: 60_000,
    log,
  })
  facts.start(() => {})
  facts.ask()
  for (let minute = 0; minute < 10; minute++) {
    await new Promise(setImmediate)
    clock.advanceBy(60_000)
    facts.wake(clock.monotonicMs())
  }

  assert.ok(calls.length >= 8)
  assert.equal(log.lines.length, 1)
  assert.equal(facts.areKeysKept, false)
  assert.equal(facts.maxRecordBytes, 1_048_576)
  assert.equal(clock.scheduledCount, 0)
})

test('the size of records is learned', async () => {
  const StreamDescriptionSummary = { MaxRecordSizeInKiB: 2048 }
  const body = Buffer.from(JSON.stringify({ StreamDescriptionSummary }))
  const { client } = clientOf(() => ({ format: 'json', body }))
  const host = { clock: new HandClock(), random: middling }
  const facts = new StreamFacts(host, 's', client, { askAgainMaxMs: 60_000, log: silentLog })

  await new Promise<void>((resolve) => {
    facts.start(resolve)
    facts.ask()
  })

  assert.equal(facts.maxRecordBytes, 2_097_152)
  assert.equal(facts.areKeysKept, true)
})

test('that a stream does not exist is told by its records, which end, and not by its map', async () => {
  const refusals = ['ResourceNotFoundException', 'AccessDeniedException']
  const { client, calls } = clientOf(() => ({ ...REFUSAL, code: refusals.shift()! }))
  const clock = new HandClock()
  const log = new RecordingLog()
  const map = new ShardMap({ clock, random: middling }, 's', client, { ...CONFIG, log })

  map.start({ isNeeded: () => true, moved() {}, listed() {} })
  await new Promise(setImmediate)
  assert.deepEqual([calls.length, log.lines], [1, []])

  clock.advanceBy(1000)
  await new Promise(setImmediate)
  assert.deepEqual([calls.length, log.lines], [2, ['warn could not list the shards']])
})
