import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { KeyTable } from '../../src/wire/key-table.ts'

/** Adds the keys beside a `Map`, which is what the table stands for. */
function check(table: KeyTable, keys: readonly string[]): void {
  const expected = new Map<string, number>()
  for (const key of keys) {
    if (!expected.has(key)) expected.set(key, expected.size)
    assert.equal(table.placeOf(key), expected.get(key))
    assert.equal(table.count, expected.size)
  }
  assert.deepEqual(
    Array.from({ length: table.count }, (_, place) => table.keyAt(place)),
    [...expected.keys()],
  )
}

test('a key has the place of its first use, in one aggregate after the other', () => {
  const key = fc.oneof(fc.string({ maxLength: 2 }), fc.nat(30).map(String), fc.string())
  const aggregates = fc.array(fc.array(key, { maxLength: 200 }), { maxLength: 5 })
  fc.assert(
    fc.property(aggregates, (all) => {
      const table = new KeyTable()
      for (const keys of all) {
        check(table, keys)
        table.clear()
      }
    }),
  )
})

test('thousands of keys, again and again, with few and many in turns', () => {
  const table = new KeyTable()
  for (const count of [10_000, 7, 8, 9, 31, 32, 33, 10_000, 1, 0, 500]) {
    const keys = Array.from({ length: count }, (_, i) => `user-${i}`)
    check(table, [...keys, ...keys])
    table.clear()
  }
})

test('keys that somebody chose to meet in one place are told apart as well, and soon', () => {
  // 31 × 'a' + 'b' = 31 × 'b' + 'C' for the hash: two letters for one, in any number.
  const pairs = ['ab', 'bC']
  const keys = Array.from({ length: 4096 }, (_, i) =>
    Array.from({ length: 12 }, (_, bit) => pairs[(i >> bit) & 1]).join(''),
  )
  const table = new KeyTable()
  check(table, [...keys, ...keys.toReversed()])
  table.clear()
  check(table, [...keys.toReversed(), ...keys])
})
