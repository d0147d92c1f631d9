import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AckLevel, Outcome } from '../../src/spool/index.ts'
import { ScriptedSpool } from './scripted-spool.ts'
import { type Asked, codeOf, headerOfAnswer, Station } from './station.ts'

const PLACE = { shardId: 'shardId-000000000001', sequenceNumber: '77', subSequenceNumber: null }
const DELIVERED: Outcome = { kind: 'delivered', place: PLACE }

interface Keyed {
  readonly key?: string
  readonly ack?: string
  readonly body?: string
  readonly resource?: string
}

function setUp() {
  const spool = new ScriptedSpool()
  const station = new Station({}, spool)
  const post = ({ key = 'key-1', ack = 'durable', body, resource = 's2' }: Keyed = {}): Asked => {
    const headers = { 'Idempotency-Key': key, 'Headgate-Ack': ack, S1KEY: 'k' }
    const target = `/mappedIngest/${resource}`
    return station.post(target, body ?? '{"foo":{"foopart1":"k"}}', headers)
  }
  return { spool, station, post }
}

test('the same key and body get the first answer again, and one record is kept', () => {
  const { spool, station, post } = setUp()
  const first = post()
  const receipt = spool.commit()
  const second = post()
  assert.deepEqual([second.answer!.status, second.answer!.body], [200, 'got it'])
  assert.equal(headerOfAnswer(second.answer, 'headgate-receipt'), receipt)
  assert.deepEqual(second.answer, first.answer)
  assert.equal(spool.appended.length, 0)
  assert.equal(station.ledger()['attempts'], 1)
  assert.equal(station.ledger()['heldBytes'], 0)
})

test('while the first has no answer the second is told to come back', () => {
  const { spool, post } = setUp()
  post()
  const second = post()
  assert.deepEqual([second.answer!.status, codeOf(second.answer)], [409, 'idempotency-running'])
  assert.ok(Number(headerOfAnswer(second.answer, 'retry-after')) >= 1)
  assert.equal(spool.appended.length, 1)
})

test('it is told to come back soon, however long the way to Kinesis is', () => {
  const { spool, station, post } = setUp()
  for (let i = 0; i < 100; i++) station.post('/mappedIngest/s2', '{"foo":{"foopart1":"k"}}')
  spool.commit()
  station.clock.advanceBy(60_000)
  assert.equal(station.gateway.insideCount, 100, 'none of them is delivered')
  post()
  const soon = (chance: number) => {
    station.chance = chance
    return headerOfAnswer(post().answer, 'retry-after')
  }
  assert.deepEqual([soon(0), soon(1023)], ['1', '2'])
})

test('another body, another resource or another partition key is another request', () => {
  const { spool, post } = setUp()
  post()
  const others: Keyed[] = [{ body: '{"foo":{"foopart1":"k"} }' }, { resource: 's1' }]
  for (const other of others) {
    assert.deepEqual([post(other).answer!.status, codeOf(post(other).answer)], MISMATCH)
  }
  spool.commit()
  for (const other of others) {
    assert.deepEqual([post(other).answer!.status, codeOf(post(other).answer)], MISMATCH)
  }
})

const MISMATCH = [422, 'idempotency-mismatch']

test('delivered is repeated with its place; before that it is under way, or pending', async () => {
  const { spool, station, post } = setUp()
  const first = post({ ack: 'delivered' })
  const receipt = spool.commit()
  assert.equal(codeOf(post().answer), 'idempotency-running')
  first.leave()

  const waiting = post()
  await turn()
  spool.settle(receipt, DELIVERED)
  const last = post()
  await turn()

  assert.deepEqual([waiting.answer!.status, waiting.answer!.body], [202, 'pending'])
  assert.equal(headerOfAnswer(waiting.answer, 'headgate-receipt'), receipt)
  assert.equal(last.answer!.status, 200)
  assert.equal(headerOfAnswer(last.answer, 'headgate-sequence-number'), '77')
  assert.equal(headerOfAnswer(last.answer, 'headgate-receipt'), receipt)
  assert.equal(station.ledger()['openRequests'], 0)
})

