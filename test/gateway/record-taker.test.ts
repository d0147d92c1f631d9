// One request from its body to its answer: what it gives back, and when.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Claim, Peers } from '../../src/gateway/index.ts'
import type { BodyTaker } from '../../src/host/index.ts'
import type { Outcome, SpoolRefusal } from '../../src/spool/index.ts'
import { ScriptedSpool } from './scripted-spool.ts'
import { codeOf, failed, Station } from './station.ts'

const EXPIRED: Outcome = { kind: 'dead-lettered', code: 'Expired', message: 'too old' }
const FULL: SpoolRefusal = { code: 'spool-full', message: 'No room.', mayBeWritten: false }
const BODY = Buffer.from('{"foo":{"foopart1":"k"}}')

function begin(station: Station, headers: readonly string[] = []): BodyTaker {
  const all = ['content-type', 'application/json', ...headers]
  const begun = station.gateway.begin({ method: 'POST', target: '/mappedIngest/s2', headers: all })
  assert.ok(!('status' in begun), 'refused on its head')
  return begun
}

test('a body that is refused half-way gives everything back, and is counted', () => {
  const station = new Station({}, new ScriptedSpool())
  for (let i = 1; i <= 2; i++) {
    const taker = begin(station)
    assert.equal(taker.more!(500), null)
    assert.deepEqual([station.gateway.heldBytes, station.gateway.openCount], [500, 1])
    assert.equal(codeOf(taker.tooLarge()), 'body-too-large')
    assert.deepEqual([station.gateway.heldBytes, station.gateway.openCount], [0, 0])
    assert.deepEqual(station.gateway.report().snapshot.refusals, { 'body-too-large': i })
  }
})

test('memory is given back once, however a record ends', () => {
  const spool = new ScriptedSpool()
  const station = new Station({}, spool)
  station.put('a', 'delivered')
  spool.settle(spool.commit(), EXPIRED)
  assert.equal(station.gateway.heldBytes, 0)
  const alone = new Station()
  alone.put('a', 'delivered')
  assert.ok(alone.gateway.heldBytes > 0)
  alone.settleNext()
  assert.equal(alone.gateway.heldBytes, 0)
})

test('a body is held by nobody but those who have its record', () => {
  const spool = new ScriptedSpool()
  const taker = begin(new Station({}, spool))
  taker.end(BODY, () => {})
  assert.equal(spool.appended[0]!.records.length, 1)
  spool.commit()
  const direct = begin(new Station())
  direct.end(BODY, () => {})
  for (const one of [taker, direct]) assert.deepEqual((one as { records?: unknown }).records, [])
})

test('of who is answered before delivery the spool remembers nothing', () => {
  const spool = new ScriptedSpool()
  const station = new Station({}, spool)
  for (const ack of ['accepted', 'durable', 'delivered']) station.put('a', ack)
  assert.deepEqual(
    spool.appended.map(({ settled }) => settled !== null),
    [false, false, true],
  )
  for (let i = 0; i < 3; i++) spool.commit()
  assert.deepEqual(spool.forgotten, [])
})

test('a record counts as large as its key is in bytes', () => {
  const station = new Station({ record: { maxBytes: 1024 } })
  const key = 'é'.repeat(200)
  const bodyOf = (bytes: number) => `{"foo":{"foopart1":"${key}"},"x":"`.padEnd(bytes - 202, 'x')
  const sizeOf = (bytes: number) => Buffer.from(`${bodyOf(bytes)}"}`)
  const fits = 1024 - 400
  assert.equal(sizeOf(fits).length, fits)
  assert.equal(station.post('/mappedIngest/s2', sizeOf(fits)).answer, null, 'it is taken')
  const refused = station.post('/mappedIngest/s2', sizeOf(fits + 1))
  assert.equal(codeOf(refused.answer), 'record-too-large')
})

test('accepted is not said when the spool is full by the time that the body is there', () => {
  const spool = new ScriptedSpool()
  const station = new Station({}, spool)
  const taker = begin(station, ['headgate-ack', 'accepted'])
  spool.refuses = FULL
  const codes: string[] = []
  taker.end(BODY, (answer) => codes.push(codeOf(answer)))
  assert.deepEqual(codes, ['spool-full'])
})

test('two whose heads a quota lets through and whose bodies it does not: the second is refused', () => {
  const mapping = { resource: 'a', stream: 's', location: 'body', specification: '/k' } as const
  const station = new Station({ mappings: [{ ...mapping, quota: { recordsPerSecond: 1 } }] })
  const head = ['content-type', 'application/json', 'headgate-ack', 'accepted']
  const takers = [1, 2].map(() => {
    return station.gateway.begin({ method: 'POST', target: '/mappedIngest/a', headers: head })
  })
  const told: number[] = []
  for (const taker of takers) {
    assert.ok(!('status' in taker))
    taker.end(Buffer.from('{"k":1}'), ({ status }) => told.push(status))
  }
  assert.deepEqual(told, [202, 429])
})

