// What is counted of a record on its way in, when it does not get in or comes again.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Door } from '../../src/gateway/door.ts'
import { Gateway } from '../../src/gateway/index.ts'
import { RecordTaker } from '../../src/gateway/record-taker.ts'
import type { HttpAnswer, Random } from '../../src/host/index.ts'
import type { SpoolRefusal } from '../../src/spool/index.ts'
import { HandClock } from '../hand-clock.ts'
import { RecordingLog } from '../recording-log.ts'
import { ScriptedSpool } from './scripted-spool.ts'
import { type Asked, codeOf, gatewayConfig, headerOfAnswer, Station } from './station.ts'

const FULL: SpoolRefusal = { code: 'spool-full', message: 'full', mayBeWritten: false }
const PLACE = { shardId: 's', sequenceNumber: '1', subSequenceNumber: null }
const RANDOM: Random = { below: () => 0, fork: () => RANDOM }
const LINE = { put() {}, describe: () => ({}), prometheusText: () => '' }
const turn = () => new Promise(setImmediate)
const retryAfterOf = ({ answer }: Pick<Asked, 'answer'>) => headerOfAnswer(answer, 'retry-after')

const LETTER = {
  records: [{ stream: 's2', partitionKey: 'k', explicitHashKey: null, data: Buffer.of(1) }],
  idempotency: null,
  settled: null,
  durable() {},
  refused() {},
}

async function isDrainedNow({ gateway }: Station): Promise<boolean> {
  let isDrained = false
  void gateway.drain(1000).then(() => {
    isDrained = true
  })
  await turn()
  return isDrained
}

test('what enters again is inside until it has settled, and a stop waits for the disk alone', async () => {
  const spool = new ScriptedSpool()
  const station = new Station({}, spool)
  station.gateway.enterAgain(LETTER)
  assert.equal(station.gateway.insideCount, 1)
  const receipt = spool.commit()
  assert.equal(await isDrainedNow(station), true)
  spool.settle(receipt, { kind: 'delivered', place: PLACE })
  assert.equal(station.gateway.insideCount, 0)
})

test('what does not get into the spool is not inside, and no stop waits for it', async () => {
  const spool = new ScriptedSpool()
  const station = new Station({}, spool)
  station.put('a', 'durable')
  spool.refuse(FULL)
  assert.equal(station.gateway.insideCount, 0)
  station.gateway.enterAgain(LETTER)
  spool.refuse(FULL)
  assert.equal(station.gateway.insideCount, 0)
  assert.equal(await isDrainedNow(station), true)
})

/** The answer to a head, whose body nobody reads. */
function refusedOnHead(gateway: Gateway): HttpAnswer {
  const headers = ['content-type', 'application/json', 'content-length', '10']
  const begun = gateway.begin({ method: 'POST', target: '/mappedIngest/s2', headers })
  assert.ok('status' in begun)
  return begun
}

test('while it stops a request is refused on its head', () => {
  const station = new Station({}, new ScriptedSpool())
  void station.gateway.drain(1000)
  const begun = refusedOnHead(station.gateway)
  assert.equal(codeOf(begun), 'draining')
})

test('after a start the drain is measured from then on, whatever the clock says', () => {
  const clock = new HandClock()
  clock.advanceBy(3_600_000)
  const spool = new ScriptedSpool({ unsettled: 10 })
  const build = { name: 'headgate', version: '0.0.0', runtime: 'test' }
  const behind = { line: LINE, build, spool: spool.line, peers: null }
  const log = new RecordingLog()
  const gateway = new Gateway({ clock, random: RANDOM }, gatewayConfig({}, true), behind, log)
  clock.advanceBy(1000)
  gateway.onSettled('delivered')
  spool.refuses = FULL
  const begun = refusedOnHead(gateway)
  assert.equal(headerOfAnswer(begun, 'retry-after'), '9')
})

test('how fast the disk is does not depend on how long nobody came', () => {
  const spool = new ScriptedSpool()
  const station = new Station({ admission: { maxOpenRequests: 3 } }, spool)
  const commitOne = () => {
    station.put('a', 'durable')
    station.clock.advanceBy(1000)
    spool.commit()
  }
  commitOne()
  station.clock.advanceBy(3_600_000)
  commitOne()
  for (let i = 0; i < 3; i++) station.put('b', 'durable')
  const { headers } = station.put('c', 'durable').answer!
  assert.equal(headers[headers.indexOf('retry-after') + 1], '3')
})

