// How many user records one core can bring to Kinesis: through the whole line of the producer, to a
// sink that reads requests and answers them.

import { Child, CLIENT_CORE, SERVER_CORE } from './child.ts'
import {
  type BenchOptions,
  type BenchResult,
  type Case,
  type Contender,
  interleave,
  type Metric,
} from './harness.ts'
import type { ProducerDone, ProducerPlan } from './parts/producer-client.ts'

const SIZES = [
  { label: '1600 B, distinct keys', dataBytes: 1600 },
  { label: '100 B, distinct keys', dataBytes: 100 },
] as const

type Way = Exclude<ProducerPlan['way'], 'bare'>

const NAMES: Readonly<Record<Way, string>> = {
  promises: 'a promise each',
  callback: 'one callback',
  floor: 'digests and one copy',
  sdk: 'AWS SDK, 500 a call',
  'sdk-http1': 'AWS SDK, 500 a call, HTTP/1.1',
}

/** The first is the one that counts. */
const OURS: readonly Way[] = ['promises', 'callback', 'floor']

/** A window that keeps connections busy, twice what the SDK's calls hold. */
export const PLAN = {
  keyCount: null,
  windowCount: 8000,
  burstCount: 500,
  bufferedMs: 100,
} as const

const METRICS: readonly Metric[] = [
  { unit: 'user records/CPU s', betterIs: 'higher' },
  { unit: 'user records/s', betterIs: 'higher' },
]

export async function run(options: BenchOptions): Promise<BenchResult> {
  const sink = new Child(new URL('./parts/drain-server.ts', import.meta.url), CLIENT_CORE)
  const clients = new Map<Way, Child>()
  const { seconds } = options
  try {
    const port = await sink.call<number>('start')
    for (const way of Object.keys(NAMES) as Way[]) {
      const module = new URL('./parts/producer-client.ts', import.meta.url)
      clients.set(way, new Child(module, SERVER_CORE))
    }
    const cases = SIZES.flatMap(({ label, dataBytes }): Case[] => {
      const contender = (way: Way): Contender => ({
        name: NAMES[way],
        round: () => measure(clients.get(way)!, { ...PLAN, way, port, dataBytes, seconds }),
      })
      const baselines = [contender('sdk'), contender('sdk-http1')]
      return OURS.map((way) => ({ label, metrics: METRICS, candidate: contender(way), baselines }))
    })
    return await interleave('producer', cases, options)
  } finally {
    for (const child of [sink, ...clients.values()]) child.stop()
  }
}

export async function measure(client: Child, plan: ProducerPlan): Promise<number[]> {
  const done = await client.call<ProducerDone>('run', plan)
  return [
    (done.deliveredCount * 1e6) / done.cpuMicros,
    (done.deliveredCount * 1e3) / done.elapsedMs,
  ]
}
