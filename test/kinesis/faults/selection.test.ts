// Whom faults strike, how often and when; and what is refused as no fault.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigError, readConfig } from '../../../src/config/index.ts'
import { isCut } from '../../../src/host/index.ts'
import { ACTIONS } from '../../../src/kinesis/action.ts'
import { amzDate, parseAmzDate } from '../../../src/kinesis/civil-time.ts'
import { FAULTS_MAX_COUNT } from '../../../src/kinesis/faults/fault.ts'
import { type Fault, kinesisFields } from '../../../src/kinesis/index.ts'
import { OPERATIONS } from '../../../src/kinesis/operations/table.ts'
import { Bench, base64 } from '../bench-top.ts'

const HALF = `${2n ** 127n}`

async function benchWith(...faults: Fault[]): Promise<Bench> {
  const bench = await Bench.open({ config: { limits: false, maxShards: 4000 } })
  await bench.ok('CreateStream', { StreamName: 'a', ShardCount: 2 })
  await bench.ok('CreateStream', { StreamName: 'b', ShardCount: 1001 })
  bench.kinesis.setFaults(faults)
  return bench
}

function entriesOf(count: number) {
  return Array.from({ length: count }, (_, i) => ({ PartitionKey: `k${i}`, Data: base64('v') }))
}

async function failedCount(bench: Bench, count = 500, StreamName = 'a'): Promise<number> {
  const answer = await bench.ok('PutRecords', { StreamName, Records: entriesOf(count) })
  return answer.FailedRecordCount
}

test('odds of 0 never strike and odds of 1 always', async () => {
  const bench = await benchWith({ kind: 'throttle', odds: 0 })
  for (let i = 0; i < 4; i++) assert.equal(await failedCount(bench), 0)
  assert.deepEqual(bench.kinesis.struckCounts, [0])
  bench.kinesis.setFaults([{ kind: 'throttle', odds: 1 }])
  for (let i = 0; i < 4; i++) assert.equal(await failedCount(bench), 500)
  assert.deepEqual(bench.kinesis.struckCounts, [2000])
})

test('odds between are the share of entries struck; faults before leave the rest to others', async () => {
  const bench = await benchWith(
    { kind: 'throttle', odds: 0.1 },
    { kind: 'internal-failure', odds: 0.5 },
  )
  let failed = 0
  for (let i = 0; i < 20; i++) failed += await failedCount(bench)
  const [throttled, broken] = bench.kinesis.struckCounts as [number, number]
  assert.equal(failed, throttled + broken)
  // Of 10 000: 1 000 and 4 500, five standard deviations either way.
  assert.ok(Math.abs(throttled - 1000) < 150, `${throttled} throttled`)
  assert.ok(Math.abs(broken - 4500) < 250, `${broken} broken`)
})

test('the same faults set again strike the same', async () => {
  const faults: Fault[] = [{ kind: 'cut', odds: 0.5 }]
  const bench = await benchWith(...faults)
  const strikes = async () => {
    const outcomes: boolean[] = []
    for (let i = 0; i < 50; i++) outcomes.push(isCut(await cutOrNot(bench)))
    return outcomes
  }
  const first = await strikes()
  bench.kinesis.setFaults(faults)
  assert.deepEqual(await strikes(), first)
  assert.ok(first.includes(true) && first.includes(false))
})

function cutOrNot(bench: Bench) {
  const headers = ['Content-Type', 'application/x-amz-json-1.1']
  const target = ['X-Amz-Target', 'Kinesis_20131202.ListStreams']
  return bench.exchange('POST', [...headers, ...target], Buffer.from('{}'))
}

test('a window begins with its first millisecond and ends before its last', async () => {
  const bench = await benchWith({ kind: 'throttle', fromMs: 1000, untilMs: 3000 })
  const countAt = async (atMs: number) => {
    bench.clock.advanceTo(atMs)
    return failedCount(bench, 1)
  }
  assert.deepEqual([await countAt(999), await countAt(1000), await countAt(1001)], [0, 1, 1])
  assert.deepEqual([await countAt(2999), await countAt(3000), await countAt(3001)], [1, 0, 0])

  bench.kinesis.setFaults([{ kind: 'throttle', untilMs: 500 }])
  assert.deepEqual([await countAt(3500), await countAt(3501)], [1, 0], 'counted from the setting')
})