test('without a spool bodies wait for Kinesis, and come back when it has taken what is there', () => {
  const station = new Station({
    memory: { maxBytes: 1024 ** 2 },
    backpressure: { strategy: 'none' },
  })
  for (let i = 0; i < 11; i++) station.put('a')
  station.clock.advanceBy(1000)
  station.settleNext()
  assert.equal(retryAfterOf(station.post('/mappedIngest/s2', Buffer.alloc(1024 ** 2, ' '))), '10')
})

test('with a spool bodies wait for the disk alone', () => {
  const spool = new ScriptedSpool()
  const station = new Station({ memory: { maxBytes: 1024 ** 2 } }, spool)
  for (let i = 0; i < 5; i++) station.put('a', 'durable')
  station.clock.advanceBy(1000)
  spool.commit()
  assert.equal(retryAfterOf(station.post('/mappedIngest/s2', Buffer.alloc(1024 ** 2, ' '))), '4')
})

test('who waits in line is part of what has to drain first', () => {
  const station = new Station({ backpressure: { threshold: 2, maxWaiting: 3 } })
  for (let i = 0; i < 5; i++) station.put('a')
  station.clock.advanceBy(1000)
  station.settleNext()
  for (let i = 0; i < 2; i++) station.put('a')
  // Two inside, three in line, one in a second.
  const { answer } = station.put('b')
  assert.equal(codeOf(answer), 'back-pressure')
  assert.equal(retryAfterOf({ answer }), '5')
})

test('a stop has its time from when it begins', async () => {
  const station = new Station()
  station.put('a')
  station.clock.advanceTo(10_000)
  let isDrained = false
  void station.gateway.drain(1000).then(() => {
    isDrained = true
  })
  station.clock.advanceTo(10_999)
  await turn()
  assert.equal(isDrained, false)
  station.clock.advanceTo(11_000)
  await turn()
  assert.equal(isDrained, true)
})

test('while it stops clients are sent elsewhere, and told when to come back', () => {
  const station = new Station()
  void station.gateway.drain(1000)
  const { answer } = station.put('a')
  assert.equal(codeOf(answer), 'draining')
  assert.equal(headerOfAnswer(answer, 'connection'), 'close')
  assert.equal(retryAfterOf({ answer }), '1')
})

test('a spool that is closed is a gateway that stops, unless the record may be there', () => {
  const spool = new ScriptedSpool()
  const station = new Station({}, spool)
  const refuse = (mayBeWritten: boolean) => {
    const { answer } = station.put('a', 'durable')
    assert.equal(answer, null)
    const asked = station.put('a', 'durable')
    spool.refuse(FULL)
    spool.refuse({ code: 'closed', message: 'Closed.', mayBeWritten })
    return asked.answer
  }
  assert.equal(headerOfAnswer(refuse(false), 'connection'), 'close')
  const perhaps = refuse(true)
  assert.equal(codeOf(perhaps), 'draining')
  assert.equal(JSON.parse(String(perhaps!.body)).mayBeWritten, true)
})

test('where nobody may wait a head is refused while all places are taken', () => {
  const station = new Station({ backpressure: { strategy: 'reject', threshold: 1 } })
  station.put('a')
  const begun = refusedOnHead(station.gateway)
  assert.equal(codeOf(begun), 'back-pressure')
})

test('what enters again keeps its key', () => {
  const spool = new ScriptedSpool()
  const idempotency = { key: 'one', bodyHash: Buffer.alloc(32), ack: 'durable' } as const
  new Station({}, spool).gateway.enterAgain({ ...LETTER, idempotency })
  assert.equal(spool.appended[0]!.idempotency, idempotency)
})

test('who has an answer is not told again when all who wait are', () => {
  const spool = new ScriptedSpool()
  const parts = { line: LINE, spool: spool.line, peers: null }
  const host = { clock: new HandClock(), random: RANDOM }
  const door = new Door(host, gatewayConfig({}, true), parts, new RecordingLog())
  const take = () => {
    const ingested = { stream: 's2', partitionKey: 'k', data: Buffer.of(1), idempotencyKey: null }
    const about = { ack: 'delivered', maxBodyBytes: 10, quota: null, path: '/' } as const
    const taker = new RecordTaker(door, { ...about, ingest: () => ingested, idempotencyKey: null })
    taker.end(Buffer.of(1), () => {})
    return taker
  }
  take().abort()
  spool.commit()
  assert.equal(door.waiting.size, 0, 'nobody waits')
  take()
  const receipt = spool.commit()
  assert.equal(door.waiting.size, 1)
  spool.settle(receipt, { kind: 'delivered', place: PLACE })
  assert.equal(door.waiting.size, 0)
})
