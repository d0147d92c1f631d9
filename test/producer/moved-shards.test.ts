// The map while shards are not where it has them, and when it is closed.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLog } from '../../src/host/index.ts'
import { ShardMap } from '../../src/producer/shard-map.ts'
import { hashKeyFromBigInt } from '../../src/record/index.ts'
import { HandClock } from '../hand-clock.ts'
import { middling } from './line.ts'
import { pagesOf, pagesWith, REFUSAL, slowClient } from './listed-shards.ts'
import { evenShards, type Shard } from './scripted-service.ts'

/** A map of four shards, a second old, and what it has told since. */
function fourShards() {
  const { client, calls, answerNext } = slowClient()
  const clock = new HandClock()
  const config = { log: silentLog, maxAgeMs: null }
  const map = new ShardMap({ clock, random: middling }, 's', client, config)
  const told: string[] = []
  map.start({
    isNeeded: () => true,
    moved: () => told.push('moved'),
    listed: (isListed) => told.push(isListed ? 'listed' : 'not listed'),
  })
  const list = (shards = evenShards(4)) => answerNext(pagesWith(shards)(calls.at(-1)!))
  list()
  told.length = 0
  calls.length = 0
  clock.advanceBy(1000)
  return { map, clock, calls, told, list, refuse: () => answerNext(REFUSAL) }
}

test('a shard of which a record landed elsewhere is not settled until there is a new map', () => {
  const { map, clock, calls, told, list } = fourShards()

  for (let i = 0; i < 3; i++) map.invalidate(1000, 2)

  assert.deepEqual([map.isSettled(1), map.isSettled(2)], [true, false])
  assert.equal(map.isOpen(2), true, 'the old map serves')
  assert.deepEqual([map.hasMoved(1), map.hasMoved(2)], [false, true])
  assert.deepEqual(told, ['moved'], 'once')
  list()
  assert.equal(map.isSettled(2), true)
  assert.deepEqual(told, ['moved', 'listed'])
  assert.equal(calls.length, 1)
  assert.equal(clock.scheduledCount, 0)
})

test('evidence that is no younger than the map, or of a shard that it does not have, is none', () => {
  const { map, calls, told } = fourShards()

  map.invalidate(0, 2)
  map.invalidate(1000, 9)

  assert.deepEqual([calls, told], [[], []])
  map.invalidate(0.001, 2)
  assert.equal(calls.length, 1)
})

test('records of a shard that has moved wait for the new map half a second at most', () => {
  const { map, clock, told, list } = fourShards()
  map.invalidate(1000, 2)
  clock.advanceBy(300)
  map.invalidate(1000, 3)
  assert.deepEqual([map.isWorthWaiting(1), map.isWorthWaiting(2)], [false, true])
  told.length = 0

  clock.advanceBy(199)
  assert.equal(map.isWorthWaiting(2), true)
  assert.equal(clock.scheduledCount, 1, 'one wait for all of them')
  clock.advanceBy(1)

  assert.deepEqual([map.isWorthWaiting(2), map.isWorthWaiting(3)], [false, false])
  assert.deepEqual(told, ['moved'], 'who waits goes on')
  assert.equal(map.isSettled(2), false)
  list()
  assert.equal(clock.scheduledCount, 0)
})

test('after a listing that failed no record waits: the new map is not one call away', () => {
  const { map, clock, calls, told, list, refuse } = fourShards()
  map.invalidate(1000, 2)
  refuse()
  assert.deepEqual(told, ['moved', 'not listed'])
  assert.equal(map.isWorthWaiting(2), false)

  map.invalidate(1000, 3)

  assert.equal(map.isWorthWaiting(3), false)
  assert.equal(calls.length, 1, 'it comes in its time')
  assert.equal(told.at(-1), 'moved')
  clock.advanceBy(1000)
  assert.equal(calls.length, 2)
  list()
  assert.deepEqual([map.isSettled(2), map.isSettled(3)], [true, true])
})

test('a shard that the map lacks is looked for among the closed ones, at once, then in a while', () => {
  const { map, clock, calls, list } = fourShards()
  const isOfAll = () => calls.map(({ ShardFilter }) => ShardFilter === undefined)
  map.invalidate(1000, 2)
  map.refresh()
  assert.deepEqual(isOfAll(), [false], 'that listing had begun')
  list()

  map.refresh()
  assert.deepEqual(isOfAll(), [false, true])
  list()
  map.refresh()
  map.refresh()
  assert.equal(calls.length, 2)
  assert.equal(clock.scheduledCount, 1)
  clock.advanceBy(499)
  assert.equal(calls.length, 2)
  clock.advanceBy(501)
  assert.deepEqual(isOfAll(), [false, true, true])
  list()

  clock.advanceBy(1001)
  map.refresh()
  assert.equal(calls.length, 4, 'at once, since the last one is old')
  list()
  clock.advanceBy(1001)
  map.invalidate(clock.monotonicMs(), 2)
  assert.equal(isOfAll().at(-1), false, 'nobody looks for closed ones any more')
})

