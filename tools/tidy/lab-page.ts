// docs/lab-results.md: what the log measured, what the lab makes of it, and what Headgate does,
// from the experiments' files and from lab/results.json, which "npm run lab-results" writes.

import { readFileSync } from 'node:fs'
import { experimentNames, openExperiment } from '../../src/cli/lab-catalogue.ts'
import { type Experiment, hasBackPressure, MARKS, spaced } from '../../src/lab/index.ts'

export const RESULTS_FILE = 'lab/results.json'

/** The figures of one run at full size. */
export interface Measured {
  readonly samples: number
  readonly throughput: number
  readonly averageMs: number
  readonly maxMs: number
  readonly stdDevMs: number
  readonly p99Ms: number
  readonly errorPercent: number
  readonly processingMs: number | null
  /** Seconds from the last answer to the last record's settlement. */
  readonly drainedAfterS: number
  readonly counters: {
    readonly successes: number
    readonly failures: number
    readonly exhausted: number
  }
  readonly answeredNotDelivered: number
  readonly roads: readonly { readonly road: string; readonly count: number }[]
}

export type Results = Readonly<
  Record<string, { readonly reproduced: Measured; readonly headgate: Measured }>
>

const PREFACE = `# The fifteen experiments

<!-- Written by "npm run docs" from lab/experiments/ and lab/results.json. -->

Each at its full size with seed 1, in one world with one set of costs (\`src/lab/world-costs.ts\`).
\`npm run lab-results\` runs them all again, some minutes; [lab.md](lab.md) says how to read them.
`

export function labPage(): string {
  const results = JSON.parse(readFileSync(RESULTS_FILE, 'utf8')) as Results
  const experiments = experimentNames()
    .map((name) => openExperiment(name, []))
    .filter(({ log, name }) => log !== null && results[name] !== undefined)
  const pressed = experiments.filter(hasBackPressure)
  const others = experiments.filter((one) => !hasBackPressure(one))
  return [
    PREFACE,
    figures(pressed, results),
    roads(others, results),
    headgate(experiments, results),
  ]
    .join('\n')
    .trimEnd()
    .concat('\n')
}

function figures(experiments: readonly Experiment[], results: Results): string {
  const { throughput, averageMs, processingMs } = MARKS
  const names = ['experiment', 'log: 1/s', 'here', '', 'log: mean, ms', 'here', '']
  const more = ['log: processing, ms', 'here', '', 'delivered', 'turned away: log', 'here']
  return `## With back pressure: the figures

Marks: throughput within ${percent(throughput)}, mean within ${percent(averageMs)}, processing
time (the producer's 15 s lines under full load) within ${percent(processingMs)}.

${tableOf(
  [...names, ...more],
  experiments.map((one) => pressedRow(one, results[one.name]!.reproduced)),
)}`
}

function roads(experiments: readonly Experiment[], results: Results): string {
  const names = ['experiment', 'log: 1/s', 'here', 'log: mean, ms', 'here']
  const more = ['log: delivered', 'here', 'log: failed', 'here']
  const travelled = experiments.flatMap(({ name }) =>
    results[name]!.reproduced.roads.filter(({ count }) => count >= ROAD_MIN_COUNT).map(
      ({ road, count }) => [`\`${name}\``, road, spaced(String(count))],
    ),
  )
  return `## Without back pressure: the roads

Every request is answered with success; what is not delivered fails afterwards, unseen by who sent
it.

${tableOf(
  [...names, ...more],
  experiments.map((one) => otherRow(one, results[one.name]!.reproduced)),
)}
${tableOf(['experiment', 'road', 'records'], travelled, 2)}`
}

function headgate(experiments: readonly Experiment[], results: Results): string {
  const names = ['experiment', 'answered, 1/s', 'mean, ms', 'p99, ms', 'errors, %', 'delivered']
  const more = ['until then, s', "answered and lost: log's service", 'Headgate']
  return `## Headgate under the same load

Its own defaults. *Until then*: from the last answer to the last record's delivery.

${tableOf(
  [...names, ...more],
  experiments.map((one) => headgateRow(one, results[one.name]!)),
)}`
}

/** A handful is no road. */
const ROAD_MIN_COUNT = 100

function pressedRow({ name, log }: Experiment, here: Measured): string[] {
  const processing = log?.processingMs ?? []
  const logged =
    processing.length === 0 ? null : processing.reduce((a, b) => a + b, 0) / processing.length
  const { counters } = here
  return [
    `\`${name}\``,
    ...compared(log?.throughput, here.throughput, 1),
    ...compared(log?.averageMs, here.averageMs, 1),
    ...(logged === null
      ? ['', said(here.processingMs, 0), '']
      : compared(logged, here.processingMs, 0)),
    `${spaced(String(counters.successes))} of ${spaced(String(here.samples))}`,
    said(log?.counters?.exhausted ?? (log?.counters === undefined ? null : 0), 0),
    said(counters.exhausted, 0),
  ]
}

function otherRow({ name, log }: Experiment, here: Measured): string[] {
  return [
    `\`${name}\``,
    said(log?.throughput, 1),
    said(here.throughput, 1),
    said(log?.averageMs, 1),
    said(here.averageMs, 1),
    said(log?.counters?.successes, 0),
    said(here.counters.successes, 0),
    said(log?.counters?.failures, 0),
    said(here.counters.failures, 0),
  ]
}

function headgateRow({ name }: Experiment, { reproduced, headgate }: Results[string]): string[] {
  return [
    `\`${name}\``,
    said(headgate.throughput, 1),
    said(headgate.averageMs, 1),
    said(headgate.p99Ms, 1),
    said(headgate.errorPercent, 3),
    `${spaced(String(headgate.counters.successes))} of ${spaced(String(headgate.samples))}`,
    said(headgate.drainedAfterS, 0),
    said(reproduced.answeredNotDelivered, 0),
    said(headgate.answeredNotDelivered, 0),
  ]
}

function compared(log: number | null | undefined, here: number | null, digits: number): string[] {
  const both = log == null || here === null || log === 0
  const off = both ? '' : `${signed((here / log - 1) * 100)} %`
  return [said(log, digits), said(here, digits), off]
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(1)}`
}

function said(value: number | null | undefined, digits: number): string {
  return value == null ? '–' : spaced(value.toFixed(digits))
}

function percent(part: number): string {
  return `${part * 100} %`
}

function tableOf(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  textColumns = 1,
): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  const rule = headings.map((_, i) => (i < textColumns ? '---' : '---:'))
  return `${[line(headings), line(rule), ...rows.map(line)].join('\n')}\n`
}
