// User records to Kinesis records: those that are expected in one shard share one.

import type { Clock } from '../host/index.ts'
import { NO_SHARD, type UserRecord } from '../record/index.ts'
import { AggregateSize } from '../wire/index.ts'
import { aloneWithoutShard, KinesisRecord } from './kinesis-record.ts'
import type { Cut } from './metrics/processing-statistics.ts'
import { type Measure, Reducer, type ReducerLimits } from './reducer.ts'
import type { ShardMap } from './shard-map.ts'
import type { Stage } from './stage.ts'

export interface AggregationConfig extends ReducerLimits {
  readonly isEnabled: boolean
}

export class Aggregator implements Stage<UserRecord> {
  readonly #clock: Clock
  readonly #shards: ShardMap
  readonly #config: AggregationConfig
  readonly #next: Stage<KinesisRecord>
  readonly #onCut: Cut
  readonly #fresh = new Map<number, Reducer<UserRecord>>()
  /**
   * Records that go again have old expirations, and what shares a Kinesis record with them would
   * pass the limiter's whole backlog: new records would overtake those that wait, which then
   * expire.
   */
  readonly #again = new Map<number, Reducer<UserRecord>>()
  /** Came before anything was known of the shards; bounded by the window. */
  #early: UserRecord[] = []
  #isFlushing = false

  constructor(
    clock: Clock,
    shards: ShardMap,
    config: AggregationConfig,
    next: Stage<KinesisRecord>,
    onCut: Cut,
  ) {
    this.#clock = clock
    this.#shards = shards
    this.#config = config
    this.#next = next
    this.#onCut = onCut
  }

  put(record: UserRecord): void {
    if (!this.#config.isEnabled) return this.#next.put(aloneWithoutShard(record))
    // The first map is one call away. Sent now, every record would travel alone and unlimited.
    if (!this.#shards.isTried) {
      this.#early.push(record)
      return
    }
    const shard = this.#shards.predict(record.hashKey!)
    if (shard === NO_SHARD) return this.#next.put(aloneWithoutShard(record))
    record.predictedShard = shard
    const reducers = record.attemptCount === 0 ? this.#fresh : this.#again
    const reducer = reducers.get(shard) ?? this.#open(reducers, shard)
    reducer.put(record)
  }

  /**
   * The shard map is another one now: what waited for it goes on, what is left of closed shards
   * moves.
   */
  onShardsChanged(): void {
    const early = this.#early
    this.#early = []
    for (const record of early) this.put(record)
    for (const reducers of [this.#fresh, this.#again]) {
      for (const [shard, reducer] of reducers) {
        if (this.#shards.isOpen(shard)) continue
        reducers.delete(shard)
        for (const record of reducer.abandon()) this.put(record)
      }
    }
  }

  /** Sends on everything now, and lets it wait nowhere for company. */
  flush(): void {
    this.#isFlushing = true
    for (const reducer of this.#all()) reducer.flush()
    this.#isFlushing = false
  }

  abandon(): UserRecord[] {
    const left = this.#early
    this.#early = []
    for (const reducer of this.#all()) left.push(...reducer.abandon())
    return left
  }

  #all(): Reducer<UserRecord>[] {
    return [...this.#fresh.values(), ...this.#again.values()]
  }

  #open(reducers: Map<number, Reducer<UserRecord>>, shard: number): Reducer<UserRecord> {
    const next = (records: UserRecord[], sizeBytes: number, reasons: number) => {
      this.#onCut(reasons, records.length)
      const record = new KinesisRecord(records, sizeBytes, shard)
      if (this.#isFlushing) record.deadlineAtMs = this.#clock.monotonicMs()
      this.#next.put(record)
    }
    const reducer = new Reducer(this.#clock, this.#config, new AggregateMeasure(), next)
    reducers.set(shard, reducer)
    return reducer
  }
}

class AggregateMeasure implements Measure<UserRecord> {
  #size = new AggregateSize()

  add(record: UserRecord): void {
    this.#size.add(record)
  }

  clear(): void {
    this.#size = new AggregateSize()
  }

  estimatedBytes(): number {
    return this.#size.estimatedBytes()
  }

  accurateBytes(): number {
    return this.#size.accurateBytes()
  }

  isCalledFor(): boolean {
    return false
  }
}
