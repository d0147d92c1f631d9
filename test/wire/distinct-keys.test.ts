import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DistinctKeys } from '../../src/wire/distinct-keys.ts'

test('a key that is there is never taken for a new one, in one aggregate after the other', () => {
  const key = fc.oneof(fc.string({ maxLength: 2 }), fc.nat(30).map(String), fc.string())
  const aggregates = fc.array(fc.array(key, { maxLength: 200 }), { maxLength: 5 })
  fc.assert(
    fc.property(aggregates, (all) => {
      const distinct = new DistinctKeys()
      for (const keys of all) {
        const added = new Set<string>()
        for (const key of keys) {
          if (added.has(key)) assert.equal(distinct.add(key), false)
          else if (distinct.add(key)) added.add(key)
        }
        distinct.clear()
      }
    }),
  )
})

test('the keys of an aggregate of thousands are all new, and none of them a second time', () => {
  const distinct = new DistinctKeys()
  for (const count of [10_000, 7, 8, 9, 31, 32, 33, 10_000, 1, 0, 500]) {
    for (let i = 0; i < count; i++) assert.equal(distinct.add(`user-${i}`), true)
    for (let i = 0; i < count; i++) assert.equal(distinct.add(`user-${i}`), false)
    distinct.clear()
  }
})

test('keys that somebody chose to meet in one place are not taken for distinct', () => {
  // 31 × 'a' + 'b' = 31 × 'b' + 'C' for the hash.
  const distinct = new DistinctKeys()
  assert.equal(distinct.add('ab'), true)
  assert.equal(distinct.add('bC'), false)
})

test('a key whose hash is 0, which is how an empty place is marked, is there once', () => {
  const distinct = new DistinctKeys()
  assert.equal(distinct.add('\0'), true)
  assert.equal(distinct.add('\0'), false)
})
