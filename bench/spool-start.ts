// What a start takes with a gigabyte in one log: after a kill it is written anew, and then read and
// checked; after an orderly end it is only read and checked.

import { Child, SERVER_CORE } from './child.ts'
import { type BenchOptions, type BenchResult, type Contender, interleave } from './harness.ts'

const METRICS = [
  { unit: 's/GB', betterIs: 'lower' },
  { unit: 'CPU s/GB', betterIs: 'lower' },
] as const

export async function run(options: BenchOptions): Promise<BenchResult> {
  const child = new Child(new URL('./parts/spool-start.ts', import.meta.url), SERVER_CORE)
  const start = (name: string, isKilled: boolean): Contender => ({
    name,
    round: () => child.call<readonly number[]>('start', { isKilled }),
  })
  try {
    await child.call('fill')
    const candidate = start('after a kill', true)
    const baselines = [start('after an orderly end', false)]
    const cases = [{ label: 'a gigabyte in one log', metrics: METRICS, candidate, baselines }]
    return await interleave('spool-start', cases, options)
  } finally {
    child.stop()
  }
}