test('a fault of one action leaves the others alone', async () => {
  const bench = await benchWith({ kind: 'access-denied', action: 'ListShards' })
  assert.match(await bench.refused('ListShards', { StreamName: 'a' }), /^AccessDenied/)
  await bench.ok('DescribeStreamSummary', { StreamName: 'a' })
  assert.equal(await failedCount(bench), 0)
})

test('a fault of one stream finds it by whatever names it', async () => {
  const bench = await benchWith()
  const { StreamARN } = (await bench.ok('DescribeStreamSummary', { StreamName: 'b' }))
    .StreamDescriptionSummary
  const { NextToken } = await bench.ok('ListShards', { StreamName: 'b' })
  const start = { ShardId: 'shardId-000000000000', ShardIteratorType: 'TRIM_HORIZON' }
  const { ShardIterator } = await bench.ok('GetShardIterator', { StreamName: 'b', ...start })
  const ofA = await bench.ok('GetShardIterator', { StreamName: 'a', ...start })
  bench.kinesis.setFaults([{ kind: 'access-denied', stream: 'b' }])

  const denied = async (action: string, input: object, format: 'json' | 'cbor' = 'json') =>
    assert.match(await bench.refused(action, input, format), /^AccessDenied.*stream\/b because/)
  await denied('ListShards', { StreamName: 'b' })
  await denied('ListShards', { StreamName: 'b' }, 'cbor')
  await denied('ListShards', { StreamARN })
  await denied('ListShards', { NextToken })
  await denied('GetRecords', { ShardIterator })
  await denied('PutRecords', { StreamName: 'b', Records: entriesOf(1) })
  await denied('CreateStream', { StreamName: 'b', ShardCount: 1 })
  await bench.ok('GetRecords', { ShardIterator: ofA.ShardIterator })
  await bench.ok('ListStreams', {})
  assert.equal(await failedCount(bench), 0)
})

test('a fault of the entries of one stream leaves those of others alone', async () => {
  const bench = await benchWith({ kind: 'throttle', stream: 'b' })
  assert.deepEqual([await failedCount(bench, 9, 'a'), await failedCount(bench, 9, 'b')], [0, 9])
})

test('a fault of one shard strikes requests with an entry for it, and readers of it', async () => {
  const bench = await benchWith({ kind: 'server-error', shard: 'shardId-000000000001' })
  const entry = (key: string) => ({ PartitionKey: 'k', ExplicitHashKey: key, Data: base64('v') })
  const put = async (...keys: string[]) =>
    (await bench.call('PutRecords', { StreamName: 'a', Records: keys.map(entry) })).status
  assert.deepEqual([await put('0'), await put(HALF), await put('0', HALF)], [200, 500, 500])
  assert.equal((await bench.call('PutRecord', { StreamName: 'a', ...entry(HALF) })).status, 500)
  assert.equal((await bench.call('PutRecord', { StreamName: 'a', ...entry('0') })).status, 200)
  const ShardIteratorType = 'LATEST'
  for (const [ShardId, status] of [
    ['shardId-000000000000', 200],
    ['shardId-000000000001', 500],
  ]) {
    const input = { StreamName: 'a', ShardId, ShardIteratorType }
    assert.equal((await bench.call('GetShardIterator', input)).status, status)
  }
})

test('input that says nothing of its stream gets the service’s own refusal', async () => {
  const bench = await benchWith(
    { kind: 'cut', stream: 'a' },
    { kind: 'cut', shard: 'shardId-000000000000' },
  )
  const bodies = ['[]', '{', '5', 'null', '{"StreamName":5}', '{"StreamName":"b","Records":5}']
  const odd = ['{"StreamName":"b","Records":[5,{"PartitionKey":"k","ExplicitHashKey":"x"}]}']
  for (const body of [...bodies, ...odd]) {
    const { status } = await bench.send('PutRecords', Buffer.from(body))
    assert.equal(status, 400, body)
  }
  const { status } = await bench.send('GetRecords', Buffer.from('{"ShardIterator":"x"}'))
  assert.equal(status, 400)
})

