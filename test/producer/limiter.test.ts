import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KinesisRecord } from '../../src/producer/kinesis-record.ts'
import { Limiter } from '../../src/producer/limiter.ts'
import { lineConfigOf } from '../../src/producer/line-config.ts'
import { UserRecord } from '../../src/record/index.ts'
import { HandClock } from '../hand-clock.ts'
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
  const limiter = new Limiter(clock, config, { next, expired: () => assert.fail() })
  const data = Buffer.alloc(dataBytes)
  for (let i = 0; i < 10_000; i++) {
    const record = new UserRecord({ stream: 's', partitionKey, data, onSettle() {} })
    record.expiresAtMs = Number.POSITIVE_INFINITY
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

test('a percentage beyond all rates is taken, and is no rate that the clock cannot tell', () => {
  const rateOf = (rateLimit: number) =>
    lineConfigOf(producerConfig({ rateLimit })).limiter.fixedRates!.recordsPerSecond
  assert.equal(rateOf(999_999_999), 9_999_999_990)
  assert.equal(rateOf(1_000_000_000), 10_000_000_000)
  assert.equal(rateOf(1_000_000_001), 10_000_000_000)
  assert.equal(rateOf(2 ** 63), 10_000_000_000)
})
