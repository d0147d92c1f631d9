// How a benchmark is run: candidate and baseline take turns within one call, because this
// machine's speed changes from minute to minute and only what was measured side by side can be
// compared. Medians count; a benchmark never asserts.

import { cpus } from 'node:os'

export interface BenchOptions {
  /** How often every contender is measured; at least one unmeasured round comes before. */
  readonly rounds: number
  /** How long one measurement of one contender takes, about. */
  readonly seconds: number
  /** Told what is going on, for a person who waits. */
  readonly progress: (text: string) => void
}

/** What is measured. The first metric of a case is the one that counts. */
export interface Metric {
  /** `requests/s`, `CPU µs/request`. */
  readonly unit: string
  readonly betterIs: 'higher' | 'lower'
}

/** Something that is measured. */
export interface Contender {
  readonly name: string
  /** One measurement: a value for each metric of its case, in their order. */
  readonly round: () => Promise<readonly number[]>
}

/** Contenders that do the same work. */
export interface Case {
  readonly label: string
  readonly metrics: readonly Metric[]
  readonly candidate: Contender
  /** The first is the one that counts. */
  readonly baselines: readonly Contender[]
}

/** Smallest and largest of what was measured. */
export type Spread = readonly [min: number, max: number]

/** One metric of one case against one baseline. */
export interface Comparison {
  readonly label: string
  readonly unit: string
  readonly betterIs: 'higher' | 'lower'
  /** Median of the candidate. */
  readonly value: number
  readonly candidate: string
  readonly baseline: { readonly name: string; readonly value: number }
  /** Median over the rounds of candidate ÷ baseline, each within its round. */
  readonly ratio: number
  readonly spread: { readonly value: Spread; readonly baseline: Spread; readonly ratio: Spread }
}

/** What `--json` prints: the comparison that counts, and all of them. */
export interface BenchResult extends Omit<Comparison, 'label' | 'betterIs' | 'candidate'> {
  readonly name: string
  readonly rounds: number
  readonly node: string
  readonly cpu: string
  readonly comparisons: readonly Comparison[]
}

/** Measures every contender once a round, in an order that turns from round to round. */
export async function interleave(
  name: string,
  cases: readonly Case[],
  { rounds, progress }: Pick<BenchOptions, 'rounds' | 'progress'>,
): Promise<BenchResult> {
  // A contender that stands in several cases is measured once.
  const contenders = new Map<Contender, Runner>()
  for (const { label, candidate, baselines } of cases) {
    for (const contender of [candidate, ...baselines]) {
      contenders.set(contender, { label, contender, values: [] })
    }
  }
  const runners = [...contenders.values()]
  for (let round = 0; round <= rounds; round++) {
    for (let i = 0; i < runners.length; i++) {
      const { label, contender, values } = runners[(i + round) % runners.length]!
      const what = round === 0 ? 'warming up' : `round ${round} of ${rounds}`
      progress(`${what}: ${label}, ${contender.name}`)
      const measured = await contender.round()
      if (round > 0) values.push(measured)
    }
  }
  const valuesOf = (contender: Contender) => contenders.get(contender)!.values
  const comparisons = cases.flatMap((one) => compare(one, valuesOf))
  const { label: _, betterIs: __, candidate: ___, ...headline } = comparisons[0]!
  const cpu = cpus()[0]?.model ?? 'unknown'
  return { name, ...headline, rounds, node: process.version, cpu, comparisons }
}

type Values = readonly number[]

interface Runner {
  readonly label: string
  readonly contender: Contender
  readonly values: Values[]
}

function compare(one: Case, valuesOf: (contender: Contender) => Values[]): Comparison[] {
  return one.metrics.flatMap((metric, index) =>
    one.baselines.map((baseline) => {
      const own = valuesOf(one.candidate).map((values) => values[index]!)
      const others = valuesOf(baseline).map((values) => values[index]!)
      const ratios = own.map((value, round) => value / others[round]!)
      return {
        label: one.label,
        ...metric,
        value: rounded(median(own)),
        candidate: one.candidate.name,
        baseline: { name: baseline.name, value: rounded(median(others)) },
        ratio: rounded(median(ratios)),
        spread: { value: spread(own), baseline: spread(others), ratio: spread(ratios) },
      }
    }),
  )
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

function spread(values: readonly number[]): Spread {
  return [rounded(Math.min(...values)), rounded(Math.max(...values))]
}

/** Four figures: more would pretend. */
function rounded(value: number): number {
  return Number(value.toPrecision(4))
}

/** The comparisons as a table for people. */
export function tableOf({ name, rounds, node, cpu, comparisons }: BenchResult): string {
  const head = ['case', 'unit', 'candidate', 'value', 'baseline', 'value', 'ratio', 'its spread']
  const rows = comparisons.map((one) => [
    one.label,
    `${one.unit} ${one.betterIs === 'higher' ? '↑' : '↓'}`,
    one.candidate,
    String(one.value),
    one.baseline.name,
    String(one.baseline.value),
    `${one.ratio}`,
    one.spread.ratio.join('–'),
  ])
  const lines = [head, ...rows]
  const widths = head.map((_, i) => Math.max(...lines.map((cells) => cells[i]!.length)))
  const table = lines.map((cells) => cells.map((cell, i) => cell.padEnd(widths[i]!)).join('  '))
  return [`${name}: ${rounds} rounds, Node ${node}, ${cpu}`, ...table].join('\n')
}
