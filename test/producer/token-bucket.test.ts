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
  assert.equal(bucket.tryTake(250, readyAtMs - 1), false)
  assert.equal(bucket.tryTake(250, readyAtMs), true)
})

test('a cost above the capacity passes a full bucket and is paid back by those after it', () => {
  const bucket = new TokenBucket(RATES, 0)
  assert.equal(bucket.tryTake(1500, 0), true)
  assert.equal(bucket.tryTake(1, 999), false)
  assert.equal(bucket.readyAtMs(1, 999), 1001)
  assert.equal(bucket.tryTake(1, 1001), true)
})

test('a clock that stands still refills nothing', () => {
  const bucket = new TokenBucket(RATES, 50)
  bucket.tryTake(500, 50)
  assert.equal(bucket.tryTake(1, 50), false)
})
