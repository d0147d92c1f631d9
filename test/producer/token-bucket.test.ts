import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TokenBucket } from '../../src/producer/token-bucket.ts'

const RATES = { recordsPerSecond: 10, bytesPerSecond: 1000, maxRecords: 5, maxBytes: 500 }

test('an idle bucket holds its capacity, and not more however long it is idle', () => {
  const bucket = new TokenBucket(RATES, 0)
  assert.equal(bucket.tryTake(500, 1_000_000), true)
  assert.equal(bucket.tryTake(1, 1_000_000), false)
})

test('records and bytes are budgets of their own, and a refusal costs neither', () => {
  const bucket = new TokenBucket(RATES, 0)
  for (let i = 0; i < 5; i++) assert.equal(bucket.tryTake(1, 0), true)
  assert.equal(bucket.tryTake(1, 0), false, 'no record left')
  assert.equal(bucket.tryTake(400, 100), true, 'one record and all bytes but five came back')
})

test('exactly what is there can be taken', () => {
  const bucket = new TokenBucket(RATES, 0)
  bucket.tryTake(500, 0)
  assert.equal(bucket.tryTake(101, 100), false)
  assert.equal(bucket.tryTake(100, 100), true)
})

test('it tells the instant from which a cost can be paid', () => {
  const bucket = new TokenBucket(RATES, 0)
  bucket.tryTake(500, 0)
  const readyAtMs = bucket.readyAtMs(250, 0)
  assert.equal(readyAtMs, 250)
  assert.equal(bucket.readyAtMs(250, 100), 250, 'the same, whenever one asks')
  assert.equal(bucket.tryTake(250, readyAtMs - 1), false)
  assert.equal(bucket.tryTake(250, readyAtMs), true)
})

test('a cost above the capacity passes a full bucket and is paid back by those after it', () => {
  const bucket = new TokenBucket(RATES, 0)
  assert.equal(bucket.tryTake(1500, 0), true)
  assert.equal(bucket.tryTake(1, 999), false)
  assert.equal(bucket.readyAtMs(1, 999), 1001)
  assert.equal(bucket.tryTake(1, 1001), true)
  assert.equal(bucket.readyAtMs(1500, 1001), 1501, 'when it is full again')
})

test('other rates count from when they are set, and what they have no room for is gone', () => {
  const bucket = new TokenBucket(RATES, 0)
  for (let i = 0; i < 5; i++) bucket.tryTake(100, 0)
  const tenfold = { recordsPerSecond: 100, bytesPerSecond: 10_000, maxRecords: 50, maxBytes: 5000 }
  bucket.setRates(tenfold, 100)
  assert.equal(bucket.tryTake(101, 100), false, 'until now 100 bytes have come back')
  assert.equal(bucket.tryTake(100, 100), true, 'and a record')
  assert.equal(bucket.readyAtMs(1000, 100), 200)

  const few = { recordsPerSecond: 10, bytesPerSecond: 1000, maxRecords: 2, maxBytes: 50 }
  bucket.setRates(few, 10_000)
  assert.equal(bucket.tryTake(25, 10_000), true)
  assert.equal(bucket.readyAtMs(50, 10_000), 10_025, 'of 5 000 bytes 50 were left')
  assert.equal(bucket.tryTake(25, 10_000), true)
  assert.equal(bucket.readyAtMs(0, 10_000), 10_100, 'and of 50 records two')
})

test('a clock that stands still refills nothing', () => {
  const bucket = new TokenBucket(RATES, 50)
  bucket.tryTake(500, 50)
  assert.equal(bucket.tryTake(1, 50), false)
})
