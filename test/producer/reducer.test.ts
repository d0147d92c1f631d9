import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Measure, Reducer } from '../../src/producer/reducer.ts'
import { HandClock } from '../hand-clock.ts'

interface Item {
  readonly name: string
  readonly sizeBytes: number
  readonly deadlineAtMs: number
}

/** Sizes as they are, the estimate a little above, as the KPL's is for some records. */
class SumMeasure implements Measure<Item> {
  #bytes = 0
  readonly overestimate: number
  constructor(overestimate = 0) {
    this.overestimate = overestimate
  }
  add(item: Item): void {
    this.#bytes += item.sizeBytes
  }
  clear(): void {
    this.#bytes = 0
  }
  estimatedBytes(): number {
    return this.#bytes + this.overestimate
  }
  accurateBytes(): number {
    return this.#bytes
  }
  isCalledFor(): boolean {
    return false
  }
}

function reducing(limits: { maxCount?: number; maxSizeBytes?: number }, overestimate = 0) {
  const clock = new HandClock()
  const batches: { names: string; sizeBytes: number; atMs: number }[] = []
  const reducer = new Reducer<Item>(
    clock,
    {
      maxCount: limits.maxCount ?? 1000,
      get maxSizeBytes() {
        return limits.maxSizeBytes ?? 1000
      },
    },
    new SumMeasure(overestimate),
    (items, sizeBytes) =>
      batches.push({
        names: items.map((item) => item.name).join(''),
        sizeBytes,
        atMs: clock.monotonicMs(),
      }),
  )
  const put = (name: string, sizeBytes: number, deadlineAtMs: number) =>
    reducer.put({ name, sizeBytes, deadlineAtMs })
  return { clock, reducer, batches, put }
}

test('a batch leaves at the earliest deadline of its items', () => {
  const { clock, batches, put } = reducing({})
  put('a', 1, 100)
  put('b', 1, 60)
  put('c', 1, 80)
  assert.equal(clock.scheduledCount, 1)

  clock.advanceTo(59)
  assert.deepEqual(batches, [])
  clock.advanceTo(60)

  assert.deepEqual(batches, [{ names: 'bca', sizeBytes: 3, atMs: 60 }])
})

test('a batch leaves at its count limit, not one below', () => {
  const { batches, put } = reducing({ maxCount: 3 })
  put('a', 1, 100)
  put('b', 1, 100)
  assert.equal(batches.length, 0)
  put('c', 1, 100)
  assert.equal(batches[0]?.names, 'abc')
})

test('a batch of exactly the size limit leaves whole, at once', () => {
  const { batches, put } = reducing({ maxSizeBytes: 10 })
  put('a', 5, 100)
  put('b', 4, 100)
  assert.equal(batches.length, 0)
  put('c', 1, 100)
  assert.deepEqual(batches, [{ names: 'abc', sizeBytes: 10, atMs: 0 }])
})

test('what does not fit stays, and it is the one that can wait longest', () => {
  const { clock, batches, put } = reducing({ maxSizeBytes: 10 })
  put('a', 6, 300)
  put('b', 3, 100)
  put('c', 4, 200)

  assert.deepEqual(batches, [{ names: 'bc', sizeBytes: 7, atMs: 0 }])
  clock.advanceTo(299)
  assert.equal(batches.length, 1)
  clock.advanceTo(300)
  assert.deepEqual(batches[1], { names: 'a', sizeBytes: 6, atMs: 300 })
})

test('the estimate cuts, the accurate size trims', () => {
  const { batches, put } = reducing({ maxSizeBytes: 10 }, 2)
  put('a', 4, 100)
  put('b', 4, 100)
  assert.deepEqual(batches, [{ names: 'ab', sizeBytes: 8, atMs: 0 }])
})

test('an item above the size limit leaves alone', () => {
  const { batches, put } = reducing({ maxSizeBytes: 10 })
  put('a', 11, 100)
  assert.deepEqual(batches, [{ names: 'a', sizeBytes: 11, atMs: 0 }])
})

test('a big item behind small ones lets them go first and leaves at its deadline', () => {
  const { clock, batches, put } = reducing({ maxSizeBytes: 10 })
  put('a', 1, 100)
  put('B', 20, 150)
  assert.deepEqual(batches, [{ names: 'a', sizeBytes: 1, atMs: 0 }])
  clock.advanceTo(150)
  assert.deepEqual(batches[1], { names: 'B', sizeBytes: 20, atMs: 150 })
})

test('a flush empties it in batches that keep the limits', () => {
  const { reducer, batches, put } = reducing({ maxSizeBytes: 10 })
  put('a', 6, 300)
  put('b', 5, 300)
  reducer.flush()
  assert.deepEqual(
    batches.map((batch) => batch.names),
    ['a', 'b'],
  )
  assert.equal(reducer.count, 0)
})

test('an empty reducer arms no timer', () => {
  const { clock, batches, put } = reducing({ maxCount: 1 })
  put('a', 1, 100)
  clock.advanceTo(1000)
  assert.equal(batches.length, 1)
  assert.equal(clock.scheduledCount, 0)
})

test('what is abandoned does not leave later', () => {
  const { clock, reducer, batches, put } = reducing({})
  put('a', 1, 100)
  const left = reducer.abandon()
  assert.equal(clock.scheduledCount, 0)
  clock.advanceTo(1000)
  assert.equal(left[0]?.name, 'a')
  assert.equal(batches.length, 0)

  put('b', 1, 2000)
  clock.advanceTo(2000)
  assert.deepEqual(batches, [{ names: 'b', sizeBytes: 1, atMs: 2000 }])
})

test('what a batch has no room for at its deadline leaves in the next one', () => {
  const limits = { maxSizeBytes: 100 }
  const { clock, batches, put } = reducing(limits)
  for (const name of 'abc') put(name, 4, 100)
  put('d', 4, 150)
  limits.maxSizeBytes = 9

  clock.advanceTo(200)

  assert.deepEqual(
    batches.map(({ names, atMs }) => [names, atMs]),
    [
      ['ab', 100],
      ['cd', 100],
    ],
  )
})

test('when a limit has become less, as many leave together as it allows', () => {
  const clock = new HandClock()
  const limits = { maxCount: 1000, maxSizeBytes: 1000 }
  const batches: string[] = []
  const reducer = new Reducer<Item>(clock, limits, new SumMeasure(), (items, sizeBytes) => {
    batches.push(`${items.map(({ name }) => name).join('')} ${sizeBytes}`)
  })
  const put = (name: string) => reducer.put({ name, sizeBytes: 4, deadlineAtMs: 100 })
  for (const name of 'abcd') put(name)

  limits.maxSizeBytes = 9
  put('e')
  assert.deepEqual(batches, ['ab 8'])
  reducer.flush()
  assert.deepEqual(batches, ['ab 8', 'cd 8', 'e 4'])

  for (const name of 'fg') put(name)
  limits.maxSizeBytes = 3
  reducer.flush()
  assert.deepEqual(batches.slice(3), ['f 4', 'g 4'])

  limits.maxSizeBytes = 1000
  for (const name of 'hijkl') put(name)
  limits.maxCount = 2
  reducer.flush()
  assert.deepEqual(batches.slice(5), ['hi 8', 'jk 8', 'l 4'])
})
