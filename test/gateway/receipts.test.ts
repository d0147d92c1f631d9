// Whoever asks with a receipt, or with a key again: also when nobody knows, or the disk fails.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Peers } from '../../src/gateway/index.ts'
import type { BodyTaker, HttpAnswer } from '../../src/host/index.ts'
import type { ReceiptState } from '../../src/spool/index.ts'
import { ScriptedSpool } from './scripted-spool.ts'
import { codeOf, headerOfAnswer, Station } from './station.ts'

const NOTHING = Buffer.alloc(0)
const EXPIRED = { kind: 'dead-lettered', code: 'Expired', message: 'too old' } as const
const turn = () => new Promise(setImmediate)

function begin(station: Station, receipt: string): BodyTaker {
  const begun = station.gateway.begin({
    method: 'GET',
    target: `/receipts/${receipt}`,
    headers: [],
  })
  assert.ok(!('status' in begun))
  return begun
}

function stateIn(answer: HttpAnswer | null): string {
  return JSON.parse(String(answer!.body)).state
}

test('who goes away is not answered, and is open no more, however often it is said', async () => {
  const station = new Station({}, new ScriptedSpool())
  const answers: HttpAnswer[] = []
  const taker = begin(station, 'r-0')
  assert.equal(station.gateway.openCount, 1)
  taker.end(NOTHING, (answer) => answers.push(answer))
  taker.abort()
  taker.abort()
  await turn()
  assert.deepEqual(answers, [])
  assert.equal(station.gateway.openCount, 0)
})

test('a receipt is asked for without a body: 1024 bytes are read over, no more', () => {
  const station = new Station({}, new ScriptedSpool())
  const taker = begin(station, 'r-0')
  assert.equal(taker.maxBodyBytes, 1024)
  assert.equal(codeOf(taker.tooLarge()), 'body-too-large')
  assert.equal(station.gateway.openCount, 0)
  assert.deepEqual(station.gateway.report().snapshot.refusals, { 'body-too-large': 1 })
})

test('answers to receipts are counted', async () => {
  const station = new Station({}, new ScriptedSpool())
  station.ask('GET', '/receipts/x', {}, NOTHING)
  await turn()
  assert.deepEqual(station.gateway.report().snapshot.requests, { 404: 1 })
})

test('a disk that cannot be read does not make a receipt unknown', async () => {
  const spool = new ScriptedSpool()
  const station = new Station({}, spool)
  spool.receipt = () => Promise.reject(new Error('EIO'))
  const asked = station.ask('GET', '/receipts/r-0', {}, NOTHING)
  await turn()
  assert.equal(stateIn(asked.answer), 'pending')
})

test('what another process knows is asked for, and only what this one does not know', async () => {
  const askedFor: string[] = []
  const peers: Peers = {
    report: async () => ({ processes: [], workers: null }),
    receipt: async (id): Promise<ReceiptState> => {
      askedFor.push(id)
      return { state: 'pending' }
    },
    keys: { claim() {}, release() {} },
  }
  const spool = new ScriptedSpool()
  const station = new Station({}, spool, peers)
  station.put('a', 'durable')
  const own = spool.commit()
  const asked = [own, 'elsewhere'].map((id) => station.ask('GET', `/receipts/${id}`, {}, NOTHING))
  await turn()
  assert.deepEqual(askedFor, ['elsewhere'])
  assert.deepEqual(
    asked.map(({ answer }) => stateIn(answer)),
    ['pending', 'pending'],
  )
})

test('a dead letter that is asked for with its key again says when to come back', async () => {
  const spool = new ScriptedSpool()
  const station = new Station({}, spool)
  const post = () =>
    station.post('/mappedIngest/s2', '{"foo":{"foopart1":"k"}}', {
      'Idempotency-Key': 'one',
      'Headgate-Ack': 'delivered',
    })
  post()
  spool.settle(spool.commit(), EXPIRED)
  const again = post()
  await turn()
  assert.equal(codeOf(again.answer), 'dead-lettered')
  assert.equal(headerOfAnswer(again.answer, 'retry-after'), '1')
})
