// What the gateway says of itself, part by part.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Peers, WholeReport } from '../../src/gateway/index.ts'
import type { SpoolStats } from '../../src/spool/index.ts'
import { ScriptedSpool } from './scripted-spool.ts'
import { Station } from './station.ts'

/** What of the spool's numbers health looks at. */
class SickSpool extends ScriptedSpool {
  sick: Partial<SpoolStats> = {}

  override get stats(): SpoolStats {
    return { ...super.stats, ...this.sick }
  }
}

function healthOf(station: Station) {
  const { status, body } = station.get('/actuator/health')
  return { httpStatus: status, ...JSON.parse(String(body)) }
}

test('who would be turned away finds it said: health is out of service, with the reason', () => {
  const station = new Station({ backpressure: { strategy: 'reject', threshold: 1 } })
  station.put('a')
  const { httpStatus, status, components } = healthOf(station)
  assert.deepEqual([httpStatus, status], [503, 'OUT_OF_SERVICE'])
  assert.deepEqual(components, {
    liveness: { status: 'UP' },
    readiness: { status: 'OUT_OF_SERVICE', details: { reasons: ['back-pressure'] } },
  })
})

test('the whole is as its worst part: what is down weighs more than what is out of service', () => {
  const spool = new ScriptedSpool()
  const station = new Station({}, spool)
  spool.state = 'spool-full'
  const { status, components } = healthOf(station)
  assert.equal(status, 'DOWN')
  assert.equal(components.readiness.status, 'OUT_OF_SERVICE')
  assert.equal(components.spool.status, 'DOWN')
})

test('the spool is down in a bad state, and with records that the disk does not give', () => {
  const spool = new SickSpool()
  const station = new Station({}, spool)
  const about = { unreadableRecords: 0, unreadableFiles: 0 }
  const partOf = () => healthOf(station).components.spool
  assert.deepEqual(partOf(), { status: 'UP', details: { state: 'ok', ...about } })
  spool.state = 'disk-failed'
  assert.deepEqual(partOf(), { status: 'DOWN', details: { state: 'disk-failed', ...about } })
  spool.state = 'ok'
  spool.sick = { unreadableRecords: 7, unreadableFiles: 1 }
  assert.deepEqual(partOf(), { status: 'DOWN', details: { state: 'ok', ...spool.sick } })
  assert.equal(station.get('/readyz').status, 200)
})

test('of the dead letters it is said how many there are, and how many wait for room', () => {
  const spool = new SickSpool()
  const station = new Station({}, spool)
  spool.sick = { parkedRecords: 3 }
  spool.deadLetters = { ...spool.deadLetters, count: 5, bytes: 500, state: 'full' }
  const details = { state: 'full', count: 5, parkedRecords: 3 }
  assert.deepEqual(healthOf(station).components.deadLetters, { status: 'DOWN', details })
})

test('why nothing is taken and what the stores may hold is in the metrics, too', () => {
  const spool = new ScriptedSpool()
  const station = new Station({}, spool)
  const metrics = () => String(station.get('/metrics').body)
  assert.match(metrics(), /^headgate_unready_processes\{reason="disk-full"\} 0$/m)
  spool.state = 'disk-full'
  assert.match(metrics(), /^headgate_unready_processes\{reason="disk-full"\} 1$/m)
  assert.match(metrics(), /^headgate_unready_processes\{reason="memory-full"\} 0$/m)
  assert.match(metrics(), /^headgate_spool_max_bytes 1000000$/m)
  assert.match(metrics(), /^headgate_dead_letters_max 100$/m)
  assert.match(metrics(), /^headgate_dead_letters_max_bytes 1000$/m)
})

test('a stream that refuses all is said with its reason, and nobody who sends is turned away', () => {
  const spool = new ScriptedSpool()
  const station = new Station({}, spool)
  assert.deepEqual(healthOf(station).components.streams, {
    status: 'UP',
    details: { refused: [] },
  })
  const why = { code: 'AccessDeniedException', message: 'Not for you.' }
  const refused = { stream: 's1', ...why, forMs: 4000, isWaitedFor: true }
  spool.refusedStreams.push(refused)
  const { httpStatus, status, components } = healthOf(station)
  assert.deepEqual([httpStatus, status], [503, 'DOWN'])
  assert.deepEqual(components.streams, { status: 'DOWN', details: { refused: [refused] } })
  assert.equal(station.get('/readyz').status, 200)
})

test('who waits in line and who waits for an answer are counted, and the books are right', () => {
  const station = new Station({ backpressure: { threshold: 1 } })
  station.put('a', 'delivered')
  station.put('b', 'delivered')
  const { waiting, openRequests, imbalance, processes } = station.ledger()
  assert.deepEqual([waiting, openRequests, imbalance, processes], [1, 2, 0, 1])
  station.settleNext()
  station.settleNext()
  assert.equal(station.ledger()['imbalance'], 0)
})

test('what is on its way to the disk is held, too', () => {
  const station = new Station({}, new ScriptedSpool())
  station.put('a', 'durable')
  assert.equal(station.ledger()['imbalance'], 0)
})

test('of several processes all are asked, and the answer counts where it is given', async () => {
  let station: Station
  const peers: Peers = {
    report: async (): Promise<WholeReport> => {
      const own = station.gateway.report()
      return { processes: [own, own], workers: { wanted: 2, ready: 1, replaced: 3, hung: 2 } }
    },
    receipt: async () => ({ state: 'unknown' }),
    keys: { claim() {}, release() {} },
  }
  station = new Station({}, new ScriptedSpool(), peers)
  station.put('a')
  for (const page of ['/actuator/kinesis', '/metrics']) {
    const asked = station.ask('GET', page, {}, Buffer.alloc(0))
    await new Promise(setImmediate)
    assert.equal(asked.answer!.status, 200)
    const body = String(asked.answer!.body)
    if (page === '/metrics') {
      assert.match(body, /^headgate_workers_wanted 2$/m)
      assert.match(body, /^headgate_workers_ready 1$/m)
      assert.match(body, /^headgate_workers_replaced_total 3$/m)
      assert.match(body, /^headgate_workers_hung_total 2$/m)
      continue
    }
    const { attempts, processes, workers } = JSON.parse(body)
    assert.deepEqual([attempts, processes], [2, 2])
    assert.deepEqual(workers, { wanted: 2, ready: 1, replaced: 3, hung: 2 })
  }
  assert.deepEqual(station.gateway.report().snapshot.requests, { 200: 2, 202: 1 })
})
