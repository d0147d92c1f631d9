// Whether a user record costs more when there are more shards, keys, or outstanding records.

import { Child, CLIENT_CORE, SERVER_CORE } from './child.ts'
import {
  type BenchOptions,
  type BenchResult,
  type Case,
  type Contender,
  interleave,
} from './harness.ts'
import type { ProducerDone, ProducerPlan } from './parts/producer-client.ts'

interface Point {
  readonly shardCount: number
  readonly keyCount: number | null
  readonly windowCount: number
  readonly bufferedMs: number
}

interface Curve {
  readonly name: string
  /** The first is what the others are compared with. */
  readonly points: readonly (Point & { readonly label: string })[]
}

/**
 * So many are outstanding, and may wait so long, that batches are full with a thousand shards too:
 * it is the number of shards that is varied, and not that of records in a batch.
 */
const FULL_BATCHES = { windowCount: 500_000, bufferedMs: 2000 } as const

const SHARDS: Curve = {
  name: 'shards',
  points: [1, 10, 100, 1000].map((shardCount) => {
    return { label: String(shardCount), shardCount, keyCount: null, ...FULL_BATCHES }
  }),
}

const KEYS: Curve = {
  name: 'keys',
  points: [1, 1000, 1_000_000].map((keyCount) => {
    return {
      label: String(keyCount),
      shardCount: 1,
      keyCount,
      windowCount: 10_000,
      bufferedMs: 100,
    }
  }),
}

const OUTSTANDING: Curve = {
  name: 'outstanding',
  points: [1000, 10_000, 100_000, 1_000_000].map((windowCount) => {
    return {
      label: String(windowCount),
      shardCount: 1,
      keyCount: null,
      windowCount,
      bufferedMs: 100,
    }
  }),
}

const DATA_BYTES = 400

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
  const contender = async (name: string, { shardCount, ...point }: Point): Promise<Contender> => {
    const client = start('producer-client', SERVER_CORE)
    const port = await portOf(shardCount)
    const fixed = { way: 'callback', dataBytes: DATA_BYTES } as const
    // All at once: otherwise the window is never full, because the network has its turns.
    const burstCount = point.windowCount
    const plan: ProducerPlan = { ...fixed, ...point, burstCount, port, seconds: options.seconds }
    return { name, round: async () => [costOf(await client.call<ProducerDone>('run', plan))] }
  }
  try {
    const cases: Case[] = []
    for (const { name, points } of [SHARDS, KEYS, OUTSTANDING]) {
      const [first, ...others] = await Promise.all(
        points.map(({ label, ...point }) => contender(label, point)),
      )
      for (const candidate of others) {
        cases.push({ label: name, metrics: METRICS, candidate, baselines: [first!] })
      }
    }
    return await interleave('producer-curves', cases, options)
  } finally {
    for (const child of children) child.stop()
  }
}

const METRICS = [{ unit: 'CPU µs/user record', betterIs: 'lower' }] as const

function costOf({ cpuMicros, deliveredCount }: ProducerDone): number {
  return cpuMicros / deliveredCount
}
