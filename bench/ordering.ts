// What it costs to keep the records of a key in order: the line of the producer with and without,
// to a sink that reads requests and answers them.

import { oneKeyBytesPerSecond } from '../test/producer/one-key.ts'
import { Child, CLIENT_CORE, SERVER_CORE } from './child.ts'
import { type BenchOptions, type BenchResult, type Case, interleave } from './harness.ts'
import { measure, PLAN } from './producer.ts'

const CASES = [
  { label: '1600 B, distinct keys', dataBytes: 1600, keyCount: null },
  { label: '100 B, distinct keys', dataBytes: 100, keyCount: null },
  { label: '100 B, 100 keys', dataBytes: 100, keyCount: 100 },
  { label: '100 B, one key', dataBytes: 100, keyCount: 1 },
] as const

const ROUND_TRIPS_MS = [20, 100]

const ORDERINGS = ['none', 'partition-key'] as const

type Ordering = (typeof ORDERINGS)[number]

export async function run(options: BenchOptions): Promise<BenchResult> {
  const sink = new Child(new URL('./parts/drain-server.ts', import.meta.url), CLIENT_CORE)
  const clients = new Map<Ordering, Child>()
  try {
    const port = await sink.call<number>('start')
    for (const ordering of ORDERINGS) {
      const module = new URL('./parts/producer-client.ts', import.meta.url)
      clients.set(ordering, new Child(module, SERVER_CORE))
    }
    const cases = CASES.map(({ label, ...load }): Case => {
      const contender = (ordering: Ordering) => {
        const seconds = options.seconds
        const more = { way: 'callback', port, settings: { ordering }, seconds } as const
        const plan = { ...PLAN, ...load, ...more }
        return { name: `ordering: ${ordering}`, round: () => measure(clients.get(ordering)!, plan) }
      }
      return {
        label,
        metrics: [
          { unit: 'user records/CPU s', betterIs: 'higher' },
          { unit: 'user records/s', betterIs: 'higher' },
        ],
        candidate: contender('partition-key'),
        baselines: [contender('none')],
      }
    })
    const result = await interleave('ordering', cases, options)
    await printOneKey()
    return result
  } finally {
    for (const child of [sink, ...clients.values()]) child.stop()
  }
}

/** A matter of time, not of CPU, so it is the same each time. */
async function printOneKey(): Promise<void> {
  for (const roundTripMs of ROUND_TRIPS_MS) {
    const megabytes = (await oneKeyBytesPerSecond(roundTripMs)) / 1e6
    const what = `one key, records of 100 B, round trip of ${roundTripMs} ms, in hand-moved time`
    console.log(`${what}: ${megabytes.toFixed(2)} MB/s`)
  }
}