test('what the disk could not confirm after a crash is not called durable', () => {
  const { spool, station, post } = setUp()
  post()
  spool.commit()
  const entry = spool.keys.get('key-1')!
  const answerOf = (ack: AckLevel) => {
    spool.keys.set('key-1', { ...entry, ack, isDurable: false })
    return post().answer
  }
  for (const answer of [answerOf('durable'), answerOf('delivered')]) {
    assert.deepEqual([answer!.status, codeOf(answer)], [503, 'sync-failed'])
    assert.equal(JSON.parse(String(answer!.body)).mayBeWritten, true)
    assert.ok(Number(headerOfAnswer(answer, 'retry-after')) >= 1)
  }
  assert.equal(answerOf('accepted')!.status, 202)
  assert.equal(spool.appended.length, 0)
  assert.equal(station.ledger()['heldBytes'], 0)
})

test('accepted is repeated as accepted', () => {
  const { spool, post } = setUp()
  assert.equal(post({ ack: 'accepted' }).answer!.status, 202)
  assert.equal(codeOf(post({ ack: 'accepted' }).answer), 'idempotency-running', 'not kept yet')
  spool.commit()
  assert.equal(post({ ack: 'accepted' }).answer!.status, 202)
  assert.equal(spool.appended.length, 0)
})

test('a key whose request was not kept is free again', () => {
  const { spool, post } = setUp()
  const first = post()
  spool.refuse({ code: 'sync-failed', message: 'EIO.', mayBeWritten: false })
  assert.equal(first.answer!.status, 503)
  const second = post()
  spool.commit()
  assert.equal(second.answer!.status, 200)
})

test('a client that went away before its record was kept finds the answer when it asks again', () => {
  const { spool, post } = setUp()
  post().leave()
  assert.equal(codeOf(post().answer), 'idempotency-running')
  const receipt = spool.commit()
  assert.equal(headerOfAnswer(post().answer, 'headgate-receipt'), receipt)
})

test('two keys are none: nobody could say which one counts', () => {
  const { spool, station } = setUp()
  const post = (more: Record<string, string>) => {
    const headers = { 'Idempotency-Key': 'a', ...more }
    return station.post('/mappedIngest/s2', '{"foo":{"foopart1":"k"}}', headers)
  }
  const twice = post({ 'idempotency-key': 'b' })
  assert.equal(codeOf(twice.answer), 'idempotency-key-invalid')
  const inAValue = post({ 'X-Other': 'idempotency-key' })
  spool.commit()
  assert.equal(inAValue.answer!.status, 200)
})

test('a key has 1 to 256 visible ASCII characters', () => {
  const { spool, post } = setUp()
  for (const key of ['a', '!~', 'x'.repeat(256)]) {
    const asked = post({ key })
    spool.commit()
    assert.equal(asked.answer!.status, 200)
  }
  for (const key of ['', 'x'.repeat(257), 'a b', 'é', '\u007f']) {
    assert.deepEqual(codeOf(post({ key }).answer), 'idempotency-key-invalid', key)
  }
})

async function turn(): Promise<void> {
  for (let i = 0; i < 4; i++) await Promise.resolve()
}

test('a spool that is full still answers who has been taken, and refuses who is new', () => {
  const { spool, station, post } = setUp()
  const first = post()
  spool.commit()
  spool.refuses = { code: 'spool-full', message: 'It is full.', mayBeWritten: false }
  assert.deepEqual(post().answer, first.answer)

  const fresh = post({ key: 'key-2' })
  assert.deepEqual([fresh.answer!.status, codeOf(fresh.answer)], [503, 'spool-full'])
  assert.ok(Number(headerOfAnswer(fresh.answer, 'retry-after')) >= 1)
  const { attempts, exhausted, heldBytes } = station.ledger()
  assert.deepEqual([attempts, exhausted, heldBytes], [2, 1, 0])

  spool.refuses = null
  post({ key: 'key-2' })
  assert.equal(spool.appended.length, 1, 'the key is free again')
})
