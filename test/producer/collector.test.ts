// Kinesis records to requests: when a request goes before its records have to.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { COLLECTED_SHARD_BYTES, Collector } from '../../src/producer/collector.ts'
import { KinesisRecord } from '../../src/producer/kinesis-record.ts'
import { NO_SHARD, UserRecord } from '../../src/record/index.ts'
import { HandClock } from '../hand-clock.ts'

const KIB = 1024

/** Collects up to 5 MiB; tells how many records went in each request. */
function collecting(maxSizeBytes = 5 * KIB * KIB) {
  const counts: number[] = []
  const next = { put: (records: readonly KinesisRecord[]) => counts.push(records.length) }
  const limits = { maxCount: 500, maxSizeBytes }
  const collector = new Collector(new HandClock(), limits, next, () => {})
  const put = (dataBytes: number, shard: number, partitionKey = 'k') => {
    const data = Buffer.alloc(dataBytes)
    const record = new UserRecord({ stream: 's', partitionKey, data, onSettle() {} })
    record.arrival = { ...record.arrival, deadlineAtMs: 1000 }
    collector.put(new KinesisRecord([record], dataBytes, shard))
  }
  return { put, counts }
}

test('a request goes when a shard has 256 KiB in it, whatever others have', () => {
  assert.equal(COLLECTED_SHARD_BYTES, 256 * KIB)
  const { put, counts } = collecting()
  for (const shard of [0, 1, 2]) put(200 * KIB, shard)
  put(56 * KIB - 1, 0)
  assert.deepEqual(counts, [])
  put(1, 0)
  assert.deepEqual(counts, [5])

  // For the next one all begin at nothing.
  for (const shard of [0, 1, 2]) put(200 * KIB, shard)
  assert.deepEqual(counts, [5])
  put(200 * KIB, 2)
  assert.deepEqual(counts, [5, 4], 'with the record that crosses the line')
})

test('where a record will land nobody knows, no shard has it', () => {
  const { put, counts } = collecting()
  for (let i = 0; i < 10; i++) put(200 * KIB, NO_SHARD)
  assert.deepEqual(counts, [])
})

test('keys count for the request, as the service counts, and not for the shard, as for the KPL', () => {
  const longKey = 'k'.repeat(256)
  const request = collecting(100 * KIB)
  request.put(50 * KIB, 0, longKey)
  request.put(50 * KIB - 513, 1, longKey)
  assert.deepEqual(request.counts, [])
  request.put(0, 2, 'k')
  assert.deepEqual(request.counts, [3], 'full to the byte')

  const shard = collecting()
  for (let i = 0; i < 255; i++) shard.put(KIB, 0, longKey)
  shard.put(KIB - 1, 0, longKey)
  assert.deepEqual(shard.counts, [])
  shard.put(1, 0, longKey)
  assert.deepEqual(shard.counts, [257])
})
