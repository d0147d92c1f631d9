// What it costs to keep the records of a key in order: the line of the producer with and without,
// to a sink that reads requests and answers them.

import { Child, CLIENT_CORE, SERVER_CORE } from './child.ts'
import { type BenchOptions, type BenchResult, type Case, interleave } from './harness.ts'
import { measure, PLAN } from './producer.ts'

const CASES = [
  { label: '1600 B, distinct keys', dataBytes: 1600, keyCount: null },
  { label: '100 B, distinct keys', dataBytes: 100, keyCount: null },
  { label: '100 B, 100 keys', dataBytes: 100, keyCount: 100 },
  { label: '100 B, one key', dataBytes: 100, keyCount: 1 },
] as const

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
    return await interleave('ordering', cases, options)
  } finally {
    for (const child of [sink, ...clients.values()]) child.stop()
  }
}
