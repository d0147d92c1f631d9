// Ten million records that nobody takes, beside ten thousand and a million: what one costs to
// append and to recover, and what memory the process has then.

import { Child, SERVER_CORE } from './child.ts'
import { type BenchOptions, type BenchResult, type Contender, interleave } from './harness.ts'
import type { BacklogDone, BacklogPlan } from './parts/spool-process.ts'

const MANY = 10_000_000
const SOME = 1_000_000
const FEW = 10_000
/** Of the few so often, so that what is measured takes a while. */
const FEW_TIMES = 20
const PLAN = { recordsPerTransaction: 100, dataBytes: 100, isDrained: false } as const

const METRICS = [
  { unit: 'append, CPU µs/record', betterIs: 'lower' },
  { unit: 'recovery, CPU µs/record', betterIs: 'lower' },
  { unit: 'memory after recovery, MiB', betterIs: 'lower' },
] as const

export async function run(options: BenchOptions): Promise<BenchResult> {
  const module = new URL('./parts/spool-process.ts', import.meta.url)
  const contender = (records: number, times: number): Contender => ({
    name: `${records} records`,
    round: async () => {
      const sums = [0, 0, 0]
      const child = new Child(module, SERVER_CORE)
      try {
        for (let i = 0; i < times; i++) {
          const plan: BacklogPlan = { ...PLAN, records }
          const done = await child.call<BacklogDone>('backlog', plan)
          sums[0]! += done.enqueueMicros
          sums[1]! += done.recoverMicros
          sums[2]! += done.rssBytes / 2 ** 20
        }
      } finally {
        child.stop()
      }
      return sums.map((sum) => sum / times)
    },
  })
  const cases = [
    {
      label: `${MANY} unsettled`,
      metrics: METRICS,
      candidate: contender(MANY, 1),
      baselines: [contender(FEW, FEW_TIMES), contender(SOME, 1)],
    },
  ]
  return interleave('spool-backlog', cases, options)
}
