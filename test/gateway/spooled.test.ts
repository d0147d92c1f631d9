import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Outcome, SpoolRefusal } from '../../src/spool/index.ts'
import { ScriptedSpool } from './scripted-spool.ts'
import { codeOf, headerOfAnswer, Station } from './station.ts'

const PLACE = { shardId: 'shardId-000000000001', sequenceNumber: '77', subSequenceNumber: null }
const DELIVERED: Outcome = { kind: 'delivered', place: PLACE }
const GONE: Outcome = { kind: 'dead-lettered', code: 'ResourceNotFoundException', message: 'gone.' }
const EXPIRED: Outcome = { kind: 'dead-lettered', code: 'Expired', message: 'too old' }
const FULL: SpoolRefusal = { code: 'spool-full', message: 'No room.', mayBeWritten: false }
const UNSYNCED: SpoolRefusal = { code: 'sync-failed', message: 'EIO.', mayBeWritten: true }

function stationOf(spool: ScriptedSpool, overrides = {}): Station {
  return new Station(overrides, spool)
}

function balance(station: Station): number {
  const { attempts, successes, failures, exhausted, outstanding, imbalance } = station.ledger()
  assert.equal(imbalance, 0)
  return attempts! - successes! - failures! - exhausted! - outstanding!
}

/** Promises that the gateway waits for have been told. */
async function turn(): Promise<void> {
  for (let i = 0; i < 4; i++) await Promise.resolve()
}

test('with a spool durable is meant: 200 and a receipt when the disk has confirmed', () => {
  const spool = new ScriptedSpool()
  const station = stationOf(spool)
  const asked = station.post('/mappedIngest/s2', '{"foo":{"foopart1":"k"}}')
  assert.equal(asked.answer, null)

  const receipt = spool.commit()

  assert.deepEqual([asked.answer!.status, asked.answer!.body], [200, 'got it'])
  assert.equal(headerOfAnswer(asked.answer, 'headgate-receipt'), receipt)
  assert.deepEqual(spool.kept.get(receipt)!.partitionKeys, ['k'])
  assert.equal(station.ledger()['heldBytes'], 0)
  assert.equal(station.ledger()['outstanding'], 1)
  spool.settle(receipt, DELIVERED)
  assert.equal(station.ledger()['successes'], 1)
  assert.equal(balance(station), 0)
})

test('without a spool durable cannot be had, by request or by key', () => {
  const station = new Station()
  const asked = station.put('k', 'durable')
  assert.deepEqual([asked.answer!.status, codeOf(asked.answer)], [400, 'ack-unavailable'])
  const keyed = station.post('/mappedIngest/s2', '{}', { 'Idempotency-Key': 'a' })
  assert.deepEqual([keyed.answer!.status, codeOf(keyed.answer)], [400, 'idempotency-unavailable'])
  assert.equal(station.get('/receipts/r-0').status, 404)
})

test('accepted is said at admission, and the record goes to the spool all the same', () => {
  const spool = new ScriptedSpool()
  const station = stationOf(spool)
  const asked = station.put('k', 'accepted')
  assert.equal(asked.answer!.status, 202)
  assert.equal(headerOfAnswer(asked.answer, 'headgate-receipt'), undefined)
  spool.settle(spool.commit(), DELIVERED)
  assert.equal(station.ledger()['successes'], 1)
})

test('delivered waits for the place and has a receipt, too', () => {
  const spool = new ScriptedSpool()
  const station = stationOf(spool)
  const asked = station.put('k', 'delivered')
  const receipt = spool.commit()
  assert.equal(asked.answer, null)
  spool.settle(receipt, DELIVERED)
  assert.equal(asked.answer!.status, 200)
  assert.equal(headerOfAnswer(asked.answer, 'headgate-shard-id'), PLACE.shardId)
  assert.equal(headerOfAnswer(asked.answer, 'headgate-receipt'), receipt)
})

test('a mapping has its own level', () => {
  const spool = new ScriptedSpool()
  const mapping = { resource: 'a', stream: 's', location: 'body', specification: '/k' } as const
  const station = stationOf(spool, { mappings: [{ ...mapping, ack: 'accepted' }] })
  assert.equal(station.post('/mappedIngest/a', '{"k":1}').answer!.status, 202)
  const asked = station.post('/mappedIngest/a', '{"k":1}', { 'Headgate-Ack': 'durable' })
  assert.equal(asked.answer, null)
})

test('delivered whose time runs out is pending with its receipt, but not before the disk has it', () => {
  const spool = new ScriptedSpool()
  const station = stationOf(spool, { ack: { deliveredTimeoutMs: 100 } })
  const [early, late] = [station.put('a', 'delivered'), station.put('b', 'delivered')]
  const receipt = spool.commit()
  station.clock.advanceTo(99)
  assert.equal(early.answer, null)
  station.clock.advanceTo(100)
  assert.deepEqual([early.answer!.status, early.answer!.body], [202, 'pending'])
  assert.equal(headerOfAnswer(early.answer, 'headgate-receipt'), receipt)
  assert.equal(late.answer, null, 'nothing is safe yet')
  const second = spool.commit()
  assert.equal(headerOfAnswer(late.answer, 'headgate-receipt'), second)
  assert.deepEqual(spool.forgotten, [receipt, second], 'nothing remembers who does not wait')
  spool.settle(receipt, DELIVERED)
  spool.settle(second, DELIVERED)
  assert.equal(balance(station), 0)
})