test('nothing is scheduled for a request that has its answer', () => {
  const spool = new ScriptedSpool()
  const station = new Station({}, spool)
  station.put('a', 'delivered')
  spool.refuse({ ...FULL, code: 'transaction-too-large' })
  assert.equal(station.clock.scheduledCount, 0)
  const stopped = station.put('b', 'delivered')
  spool.commit()
  assert.equal(station.clock.scheduledCount, 1)
  station.gateway.close()
  assert.equal(stopped.answer!.status, 202)
  assert.equal(station.clock.scheduledCount, 0)
})

test('a record of which nobody was promised anything is not told as lost', () => {
  const spool = new ScriptedSpool()
  const station = new Station({}, spool)
  station.put('a', 'durable').leave()
  spool.refuse(FULL)
  station.put('b', 'durable')
  spool.refuse(FULL)
  station.gateway.close()
  assert.equal(station.log.lines.filter((line) => /could not be delivered/.test(line)).length, 0)
})

test('a stream that is not there is told to who waits, else to who runs the gateway', () => {
  const station = new Station()
  const linesOf = () =>
    station.log.lines.filter((line) => /could not be delivered/.test(line)).length
  station.put('a', 'delivered')
  station.settleNext(failed('ResourceNotFoundException'))
  assert.equal(linesOf(), 0)
  station.put('a', 'delivered').leave()
  station.settleNext(failed('ResourceNotFoundException'))
  assert.equal(linesOf(), 1)
})

test('a new key is refused for an old backlog before anything is taken for it', () => {
  const spool = new ScriptedSpool()
  const station = new Station({ admission: { maxOldestAgeMs: 1000 } }, spool)
  spool.oldestAgeMs = 1000
  const headers = { 'Idempotency-Key': 'one' }
  const { answer } = station.post('/mappedIngest/s2', BODY, headers)
  assert.equal(codeOf(answer), 'backlog-too-old')
  assert.equal(spool.appended.length, 0)
})

test('the key of an accepted record that was refused is free again', () => {
  const spool = new ScriptedSpool()
  const station = new Station({}, spool)
  const post = () =>
    station.post('/mappedIngest/s2', BODY, { 'Idempotency-Key': 'one', 'Headgate-Ack': 'accepted' })
  post()
  spool.refuse(FULL)
  assert.equal(post().answer!.status, 202)
})

test('the same body under another partition key is another request', () => {
  const station = new Station({}, new ScriptedSpool())
  const post = (key: string) =>
    station.post('/mappedIngest/s1', '{}', { 'Idempotency-Key': 'one', S1KEY: key })
  post('a')
  assert.equal(codeOf(post('a').answer), 'idempotency-running')
  assert.equal(codeOf(post('b').answer), 'idempotency-mismatch')
})

/** Keys that answer when the test says so, and remember what was given back. */
class HeldKeys {
  readonly released: string[] = []
  readonly told: ((claim: Claim) => void)[] = []

  get peers(): Peers {
    const keys = {
      claim: (_key: string, _hash: Uint8Array, told: (claim: Claim) => void) => {
        this.told.push(told)
      },
      release: (key: string) => {
        this.released.push(key)
      },
    }
    return {
      report: async () => ({ processes: [], workers: null }),
      receipt: async () => ({ state: 'unknown' }),
      keys,
    }
  }
}

function keyed(keys: HeldKeys) {
  const spool = new ScriptedSpool()
  const station = new Station({}, spool, keys.peers)
  const post = (ack = 'durable') =>
    station.post('/mappedIngest/s2', '{"foo":{"foopart1":"k"}}', {
      'Idempotency-Key': 'one',
      'Headgate-Ack': ack,
    })
  return { spool, station, post }
}

test('the keys of all processes count where there are several, and each is given back once', () => {
  for (const ack of ['accepted', 'durable', 'delivered']) {
    const keys = new HeldKeys()
    const { spool, post } = keyed(keys)
    const asked = post(ack)
    assert.equal(asked.answer, null)
    keys.told.shift()!({ kind: 'mine' })
    const receipt = spool.commit()
    spool.settle(receipt, EXPIRED)
    assert.notEqual(asked.answer, null)
    assert.deepEqual(keys.released, ['one'], ack)
  }
})

test('a key that comes when nobody waits any more is given back, and nothing enters', () => {
  const keys = new HeldKeys()
  const { spool, station, post } = keyed(keys)
  post().leave()
  keys.told.shift()!({ kind: 'mine' })
  assert.deepEqual(keys.released, ['one'])
  assert.equal(spool.appended.length, 0)
  assert.equal(station.gateway.heldBytes, 0)
  assert.equal(station.gateway.ledger.attempts, 0)
})
