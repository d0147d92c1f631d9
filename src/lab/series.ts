// From samples and seconds to what a picture shows: some hundred intervals of equal length.

import type { Run } from './run.ts'
import { isSuccess } from './samples.ts'

/** Points of a line: about two for each pixel column that a phone has. */
export const POINTS_MAX_COUNT = 300

export interface Interval {
  /** Its middle, seconds since the run began. */
  readonly atS: number
  /** Response times of the answers in it; null when there were none. */
  readonly meanMs: number | null
  readonly p50Ms: number | null
  readonly p99Ms: number | null
  readonly errors: number
  /** Per second, each. */
  readonly offered: number
  readonly answered: number
  readonly delivered: number
  /** At its end. */
  readonly outstanding: number
  readonly oldestAgeS: number
  readonly active: number
  readonly totals: {
    readonly delivered: number
    readonly failed: number
    readonly exhausted: number
  }
  /** Of each shard's limit in bytes, 1 is all. */
  readonly shardUse: ReadonlyMap<string, number>
}

const SHARD_BYTES_PER_SECOND = 1024 * 1024

/** Length of an interval, whole seconds. */
export function intervalSecondsOf({ seconds }: Run): number {
  return Math.max(1, Math.ceil(seconds.length / POINTS_MAX_COUNT))
}

export function intervalsOf(run: Run): Interval[] {
  const lengthS = intervalSecondsOf(run)
  const elapsed = elapsedByInterval(run, lengthS)
  const intervals: Interval[] = []
  const totals = { delivered: 0, failed: 0, exhausted: 0 }
  for (let from = 0; from < run.seconds.length; from += lengthS) {
    const seconds = run.seconds.slice(from, from + lengthS)
    const last = seconds.at(-1)!
    const sum = (name: 'offered' | 'answered' | 'delivered' | 'failed' | 'exhausted' | 'errors') =>
      seconds.reduce((total, second) => total + second[name], 0)
    totals.delivered += sum('delivered')
    totals.failed += sum('failed')
    totals.exhausted += sum('exhausted')
    const spanS = Math.max(0.001, last.atS - (run.seconds[from - 1]?.atS ?? 0))
    const shardUse = new Map<string, number>()
    for (const { shardBytes } of seconds) {
      for (const [shard, bytes] of shardBytes) {
        const part = bytes / spanS / SHARD_BYTES_PER_SECOND
        shardUse.set(shard, (shardUse.get(shard) ?? 0) + part)
      }
    }
    intervals.push({
      atS: from + lengthS / 2,
      ...timesOf(elapsed[from / lengthS] ?? []),
      errors: sum('errors'),
      offered: sum('offered') / spanS,
      answered: sum('answered') / spanS,
      delivered: sum('delivered') / spanS,
      outstanding: last.outstanding,
      oldestAgeS: last.oldestAgeMs / 1000,
      active: Math.max(...seconds.map((second) => second.active)),
      totals: { ...totals },
      shardUse,
    })
  }
  return intervals
}

/** Response times by the interval in which the answer came. */
function elapsedByInterval({ samples }: Run, lengthS: number): number[][] {
  const intervals: number[][] = []
  for (let i = 0; i < samples.count; i++) {
    const elapsedMs = samples.elapsedMs(i)
    const index = Math.floor((samples.startMs(i) + elapsedMs) / 1000 / lengthS)
    const interval = intervals[index]
    if (interval === undefined) intervals[index] = [elapsedMs]
    else interval.push(elapsedMs)
  }
  return intervals
}

function timesOf(elapsed: readonly number[]) {
  if (elapsed.length === 0) return { meanMs: null, p50Ms: null, p99Ms: null }
  const sorted = Float64Array.from(elapsed).sort()
  const at = (share: number) => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)]!
  const mean = sorted.reduce((sum, ms) => sum + ms, 0) / sorted.length
  return { meanMs: mean, p50Ms: at(0.5), p99Ms: at(0.99) }
}

/** Answers that were no success, of all. */
export function errorsOf({ samples }: Run): number {
  let errors = 0
  for (let i = 0; i < samples.count; i++) if (!isSuccess(samples.status(i))) errors++
  return errors
}
