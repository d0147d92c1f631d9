import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SAME_INSTANT_MS } from '../../src/producer/producer.ts'
import { UserRecord } from '../../src/record/index.ts'
import { type Line, line } from './line.ts'

const THROTTLED = { entryError: 'ProvisionedThroughputExceededException' }

/** A record put at that instant. */
function putAt({ clock, producer }: Line, atMs: number, partitionKey = 'k'): UserRecord {
  clock.advanceTo(atMs)
  const data = Buffer.from('v')
  const record = new UserRecord({ stream: 's', partitionKey, data, onSettle() {} })
  producer.put(record)
  return record
}

test('records share their arrival up to 0.05 ms after the first, and no longer', () => {
  const running = line({ settings: { recordMaxBufferedTime: 100 } })
  const fromMs = running.clock.monotonicMs() + 0.25

  const offsetsMs = [0, SAME_INSTANT_MS / 2, SAME_INSTANT_MS, 1.5 * SAME_INSTANT_MS]
  const [first, ...others] = offsetsMs.map((offsetMs) => putAt(running, fromMs + offsetMs))

  assert.deepEqual(
    others.map(({ arrival }) => arrival === first!.arrival),
    [true, true, false],
  )
  assert.equal(first!.deadlineAtMs, fromMs + 100)
  assert.equal(others.at(-1)!.deadlineAtMs, fromMs + 1.5 * SAME_INSTANT_MS + 100)
})

test('no record expires before its time is over because another came before it', () => {
  const running = line({ settings: { recordTtl: 1000 } })
  const nextMs = running.clock.monotonicMs() + 1

  for (const offsetMs of [-SAME_INSTANT_MS / 2, 0, SAME_INSTANT_MS / 4, SAME_INSTANT_MS]) {
    const record = putAt(running, nextMs + offsetMs)
    assert.ok(record.expiresAtMs >= nextMs + offsetMs + 1000, `at ${offsetMs} ms`)
  }
})

test('a deadline of its own moves only that of its record', () => {
  const running = line({ settings: { recordMaxBufferedTime: 100 } })
  const atMs = running.clock.monotonicMs()
  const [one, other] = [putAt(running, atMs), putAt(running, atMs)]

  one.deadlineAtMs = atMs + 1

  assert.deepEqual([one.deadlineAtMs, other.deadlineAtMs], [atMs + 1, atMs + 100])
  assert.equal(one.expiresAtMs, other.expiresAtMs)
})

test('a record of the same instant that comes after a flush does not end it', async () => {
  const running = line({ settings: { aggregationEnabled: false, recordMaxBufferedTime: 0 } })
  running.put('warm', 'up')
  await running.runFor(1000)
  const { script } = running.service
  let isFlushed = false

  running.service.script = (_, entries) =>
    entries.map(({ partitionKey }) => (partitionKey === 'slow' ? THROTTLED : 'store'))
  const atMs = running.clock.monotonicMs()
  putAt(running, atMs, 'slow')
  running.producer.flush().then(() => {
    isFlushed = true
  })
  const later = putAt(running, atMs, 'later')
  await running.runFor(500)

  assert.deepEqual([later.isSettled, isFlushed], [true, false])
  running.service.script = script
  await running.runFor(10_000)
  assert.ok(isFlushed)
})

test('a record that is refused at the door leaves the count of its instant alone', async () => {
  const running = line({ settings: { maxStreams: 1 } })
  const atMs = running.clock.monotonicMs()
  const taken = putAt(running, atMs)

  running.put('k', 'v', 'one-too-many')

  assert.equal(running.results.length, 1)
  assert.equal(running.producer.outstandingCount, 1)
  assert.equal(taken.isSettled, false)
})
