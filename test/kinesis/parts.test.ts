// The small parts by themselves, against oracles.

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import fc from 'fast-check'
import { isBase64 } from '../../src/kinesis/body-format.ts'
import { httpDate, messageDate } from '../../src/kinesis/civil-time.ts'
import { evenRanges, explicitHashKeyOf, HashKeyRouter } from '../../src/kinesis/hash-key-range.ts'
import { parseSequenceNumber, SequenceNumbers } from '../../src/kinesis/sequence-number.ts'
import { Bucket } from '../../src/kinesis/shard-limiter.ts'

test('dates are those of the Gregorian calendar', () => {
  const anyMs = fc.integer({ min: -62_000_000_000_000, max: 250_000_000_000_000 })
  fc.assert(
    fc.property(anyMs, (ms) => {
      const date = new Date(ms)
      const year = date.getUTCFullYear()
      fc.pre(year >= 1000)
      assert.equal(httpDate(ms), date.toUTCString())
    }),
  )
  for (const day of ['1900-03-01', '2000-02-29', '2024-02-29', '2100-02-28', '2100-03-01']) {
    const ms = Date.parse(`${day}T23:59:59.999Z`)
    assert.equal(httpDate(ms), new Date(ms).toUTCString())
  }
  assert.equal(messageDate(1_421_889_722_000), 'Thu Jan 22 01:22:02 UTC 2015')
})

/** kinesalite's, made from numbers that the service gave. */
interface SequenceOracle {
  stringifySequence(parts: {
    shardCreateTime: number
    shardIx: number
    seqIx: number
    seqTime: number
  }): string
}

test('a sequence number has 56 digits, as kinesalite makes it, and is taken apart again', () => {
  const oracle = createRequire(import.meta.url)('kinesalite/db') as SequenceOracle
  const shard = fc.integer({ min: 0, max: 2 ** 31 - 1 })
  const counter = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })
  const atMs = fc.integer({ min: 1, max: 16_025_174_999_999 })
  fc.assert(
    fc.property(shard, counter, atMs, atMs, (shardNumber, count, creationAtMs, arrivalAtMs) => {
      const text = new SequenceNumbers(shardNumber, creationAtMs).textOf(count, arrivalAtMs)
      assert.equal(text.length, 56)
      const parts = { shardCreateTime: creationAtMs, shardIx: shardNumber, seqIx: count }
      assert.equal(text, oracle.stringifySequence({ ...parts, seqTime: arrivalAtMs }))
      assert.deepEqual(parseSequenceNumber(text), {
        shardNumber,
        creationSecond: Math.floor(creationAtMs / 1000),
        counter: count,
        arrivalSecond: Math.floor(arrivalAtMs / 1000),
      })
    }),
  )
})

test('the numbers of a shard rise with the counter, whatever the clock shows', () => {
  const atMs = fc.integer({ min: -1000, max: 253_402_300_799_999 })
  fc.assert(
    fc.property(fc.array(atMs, { minLength: 2, maxLength: 20 }), (arrivals) => {
      const numbers = new SequenceNumbers(7, 1_700_000_000_000)
      const values = arrivals.map((arrivalAtMs, i) => BigInt(numbers.textOf(i + 1, arrivalAtMs)))
      for (let i = 1; i < values.length; i++) assert.ok(values[i]! > values[i - 1]!)
    }),
  )
})

test('every hash key has exactly one shard, the one whose range holds it', () => {
  const count = fc.integer({ min: 1, max: 200 })
  const key = fc.bigInt({ min: 0n, max: 2n ** 128n - 1n })
  fc.assert(
    fc.property(count, key, fc.nat(), (shardCount, random, pick) => {
      const ranges = evenRanges(shardCount)
      const router = new HashKeyRouter(ranges.toReversed(), (range) => range)
      const one = ranges[pick % shardCount]!
      for (const value of [random, one.start, one.end]) {
        const owner = router.ownerOf(explicitHashKeyOf(`${value}`)!)
        assert.ok(owner.start <= value && value <= owner.end)
      }
    }),
  )
  assert.equal(evenRanges(7).at(-1)!.end, 2n ** 128n - 1n)
})

test('base64 is taken exactly when encoding it again gives the same text', () => {
  const letters = fc.constantFrom(...'AQgwZz019+/=-_ \n')
  const text = fc.oneof(
    fc.array(letters, { maxLength: 12 }).map((parts) => parts.join('')),
    fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('base64')),
  )
  fc.assert(
    fc.property(text, (given) => {
      const decoded = Buffer.from(given, 'base64')
      const isSame = decoded.toString('base64') === given
      assert.equal(isBase64(given, decoded.length), isSame, given)
    }),
    { numRuns: 2000 },
  )
})

test('a bucket gives its rate on average, and never more than its depth at once', () => {
  const waits = fc.array(fc.integer({ min: 0, max: 500 }), { minLength: 1, maxLength: 50 })
  fc.assert(
    fc.property(waits, fc.integer({ min: 1, max: 300 }), (steps, cost) => {
      const bucket = new Bucket({ perSecond: 100, depthSeconds: 2 }, 0)
      let nowMs = 0
      let taken = 0
      for (const step of steps) {
        nowMs += step
        bucket.fill(nowMs)
        while (bucket.has(cost)) {
          bucket.take(cost)
          taken += cost
        }
        assert.ok(taken <= 200 + nowMs / 10 + Math.max(0, cost - 200) + 1e-6)
      }
    }),
  )
})
