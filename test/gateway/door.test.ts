// What is counted of a record on its way in, when it does not get in or comes again.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Gateway } from '../../src/gateway/index.ts'
import type { SpoolRefusal } from '../../src/spool/index.ts'
import { HandClock } from '../hand-clock.ts'
import { RecordingLog } from '../recording-log.ts'
import { ScriptedSpool } from './scripted-spool.ts'
import { codeOf, gatewayConfig, Station } from './station.ts'

const FULL: SpoolRefusal = { code: 'spool-full', message: 'full', mayBeWritten: false }
const PLACE = { shardId: 's', sequenceNumber: '1', subSequenceNumber: null }
const turn = () => new Promise(setImmediate)

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

test('while it stops a request is refused on its head', () => {
  const station = new Station({}, new ScriptedSpool())
  void station.gateway.drain(1000)
  const headers = ['content-type', 'application/json', 'content-length', '10']
  const begun = station.gateway.begin({ method: 'POST', target: '/mappedIngest/s2', headers })
  assert.ok('status' in begun)
  assert.equal(codeOf(begun), 'draining')
})

test('after a start the drain is measured from then on, whatever the clock says', () => {
  const clock = new HandClock()
  clock.advanceBy(3_600_000)
  const spool = new ScriptedSpool({ unsettled: 10 })
  const random = { below: () => 0, fork: () => random }
  const line = { put() {}, describe: () => ({}), prometheusText: () => '' }
  const build = { name: 'headgate', version: '0.0.0', runtime: 'test' }
  const behind = { line, build, spool: spool.line, peers: null }
  const log = new RecordingLog()
  const gateway = new Gateway({ clock, random }, gatewayConfig({}, true), behind, log)
  clock.advanceBy(1000)
  gateway.onSettled('delivered')
  spool.refuses = FULL
  const headers = ['content-type', 'application/json', 'content-length', '10']
  const begun = gateway.begin({ method: 'POST', target: '/mappedIngest/s2', headers })
  assert.ok('status' in begun)
  assert.equal(begun.headers[begun.headers.indexOf('retry-after') + 1], '9')
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
