import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Backoff, WHOLE_STREAM } from '../../src/producer/backoff.ts'
import { UserRecord } from '../../src/record/index.ts'
import { HandClock } from '../hand-clock.ts'

/** Time passes while one computes, as it does outside of simulations. */
class TickingClock extends HandClock {
  override monotonicMs(): number {
    this.advanceBy(0.001)
    return super.monotonicMs()
  }
}

function prepare() {
  const clock = new TickingClock()
  const sentAtMs: number[] = []
  const sent: UserRecord[] = []
  const next = {
    put: (record: UserRecord) => {
      sent.push(record)
      sentAtMs.push(clock.monotonicMs())
    },
  }
  // As late as may be drawn.
  const random = { below: (bound: number) => bound - 1, fork: () => random }
  const backoff = new Backoff({ clock, random }, { baseMs: 20, maxMs: 5000 }, next)
  const fail = (count: number, endAtMs: number, { shard = 0, startAtMs = endAtMs - 1 } = {}) => {
    for (let i = 0; i < count; i++) backoff.put(newRecord(), shard, { startAtMs, endAtMs })
  }
  return { clock, sent, sentAtMs, backoff, fail }
}

function newRecord(expiresAtMs = Number.POSITIVE_INFINITY): UserRecord {
  const data = Buffer.alloc(1)
  const record = new UserRecord({ stream: 's', partitionKey: 'k', data, onSettle() {} })
  record.arrival = { ...record.arrival, deadlineAtMs: 60_000, expiresAtMs }
  return record
}

test('what one answer tells of a shard is one failure, however long it takes to judge', () => {
  const { clock, sentAtMs, fail } = prepare()
  fail(200, 0)
  assert.equal(clock.scheduledCount, 1, 'they go together')
  clock.advanceTo(20.5)
  assert.equal(sentAtMs.length, 200)
})

test('each further answer doubles the bound, until the shard takes something', () => {
  const { clock, sentAtMs, fail, backoff } = prepare()
  const waitMs = (failedAtMs: number, shard = 0) => {
    clock.advanceTo(failedAtMs)
    fail(3, failedAtMs, { shard })
    const before = sentAtMs.length
    clock.advanceTo(failedAtMs + 9000)
    assert.equal(sentAtMs.length, before + 3)
    return Math.floor(sentAtMs.at(-1)! - failedAtMs)
  }
  const waits = Array.from({ length: 10 }, (_, i) => waitMs(10_000 * (i + 1)))
  assert.deepEqual(waits, [20, 40, 80, 160, 320, 640, 1280, 2560, 5000, 5000])
  assert.equal(waitMs(200_000, 1), 20)
  backoff.succeeded(0)
  assert.equal(waitMs(300_000), 20)
})

test('a flush sends what waits, and the next one a second later at the earliest', () => {
  const { clock, sentAtMs, fail, backoff } = prepare()
  const flushAt = (atMs: number) => {
    clock.advanceTo(atMs)
    backoff.flush()
  }
  // With nothing to send it does not count.
  flushAt(0)
  // Of so many failures in a row the last ones wait for seconds.
  for (let i = 0; i < 9; i++) fail(1, i)
  flushAt(10)
  assert.equal(sentAtMs.length, 9)

  // What failed after the flush that has to wait goes with it.
  for (const failedAtMs of [20, 30]) {
    fail(1, failedAtMs)
    flushAt(failedAtMs + 1)
  }
  // What goes sooner is not held up by it.
  fail(1, 40, { shard: 1 })
  flushAt(41)
  clock.advanceTo(60.1)
  assert.equal(sentAtMs.length, 10)
  clock.advanceTo(1009.9)
  assert.equal(sentAtMs.length, 10)
  clock.advanceTo(1010.1)
  assert.equal(sentAtMs.length, 12)

  // That was a flush, and an earlier one than a second after it is none.
  fail(1, 1020)
  flushAt(1021)
  clock.advanceTo(2009.9)
  assert.equal(sentAtMs.length, 12)
  clock.advanceTo(2010.1)
  assert.equal(sentAtMs.length, 13)
  fail(1, 3020)
  flushAt(3021)
  assert.equal(sentAtMs.length, 14)
})

test('of a shard that is no more nothing is remembered, of the whole stream it is', () => {
  const { clock, sentAtMs, fail, backoff } = prepare()
  const waitMs = (failedAtMs: number, shard: number) => {
    clock.advanceTo(failedAtMs)
    fail(1, failedAtMs, { shard })
    clock.advanceTo(failedAtMs + 9000)
    return Math.floor(sentAtMs.at(-1)! - failedAtMs)
  }
  const shards = [0, 1, WHOLE_STREAM]
  for (const [i, shard] of shards.entries()) assert.equal(waitMs(10_000 * (i + 1), shard), 20)

  backoff.keepOnly((shard) => shard === 1)

  const waits = shards.map((shard, i) => waitMs(100_000 + 10_000 * i, shard))
  assert.deepEqual(waits, [20, 40, 40])
})

test('what was under way when a failure was told of is no further one', () => {
  const { clock, sentAtMs, fail } = prepare()
  for (let endAtMs = 10; endAtMs < 20; endAtMs++) fail(1, endAtMs, { startAtMs: 9.999 })
  clock.advanceTo(40)
  assert.equal(sentAtMs.length, 10, 'each waited for the bound of a first failure')
  fail(1, 40, { startAtMs: 10 })
  clock.advanceTo(79)
  assert.equal(sentAtMs.length, 10)
  clock.advanceTo(81)
  assert.equal(sentAtMs.length, 11, 'what was sent later is the second')
})

test('a flush between the records of one answer loses none of them', () => {
  const { clock, sentAtMs, fail, backoff } = prepare()
  clock.advanceTo(10)
  fail(2, 10)
  backoff.flush()
  assert.equal(sentAtMs.length, 2)

  fail(2, 10)
  clock.advanceTo(100)

  assert.equal(sentAtMs.length, 4)
})

test('a batch goes again when the first of its records expires, and waits for no company', () => {
  const { clock, sent, sentAtMs, backoff } = prepare()
  for (const expiresAtMs of [60_000, 12, 16]) {
    backoff.put(newRecord(expiresAtMs), 0, { startAtMs: 0, endAtMs: 0 })
  }

  clock.advanceTo(11.9)
  assert.equal(sentAtMs.length, 0)
  clock.advanceTo(12.1)

  assert.equal(sentAtMs.length, 3)
  assert.ok(sent.every(({ deadlineAtMs }) => deadlineAtMs < 12.1))
})

test('what was given up does not come again', () => {
  const { clock, sentAtMs, fail, backoff } = prepare()
  fail(2, 0)
  fail(1, 0, { shard: 1 })

  assert.equal(backoff.abandon().length, 3)

  assert.equal(clock.scheduledCount, 0)
  assert.equal(backoff.abandon().length, 0)
  backoff.flush()
  clock.advanceTo(100_000)
  assert.equal(sentAtMs.length, 0)
})
