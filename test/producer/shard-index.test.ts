import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { NO_PLACE, ShardIndex, UNTOLD_PLACE } from '../../src/producer/shard-index.ts'
import { hashKeyFromBigInt, NO_SHARD } from '../../src/record/index.ts'

const MAX = (1n << 128n) - 1n
const keyOf = (value: bigint) => hashKeyFromBigInt(value)!

/** Asks for the ends, their neighbours and others; beside a look at each shard. */
function check(ends: readonly bigint[], others: readonly bigint[] = []): void {
  const sorted = [...new Set(ends)].sort((a, b) => (a < b ? -1 : 1))
  const index = new ShardIndex(sorted.map((end, i) => ({ shard: 7 * i, end: keyOf(end) })))
  const near = sorted.flatMap((end) => [end - 1n, end, end + 1n])
  for (const value of [0n, MAX, ...near, ...others]) {
    if (value < 0n || value > MAX) continue
    const place = sorted.findIndex((end) => end >= value)
    assert.equal(index.predict(keyOf(value)), place === -1 ? NO_SHARD : 7 * place, `${value}`)
    const isTold = sorted.every((end) => end >> 96n !== value >> 96n)
    const told = place === -1 ? NO_PLACE : place
    assert.equal(index.findByTop(Number(value >> 96n)), isTold ? told : UNTOLD_PLACE, `${value}`)
  }
}

test('a hash key is in the first shard that does not end before it', () => {
  const value = fc.oneof(fc.bigInt({ min: 0n, max: MAX }), fc.bigInt({ min: 0n, max: 1n << 98n }))
  fc.assert(
    fc.property(fc.array(value, { maxLength: 40 }), fc.array(value), (ends, others) => {
      check(ends, others)
    }),
  )
})

test('in a thousand even shards, in a thousand narrow ones, in one, and in none', () => {
  check(Array.from({ length: 1000 }, (_, i) => (BigInt(i + 1) << 128n) / 1000n - 1n))
  check([...Array.from({ length: 1000 }, (_, i) => (5n << 125n) + BigInt(i)), MAX])
  check([MAX])
  check([])
})