test('what is no fault is refused, each problem with its field and line', () => {
  const lines = [
    'faults:',
    '  - { kind: nonsense }',
    '  - { kind: throttle, odds: 1.5 }',
    '  - { kind: throttle, skewMs: 5 }',
    '  - { kind: latency }',
    '  - { kind: cut, fromMs: 5,',
    '      untilMs: 5 }',
    '  - { kind: cut, action: Put, shard: 1 }',
    '  - { kind: server-error, status: 499 }',
    '  - odds: 1',
  ]
  const problems = problemsOf(lines.join('\n'))
  assert.deepEqual(
    problems.map((problem) => problem.replace(/: (Too|Invalid|expected).*/, '')),
    [
      'h.yaml:2: faults[0].kind: "nonsense": allowed are throttle, internal-failure, ' +
        'server-error, latency, cut, expired-signature, clock-skew, access-denied',
      'h.yaml:3: faults[1].odds: 1.5',
      'h.yaml:4: faults[2]: unknown: skewMs',
      'h.yaml:5: faults[3].latencyMs: missing; Invalid input',
      'h.yaml:7: faults[4].untilMs: 5: is not after fromMs: the fault would never strike',
      `h.yaml:8: faults[5].action: "Put": allowed are ${ACTIONS.join(', ')}`,
      'h.yaml:8: faults[5].shard: 1',
      'h.yaml:9: faults[6].status: 499',
      'h.yaml:10: faults[7].kind: missing; allowed are throttle, internal-failure, ' +
        'server-error, latency, cut, expired-signature, clock-skew, access-denied',
    ],
  )
})

function problemsOf(text: string): string[] {
  try {
    readConfig({ faults: kinesisFields.faults }, { file: { name: 'h.yaml', text } })
    return []
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return error.message.split('\n')
  }
}

test('every limit of a fault holds at its ends', () => {
  const good = [
    ['odds: 0', 'odds: 1', 'fromMs: 0', 'untilMs: 1'].map((field) => `{kind: cut, ${field}}`),
    ['0', '600000'].map((ms) => `{kind: latency, latencyMs: ${ms}, jitterMs: ${ms}}`),
    ['-86400000', '86400000'].map((ms) => `{kind: clock-skew, skewMs: ${ms}}`),
    ['500', '599'].map((status) => `{kind: server-error, status: ${status}}`),
  ].flat()
  const bad = [
    ['odds: -0.1', 'odds: 1.1', 'fromMs: -1', 'untilMs: 0'].map((field) => `{kind: cut, ${field}}`),
    ['-1', '600001'].map((ms) => `{kind: latency, latencyMs: ${ms}}`),
    ['-1', '600001'].map((ms) => `{kind: latency, latencyMs: 0, jitterMs: ${ms}}`),
    ['-86400001', '86400001'].map((ms) => `{kind: clock-skew, skewMs: ${ms}}`),
    ['499', '600'].map((status) => `{kind: server-error, status: ${status}}`),
    ['cut, stream: a b', 'throttle, when: after', 'cut, shard: shardId-1'].map(
      (x) => `{kind: ${x}}`,
    ),
  ].flat()
  for (const one of good) assert.deepEqual(problemsOf(`faults: [${one}]`), [], one)
  for (const one of bad) assert.ok(problemsOf(`faults: [${one}]`).length > 0, one)
  const many = (count: number) => `faults: [${Array(count).fill('{kind: cut}').join(', ')}]`
  assert.deepEqual(problemsOf(many(FAULTS_MAX_COUNT)), [])
  assert.equal(problemsOf(many(FAULTS_MAX_COUNT + 1)).length, 1)
})

test('faults of the configuration are on from the start, and the log says so', async () => {
  const bench = await Bench.open({ config: { faults: [{ kind: 'access-denied' }] } })
  assert.match(await bench.refused('ListStreams', {}), /^AccessDenied.*stream\/\* because/)
  bench.kinesis.setFaults([])
  await bench.ok('ListStreams', {})
  assert.throws(() => bench.kinesis.setFaults([{ kind: 'cut', odds: 2 }]), ConfigError)
  assert.deepEqual(bench.kinesis.faults, [], 'what is refused changes nothing')
  assert.deepEqual(bench.log.lines, ['warn faults are switched on', 'warn faults are switched off'])
})

test('every operation can be named by a fault', () => {
  assert.deepEqual([...OPERATIONS.keys()].sort(), [...ACTIONS].sort())
})

test('an instant of a signature is read as it is written, leap days too', () => {
  for (const [text, atMs] of [
    ['19700101T000000Z', 0],
    ['20240229T235959Z', 1_709_251_199_000],
    ['20240301T000000Z', 1_709_251_200_000],
    ['21000228T120000Z', 4_107_499_200_000],
    ['20261231T235959Z', 1_798_761_599_000],
  ] as const) {
    assert.equal(parseAmzDate(text), atMs)
    assert.equal(amzDate(atMs), text)
  }
  assert.equal(parseAmzDate('2024-02-29'), null)
})
