import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ATTEMPTS_KEPT_MAX_COUNT, type Attempt, UserRecord } from '../../src/record/index.ts'

function attempt(startAtMs: number, mayBeWritten = false): Attempt {
  return { startAtMs, endAtMs: startAtMs + 1, code: 'InternalFailure', message: 'no', mayBeWritten }
}

test('of many attempts the first ones and the last are kept, and all are counted', () => {
  for (const count of [63, 64, 65, 10_000]) {
    const record = new UserRecord({
      stream: 's',
      partitionKey: 'k',
      data: Buffer.from('v'),
      onSettle() {},
    })
    for (let i = 0; i < count; i++) record.addAttempt(attempt(i, i === 63))

    assert.equal(record.attemptCount, count)
    assert.equal(record.attempts.length, Math.min(count, ATTEMPTS_KEPT_MAX_COUNT))
    assert.equal(record.attempts.at(-1)!.startAtMs, count - 1)
    const first = record.attempts.slice(0, -1).map(({ startAtMs }) => startAtMs)
    assert.deepEqual(
      first,
      first.map((_, i) => i),
    )
    assert.equal(record.mayBeWritten, count > 63, 'also by an attempt that is not kept')
  }
  assert.equal(ATTEMPTS_KEPT_MAX_COUNT, 64)
})
