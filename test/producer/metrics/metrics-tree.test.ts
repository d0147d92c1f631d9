import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ERROR_CODES_MAX_COUNT,
  type Metric,
  MetricsTree,
} from '../../../src/producer/metrics/metrics-tree.ts'

function at(stream: string, shardId: string | null = null, errorCode: string | null = null) {
  return { stream, shardId, errorCode }
}

/** `Name key=value …` of each, with its sum. */
function sums(metrics: readonly Metric[]): Record<string, number> {
  return Object.fromEntries(
    metrics.map(({ name, dimensions, sum }) => [
      [name, ...[...dimensions].map((pair) => pair.join('='))].join(' '),
      sum,
    ]),
  )
}

test('two streams of two shards make seven metrics, each the sum of what is below', () => {
  const tree = new MetricsTree([])
  tree.node('UserRecordsPut', at('a', 'a0'), 0).own.add(1, 0)
  tree.node('UserRecordsPut', at('a', 'a1'), 0).own.add(2, 0)
  tree.node('UserRecordsPut', at('b', 'b0'), 0).own.add(4, 0)
  tree.node('UserRecordsPut', at('b', 'b1'), 0).own.add(8, 0)

  assert.deepEqual(sums(tree.list(null, 0, 0)), {
    UserRecordsPut: 15,
    'UserRecordsPut StreamName=a': 3,
    'UserRecordsPut StreamName=a ShardId=a0': 1,
    'UserRecordsPut StreamName=a ShardId=a1': 2,
    'UserRecordsPut StreamName=b': 12,
    'UserRecordsPut StreamName=b ShardId=b0': 4,
    'UserRecordsPut StreamName=b ShardId=b1': 8,
  })
})

test("the error code, and one's own dimensions, have the KPL's places in the path", () => {
  const tree = new MetricsTree([
    { key: 'Fleet', value: 'f', granularity: 'global' },
    { key: 'Team', value: 't', granularity: 'stream' },
    { key: 'Zone', value: 'z', granularity: 'shard' },
  ])
  tree.node('ErrorsByCode', at('s', 'x', 'Bad'), 0).own.add(1, 0)

  assert.deepEqual(Object.keys(sums(tree.list('ErrorsByCode', 0, 0))), [
    'ErrorsByCode',
    'ErrorsByCode Fleet=f',
    'ErrorsByCode Fleet=f ErrorCode=Bad',
    'ErrorsByCode Fleet=f ErrorCode=Bad StreamName=s',
    'ErrorsByCode Fleet=f ErrorCode=Bad StreamName=s Team=t',
    'ErrorsByCode Fleet=f ErrorCode=Bad StreamName=s Team=t ShardId=x',
    'ErrorsByCode Fleet=f ErrorCode=Bad StreamName=s Team=t ShardId=x Zone=z',
  ])
})

test('an empty window has zeros and nulls, never NaN', () => {
  const tree = new MetricsTree([])
  tree.node('RequestTime', at('s'), 0).own.add(5, 0)

  const [metric] = tree.list('RequestTime', 10, 20_000)

  assert.deepEqual(metric, {
    name: 'RequestTime',
    unit: 'Milliseconds',
    level: 'detailed',
    dimensions: new Map(),
    durationSeconds: 10,
    sampleCount: 0,
    sum: 0,
    mean: null,
    min: null,
    max: null,
  })
})

test('a lifetime lasts since the metric had its first place in the tree', () => {
  const tree = new MetricsTree([])
  tree.node('RequestTime', at('s'), 2000).own.add(5, 2000)

  assert.equal(tree.list('RequestTime', 0, 9500)[0]!.durationSeconds, 7.5)
  assert.equal(tree.take(() => true, 9500)[0]!.durationSeconds, 7.5)
})

test('windows of 1 to 60 seconds can be asked for, and nothing else', () => {
  const tree = new MetricsTree([])

  for (const seconds of [0, 1, 60]) tree.list(null, seconds, 0)
  for (const seconds of [-1, 61, 1.5, Number.NaN]) {
    assert.throws(() => tree.list(null, seconds, 0), RangeError)
  }
})

test('a shard that is retired is no more, and its stream keeps what it had', () => {
  const tree = new MetricsTree([])
  const shard = tree.node('UserRecordsPut', at('s', 'x'), 0)
  shard.own.add(3, 500)
  shard.retire(900)

  const left = { UserRecordsPut: 3, 'UserRecordsPut StreamName=s': 3 }
  assert.deepEqual(sums(tree.list(null, 0, 900)), left)
  assert.deepEqual(sums(tree.list(null, 1, 900)), left)
  assert.deepEqual(sums(tree.take(() => true, 1000)), left)
  assert.deepEqual(
    tree.take(() => true, 2000),
    [],
  )
})

test('a stream that is retired after its shard takes the values of both along, once', () => {
  const tree = new MetricsTree([])
  const shard = tree.node('UserRecordsPut', at('s', 'x'), 0)
  shard.own.add(3, 500)
  shard.retire(600)
  tree.node('UserRecordsPut', at('s', 'x'), 600).own.add(4, 700)
  const stream = tree.node('UserRecordsPut', at('s'), 700)
  stream.own.add(5, 800)

  stream.retire(900)
  shard.retire(900)
  stream.retire(900)

  assert.deepEqual(sums(tree.list(null, 0, 900)), { UserRecordsPut: 12 })
  assert.deepEqual(sums(tree.take(() => true, 1000)), { UserRecordsPut: 12 })
})

test('error codes beyond the bound are counted together', () => {
  const tree = new MetricsTree([])
  const fail = (code: number) => {
    tree.node('ErrorsByCode', at('s', null, `Code${code}`), 0).own.add(1, 0)
  }
  for (let i = 0; i < ERROR_CODES_MAX_COUNT + 10; i++) fail(i)
  fail(0)

  const codes = new Map(
    tree
      .list('ErrorsByCode', 0, 0)
      .filter(({ dimensions }) => dimensions.size === 1)
      .map(({ dimensions, sum }) => [dimensions.get('ErrorCode'), sum]),
  )
  assert.equal(codes.size, ERROR_CODES_MAX_COUNT + 1)
  assert.equal(codes.get('Other'), 10)
  assert.equal(codes.get('Code0'), 2, 'those that were there are told apart as before')
})
