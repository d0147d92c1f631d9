// What clients are told of a record that was not taken, or not delivered: in words and in fields.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { outcomeAnswer } from '../../src/gateway/answers.ts'
import { reasonOf } from '../../src/gateway/refusals.ts'
import type { HttpAnswer } from '../../src/host/index.ts'
import { failed, headerOfAnswer, Station } from './station.ts'

const ABOUT = { stream: 's2', receipt: 'r-1', retryAfterSeconds: 3 }

function documentOf(answer: HttpAnswer) {
  return JSON.parse(String(answer.body))
}

function deadLetter(code: string, message = 'no') {
  return documentOf(outcomeAnswer({ kind: 'dead-lettered', code, message }, ABOUT))
}

test('each state of the spool has its own code, and says what became of the record', () => {
  const codes = [
    ['spool-full', 'spool-full'],
    ['disk-full', 'disk-full'],
    ['disk-failed', 'disk-failed'],
    ['sync-failed', 'sync-failed'],
    ['transaction-too-large', 'transaction-too-large'],
    ['closed', 'draining'],
  ] as const
  for (const [code, told] of codes) {
    const nothing = reasonOf({ code, message: 'Why.', mayBeWritten: false })
    assert.deepEqual(nothing, {
      code: told,
      detail: 'Why. Nothing was stored.',
      mayBeWritten: false,
    })
  }
  const perhaps = reasonOf({ code: 'sync-failed', message: 'Why.', mayBeWritten: true })
  assert.match(perhaps.detail, /^Why\. The record may be found on the disk.*twice\.$/)
})

test('what the service refuses for good is the mistake of whoever sent it', () => {
  for (const code of ['InvalidArgumentException', 'ValidationException']) {
    assert.equal(deadLetter(code).code, 'record-refused')
  }
  assert.equal(deadLetter('RecordTooLarge').code, 'record-too-large')
  assert.equal(deadLetter('InternalFailure').code, 'dead-lettered')
})

test('the service’s words are a sentence, and a stream that is not there is named', () => {
  const { detail } = deadLetter('ResourceNotFoundException', 'it is gone')
  assert.match(
    detail,
    /^Kinesis has no stream s2: ResourceNotFoundException: it is gone\. It is kept/,
  )
  assert.match(deadLetter('Expired', 'Too old.').detail, /^Expired: Too old\. It is kept/)
})

test('a dead letter’s receipt is in the answer’s head and in its document', () => {
  for (const code of ['ResourceNotFoundException', 'Expired']) {
    const answer = outcomeAnswer({ kind: 'dead-lettered', code, message: 'no' }, ABOUT)
    assert.equal(headerOfAnswer(answer, 'headgate-receipt'), 'r-1')
    assert.equal(documentOf(answer).receipt, 'r-1')
  }
})

test('whether a record that was not delivered may be in the stream is said in words, too', () => {
  const detailOf = (mayBeWritten: boolean) => {
    const result = failed('InternalFailure', mayBeWritten)
    assert.ok(!result.isDelivered)
    const about = { ...ABOUT, receipt: null }
    return documentOf(outcomeAnswer({ kind: 'failed', result }, about)).detail
  }
  assert.match(detailOf(true), /may be in the stream, and sent again it may be there twice/)
  assert.match(detailOf(false), /It is not in the stream/)
})

test('answers say what they are: text, or JSON', () => {
  const station = new Station()
  const typeOf = (answer: HttpAnswer | null) => headerOfAnswer(answer, 'content-type')
  assert.equal(typeOf(station.put('k').answer), 'text/plain; charset=utf-8')
  assert.equal(typeOf(station.get('/actuator/info')), 'application/json')
})
