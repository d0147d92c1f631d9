// JMeter's row, with percentiles and with what JMeter cannot see.

import type { Run } from './run.ts'
import { isSuccess, type Samples } from './samples.ts'

export interface Aggregate {
  readonly label: string
  readonly samples: number
  readonly averageMs: number
  readonly minMs: number
  readonly maxMs: number
  readonly stdDevMs: number
  readonly errorPercent: number
  /** Samples per second, from the first request to the last answer. */
  readonly throughput: number
  readonly receivedKBPerSecond: number
  readonly sentKBPerSecond: number
  readonly averageBytes: number
  readonly p50Ms: number
  readonly p90Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
  /** Null where the server does not tell. */
  readonly answeredNotDelivered: number | null
  /** Of the 15 s lines while the load ran at its full height, the median; null without lines. */
  readonly processingMs: number | null
}

export const LABEL = 'HTTP Request'
const KB = 1024

export function aggregateOf(run: Run): Aggregate {
  const { samples, counters } = run
  const { count } = samples
  const sums = sumsOf(samples)
  const seconds = Math.max(sums.lastEndMs - sums.firstStartMs, 1) / 1000
  const sorted = samples.sortedElapsedMs()
  const average = count === 0 ? 0 : sums.elapsedMs / count
  const variance = count === 0 ? 0 : Math.max(0, sums.squares / count - average ** 2)
  const percentile = (share: number) => sorted[Math.max(0, Math.ceil(count * share) - 1)] ?? 0
  return {
    label: LABEL,
    samples: count,
    averageMs: average,
    minMs: sorted[0] ?? 0,
    maxMs: sorted.at(-1) ?? 0,
    stdDevMs: Math.sqrt(variance),
    errorPercent: count === 0 ? 0 : (sums.errors / count) * 100,
    throughput: count / seconds,
    receivedKBPerSecond: sums.receivedBytes / KB / seconds,
    sentKBPerSecond: sums.sentBytes / KB / seconds,
    averageBytes: count === 0 ? 0 : sums.receivedBytes / count,
    p50Ms: percentile(0.5),
    p90Ms: percentile(0.9),
    p99Ms: percentile(0.99),
    p999Ms: percentile(0.999),
    answeredNotDelivered: counters?.answeredNotDelivered ?? null,
    processingMs: processingMsOf(run),
  }
}

function sumsOf(samples: Samples) {
  const sums = {
    elapsedMs: 0,
    squares: 0,
    errors: 0,
    receivedBytes: 0,
    sentBytes: 0,
    firstStartMs: Number.POSITIVE_INFINITY,
    lastEndMs: 0,
  }
  for (let i = 0; i < samples.count; i++) {
    const { startMs, elapsedMs, status, receivedBytes, sentBytes } = samples.at(i)
    sums.elapsedMs += elapsedMs
    sums.squares += elapsedMs ** 2
    if (!isSuccess(status)) sums.errors++
    sums.receivedBytes += receivedBytes
    sums.sentBytes += sentBytes
    sums.firstStartMs = Math.min(sums.firstStartMs, startMs)
    sums.lastEndMs = Math.max(sums.lastEndMs, startMs + elapsedMs)
  }
  return sums
}

const AVERAGE_LINE = /Average Processing Time: ([0-9.e+]+) ms/

/** The lines that the log quotes were taken under full load. */
function processingMsOf({ statistics, experiment, loadEndMs }: Run): number | null {
  const { load } = experiment
  const fullFromMs = load.loop === 'closed' ? Math.min(load.rampUpMs, loadEndMs / 2) : 0
  const values: number[] = []
  for (const { atMs, text } of statistics) {
    const found = AVERAGE_LINE.exec(text)
    if (found !== null && atMs >= fullFromMs && atMs <= loadEndMs) values.push(Number(found[1]))
  }
  values.sort((a, b) => a - b)
  return values[values.length >> 1] ?? null
}

const COLUMNS: readonly (readonly [string, (row: Aggregate) => string])[] = [
  ['Label', (row) => row.label],
  ['# Samples', (row) => String(row.samples)],
  ['Average', (row) => fixed(row.averageMs, 1)],
  ['Min', (row) => fixed(row.minMs, 0)],
  ['Max', (row) => fixed(row.maxMs, 0)],
  ['Std. Dev.', (row) => fixed(row.stdDevMs, 2)],
  ['Error %', (row) => `${fixed(row.errorPercent, 3)}%`],
  ['Throughput', (row) => fixed(row.throughput, 3)],
  ['Received KB/sec', (row) => fixed(row.receivedKBPerSecond, 2)],
  ['Sent KB/sec', (row) => fixed(row.sentKBPerSecond, 2)],
  ['Avg. Bytes', (row) => fixed(row.averageBytes, 1)],
  ['p50', (row) => fixed(row.p50Ms, 1)],
  ['p90', (row) => fixed(row.p90Ms, 1)],
  ['p99', (row) => fixed(row.p99Ms, 1)],
  ['p99.9', (row) => fixed(row.p999Ms, 1)],
  ['Answered but not delivered', (row) => String(row.answeredNotDelivered ?? '')],
]

export const AGGREGATE_HEADINGS: readonly string[] = COLUMNS.map(([heading]) => heading)

export function cellsOf(row: Aggregate): string[] {
  return COLUMNS.map(([, cell]) => cell(row))
}

/** `aggregate.csv`: JMeter's summary report and our columns after it. */
export function aggregateCsv(row: Aggregate): string {
  return `${AGGREGATE_HEADINGS.join(',')}\n${cellsOf(row).join(',')}\n`
}

export function fixed(value: number, digits: number): string {
  return value.toFixed(digits)
}
