// User records to Kinesis records: those that are expected in one shard share one.

import type { Clock } from '../host/index.ts'
import { NO_SHARD, type UserRecord } from '../record/index.ts'
import { AggregateSize } from '../wire/index.ts'
import { aloneWithoutShard, KinesisRecord } from './kinesis-record.ts'
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
  readonly #reducers = new Map<number, Reducer<UserRecord>>()
  /** Came before anything was known of the shards; bounded by the window. */
  #early: UserRecord[] = []
  #isFlushing = false

  constructor(
    clock: Clock,
    shards: ShardMap,
    config: AggregationConfig,
    next: Stage<KinesisRecord>,
  ) {
    this.#clock = clock
    this.#shards = shards
    this.#config = config
    this.#next = next
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
    this.#reducerOf(shard).put(record)
  }

  /**
   * The shard map is another one now: what waited for it goes on, what is left of closed shards
   * moves.
   */
  onShardsChanged(): void {
    const early = this.#early
    this.#early = []
    for (const record of early) this.put(record)
    for (const [shard, reducer] of this.#reducers) {
      if (this.#shards.isOpen(shard)) continue
      this.#reducers.delete(shard)
      for (const record of reducer.abandon()) this.put(record)
    }
  }

  /** Sends on everything now, and lets it wait nowhere for company. */
  flush(): void {
    this.#isFlushing = true
    for (const reducer of this.#reducers.values()) reducer.flush()
    this.#isFlushing = false
  }

  abandon(): UserRecord[] {
    const left = this.#early
    this.#early = []
    for (const reducer of this.#reducers.values()) left.push(...reducer.abandon())
    return left
  }

  #reducerOf(shard: number): Reducer<UserRecord> {
    let reducer = this.#reducers.get(shard)
    if (reducer === undefined) {
      const next = (records: UserRecord[], sizeBytes: number) => {
        const record = new KinesisRecord(records, sizeBytes, shard)
        if (this.#isFlushing) record.deadlineAtMs = this.#clock.monotonicMs()
        this.#next.put(record)
      }
      reducer = new Reducer(this.#clock, this.#config, new AggregateMeasure(), next)
      this.#reducers.set(shard, reducer)
    }
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
