import assert from 'node:assert/strict'
import { test } from 'node:test'
import { firstOf, KinesisRecord } from '../../src/producer/kinesis-record.ts'
import { UserRecord } from '../../src/record/index.ts'

function records(expirations: readonly number[]): UserRecord[] {
  return expirations.map((expiresAtMs, i) => {
    const fields = { stream: 's', partitionKey: `k${i}`, data: Buffer.from('x'), onSettle() {} }
    const record = new UserRecord(fields)
    record.arrival = { ...record.arrival, deadlineAtMs: 10 * i, expiresAtMs }
    return record
  })
}

test('a Kinesis record leaves and expires with the first of its members', () => {
  const { deadlineAtMs, expiresAtMs } = new KinesisRecord(records([500, 400, 600]), 100, 0)
  assert.deepEqual([deadlineAtMs, expiresAtMs], [0, 400])
})

test('the first members of one are expected where it was, by the same map', () => {
  const whole = new KinesisRecord(records([500, 400, 300, 200]), 100, 7, { mapVersion: 3 })

  const half = firstOf(whole, 2)
  const one = firstOf(whole, 1)

  for (const { predictedShard, mapVersion } of [half, one]) {
    assert.deepEqual([predictedShard, mapVersion], [7, 3])
  }
  assert.deepEqual([half.partitionKey, half.isOneKey, half.expiresAtMs], ['a', false, 400])
  assert.deepEqual([one.partitionKey, one.isOneKey, one.expiresAtMs], ['k0', true, 500])
})
