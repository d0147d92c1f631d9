// A benchmark of this checkout in turns with the same one of another: what a change was worth.

import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import {
  type BenchOptions,
  type BenchResult,
  type Comparison,
  type Contender,
  interleave,
  type Metric,
} from './harness.ts'

export interface Bench {
  readonly run: (options: BenchOptions) => Promise<BenchResult>
}

/** What is compared, by its name: what was measured, and its ratio to each baseline. */
type Values = ReadonlyMap<string, { readonly metric: Metric; readonly value: number }>

/** `directory` has the other checkout, with its packages. */
export async function runBeside(
  name: string,
  own: Bench,
  directory: string,
  options: BenchOptions,
): Promise<BenchResult> {
  const url = pathToFileURL(resolve(directory, 'bench', `${name}.ts`))
  const other = (await import(url.href)) as Bench
  const measure = async (bench: Bench): Promise<Values> => {
    return valuesOf((await bench.run({ ...options, rounds: 1 })).comparisons)
  }
  const [here, there] = [await measure(own), await measure(other)]
  const names = [...here.keys()].filter((one) => there.has(one))
  const contender = (told: string, bench: Bench): Contender => ({
    name: told,
    round: async () => {
      const values = await measure(bench)
      return names.map((one) => values.get(one)!.value)
    },
  })
  const metrics = names.map((one) => ({ ...here.get(one)!.metric, unit: one }))
  const candidate = contender('here', own)
  const baselines = [contender(directory, other)]
  return interleave(name, [{ label: name, metrics, candidate, baselines }], options)
}

function valuesOf(comparisons: readonly Comparison[]): Values {
  const values = new Map<string, { metric: Metric; value: number }>()
  for (const { label, unit, betterIs, candidate, value, baseline, ratio } of comparisons) {
    const metric: Metric = { unit, betterIs }
    values.set(`${label}, ${candidate}: ${unit}`, { metric, value })
    values.set(`${label}, ${candidate} over ${baseline.name}: ${unit}`, { metric, value: ratio })
  }
  return values
}