test('who went away is not remembered until Kinesis is back', () => {
  const spool = new ScriptedSpool()
  const station = stationOf(spool)
  const [before, after] = [station.put('a', 'delivered'), station.put('b', 'delivered')]
  before.leave()
  const first = spool.commit()
  assert.deepEqual(spool.forgotten, [first])
  const second = spool.commit()
  after.leave()
  assert.deepEqual(spool.forgotten, [first, second])
})

test('what became a dead letter is the sender’s mistake or ours, and is said to be kept', () => {
  const spool = new ScriptedSpool()
  const station = stationOf(spool)
  const [gone, expired] = [station.put('a', 'delivered'), station.put('b', 'delivered')]
  const receipts = [spool.commit(), spool.commit()]
  spool.settle(receipts[0]!, GONE)
  spool.settle(receipts[1]!, EXPIRED)
  assert.deepEqual([gone.answer!.status, codeOf(gone.answer)], [422, 'stream-not-found'])
  assert.deepEqual([expired.answer!.status, codeOf(expired.answer)], [503, 'dead-lettered'])
  assert.ok(Number(headerOfAnswer(expired.answer, 'retry-after')) >= 1)
  for (const [index, { answer }] of [gone, expired].entries()) {
    assert.equal(headerOfAnswer(answer, 'headgate-receipt'), receipts[index])
    assert.match(String(answer!.body), /kept among the dead letters.*twice/)
    assert.doesNotMatch(String(answer!.body), /\.\./)
  }
  assert.equal(station.ledger()['failures'], 2)

  const large = station.put('c', 'delivered')
  spool.settle(spool.commit(), { ...EXPIRED, code: 'RecordTooLarge' })
  assert.deepEqual([large.answer!.status, codeOf(large.answer)], [413, 'record-too-large'])
})

test('a disk that fails under a record is said, and whether the record may be there', () => {
  const spool = new ScriptedSpool()
  const station = stationOf(spool)
  const asked = station.put('a', 'durable')
  spool.refuse(UNSYNCED)
  const document = JSON.parse(String(asked.answer!.body))
  assert.deepEqual([asked.answer!.status, document.code], [503, 'sync-failed'])
  assert.equal(document.mayBeWritten, true)
  assert.ok(Number(headerOfAnswer(asked.answer, 'retry-after')) >= 1)
  assert.equal(station.ledger()['exhausted'], 1)
  assert.equal(spool.exhausted, 1)
  assert.equal(station.ledger()['heldBytes'], 0)
  assert.equal(balance(station), 0)
})

test('an accepted record that the spool cannot keep is counted and logged', () => {
  const spool = new ScriptedSpool()
  const station = stationOf(spool)
  assert.equal(station.put('a', 'accepted').answer!.status, 202)
  spool.refuse(UNSYNCED)
  assert.equal(station.ledger()['exhausted'], 1)
  assert.match(station.log.lines.at(-1)!, /could not be delivered/)
})

for (const code of ['spool-full', 'disk-full', 'disk-failed'] as const) {
  test(`${code} is refused on the head, for every level`, () => {
    const spool = new ScriptedSpool()
    const station = stationOf(spool)
    spool.refuses = { ...FULL, code }
    spool.state = code
    for (const ack of ['accepted', 'durable', 'delivered']) {
      const headers = ['content-type', 'application/json', 'headgate-ack', ack]
      const decision = station.gateway.begin({
        method: 'POST',
        target: '/mappedIngest/s2',
        headers,
      })
      assert.ok('status' in decision)
      assert.deepEqual([decision.status, codeOf(decision)], [503, code])
    }
    const { attempts, exhausted } = station.ledger()
    assert.deepEqual([attempts, exhausted, spool.exhausted], [3, 3, 3], 'as if it came later')
    assert.equal(balance(station), 0)
    assert.equal(station.get('/readyz').status, 503)
    assert.match(String(station.get('/readyz').body), new RegExp(code))
    spool.refuses = null
    spool.state = 'ok'
    assert.equal(station.get('/readyz').status, 200)
  })
}

test('an oldest record that is too old stops new ones, at the age and not below', () => {
  const spool = new ScriptedSpool()
  const station = stationOf(spool, { admission: { maxOldestAgeMs: 1000 } })
  spool.oldestAgeMs = 999
  assert.equal(station.put('a', 'accepted').answer!.status, 202)
  spool.oldestAgeMs = 1000
  assert.equal(codeOf(station.put('a', 'accepted').answer), 'backlog-too-old')
  assert.match(String(station.get('/readyz').body), /backlog-too-old/)
  spool.oldestAgeMs = 1001
  assert.equal(codeOf(station.put('a', 'accepted').answer), 'backlog-too-old')
})

