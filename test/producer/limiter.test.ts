import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Random } from '../../src/host/index.ts'
import { KinesisRecord } from '../../src/producer/kinesis-record.ts'
import { Limiter } from '../../src/producer/limiter.ts'
import { lineConfigOf } from '../../src/producer/line-config.ts'
import type { BucketRates } from '../../src/producer/token-bucket.ts'
import { UserRecord } from '../../src/record/index.ts'
import { HandClock } from '../hand-clock.ts'
import { middling } from './line.ts'
import { producerConfig } from './producer-config.ts'

const MIB = 1024 * 1024
/** 1 024 bytes of UTF-8. */
const LONG_KEY = '\u{1f30a}'.repeat(256)

/** A shard's limit, kept exactly; nothing is saved up beyond one second. */
const ONE_SHARD = {
  recordsPerSecond: 1000,
  bytesPerSecond: MIB,
  maxRecords: 1000,
  maxBytes: MIB,
}

/** How many of 10 000 records are let through at once, and in each second after. */
function letThrough(partitionKey: string, dataBytes: number): number[] {
  const clock = new HandClock()
  let count = 0
  const next = { put: () => count++ }
  const config = { fixedRates: ONE_SHARD, collectorWaitMs: 0 }
  const limiter = new Limiter({ clock, random: middling }, config, {
    next,
    expired: () => assert.fail(),
  })
  const data = Buffer.alloc(dataBytes)
  for (let i = 0; i < 10_000; i++) {
    const record = new UserRecord({ stream: 's', partitionKey, data, onSettle() {} })
    record.arrival = { ...record.arrival, expiresAtMs: Number.POSITIVE_INFINITY }
    limiter.put(new KinesisRecord([record], dataBytes, 0))
  }
  const counts = [count]
  for (const atMs of [1000, 2000]) {
    const before = count
    clock.advanceTo(atMs)
    counts.push(count - before)
  }
  return counts
}

test('the bytes of a key count as those of the data do', () => {
  assert.deepEqual(letThrough('k', 2047), [512, 512, 512])
  assert.deepEqual(letThrough(LONG_KEY, 1024), [512, 512, 512])
  // Without its key it would have had bytes for twice as many.
  assert.deepEqual(letThrough(LONG_KEY, 24), [1000, 1000, 1000])
  assert.deepEqual(letThrough(LONG_KEY, 25), [999, 1000, 999])
})

function recordOf(dataBytes: number, shard = 0, expiresAtMs = Infinity): KinesisRecord {
  const data = Buffer.alloc(dataBytes)
  const record = new UserRecord({ stream: 's', partitionKey: 'k', data, onSettle() {} })
  record.arrival = { ...record.arrival, expiresAtMs }
  return new KinesisRecord([record], dataBytes, shard)
}

function limiterOf(
  fixedRates: BucketRates | null,
  clock = new HandClock(),
  random: Random = middling,
) {
  const passed: KinesisRecord[] = []
  const next = { put: (record: KinesisRecord) => passed.push(record) }
  const config = { fixedRates, collectorWaitMs: 0 }
  const limiter = new Limiter({ clock, random }, config, { next, expired: () => assert.fail() })
  return { limiter, passed, clock }
}

test('an idle shard saves up half a second of a learned rate, one second of a fixed one', () => {
  const burst = (rateLimit: number | 'adaptive', dataBytes: number) => {
    const { fixedRates } = lineConfigOf(producerConfig({ rateLimit })).limiter
    const { limiter, passed, clock } = limiterOf(fixedRates)
    limiter.put(recordOf(dataBytes))
    clock.advanceBy(86_400_000)
    for (let i = 0; i < 20_000; i++) limiter.put(recordOf(dataBytes))
    limiter.abandon()
    return passed.length - 1
  }
  assert.equal(burst(150, 1), 1000)
  assert.equal(burst(1000, 1), 1000)
  assert.equal(burst(150, 10_239), 102, '1 MiB, with a key of one byte each')
  // A quarter of the shard before anything is known of it: 250 records and 256 KiB a second.
  assert.equal(burst('adaptive', 1), 125)
  assert.equal(burst('adaptive', 10_239), 12)
})

test('a refusal slows the shard that refused, and no other', () => {
  const { limiter, passed, clock } = limiterOf(null)
  for (const shard of [0, 1]) limiter.put(recordOf(1, shard))
  clock.advanceTo(1000)
  limiter.refused(0, 1000)
  passed.length = 0

  for (let i = 0; i < 200; i++) for (const shard of [0, 1]) limiter.put(recordOf(1, shard))

  const counts = [0, 1].map((at) => passed.filter(({ predictedShard }) => predictedShard === at))
  assert.deepEqual(
    counts.map(({ length }) => length),
    [62, 125],
  )
  limiter.abandon()
})

