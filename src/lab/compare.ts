// The log's figures beside those of a run, and whether they are as near as they have to be.

import { aggregateOf, fixed } from './aggregate.ts'
import type { Experiment } from './experiment.ts'
import type { Run } from './run.ts'

/** How near a reproduction has to come, as a part of the log's figure. */
export const MARKS = { throughput: 0.05, averageMs: 0.15, processingMs: 0.1 } as const

/** One figure: of the log, of its reproduction, of Headgate; null where there is none. */
export interface Figure {
  readonly name: string
  readonly log: number | null
  readonly values: readonly (number | null)[]
  readonly digits: number
  /** How far the first value may be from the log's; null: it is not judged. */
  readonly mark: number | null
  /** Whether the first value is the log's experiment at its full size. */
  readonly isComparable: boolean
}

/** Experiments with back pressure are to be met in figures, the others in their roads. */
export function hasBackPressure({ gateway }: Experiment): boolean {
  return gateway.backpressure.strategy !== 'none'
}

/** `runs`: the reproduction first, then others of the same experiment. */
export function figuresOf(experiment: Experiment, runs: readonly Run[]): Figure[] {
  const { log } = experiment
  const rows = runs.map((run) => ({ ...aggregateOf(run), counters: run.counters }))
  type Row = (typeof rows)[number]
  // A variant is no reproduction, nor is a small or unfinished run, or one without the log's link.
  const [first] = runs
  const isWhole = first?.scale === 1 && first.kind === 'simulated' && !first.isCutShort
  const isReproduction = isWhole && first.title === experiment.name
  const isJudged = hasBackPressure(experiment) && isReproduction
  const figure = (
    name: string,
    logged: number | null | undefined,
    of: (row: Row) => number | null,
    more: { digits?: number; mark?: number } = {},
  ): Figure => ({
    name,
    log: logged ?? null,
    values: rows.map(of),
    digits: more.digits ?? 0,
    isComparable: isReproduction,
    mark: isJudged && more.mark !== undefined ? more.mark : null,
  })
  const logged = log?.counters
  return [
    figure('samples', log?.samples, ({ samples }) => samples),
    figure('throughput, 1/s', log?.throughput, ({ throughput }) => throughput, {
      digits: 1,
      mark: MARKS.throughput,
    }),
    figure('mean response, ms', log?.averageMs, ({ averageMs }) => averageMs, {
      digits: 1,
      mark: MARKS.averageMs,
    }),
    figure('standard deviation, ms', log?.stdDevMs, ({ stdDevMs }) => stdDevMs),
    figure('longest response, ms', log?.maxMs, ({ maxMs }) => maxMs),
    figure('p99, ms', null, ({ p99Ms }) => p99Ms),
    figure('errors, %', log?.errorPercent, ({ errorPercent }) => errorPercent, { digits: 3 }),
    figure('processing time, ms', meanOf(log?.processingMs), ({ processingMs }) => processingMs, {
      mark: MARKS.processingMs,
    }),
    figure('attempts', logged?.attempts, ({ counters }) => counters?.attempts ?? null),
    figure('delivered', logged?.successes, ({ counters }) => counters?.successes ?? null),
    figure('failed', logged?.failures, ({ counters }) => counters?.failures ?? null),
    figure('turned away', logged?.exhausted, ({ counters }) => counters?.exhausted ?? null),
    figure('answered, not delivered', null, (row) => row.answeredNotDelivered),
  ].filter(({ log: one, values }) => one !== null || values.some((value) => value !== null))
}

/** The log quotes one line, or some. */
function meanOf(values: readonly number[] | undefined): number | null {
  if (values === undefined || values.length === 0) return null
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** The first run's distance from the log, as a part of the log's figure; null: not comparable. */
export function deviationOf({ log, values, isComparable }: Figure): number | null {
  const value = values[0] ?? null
  if (!isComparable || log === null || value === null || log === 0) return null
  return value / log - 1
}

/** Whether it is near enough; null where nothing is asked. */
export function isMet(figure: Figure): boolean | null {
  const deviation = deviationOf(figure)
  if (figure.mark === null || deviation === null) return null
  return Math.abs(deviation) <= figure.mark
}

export function sayFigure(value: number | null, digits: number): string {
  return value === null ? '–' : spaced(fixed(value, digits))
}

export function sayDeviation(figure: Figure): string {
  const deviation = deviationOf(figure)
  if (deviation === null) return ''
  const percent = `${deviation < 0 ? '−' : '+'}${fixed(Math.abs(deviation) * 100, 1)} %`
  const met = isMet(figure)
  return met === null ? percent : `${percent} ${met ? '✓' : '✗'}`
}

/** `1 250 000`: groups of three, with narrow spaces that do not break. */
export function spaced(digits: string): string {
  const [whole = '', fraction] = digits.split('.')
  const grouped = whole.replaceAll(/\B(?=(?:\d{3})+$)/g, '\u202f')
  return fraction === undefined ? grouped : `${grouped}.${fraction}`
}

/** A table for a terminal: the headings first. */
export function compareTable(experiment: Experiment, runs: readonly Run[]): string[][] {
  const others = runs.slice(1).map((run) => run.title)
  const figures = figuresOf(experiment, runs)
  const hasDeviation = figures.some((figure) => deviationOf(figure) !== null)
  const deviation = (text: string) => (hasDeviation ? [text] : [])
  const headings = ['', 'log', runs[0]?.title ?? '', ...deviation('deviation'), ...others]
  const rows = figures.map((figure) => [
    figure.name,
    sayFigure(figure.log, figure.digits),
    sayFigure(figure.values[0] ?? null, figure.digits),
    ...deviation(sayDeviation(figure)),
    ...figure.values.slice(1).map((value) => sayFigure(value, figure.digits)),
  ])
  return [headings, ...rows]
}

/** Columns side by side: the first to the left, figures to the right. */
export function alignTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  )
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
