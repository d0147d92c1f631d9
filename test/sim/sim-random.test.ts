import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SimRandom } from '../../src/sim/index.ts'

const seeds = fc.integer({ min: 0, max: 2 ** 32 - 1 })

function draws(random: SimRandom, count: number, bound: number): number[] {
  return Array.from({ length: count }, () => random.below(bound))
}

test('a seed gives the same draws each time, and another seed others', () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      assert.deepEqual(draws(new SimRandom(seed), 50, 1000), draws(new SimRandom(seed), 50, 1000))
      const next = (seed + 1) % 2 ** 32
      assert.notDeepEqual(
        draws(new SimRandom(seed), 50, 1000),
        draws(new SimRandom(next), 50, 1000),
      )
    }),
  )
})

test('the draws of a seed are those of every machine', () => {
  assert.deepEqual(draws(new SimRandom(41), 6, 1_000_000), EXPECTED_OF_SEED_41)
  assert.deepEqual(draws(new SimRandom(41).fork('disk'), 3, 1_000_000), EXPECTED_OF_FORK)
})

const EXPECTED_OF_SEED_41 = [860308, 427222, 10313, 202781, 854804, 957956]
const EXPECTED_OF_FORK = [897349, 527369, 558063]

test('a draw is below its bound, at the smallest and at the largest', () => {
  fc.assert(
    fc.property(seeds, fc.integer({ min: 1, max: 2 ** 32 }), (seed, bound) => {
      for (const draw of draws(new SimRandom(seed), 20, bound)) {
        assert.ok(Number.isInteger(draw) && draw >= 0 && draw < bound)
      }
    }),
  )
  assert.deepEqual(draws(new SimRandom(1), 5, 1), [0, 0, 0, 0, 0])
})

test('each value is about equally likely', () => {
  const random = new SimRandom(7)
  const counts = new Array<number>(10).fill(0)
  for (let i = 0; i < 100_000; i++) counts[random.below(10)]!++
  for (const count of counts) assert.ok(Math.abs(count - 10_000) < 500, `${counts}`)
})

test('a fork has a stream of its own: a draw on one side moves nothing on the other', () => {
  const one = new SimRandom(3)
  const other = new SimRandom(3)
  other.below(10)
  draws(other.fork('b'), 10, 10)

  assert.deepEqual(draws(one.fork('a'), 20, 1000), draws(other.fork('a'), 20, 1000))
  assert.notDeepEqual(draws(one.fork('a'), 20, 1000), draws(one.fork('b'), 20, 1000))
})