test('of a closed map nothing is heard: no call, no timer, no news', () => {
  const { map, clock, calls, told, list } = fourShards()
  map.refresh()
  list()
  map.invalidate(clock.monotonicMs() + 1, 2)
  told.length = 0
  const callCount = calls.length
  map.close()

  list([])
  map.refresh()
  clock.advanceBy(3_600_000)

  assert.deepEqual(told, [])
  assert.equal(calls.length, callCount)
  assert.equal(clock.scheduledCount, 0)
  assert.equal(map.openCount, 4)
})

test('a listing that fails at its second page is tried ever more seldom too', () => {
  const { client, calls, answerNext } = slowClient()
  const pages = pagesOf(1001)
  const clock = new HandClock()
  const config = { log: silentLog, maxAgeMs: null }
  const map = new ShardMap({ clock, random: middling }, 's', client, config)
  map.start({ isNeeded: () => true, moved() {}, listed() {} })
  const waitMs = () => {
    answerNext(pages(calls.at(-1)!))
    answerNext(REFUSAL)
    const count = calls.length
    const failedAtMs = clock.monotonicMs()
    while (calls.length === count) clock.advanceTo(clock.nextAtMs())
    return Math.round(clock.monotonicMs() - failedAtMs)
  }

  // Three quarters of what is drawn from: 1 s, half as long again each time, and 30 s in the end.
  const waits = Array.from({ length: 11 }, waitMs)
  assert.deepEqual(waits.slice(0, 4), [750, 1125, 1687, 2532])
  assert.deepEqual(waits.slice(-2), [22_500, 22_500])

  for (let page = 0; page < 2; page++) answerNext(pages(calls.at(-1)!))
  map.invalidate(clock.monotonicMs() + 1, -1)
  assert.equal(waitMs(), 750, 'after one that did not fail')
})

test('a key is within a range up to both of its ends', () => {
  const { map } = fourShards()
  const { start, end } = evenShards(4)[1]!
  const isWithin = (key: bigint) => map.contains(1, hashKeyFromBigInt(key)!)

  assert.deepEqual([start - 1n, start, end, end + 1n].map(isWithin), [false, true, true, false])
})

test('a map has another version when its shards have other names or ranges, in whatever order', () => {
  const { map, clock, list } = fourShards()
  const versions = new Set([map.version])
  const listAnew = (shards: Shard[]) => {
    clock.advanceBy(1000)
    map.invalidate(clock.monotonicMs(), -1)
    list(shards)
    versions.add(map.version)
  }
  const [first, second, third, fourth] = evenShards(4) as [Shard, Shard, Shard, Shard]
  listAnew([fourth, second, first, third])
  assert.equal(versions.size, 1)
  const keys = evenShards(4).flatMap(({ start, end }) => [start, end])
  const predicted = keys.map((key) => map.index.predict(hashKeyFromBigInt(key)!))
  assert.deepEqual(predicted, [0, 0, 1, 1, 2, 2, 3, 3])

  listAnew(evenShards(4, 4))
  assert.equal(versions.size, 2, 'other names')
  listAnew(evenShards(5, 4))
  assert.equal(versions.size, 3, 'one more')
  const [low, high, ...others] = evenShards(5, 4) as [Shard, Shard, ...Shard[]]
  listAnew([{ ...low, end: low.end + 9n }, { ...high, start: high.start + 9n }, ...others])
  assert.equal(versions.size, 4, 'other ranges')
})

test('a listing that does not end is given up after a thousand pages', () => {
  const { client, calls, answerNext } = slowClient()
  const map = new ShardMap({ clock: new HandClock(), random: middling }, 's', client, {
    log: silentLog,
    maxAgeMs: null,
  })
  const told: boolean[] = []
  map.start({ isNeeded: () => true, moved() {}, listed: (isListed) => told.push(isListed) })
  const page = { Shards: [], NextToken: 'more' }
  const answer = { format: 'json', body: Buffer.from(JSON.stringify(page)) } as const

  for (let i = 0; i < 999; i++) answerNext(answer)
  assert.deepEqual(told, [])
  answerNext(answer)

  assert.deepEqual(told, [false])
  assert.equal(calls.length, 1000)
})