test('a shard where something waits has one timer, for the instant at which the first can go', () => {
  const clock = new HandClock()
  const instants: number[] = []
  const watched = {
    monotonicMs: () => clock.monotonicMs(),
    wallMs: () => clock.wallMs(),
    schedule: (atMs: number, run: () => void) => {
      instants.push(Math.round(atMs))
      return clock.schedule(atMs, run)
    },
  }
  const { limiter, passed } = limiterOf(ONE_SHARD, watched as HandClock)
  limiter.put(recordOf(MIB - 1))
  for (let i = 0; i < 3; i++) limiter.put(recordOf(MIB / 2 - 1))

  clock.advanceTo(10_000)

  assert.equal(passed.length, 4)
  assert.deepEqual(instants, [500, 1000, 1500])
  assert.equal(clock.scheduledCount, 0)
})

test('behind a record of 10 MiB others wait as long as the shard needs, not as its first share', () => {
  const { limiter, passed, clock } = limiterOf(null)
  limiter.put(recordOf(10 * MIB - 1))
  limiter.put(recordOf(100))
  assert.equal(passed.length, 1)

  // Ten seconds of the whole shard; two more until the share is that.
  clock.advanceTo(9000)
  assert.equal(passed.length, 1)
  clock.advanceTo(12_000)

  assert.equal(passed.length, 2)
  assert.equal(clock.scheduledCount, 0)
})

test('a small record does not slip past a large one that waits for its turn', () => {
  const { limiter, passed, clock } = limiterOf(ONE_SHARD)
  limiter.put(recordOf(MIB / 2 - 1))
  const large = recordOf(MIB - 1)
  const small = recordOf(1000)
  limiter.put(large)
  limiter.put(small)
  assert.equal(passed.length, 1, 'half of the second is left, enough for the small one')

  clock.advanceTo(499)
  assert.equal(passed.length, 1)
  clock.advanceTo(500)
  assert.deepEqual(passed.slice(1), [large])
  clock.advanceTo(501)
  assert.deepEqual(passed.slice(1), [large, small])
})

test('what expires sooner than the first can go is told then, and not when that goes', () => {
  const clock = new HandClock()
  const expiredAtMs: number[] = []
  const passedAtMs: number[] = []
  const limiter = new Limiter(
    { clock, random: middling },
    { fixedRates: ONE_SHARD, collectorWaitMs: 0 },
    {
      next: { put: () => passedAtMs.push(clock.monotonicMs()) },
      expired: () => expiredAtMs.push(clock.monotonicMs()),
    },
  )
  for (let i = 0; i < 2; i++) limiter.put(recordOf(MIB - 1))
  limiter.put(recordOf(MIB - 1, 0, 300))
  assert.equal(clock.scheduledCount, 1)

  clock.advanceTo(300)
  assert.deepEqual(expiredAtMs, [])
  clock.advanceTo(10_000)

  assert.deepEqual(expiredAtMs, [301])
  assert.deepEqual(passedAtMs.map(Math.round), [0, 1000])
})

test('of a shard that is no more nothing is left: what waited is given back, and no timer', () => {
  const { limiter, passed, clock } = limiterOf(ONE_SHARD)
  for (let i = 0; i < 5; i++) for (const shard of [0, 1]) limiter.put(recordOf(MIB - 1, shard))
  assert.equal(passed.length, 2)

  const left = limiter.keepOnly((shard) => shard === 1)

  assert.deepEqual(
    left.map(({ predictedShard }) => predictedShard),
    [0, 0, 0, 0],
  )
  assert.equal(clock.scheduledCount, 1, 'that of the other shard')
  // One of the same name owes nothing.
  limiter.put(recordOf(MIB - 1, 0))
  assert.equal(passed.length, 3)
})

test('a percentage beyond all rates is taken, and is no rate that the clock cannot tell', () => {
  const rateOf = (rateLimit: number) =>
    lineConfigOf(producerConfig({ rateLimit })).limiter.fixedRates!.recordsPerSecond
  assert.equal(rateOf(999_999_999), 9_999_999_990)
  assert.equal(rateOf(1_000_000_000), 10_000_000_000)
  assert.equal(rateOf(1_000_000_001), 10_000_000_000)
  assert.equal(rateOf(2 ** 63), 10_000_000_000)
})

test('how much longer a record waits is drawn, up to 50 ms, once the share is the whole shard', () => {
  const draws: { atMs: number; bound: number }[] = []
  const drawsWith = (fixedRates: BucketRates | null) => {
    draws.length = 0
    const clock = new HandClock()
    const below = (bound: number) => {
      draws.push({ atMs: clock.monotonicMs(), bound })
      return bound - 1
    }
    const random: Random = { below, fork: () => random }
    const { limiter } = limiterOf(fixedRates, clock, random)
    for (let i = 0; i < 500; i++) limiter.put(recordOf(10_485))
    clock.advanceTo(4000)
    return draws
  }

  // A quarter of the shard doubles each second while records wait.
  const [first, ...others] = drawsWith(null)
  assert.ok(first!.atMs >= 2000 && first!.atMs < 2100, `first at ${first!.atMs} ms`)
  assert.ok(others.length > 10 && others.every(({ bound }) => bound === 50))
  assert.deepEqual(drawsWith(ONE_SHARD), [])
})
