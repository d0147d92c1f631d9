import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  KinesisProducer,
  kplAttemptsOf,
  UserRecordFailedError,
} from '../../src/library/producer.ts'

test('attempts have the delay, duration and words that the KPL gives them', () => {
  const throttled = { code: 'ProvisionedThroughputExceededException', message: 'Too much.' }
  const attempts = [
    { startAtMs: 130.4, endAtMs: 155.2, ...throttled, mayBeWritten: false },
    { startAtMs: 200.1, endAtMs: 200.1, code: 'Expired', message: 'Too old.', mayBeWritten: false },
  ]
  assert.deepEqual(kplAttemptsOf({ arrivalAtMs: 100, attempts }), [
    {
      delay: 30,
      duration: 25,
      isSuccessful: false,
      errorCode: 'ProvisionedThroughputExceededException',
      errorMessage: 'Too much.',
    },
    { delay: 45, duration: 0, isSuccessful: false, errorCode: 'Expired', errorMessage: 'Too old.' },
  ])
  const done = { startAtMs: 101, endAtMs: 109, code: null, message: null, mayBeWritten: false }
  assert.deepEqual(kplAttemptsOf({ arrivalAtMs: 101.6, attempts: [done] }), [
    { delay: 0, duration: 8, isSuccessful: true, errorCode: null, errorMessage: null },
  ])
})

test('a record that failed can be given to it as it is', async () => {
  const producer = new KinesisProducer({
    region: 'eu-central-1',
    endpoint: 'http://127.0.0.1:1',
    credentials: { accessKeyId: 'a', secretAccessKey: 's' },
  })
  const failing = producer.addUserRecord({ stream: 's', partitionKey: 'k', data: 'v' })
  const told = failing.then(
    () => assert.fail('it was delivered'),
    (error: unknown) => {
      assert.ok(error instanceof UserRecordFailedError)
      return kplAttemptsOf(error)
    },
  )
  await producer.close({ deadlineMs: 0 })
  const last = (await told).at(-1)!
  assert.deepEqual([last.isSuccessful, last.errorCode], [false, 'Closed'])
})
