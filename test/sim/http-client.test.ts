import assert from 'node:assert/strict'
import { test } from 'node:test'
import { outcomeAnswer } from '../../src/gateway/answers.ts'
import { problem } from '../../src/gateway/problem.ts'
import { meaningOf } from '../../src/sim/http-client.ts'

test('a record that is too large for its stream has been taken over, one for the gateway has not', () => {
  const result = {
    isDelivered: false,
    code: 'RecordTooLarge',
    message: 'The stream takes no record of 9 bytes.',
    mayBeWritten: false,
    attempts: [],
  } as const
  const about = { stream: 's', receipt: null, retryAfterSeconds: 1 }

  const ofStream = outcomeAnswer({ kind: 'failed', result }, about)
  const ofGateway = problem('record-too-large', 'Data and key have 9 bytes.')

  assert.deepEqual([ofStream.status, ofGateway.status], [413, 413])
  assert.deepEqual([meaningOf(ofStream), meaningOf(ofGateway)], ['failed', 'turned away'])
})
