import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Arrivals } from '../../src/producer/arrivals.ts'

test('the oldest arrival is known to a tenth of a second, whatever leaves in between', () => {
  const step = fc.record({
    waitMs: fc.double({ min: 0, max: 250, noNaN: true }),
    leaves: fc.nat(3),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const arrivals = new Arrivals()
      const outstanding: number[] = []
      let nowMs = 0
      for (const { waitMs, leaves } of steps) {
        nowMs += waitMs
        arrivals.add(nowMs)
        outstanding.push(nowMs)
        for (let i = 0; i < leaves && outstanding.length > 0; i++) {
          const [left] = outstanding.splice((i * 7) % outstanding.length, 1)
          arrivals.remove(left!)
        }

        const oldestAtMs = arrivals.oldestAtMs()

        if (outstanding.length === 0) assert.equal(oldestAtMs, null)
        else {
          const earlyMs = Math.min(...outstanding) - oldestAtMs!
          assert.ok(earlyMs > -1e-9 && earlyMs < 100.001, `${earlyMs} ms too early`)
        }
      }
    }),
  )
})

test('a tenth of a second that was empty is counted again when a record comes in it', () => {
  const arrivals = new Arrivals()
  arrivals.add(10)
  arrivals.remove(10)
  arrivals.add(20)
  arrivals.add(30)
  arrivals.remove(20)
  assert.equal(arrivals.oldestAtMs(), 0)
  arrivals.remove(30)
  assert.equal(arrivals.oldestAtMs(), null)
})

/** What a hundred records more cost, in operations on a map, while so many are outstanding. */
function operationsWith(outstandingCount: number): number {
  const arrivals = new Arrivals()
  for (let i = 0; i < outstandingCount; i++) arrivals.add(i * 10)
  let count = 0
  const { get, set, has, delete: remove, keys, values, entries } = Map.prototype
  const originals = { get, set, has, delete: remove, keys, values, entries }
  const counting = (method: (...rest: never[]) => unknown) =>
    function (this: unknown, ...rest: never[]) {
      count++
      return method.apply(this, rest)
    }
  const countingEach = (method: (...rest: never[]) => Iterable<unknown>) =>
    function* (this: unknown) {
      for (const one of method.call(this)) {
        count++
        yield one
      }
    }
  Object.assign(Map.prototype, {
    get: counting(get),
    set: counting(set),
    has: counting(has),
    delete: counting(remove),
    keys: countingEach(keys),
    values: countingEach(values),
    entries: countingEach(entries),
  })
  try {
    for (let i = outstandingCount; i < outstandingCount + 100; i++) {
      arrivals.add(i * 10)
      arrivals.oldestAtMs()
      arrivals.remove((i - outstandingCount) * 10)
    }
  } finally {
    Object.assign(Map.prototype, originals)
  }
  return count
}

test('a record costs the same, however many are outstanding', () => {
  const few = operationsWith(100)
  assert.ok(few >= 100 && few <= 300, `${few}`)
  assert.equal(operationsWith(100_000), few)
})
