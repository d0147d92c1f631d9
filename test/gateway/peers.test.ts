import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GatewaySnapshot } from '../../src/gateway/index.ts'
import { merged, mergedMetrics, ReportsTaker } from '../../src/gateway/peers.ts'
import type { SpoolState } from '../../src/spool/index.ts'

const NOTHING = { processes: [], workers: null }

function snapshot(factor: number, state: SpoolState, oldestAgeMs: number): GatewaySnapshot {
  return {
    ledger: {
      attempts: 10 * factor,
      successes: 5 * factor,
      failures: 2 * factor,
      exhausted: factor,
      outstanding: 2 * factor,
    },
    imbalance: 0,
    waiting: factor,
    heldBytes: 100 * factor,
    openRequests: factor,
    closedConnections: factor,
    requests: factor === 1 ? { 200: 3 } : { 200: 4, 503: 1 },
    refusals: factor === 1 ? {} : { 'back-pressure': 1 },
    unready: factor === 1 ? { 'disk-full': 1 } : { 'disk-full': 1, 'memory-full': 1 },
    spool: {
      state,
      bytes: 1000 * factor,
      maxBytes: 5000,
      segments: factor,
      unsettledRecords: 2 * factor,
      oldestAgeMs,
      windowBytes: 0,
      windowRecords: 0,
      waitingTransactions: 0,
      waitingRecords: 0,
      waitingBytes: 0,
      parkedRecords: 0,
      damagedBytes: 0,
      damagedRecords: 0,
      unreadableRecords: 0,
      unreadableFiles: 0,
      forgottenReceipts: 0,
      forgottenKeys: 0,
      syncs: 7,
    },
    deadLetters: {
      count: factor,
      bytes: 10 * factor,
      maxCount: 100,
      maxBytes: 1000,
      state: factor === 1 ? 'ok' : 'full',
    },
    refusedStreams: factor,
  }
}

test('several processes are one: sums, the largest age, the worst state', () => {
  const whole = merged([snapshot(1, 'disk-full', 50), snapshot(2, 'ok', 900)])

  assert.deepEqual(whole.ledger, {
    attempts: 30,
    successes: 15,
    failures: 6,
    exhausted: 3,
    outstanding: 6,
  })
  assert.deepEqual(whole.requests, { 200: 7, 503: 1 })
  assert.deepEqual(whole.refusals, { 'back-pressure': 1 })
  assert.deepEqual(whole.unready, { 'disk-full': 2, 'memory-full': 1 })
  assert.deepEqual([whole.spool!.maxBytes, whole.deadLetters!.maxCount], [10_000, 200])
  assert.equal(whole.heldBytes, 300)
  assert.deepEqual(
    [whole.spool!.bytes, whole.spool!.oldestAgeMs, whole.spool!.state, whole.spool!.syncs],
    [3000, 900, 'disk-full', 14],
  )
  assert.deepEqual(whole.deadLetters, {
    count: 3,
    bytes: 30,
    maxCount: 200,
    maxBytes: 2000,
    state: 'full',
  })
  assert.equal(whole.refusedStreams, 2, 'mostly the same ones')
})

test('one process alone stays what it is', () => {
  const alone = snapshot(1, 'ok', 5)
  assert.deepEqual(merged([alone]), alone)
  const without = { ...alone, spool: null, deadLetters: null }
  assert.deepEqual(merged([without]), without)
})

test('metrics of several processes are one text, each family once, series added up', () => {
  const text = (one: number, other: string) =>
    `# HELP a Says a.\n# TYPE a summary\na_sum{stream="s1"} ${one}\na_count{stream="s1"} 1\n${other}`
  const b = '# HELP b Says b.\n# TYPE b gauge\nb{stream="has space"} 0.5\n'

  assert.equal(
    mergedMetrics([text(1.5, ''), text(2, b), b]),
    '# HELP a Says a.\n# TYPE a summary\na_sum{stream="s1"} 3.5\na_count{stream="s1"} 2\n' +
      '# HELP b Says b.\n# TYPE b gauge\nb{stream="has space"} 1\n',
  )
})

test('who went away is not answered any more', async () => {
  const peers = {
    report: async () => NOTHING,
    receipt: async () => ({ state: 'unknown' as const }),
  }
  const keys = { claim() {}, release() {} }
  const answers: number[] = []
  const take = () =>
    new ReportsTaker({ ...peers, keys }, () => ({ status: 200, headers: [], body: '' }))
  const [stays, leaves] = [take(), take()]

  stays.end(Buffer.alloc(0), ({ status }) => answers.push(status))
  leaves.end(Buffer.alloc(0), ({ status }) => answers.push(status))
  leaves.abort()
  await new Promise(setImmediate)

  assert.deepEqual(answers, [200])
})

test('of states the worst counts, in this order, whoever has it', () => {
  const states = [
    'ok',
    'dead-letters-full',
    'spool-full',
    'disk-full',
    'disk-failed',
    'closed',
  ] as const
  for (const [i, worse] of states.entries()) {
    for (const better of states.slice(0, i)) {
      for (const pair of [[better, worse] as const, [worse, better] as const]) {
        const { spool } = merged(pair.map((state) => snapshot(1, state, 0)))
        assert.equal(spool!.state, worse)
      }
    }
  }
  const letters = (state: 'full' | 'disk-failed') => {
    const one = snapshot(1, 'ok', 0)
    return { ...one, deadLetters: { ...one.deadLetters!, state } }
  }
  assert.equal(merged([letters('disk-failed'), letters('full')]).deadLetters!.state, 'disk-failed')
  assert.equal(merged([letters('full'), letters('disk-failed')]).deadLetters!.state, 'disk-failed')
})

test('all processes are asked without a body: 1024 bytes are read over, no more', () => {
  const peers = {
    report: async () => NOTHING,
    receipt: async () => ({ state: 'unknown' as const }),
  }
  const keys = { claim() {}, release() {} }
  const taker = new ReportsTaker({ ...peers, keys }, () => ({ status: 200, headers: [], body: '' }))
  assert.equal(taker.maxBodyBytes, 1024)
  assert.equal(taker.tooLarge().status, 413)
})
