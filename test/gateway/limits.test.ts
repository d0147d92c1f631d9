import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Quota } from '../../src/gateway/quota.ts'
import { ScriptedSpool } from './scripted-spool.ts'
import { codeOf, headerOfAnswer, Station } from './station.ts'

const MAPPING = { resource: 'a', stream: 's', location: 'body', specification: '' } as const

test('a quota of records lets through exactly as many, and the next one when it is due', () => {
  const quota = { recordsPerSecond: 3 }
  const station = new Station({ mappings: [{ ...MAPPING, quota }], ack: { default: 'accepted' } })
  const statuses = () => station.post('/mappedIngest/a', '"k"').answer!.status
  assert.deepEqual([statuses(), statuses(), statuses(), statuses()], [202, 202, 202, 429])
  station.clock.advanceTo(333.333)
  assert.equal(statuses(), 429)
  station.clock.advanceTo(333.334)
  assert.deepEqual([statuses(), statuses()], [202, 429])
})

test('a quota is refused on the head, with its own code and a Retry-After', () => {
  const quota = { bytesPerSecond: 10 }
  const station = new Station({ mappings: [{ ...MAPPING, quota }], ack: { default: 'accepted' } })
  const head = (length: number) => ({
    method: 'POST',
    target: '/mappedIngest/a',
    headers: ['content-length', `${length}`],
  })
  assert.equal(station.post('/mappedIngest/a', '"1234567"').answer!.status, 202)
  assert.ok(!('status' in station.gateway.begin(head(1))))
  const decision = station.gateway.begin(head(2))
  assert.ok('status' in decision)
  assert.deepEqual([decision.status, codeOf(decision)], [429, 'quota-exceeded'])
  assert.equal(headerOfAnswer(decision, 'retry-after'), '1')
  assert.equal(station.ledger()['attempts'], 1)
})

test('what is larger than a second’s worth of a quota finds it full once, and is paid for after', () => {
  const quota = new Quota({ bytesPerSecond: 100 })
  assert.equal(quota.take(1, 250, 0), 0)
  assert.equal(quota.take(1, 1, 1500), 10)
  assert.equal(quota.take(1, 1, 1510), 0)
})

test('over any time a quota lets through what was saved and what came, to the last one', () => {
  const steps = fc.array(
    fc.tuple(fc.integer({ min: 0, max: 4000 }), fc.integer({ min: 1, max: 9 })),
    {
      maxLength: 200,
    },
  )
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_000_000 }), steps, (perSecond, steps) => {
      const quota = new Quota({ recordsPerSecond: perSecond })
      // Millionths, as exact integers.
      let saved = BigInt(perSecond) * 1_000_000n
      let nowUs = 0
      quota.take(0, 0, 0)
      for (const [us, count] of steps) {
        nowUs += us * 100
        const most = BigInt(perSecond) * 1_000_000n
        saved += BigInt(us * 100) * BigInt(perSecond)
        if (saved > most) saved = most
        const cost = BigInt(count) * 1_000_000n
        const isLet = saved >= (cost < most ? cost : most)
        if (isLet) saved -= cost
        assert.equal(quota.take(count, 0, nowUs / 1000) === 0, isLet)
      }
    }),
  )
})

test('requests that wait for their answer are bounded, at the bound and not below', () => {
  const spool = new ScriptedSpool()
  const station = new Station({ admission: { maxOpenRequests: 2 } }, spool)
  const [first, second] = [station.put('a', 'durable'), station.put('b', 'durable')]
  assert.deepEqual([first.answer, second.answer], [null, null])
  const third = station.put('c', 'durable')
  assert.deepEqual([third.answer!.status, codeOf(third.answer)], [503, 'too-many-requests-open'])
  assert.match(String(station.get('/readyz').body), /too-many-requests-open/)
  spool.commit()
  assert.equal(station.put('d', 'durable').answer, null)
  second.leave()
  assert.equal(station.put('e', 'durable').answer, null)
  assert.equal(codeOf(station.put('f', 'durable').answer), 'too-many-requests-open')
})

test('bodies may hold what the spool’s window leaves of the memory', () => {
  const spool = new ScriptedSpool()
  const maxBytes = 1024 * 1024
  const station = new Station({ memory: { maxBytes }, record: { maxBytes: 10 * maxBytes } }, spool)
  const begin = (length: number) => {
    const headers = ['content-type', 'application/json', 'content-length', `${length}`]
    return station.gateway.begin({ method: 'POST', target: '/mappedIngest/s2', headers })
  }
  const { windowBytes } = spool.line
  assert.ok(!('status' in begin(maxBytes - windowBytes)))
  const decision = begin(maxBytes - windowBytes + 1)
  assert.ok('status' in decision)
  assert.equal(codeOf(decision), 'memory-full')
  spool.windowBytes = 900
  assert.equal(station.ledger()['heldBytes'], 900)
})

test('with nobody waiting for room the line is no bound, unless a threshold is set', () => {
  const spool = new ScriptedSpool({ unsettled: 50_000 })
  assert.equal(new Station({}, spool).put('a', 'accepted').answer!.status, 202)
  const bounded = { backpressure: { threshold: 50_000, maxWaiting: 0 } }
  const station = new Station(bounded, new ScriptedSpool({ unsettled: 49_999 }))
  assert.equal(station.put('a', 'accepted').answer!.status, 202)
  assert.equal(codeOf(station.put('b', 'accepted').answer), 'back-pressure')
})

test('metrics are there for Prometheus: ledger, refusals, spool, and the producer’s', () => {
  const spool = new ScriptedSpool({ successes: 3 })
  const station = new Station({}, spool)
  station.put('a', 'durable')
  spool.commit()
  station.post('/mappedIngest/nowhere', '{}')
  spool.refuses = { code: 'disk-full', message: 'Full.', mayBeWritten: false }
  station.put('b', 'durable')
  const { headers, body } = station.get('/metrics')
  assert.deepEqual(headers, ['content-type', 'text/plain; version=0.0.4; charset=utf-8'])
  for (const line of [
    'headgate_ledger_attempts_total 5',
    'headgate_ledger_successes_total 3',
    'headgate_ledger_exhausted_total 1',
    'headgate_ledger_outstanding 1',
    'headgate_ledger_imbalance 0',
    'headgate_requests_total{status="200"} 1',
    'headgate_requests_total{status="503"} 1',
    'headgate_refusals_total{code="no-mapping"} 1',
    'headgate_refusals_total{code="disk-full"} 1',
    'headgate_spool_unsettled_records 1',
    'headgate_held_bytes 0',
    'headgate_dead_letters 0',
    'headgate_producer_outstanding_bytes 7',
  ]) {
    assert.ok(String(body).split('\n').includes(line), `${line} in\n${body}`)
  }
})
