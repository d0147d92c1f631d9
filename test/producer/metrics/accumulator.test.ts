import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Accumulator, Sum, WINDOW_MAX_SECONDS } from '../../../src/producer/metrics/accumulator.ts'

function windowOf(from: Accumulator, seconds: number, nowMs: number) {
  const into = new Sum()
  from.window(into, seconds, nowMs)
  return { count: into.count, sum: into.sum, min: into.min, max: into.max }
}

function taken(from: Accumulator, nowMs: number): number {
  const into = new Sum()
  from.take(into, nowMs)
  return into.sum
}

function lifetime(from: Accumulator): number {
  const into = new Sum()
  from.lifetime(into)
  return into.sum
}

test('a window is the running second and the whole ones before it', () => {
  const values = new Accumulator()
  values.add(1, 0)
  values.add(2, 999)
  values.add(4, 1000)
  values.add(8, 3500)

  assert.equal(windowOf(values, 1, 3999).sum, 8)
  assert.equal(windowOf(values, 2, 3999).sum, 8)
  assert.equal(windowOf(values, 3, 3999).sum, 12)
  assert.deepEqual(windowOf(values, 4, 3999), { count: 4, sum: 15, min: 1, max: 8 })
  assert.equal(windowOf(values, 1, 4000).count, 0)
  assert.equal(windowOf(values, 2, 4000).sum, 8)
})

test('the longest window is kept, one second more is not', () => {
  const values = new Accumulator()
  for (let second = 0; second <= WINDOW_MAX_SECONDS; second++) values.add(1, second * 1000)

  const nowMs = WINDOW_MAX_SECONDS * 1000
  assert.equal(windowOf(values, WINDOW_MAX_SECONDS, nowMs).count, WINDOW_MAX_SECONDS)
  assert.equal(windowOf(values, WINDOW_MAX_SECONDS, nowMs + 200_000).count, 0)
  assert.equal(lifetime(values), WINDOW_MAX_SECONDS + 1)
})

test('what is taken is taken once, in whole seconds, and cuts no window', () => {
  const values = new Accumulator()
  values.add(1, 500)
  values.add(2, 1500)

  assert.equal(taken(values, 1500), 1)
  assert.equal(taken(values, 1999), 0)
  assert.equal(windowOf(values, 2, 1999).sum, 3)
  assert.equal(taken(values, 2000), 2)
  assert.equal(windowOf(values, 3, 2000).sum, 3)
  assert.equal(lifetime(values), 3)
})

test('several values at once count as each of them', () => {
  const values = new Accumulator()
  values.addAll({ count: 3, sum: 12, min: 2, max: 6 }, 100)
  values.add(7, 200)

  assert.deepEqual(windowOf(values, 1, 200), { count: 4, sum: 19, min: 2, max: 7 })
})

test('an heir has everything of both: life, windows, and what nobody took', () => {
  const [heir, other] = [new Accumulator(), new Accumulator()]
  heir.add(1, 0)
  other.add(2, 500)
  other.add(4, 1500)
  heir.add(8, 2500)
  heir.absorb(other, 2500)
  heir.add(16, 2600)

  assert.equal(lifetime(heir), 31)
  assert.equal(windowOf(heir, 1, 2600).sum, 24)
  assert.deepEqual(windowOf(heir, 3, 2600), { count: 5, sum: 31, min: 1, max: 16 })
  assert.equal(taken(heir, 3000), 31)
})

interface Timed {
  readonly value: number
  readonly atMs: number
}

/** Count, sum, least and greatest of the values from a second on. */
function since(second: number, values: readonly Timed[]) {
  const sum = new Sum()
  for (const { value, atMs } of values) {
    if (atMs >= second * 1000) sum.add({ count: 1, sum: value, min: value, max: value })
  }
  return { ...sum }
}

test('two that become one tell what a plain list of all their values tells', () => {
  const step = fc.record({
    waitMs: fc.oneof(fc.nat(3000), fc.constantFrom(1000, 60_000, 61_000)),
    value: fc.integer({ min: -9, max: 9 }),
    isOfOther: fc.boolean(),
    isTaken: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), fc.nat(40), (steps, absorbedAfter) => {
      const list: Timed[] = []
      let both = [new Accumulator(), new Accumulator()]
      const read = (reader: (from: Accumulator, into: Sum) => void, into = new Sum()) => {
        for (const from of both) reader(from, into)
        return { ...into }
      }
      const taken = new Sum()
      let nowMs = 0
      for (const [i, { waitMs, value, isOfOther, isTaken }] of steps.entries()) {
        nowMs += waitMs
        if (i === absorbedAfter) {
          both[0]!.absorb(both[1]!, nowMs)
          both = both.slice(0, 1)
        }
        both.at(isOfOther ? -1 : 0)!.add(value, nowMs)
        list.push({ value, atMs: nowMs })

        assert.deepEqual(
          read((from, into) => from.lifetime(into)),
          since(0, list),
        )
        for (const seconds of [1, 2, 7, WINDOW_MAX_SECONDS]) {
          assert.deepEqual(
            read((from, into) => from.window(into, seconds, nowMs)),
            since(Math.floor(nowMs / 1000) - seconds + 1, list),
            `${seconds} s`,
          )
        }
        if (isTaken) read((from, into) => from.take(into, nowMs), taken)
      }
      read((from, into) => from.take(into, nowMs + 1000), taken)
      assert.deepEqual({ ...taken }, since(0, list))
    }),
    { numRuns: 500 },
  )
})
