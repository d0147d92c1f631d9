// What went on in each second: the difference of two looks at the counters.

import type { LedgerCounts } from '../gateway/index.ts'
import type { Samples } from './samples.ts'
import { isSuccess } from './samples.ts'

/** The counters at an instant; all of them only grow, but for the last few. */
export interface Look {
  readonly ledger: LedgerCounts
  /** Kinesis records that shards refused for their rate. */
  readonly throttled: number
  /** Data bytes that each shard has taken, by shard id. */
  readonly shardBytes: ReadonlyMap<string, number>
  /** Requests begun. */
  readonly offered: number
  readonly oldestAgeMs: number
  readonly active: number
}

export interface Second {
  /** Its end, in seconds since the run began. */
  readonly atS: number
  readonly offered: number
  readonly answered: number
  readonly errors: number
  readonly delivered: number
  readonly failed: number
  readonly exhausted: number
  readonly throttled: number
  readonly outstanding: number
  readonly oldestAgeMs: number
  readonly active: number
  /** Of the answers in it; null when there were none. */
  readonly meanMs: number | null
  readonly p50Ms: number | null
  readonly p99Ms: number | null
  readonly maxMs: number | null
  readonly shardBytes: ReadonlyMap<string, number>
}

export class Timeline {
  readonly seconds: Second[] = []
  readonly #samples: Samples
  #seenSamples = 0
  #before: Look | null = null

  constructor(samples: Samples) {
    this.#samples = samples
  }

  /** Ends a second. */
  tick(atS: number, look: Look): void {
    const before = this.#before
    const { attempts: _, outstanding, ...counts } = look.ledger
    const shardBytes = new Map<string, number>()
    for (const [shard, bytes] of look.shardBytes) {
      shardBytes.set(shard, bytes - (before?.shardBytes.get(shard) ?? 0))
    }
    this.seconds.push({
      atS,
      offered: look.offered - (before?.offered ?? 0),
      delivered: counts.successes - (before?.ledger.successes ?? 0),
      failed: counts.failures - (before?.ledger.failures ?? 0),
      exhausted: counts.exhausted - (before?.ledger.exhausted ?? 0),
      throttled: look.throttled - (before?.throttled ?? 0),
      outstanding,
      oldestAgeMs: look.oldestAgeMs,
      active: look.active,
      shardBytes,
      ...this.#answers(),
    })
    this.#before = look
  }

  #answers() {
    const from = this.#seenSamples
    const to = this.#samples.count
    this.#seenSamples = to
    const elapsed = new Float64Array(to - from)
    let errors = 0
    for (let i = from; i < to; i++) {
      elapsed[i - from] = this.#samples.elapsedMs(i)
      if (!isSuccess(this.#samples.status(i))) errors++
    }
    elapsed.sort()
    const at = (share: number) =>
      elapsed[Math.min(elapsed.length - 1, Math.ceil(elapsed.length * share) - 1)] ?? null
    const sum = elapsed.reduce((total, ms) => total + ms, 0)
    return {
      answered: elapsed.length,
      errors,
      meanMs: elapsed.length === 0 ? null : sum / elapsed.length,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      maxMs: elapsed.at(-1) ?? null,
    }
  }
}
