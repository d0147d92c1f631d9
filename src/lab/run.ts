// What a run leaves, simulated or live: from it come every table, file and picture.

import type { LedgerCounts } from '../gateway/index.ts'
import type { Experiment } from './experiment.ts'
import type { Samples } from './samples.ts'
import type { Second } from './timeline.ts'

export interface Run {
  readonly experiment: Experiment
  /** What it is called in tables: the experiment's name, and what was changed. */
  readonly title: string
  readonly kind: 'simulated' | 'live'
  readonly seed: number
  readonly scale: number
  readonly samples: Samples
  readonly seconds: readonly Second[]
  readonly counters: Counters | null
  /** The producer's lines, with the instant of each. */
  readonly statistics: readonly StatisticsLine[]
  /** When the last answer came, ms since the run began. */
  readonly loadEndMs: number
  /** When the last record had settled. */
  readonly endMs: number
  /** It was stopped before its load was through. */
  readonly isCutShort: boolean
  readonly warnings: readonly string[]
}

export interface StatisticsLine {
  readonly atMs: number
  readonly level: 'info' | 'warn'
  readonly text: string
}

/** Where every record went. */
export interface Counters extends LedgerCounts {
  /** Answered with success, and neither delivered nor kept anywhere when the run was over. */
  readonly answeredNotDelivered: number
  /** Failed, and kept for somebody to look at. */
  readonly deadLettered: number
  readonly imbalance: number
  readonly putRecords: number
  readonly kinesisRecords: number
  readonly throttled: number
  readonly failedRequests: number
  readonly retried: number
  /** By which road records failed. */
  readonly roads: readonly { readonly road: string; readonly count: number }[]
  /** Answers by their status. */
  readonly statuses: Readonly<Record<string, number>>
}
