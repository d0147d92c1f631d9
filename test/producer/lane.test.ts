// What one shard is sent, and when, while its share is learned.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Random } from '../../src/host/index.ts'
import { Lane } from '../../src/producer/lane.ts'
import { middling } from './line.ts'

/** How many records of so many bytes go at that instant. */
function take(lane: Lane, bytes: number, nowMs: number): number {
  let count = 0
  while (lane.tryTake(bytes, nowMs)) count++
  return count
}

/** Of the bytes and of the records, to a millionth. */
function sharesOf({ shares }: Lane): number[] {
  return [shares!.bytes, shares!.records].map((share) => Math.round(share * 1e6) / 1e6)
}

test('a share grows only with time in which records waited for it', () => {
  const lane = new Lane(middling, null, 0)
  for (let atMs = 0; atMs <= 10_000; atMs += 100) lane.tryTake(100, atMs)
  assert.deepEqual(sharesOf(lane), [0.25, 0.25])

  take(lane, 100, 10_000)
  lane.tryTake(100, 11_000)
  assert.deepEqual(sharesOf(lane), [0.5, 0.5], 'both, whichever it was')

  lane.tryTake(100, 20_000)
  lane.tryTake(100, 30_000)
  assert.deepEqual(sharesOf(lane), [0.5, 0.5])
})

test('a refusal lowers the share that records of their size reach first, and at once', () => {
  const small = new Lane(middling, null, 0)
  take(small, 100, 0)
  small.refused(900, 1000)
  assert.deepEqual(sharesOf(small), [0.5, 0.25], 'the second waited counts before')

  const large = new Lane(middling, null, 0)
  take(large, 50_000, 0)
  large.refused(900, 1000)
  assert.deepEqual(sharesOf(large), [0.25, 0.5])

  const idle = new Lane(middling, null, 0)
  idle.refused(1, 1)
  assert.equal(take(idle, 1, 1), 62, 'half a second of an eighth of the shard')
})

test('who has the whole shard waits as long as was drawn, once for each wait', () => {
  const draws: number[] = []
  const random: Random = {
    below: (bound) => {
      draws.push(bound)
      return 10 * draws.length
    },
    fork: () => random,
  }
  const lane = new Lane(random, null, 0)
  for (let atMs = 0; atMs <= 3000; atMs += 50) take(lane, 10_485.76, atMs)
  assert.deepEqual(sharesOf(lane), [1, 1])

  const readyAtMs = lane.readyAtMs(10_485.76, 3000)
  assert.equal(lane.readyAtMs(10_485.76, 3000), readyAtMs)
  assert.equal(lane.readyAtMs(10_485.76, 3001), readyAtMs)
  assert.deepEqual(draws, [50])

  assert.equal(lane.tryTake(10_485.76, readyAtMs - 1), false, 'though the shard has room')
  assert.equal(lane.tryTake(10_485.76, readyAtMs), true)
  take(lane, 10_485.76, readyAtMs)
  assert.ok(lane.readyAtMs(10_485.76, readyAtMs) > readyAtMs + 20)
  assert.deepEqual(draws, [50, 50])
})
