// Whether a user record costs more when there are more shards, keys, or outstanding records.

import { Child, CLIENT_CORE, SERVER_CORE } from './child.ts'
import {
  type BenchOptions,
  type BenchResult,
  type Case,
  type Contender,
  interleave,
  type Metric,
} from './harness.ts'
import type { KeyOrder } from './parts/ordered-keys.ts'
import type { ProducerDone, ProducerPlan } from './parts/producer-client.ts'

interface Point {
  readonly shardCount: number
  readonly keyCount: number | null
  readonly windowCount: number
  readonly keyOrder?: KeyOrder
  readonly isDataOwn?: boolean
}

type LabelledPoint = Point & { readonly label: string }

type Way = 'callback' | 'bare'

interface Curve {
  readonly name: string
  readonly way: Way
  /** The first is what the others are compared with. */
  readonly points: readonly LabelledPoint[]
}

/** What is not varied: with a thousand shards each has room for four full aggregates. */
const FIXED: Point = { shardCount: 1, keyCount: null, windowCount: 100_000 }

const CURVES: readonly Curve[] = [
  curve('shards', [1, 10, 100, 1000], (shardCount) => ({ ...FIXED, shardCount })),
  // With runs an aggregate's records lie side by side, and its shard's state is fetched once.
  {
    name: 'shards and the order of keys',
    way: 'callback',
    points: [
      { ...FIXED, label: '1, mixed', keyOrder: 'mixed' },
      { ...FIXED, label: '1000, in runs', shardCount: 1000, keyOrder: 'runs' },
      { ...FIXED, label: '1000, mixed', shardCount: 1000, keyOrder: 'mixed' },
    ],
  },
  // Each beside the least that any producer does for a record: what the machine itself asks for.
  bare('shards, bare', [1, 10, 100, 1000], (shardCount) => ({ ...FIXED, shardCount })),
  // As in programs: what is copied into a request is as far away then as the record itself.
  curve('shards, data of its own', [1, 1000], (shardCount) => {
    return { ...FIXED, shardCount, isDataOwn: true }
  }),
  bare('shards, data of its own, bare', [1, 1000], (shardCount) => {
    return { ...FIXED, shardCount, isDataOwn: true }
  }),
  curve('keys', [1, 1000, 1_000_000], (keyCount) => ({ ...FIXED, keyCount })),
  bare('keys, bare', [1, 1000, 1_000_000], (keyCount) => ({ ...FIXED, keyCount })),
  curve('outstanding', [1000, 10_000, 100_000, 1_000_000], (windowCount) => {
    return { ...FIXED, windowCount }
  }),
  bare('outstanding, bare', [1000, 10_000, 100_000, 1_000_000], (windowCount) => {
    return { ...FIXED, windowCount }
  }),
]

const DATA_BYTES = 400

/**
 * Small batches that are full everywhere: with so many records in each, and time enough to wait for
 * them, an aggregate is as large with a thousand shards as with one, and so is a request.
 */
const SETTINGS = { aggregationMaxCount: 25, collectionMaxCount: 20 } as const
const BUFFERED_MS = 5000

type PointOf = (value: number) => Point

function curve(name: string, values: readonly number[], point: PointOf): Curve {
  const points = values.map((value) => ({ label: String(value), ...point(value) }))
  return { name, way: 'callback', points }
}

function bare(name: string, values: readonly number[], point: PointOf): Curve {
  return { ...curve(name, values, point), way: 'bare' }
}

export async function run(options: BenchOptions): Promise<BenchResult> {
  const children: Child[] = []
  const start = (part: string, core: number) => {
    const child = new Child(new URL(`./parts/${part}.ts`, import.meta.url), core)
    children.push(child)
    return child
  }
  const ports = new Map<number, number>()
  const portOf = async (shardCount: number) => {
    const known = ports.get(shardCount)
    if (known !== undefined) return known
    const port = await start('drain-server', CLIENT_CORE).call<number>('start', { shardCount })
    ports.set(shardCount, port)
    return port
  }
  const contender = async (way: Way, { label, ...point }: LabelledPoint): Promise<Contender> => {
    const client = start('producer-client', SERVER_CORE)
    const port = await portOf(point.shardCount)
    const plan: ProducerPlan = {
      ...{ way, dataBytes: DATA_BYTES, bufferedMs: BUFFERED_MS, settings: SETTINGS },
      ...{ ...point, port, seconds: options.seconds },
      // All at once: otherwise the window is never full, because the network has its turns.
      burstCount: point.windowCount,
    }
    return {
      name: label,
      round: async () => valuesOf(await client.call<ProducerDone>('run', plan)),
    }
  }
  try {
    const cases: Case[] = []
    for (const { name, way, points } of CURVES) {
      const metrics = way === 'bare' ? METRICS.slice(0, 1) : METRICS
      const [first, ...others] = await Promise.all(points.map((point) => contender(way, point)))
      for (const candidate of others) {
        cases.push({ label: name, metrics, candidate, baselines: [first!] })
      }
    }
    return await interleave('producer-curves', cases, options)
  } finally {
    for (const child of children) child.stop()
  }
}

const METRICS: readonly Metric[] = [
  { unit: 'CPU µs/user record', betterIs: 'lower' },
  // The same everywhere, or the points cannot be compared.
  { unit: 'user records/Kinesis record', betterIs: 'higher' },
  { unit: 'Kinesis records/request', betterIs: 'higher' },
]

function valuesOf(done: ProducerDone): number[] {
  const { cpuMicros, deliveredCount, kinesisRecordCount, requestCount } = done
  return [
    cpuMicros / deliveredCount,
    deliveredCount / kinesisRecordCount,
    kinesisRecordCount / requestCount,
  ]
}
