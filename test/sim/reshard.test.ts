// Streams are resharded under load in worlds in which nothing else goes wrong. The world's reader
// drops what the KCL would drop: an aggregated record with a member out of its shard's range.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Fault } from '../../src/kinesis/index.ts'
import {
  type LineReport,
  type LineSettings,
  LineWorld,
  type Mishap,
  NO_DISK_FAULTS,
  NO_NETWORK_FAULTS,
  NO_SERVICE_FAULTS,
} from '../../src/sim/index.ts'

const LOAD_MS = 8_000
const RESHARD_EACH_MS = 2_000
/** Of the bytes that were delivered. */
const EXTRA_MAX_SHARE = 0.02

function calmSettings(seed: number, mishaps: readonly Mishap[]): LineSettings {
  const drawn = new LineWorld(seed).settings
  const [node] = drawn.nodes
  const producer = {
    ...node!.producer,
    aggregationEnabled: true,
    aggregation: 'safe' as const,
    aggregationMaxCount: 4_294_967_295,
    aggregationMaxSize: 51_200,
    collectionMaxCount: 500,
    collectionMaxSize: 5_242_880,
    recordMaxBufferedTime: 100,
    recordTtl: 30_000,
    failIfThrottled: false,
    maxConnections: 24,
    requestTimeout: 6_000,
    maxStreams: 1_000,
  }
  const source = {
    stream: 's1',
    pauseMaxMs: 8,
    burstCount: 6,
    maxRecordCount: 100_000,
    dataMaxBytes: 600,
    keys: 'digits' as const,
    explicitHashKeyPerMille: 0,
    flushPerMille: 0,
  }
  return {
    ...drawn,
    loadMs: LOAD_MS,
    streams: [{ name: 's1', shardCount: 3, maxRecordSizeKiB: 1_024 }],
    kinesis: {
      ...drawn.kinesis,
      limits: true,
      writeBurstMs: 1_000,
      creatingMs: 0,
      updatingMs: 0,
      faults: [],
    },
    nodes: [
      {
        ...node!,
        producer,
        sources: [source],
        clients: [],
        maxOutstandingCount: 100_000,
        gatewayFaults: NO_NETWORK_FAULTS,
        credentialsLifeMs: null,
        closesWithinMs: null,
      },
    ],
    kinesisLatencyMs: 10,
    kinesisBytesPerSecond: null,
    kinesisFaults: NO_NETWORK_FAULTS,
    serviceFaults: NO_SERVICE_FAULTS,
    diskFaults: NO_DISK_FAULTS,
    mishaps,
  }
}

function reshards(): Mishap[] {
  const hows = ['split', 'merge', 'split', 'scale'] as const
  const count = LOAD_MS / RESHARD_EACH_MS - 1
  return Array.from({ length: count }, (_, index) => ({
    kind: 'a stream is resharded',
    atMs: (index + 1) * RESHARD_EACH_MS,
    stream: 's1',
    how: hows[index % hows.length]!,
  }))
}

function anewWith(shardCount: number): Mishap {
  const stream = { name: 's1', shardCount, maxRecordSizeKiB: 1_024 }
  return { kind: 'a stream is made anew', atMs: 3_000, stream }
}

async function live(seed: number, mishaps: readonly Mishap[]): Promise<LineReport> {
  return new LineWorld(seed, {}, calmSettings(seed, mishaps)).run()
}

function tell(context: TestContext, reports: readonly LineReport[]): number {
  const sum = (field: 'deliveredBytes' | 'extraBytes' | 'recordCount') =>
    reports.reduce((total, report) => total + report[field], 0)
  const share = sum('extraBytes') / sum('deliveredBytes')
  const records = `${sum('recordCount')} records, ${sum('deliveredBytes')} bytes`
  context.diagnostic(`${records}; ${(share * 100).toFixed(2)} % sent beyond that`)
  return share
}

test('a reshard under load loses nothing and sends at most 2 % more', async (context) => {
  const reports: LineReport[] = []
  for (const seed of [1, 2]) reports.push(await live(seed, reshards()))

  for (const { recordCount, deliveredCount, counts } of reports) {
    assert.equal(deliveredCount, recordCount)
    const done = [...counts.keys()].filter((kind) => /^operator: .* done$/.test(kind))
    assert.ok(done.length >= 2, done.join())
  }
  assert.ok(tell(context, reports) <= EXTRA_MAX_SHARE)
})

test('a stream that is deleted and made anew with other shards hides nothing delivered', async () => {
  for (const [seed, shardCount] of [
    [1, 8],
    [2, 2],
  ] as const) {
    const { counts, deliveredCount } = await live(seed, [anewWith(shardCount)])

    assert.equal(counts.get('operator: DeleteStream done'), 1)
    assert.ok(deliveredCount > 1_000)
  }
})

test('a request that is held up while its stream is made anew may act on the next one', async () => {
  const heldUp: Fault = {
    kind: 'latency',
    action: 'PutRecords',
    odds: 0.3,
    when: 'before',
    latencyMs: 100,
    jitterMs: 5_000,
  }
  for (const seed of [1, 2]) {
    const calm = calmSettings(seed, [anewWith(8)])
    const settings: LineSettings = { ...calm, kinesis: { ...calm.kinesis, faults: [heldUp] } }

    const { counts }: LineReport = await new LineWorld(seed, {}, settings).run()

    assert.equal(counts.get('operator: DeleteStream done'), 1)
    assert.ok(counts.has('on request: latency'))
  }
})
