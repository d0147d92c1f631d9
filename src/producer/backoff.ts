// Where records wait before they go again: a drawn time, whose bound doubles with each failure in a
// row of their shard, or of the whole stream, up to a maximum. ("Full jitter": of the ways to draw
// it the one with the fewest calls until all are through; AWS Architecture Blog, "Exponential
// Backoff And Jitter".)

import type { Clock, Random, Timer } from '../host/index.ts'
import type { Attempt, UserRecord } from '../record/index.ts'
import type { Stage } from './stage.ts'

export interface BackoffConfig {
  /** Bound of the first wait, ms. */
  readonly baseMs: number
  /** Bound of every wait, ms. */
  readonly maxMs: number
}

/** Who flushes in a loop must not ask a service that refuses as fast as it answers. */
const FLUSH_INTERVAL_MS = 1000

/** In the place of a shard: what refuses or does not answer is the service, not a shard. */
export const WHOLE_STREAM = -2

interface FailuresInARow {
  readonly count: number
  /** When we learned of the last of them. */
  readonly toldAtMs: number
}

type AttemptTimes = Pick<Attempt, 'startAtMs' | 'endAtMs'>

/** Failed together, go again together, so that they can share a Kinesis record again. */
interface Batch {
  readonly shard: number
  readonly bornAtMs: number
  readonly records: UserRecord[]
  atMs: number
  timer: Timer
}

export class Backoff {
  readonly #clock: Clock
  readonly #random: Random
  readonly #config: BackoffConfig
  readonly #next: Stage<UserRecord>
  /** What is not in it has none. */
  readonly #failures = new Map<number, FailuresInARow>()
  /** The newest batch of each shard. */
  readonly #newest = new Map<number, Batch>()
  readonly #batches = new Set<Batch>()
  /** Of the last flush, or of the one that is to come. */
  #flushAtMs = Number.NEGATIVE_INFINITY

  constructor(
    host: { readonly clock: Clock; readonly random: Random },
    config: BackoffConfig,
    next: Stage<UserRecord>,
  ) {
    this.#clock = host.clock
    this.#random = host.random
    this.#config = config
    this.#next = next
  }

  /** A shard, or the service as a whole, has taken something. */
  succeeded(shard: number): void {
    this.#failures.delete(shard)
  }

  /** Forgets the failures of other shards: they are no more, and nothing will succeed there. */
  keepOnly(isKept: (shard: number) => boolean): void {
    for (const shard of this.#failures.keys()) {
      if (shard >= 0 && !isKept(shard)) this.#failures.delete(shard)
    }
  }

  /** The record failed with this attempt. */
  put(record: UserRecord, shard: number, { startAtMs, endAtMs }: AttemptTimes): void {
    const newest = this.#newest.get(shard)
    // What one answer tells is one failure, however long it takes to judge its entries.
    const isSame = newest?.bornAtMs === endAtMs
    const batch = isSame ? newest : this.#open(shard, startAtMs, endAtMs)
    batch.records.push(record)
    // Not beyond its time: it gets a last chance then, and is told in time that it has failed.
    if (record.expiresAtMs < batch.atMs) this.#releaseAt(record.expiresAtMs, batch)
  }

  /** Sends again what waits: now, or a second after it last did so. */
  flush(): void {
    if (this.#batches.size === 0) return
    const nowMs = this.#clock.monotonicMs()
    const isToCome = nowMs < this.#flushAtMs
    if (!isToCome) this.#flushAtMs = Math.max(nowMs, this.#flushAtMs + FLUSH_INTERVAL_MS)
    const atMs = this.#flushAtMs
    for (const batch of [...this.#batches]) {
      if (atMs <= nowMs) this.#release(batch)
      else if (atMs < batch.atMs) this.#releaseAt(atMs, batch)
    }
  }

  abandon(): UserRecord[] {
    const left = [...this.#batches].flatMap(({ records }) => records)
    for (const { timer } of this.#batches) timer.cancel()
    this.#batches.clear()
    return left
  }

  #open(shard: number, startAtMs: number, bornAtMs: number): Batch {
    const before = this.#failures.get(shard) ?? { count: 0, toldAtMs: Number.NEGATIVE_INFINITY }
    // What was under way when we learned of a failure is no further one: as many requests as there
    // are connections would make a blip of a moment a wait of the longest kind.
    const isFurther = startAtMs >= before.toldAtMs
    const failures = isFurther ? { count: before.count + 1, toldAtMs: bornAtMs } : before
    this.#failures.set(shard, failures)
    const { baseMs, maxMs } = this.#config
    const boundMs = Math.min(maxMs, baseMs * 2 ** (failures.count - 1))
    const atMs = bornAtMs + 1 + this.#random.below(boundMs)
    const batch: Batch = {
      shard,
      bornAtMs,
      records: [],
      atMs,
      timer: this.#clock.schedule(atMs, () => this.#release(batch)),
    }
    this.#newest.set(shard, batch)
    this.#batches.add(batch)
    return batch
  }

  #releaseAt(atMs: number, batch: Batch): void {
    batch.timer.cancel()
    batch.atMs = atMs
    batch.timer = this.#clock.schedule(atMs, () => this.#release(batch))
  }

  #release(batch: Batch): void {
    batch.timer.cancel()
    this.#batches.delete(batch)
    if (this.#newest.get(batch.shard) === batch) this.#newest.delete(batch.shard)
    const nowMs = this.#clock.monotonicMs()
    for (const record of batch.records) {
      record.deadlineAtMs = Math.min(nowMs, record.expiresAtMs)
      this.#next.put(record)
    }
  }
}
