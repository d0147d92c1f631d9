import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KinesisRecord } from '../../../src/producer/kinesis-record.ts'
import { MetricsTree } from '../../../src/producer/metrics/metrics-tree.ts'
import { StreamMetrics } from '../../../src/producer/metrics/stream-metrics.ts'
import { UserRecord } from '../../../src/record/index.ts'
import { shardIdOf } from '../../../src/wire/index.ts'
import { HandClock } from '../../hand-clock.ts'

const SHARD = 1
/** How long a closed shard is told apart. */
const KEPT_MS = 60_000

function started() {
  const clock = new HandClock()
  const tree = new MetricsTree([])
  const metrics = new StreamMetrics(clock, tree, 's', () => 0)
  /** Of one metric, `[count, sum]` by stream and shard. */
  const told = (name: string) =>
    new Map(
      tree
        .list(name, 0, clock.monotonicMs())
        .map(({ dimensions, sampleCount, sum }) => [
          [...dimensions.values()].join(' '),
          [sampleCount, sum],
        ]),
    )
  const deliver = () => metrics.delivered([recordAt(0)], SHARD, clock.monotonicMs())
  return { clock, tree, metrics, told, deliver }
}

function recordAt(atMs: number): UserRecord {
  const data = Buffer.from('xx')
  const record = new UserRecord({ stream: 's', partitionKey: 'k', data, onSettle() {} })
  record.arrival = { ...record.arrival, atMs }
  record.predictedShard = SHARD
  return record
}

function attempt(startAtMs: number, endAtMs: number) {
  const [code, message] = ['InternalFailure', 'no']
  return { startAtMs, endAtMs, code, message, mayBeWritten: false }
}

const OF_SHARD = `s ${shardIdOf(SHARD)}`

test('a shard that closed is told apart for a minute, with all that it has', () => {
  const { clock, tree, metrics, told, deliver } = started()
  deliver()
  const refused = { entries: [{ errorCode: 'InternalFailure', errorMessage: 'no' }] }
  const records = [new KinesisRecord([recordAt(0)], 2, SHARD)]
  metrics.ended({ records, startAtMs: 0, endAtMs: 5, result: refused })
  const isTold = () =>
    tree
      .list(null, 0, clock.monotonicMs())
      .some(({ dimensions }) => dimensions.get('ShardId') === shardIdOf(SHARD))

  metrics.keepOnly(() => false)
  clock.advanceBy(KEPT_MS - 1)
  metrics.keepOnly(() => false)
  assert.ok(isTold())
  clock.advanceBy(1)
  metrics.keepOnly(() => false)
  assert.ok(!isTold())

  assert.deepEqual(told('UserRecordsPut').get('s'), [1, 1])
  assert.deepEqual(told('ErrorsByCode').get('InternalFailure s'), [1, 1])
})

test('what settles late in a shard that is told apart no more still counts', () => {
  const { clock, metrics, told, deliver } = started()
  deliver()
  metrics.keepOnly(() => false)
  clock.advanceBy(KEPT_MS)
  metrics.keepOnly(() => false)

  deliver()

  assert.deepEqual(told('UserRecordsPut').get(''), [2, 2])
})

test('a shard that is open again keeps what it had', () => {
  const { clock, metrics, told, deliver } = started()
  deliver()
  metrics.keepOnly(() => false)
  clock.advanceBy(KEPT_MS / 2)
  metrics.keepOnly(() => true)
  clock.advanceBy(KEPT_MS)
  metrics.keepOnly(() => true)
  deliver()

  assert.deepEqual(told('UserRecordsPut').get(OF_SHARD), [2, 2])
})

test('a wait lasts from arrival, or from the end of the attempt before, to the next', () => {
  const { metrics, told } = started()
  const record = recordAt(100)
  record.addAttempt(attempt(140, 200))
  record.addAttempt(attempt(230, 300))

  metrics.delivered([record], SHARD, 380)

  assert.deepEqual(told('BufferingTime').get(OF_SHARD), [3, 40 + 30 + 80])
  assert.deepEqual(told('RetriesPerRecord').get(OF_SHARD), [1, 2])
})

test('of attempts that are not kept no wait is made up', () => {
  const { metrics, told } = started()
  const record = recordAt(0)
  // Each waits 10 ms and lasts 10; the last that is kept is far behind the others.
  for (let i = 0; i < 1000; i++) record.addAttempt(attempt(20 * i + 10, 20 * i + 20))

  metrics.delivered([record], SHARD, 20 * 1000 + 10)

  const [count, sum] = told('BufferingTime').get(OF_SHARD)!
  assert.equal(count, record.attempts.length)
  assert.equal(sum, 10 * count!)
})

test('what is of no shard stays while shards close, and goes with its stream', () => {
  const { clock, tree, metrics, told } = started()
  const refused = { code: 'InternalFailure', message: 'no', mayBeWritten: false }
  const records = [new KinesisRecord([recordAt(0)], 2, SHARD)]
  metrics.ended({ records, startAtMs: 0, endAtMs: 5, result: refused })
  metrics.keepOnly(() => false)
  clock.advanceBy(KEPT_MS)
  metrics.keepOnly(() => false)
  assert.deepEqual(told('ErrorsByCode').get('InternalFailure s'), [1, 1])

  metrics.retire()

  assert.deepEqual([...told('ErrorsByCode').keys()], ['', 'InternalFailure'])
  assert.ok(tree.list(null, 0, 0).every(({ dimensions }) => !dimensions.has('StreamName')))
})

test('what is pending is sampled before a record is given up, and before the stream goes', () => {
  const clock = new HandClock()
  const tree = new MetricsTree([])
  let pendingCount = 3
  const metrics = new StreamMetrics(clock, tree, 's', () => pendingCount)
  clock.advanceBy(2000)
  metrics.failed(recordAt(0), 'Expired')
  pendingCount--
  clock.advanceBy(1000)
  metrics.retire()

  const [pending] = tree.list('UserRecordsPending', 0, clock.monotonicMs())
  assert.deepEqual([pending!.sampleCount, pending!.sum], [15, 10 * 3 + 5 * 2])
})
