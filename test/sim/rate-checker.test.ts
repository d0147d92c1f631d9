import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkRate, type TakenEntry } from '../../src/sim/rate-checker.ts'

const MIB = 1024 * 1024

/** One entry after the other: its size, and the instants between which it was taken. */
function entries(...all: [sizeBytes: number, fromMs: number, untilMs: number][]): TakenEntry[] {
  return all.map(([sizeBytes, fromMs, untilMs], index) => {
    return { sequenceNumber: `${1000 + index}`, sizeBytes, fromMs, untilMs }
  })
}

test('a burst and the rate after it pass; one byte more does not', () => {
  checkRate('s', entries([MIB, 0, 0], [MIB / 2, 500, 500]), 1_000)
  assert.throws(
    () => checkRate('s', entries([MIB, 0, 0], [MIB / 2 + 1, 500, 500]), 1_000),
    /s took more than its rate by 500 ms/,
  )
})

test('a thousand records in a burst of a second pass; one more does not', () => {
  const burst = Array.from({ length: 1_000 }, () => [1, 7, 7] as [number, number, number])
  checkRate('s', entries(...burst), 1_000)
  assert.throws(() => checkRate('s', entries(...burst, [1, 7, 7]), 1_000), /more than its rate/)
})

test('a full bucket lets a larger entry pass, once', () => {
  checkRate('s', entries([3 * MIB, 0, 0], [1, 2_001, 2_001]), 1_000)
  assert.throws(
    () => checkRate('s', entries([3 * MIB, 0, 0], [1, 1_999, 1_999]), 1_000),
    /more than its rate/,
  )
})

test('what may have been held up may have been taken later, but not after what came behind it', () => {
  const second: [number, number, number] = [MIB, 0, 1_000]
  checkRate('s', entries([MIB, 0, 0], second), 1_000)
  assert.throws(
    () => checkRate('s', entries([MIB, 0, 0], second, [1, 0, 999]), 1_000),
    /more than its rate/,
  )
})

test('the sequence numbers say who was first, not the order of arrival', () => {
  const [late, early] = entries([MIB, 0, 5_000], [MIB, 1_000, 1_000])
  const swapped = [
    { ...late!, sequenceNumber: '20' },
    { ...early!, sequenceNumber: '3' },
  ]
  checkRate('s', swapped, 1_000)
})