test('dead letters without room are shown, and records are taken still', () => {
  const spool = new ScriptedSpool()
  const station = stationOf(spool)
  spool.state = 'dead-letters-full'
  spool.deadLetters = { ...spool.deadLetters, count: 5, bytes: 500, state: 'full' }
  assert.equal(station.get('/readyz').status, 200)
  const answer = station.get('/actuator/health')
  const health = JSON.parse(String(answer.body))
  assert.deepEqual([answer.status, health.status], [503, 'DOWN'], 'as the worst of its parts')
  assert.equal(health.components.readiness.status, 'UP')
  assert.equal(station.get('/actuator/health/readiness').status, 200)
  assert.equal(station.get('/actuator/health/liveness').status, 200)
  assert.equal(health.components.deadLetters.status, 'DOWN')
  assert.equal(health.components.deadLetters.details.count, 5)
  assert.equal(station.put('a', 'accepted').answer!.status, 202)
})

test('the ledger goes on where the spool remembers it', () => {
  const spool = new ScriptedSpool({ successes: 10, failures: 2, exhausted: 3, unsettled: 4 })
  const station = stationOf(spool)
  const { attempts, successes, failures, exhausted, outstanding } = station.ledger()
  assert.deepEqual([attempts, successes, failures, exhausted, outstanding], [19, 10, 2, 3, 4])
  assert.equal(station.gateway.insideCount, 4)
  spool.onSettled('delivered')
  assert.equal(station.ledger()['successes'], 11)
  assert.notEqual(station.ledger()['imbalance'], 0, 'the spool has not counted it')
  assert.equal(station.get('/readyz').status, 503)
})

test('receipts say what became of a record', async () => {
  const spool = new ScriptedSpool()
  const station = stationOf(spool)
  const receipts = ['a', 'b', 'c'].map((key) => {
    station.put(key, 'durable')
    return spool.commit()
  })
  spool.settle(receipts[1]!, DELIVERED)
  spool.settle(receipts[2]!, EXPIRED)
  const asked = [...receipts, 'x'].map((receipt) =>
    station.ask('GET', `/receipts/${receipt}`, {}, Buffer.alloc(0)),
  )
  await turn()
  const told = asked
    .slice(0, 3)
    .map(({ answer }) => [answer!.status, JSON.parse(String(answer!.body))])
  assert.deepEqual(told, [
    [200, { receipt: 'r-0', state: 'pending' }],
    [200, { receipt: 'r-1', state: 'delivered', ...PLACE }],
    [200, { receipt: 'r-2', state: 'dead-lettered', code: 'Expired', message: 'too old' }],
  ])
  const unknown = asked[3]!.answer!
  assert.deepEqual([unknown.status, codeOf(unknown)], [404, 'receipt-unknown'])
  assert.equal(headerOfAnswer(unknown, 'content-type'), 'application/problem+json')
  const { receipt, state } = JSON.parse(String(unknown.body))
  assert.deepEqual({ receipt, state }, { receipt: 'x', state: 'unknown' })
  assert.equal(codeOf(station.get('/receipts/')), 'not-found')
  assert.equal(station.ledger()['openRequests'], 0)
  assert.equal(station.ask('POST', '/receipts/x', {}, Buffer.alloc(0)).answer!.status, 405)
})

test('a stop answers who waits for delivery with pending and the receipt', async () => {
  const spool = new ScriptedSpool()
  const station = stationOf(spool)
  const [kept, committing] = [station.put('a', 'delivered'), station.put('b', 'durable')]
  const receipt = spool.commit()
  let isDrained = false
  const drained = station.gateway.drain(1000).then(() => {
    isDrained = true
  })
  await turn()
  assert.equal(isDrained, false, 'a record is on its way to the disk')
  assert.equal(codeOf(station.put('c', 'durable').answer), 'draining')
  spool.commit()
  await drained
  assert.equal(committing.answer!.status, 200)
  assert.equal(kept.answer, null)
  station.gateway.close()
  assert.deepEqual([kept.answer!.status, kept.answer!.body], [202, 'pending'])
  assert.equal(headerOfAnswer(kept.answer, 'headgate-receipt'), receipt)
})

test('what enters again is an attempt of its own, and exhausted when the spool refuses it', () => {
  const spool = new ScriptedSpool({ failures: 1 })
  const station = stationOf(spool)
  const record = { stream: 's2', partitionKey: 'k', explicitHashKey: null, data: Buffer.of(1) }
  const told: string[] = []
  const transaction = {
    records: [{ ...record, receipt: 'old' }],
    idempotency: null,
    settled: null,
    durable: ([receipt]: readonly string[]) => void told.push(receipt!),
    refused: ({ code }: SpoolRefusal) => void told.push(code),
  }
  station.gateway.enterAgain(transaction)
  const receipt = spool.commit()
  spool.settle(receipt, DELIVERED)
  spool.refuses = FULL
  station.gateway.enterAgain(transaction)
  const { attempts, successes, failures, exhausted, outstanding } = station.ledger()
  assert.deepEqual([attempts, successes, failures, exhausted, outstanding], [3, 1, 1, 1, 0])
  assert.deepEqual(told, [receipt, 'spool-full'])
  assert.equal(balance(station), 0)
})
