// User records to Kinesis records: those that are expected in one shard share one.

import type { Clock } from '../host/index.ts'
import { NO_SHARD, type UserRecord } from '../record/index.ts'
import { AggregateSize } from '../wire/index.ts'
import { hashKeyFor, hashTopFor } from './hash-key-for.ts'
import { SENT, stepBack } from './key-order.ts'
import { AGGREGATE_KEY_BYTES, alone, firstExpirationOf, KinesisRecord } from './kinesis-record.ts'
import type { Cut } from './metrics/processing-statistics.ts'
import { type Measure, Reducer, type ReducerLimits } from './reducer.ts'
import { UNTOLD_PLACE } from './shard-index.ts'
import type { ShardMap } from './shard-map.ts'
import type { Stage } from './stage.ts'
import type { StreamFacts } from './stream-facts.ts'

/**
 * - `safe`: records of one shard, once the stream is known to keep them where their hash keys
 *   belong; records of one key while the shards are not known.
 * - `always`: records of one shard, whatever the stream; the KPL's way.
 * - `same-key`: records of one key only.
 * - `off`: none.
 */
export type AggregationMode = 'safe' | 'always' | 'same-key' | 'off'

export interface AggregationConfig extends ReducerLimits {
  readonly mode: AggregationMode
}

/** What is known of the stream. */
export interface StreamKnowledge {
  readonly shards: ShardMap
  readonly facts: StreamFacts
}

type UserRecordReducer = Reducer<UserRecord>

/** By their shards, and by key where records of several keys must not meet. */
class Reducers {
  /** Of the shards' places in the map; every record looks here, and a `Map` is twice as far. */
  byPlace: (UserRecordReducer | undefined)[] = []
  readonly byKey = new Map<string, UserRecordReducer>()

  all(): UserRecordReducer[] {
    return [...this.byPlace.filter((reducer) => reducer !== undefined), ...this.byKey.values()]
  }
}

export class Aggregator implements Stage<UserRecord> {
  readonly #clock: Clock
  readonly #shards: ShardMap
  readonly #facts: StreamFacts
  readonly #config: AggregationConfig
  readonly #next: Stage<KinesisRecord>
  readonly #onCut: Cut
  readonly #fresh = new Reducers()
  /**
   * Records that go again have old expirations, and what shares a Kinesis record with them would
   * pass the limiter's whole backlog: new records would overtake those that wait, which then
   * expire.
   */
  readonly #again = new Reducers()
  /** For want of knowledge that is one call away; bounded by the window. */
  #held: UserRecord[] = []
  #isFlushing = false
  /** Of the map by which the shards' reducers gather. */
  #mapVersion = 0
  /** Of a shard's aggregates: one object for all of them, which so stays near. */
  readonly #shardLimits: ReducerLimits

  constructor(
    clock: Clock,
    { shards, facts }: StreamKnowledge,
    config: AggregationConfig,
    next: Stage<KinesisRecord>,
    onCut: Cut,
  ) {
    this.#clock = clock
    this.#shards = shards
    this.#facts = facts
    this.#config = config
    this.#next = next
    this.#onCut = onCut
    this.#shardLimits = this.#limitsBeside(AGGREGATE_KEY_BYTES)
  }

  put(record: UserRecord): void {
    const { mode } = this.#config
    if (mode === 'off') return this.#putAlone(record, NO_SHARD)
    // Sent now, every record would travel without company and without a rate.
    if (!this.#shards.isTried || (mode === 'safe' && !this.#facts.isTried)) {
      return this.#hold(record)
    }
    if (this.#mapVersion !== this.#shards.version) this.onShardsChanged()
    const place = this.#placeOf(record)
    const shard = this.#shards.index.shardAt(place)
    const isKnown = shard !== NO_SHARD
    if (mode === 'safe' && !this.#facts.areKeysKept) this.#putAlone(record, shard)
    else if (isKnown && this.#shards.isWorthWaiting(shard)) this.#hold(record)
    else if (mode === 'same-key' || !isKnown || this.#shards.hasMoved(shard)) {
      this.#putByKey(record, shard)
    } else this.#putByShard(record, shard, place)
  }

  /**
   * What is known of the stream has changed: what waited for that goes on, and what was gathered
   * for shards that are no more where they were is gathered anew.
   */
  onShardsChanged(): void {
    const left = this.#held
    this.#held = []
    // By another map a shard of the same name may have another range.
    const isSameMap = this.#mapVersion === this.#shards.version
    this.#mapVersion = this.#shards.version
    for (const reducers of [this.#fresh, this.#again]) {
      const { byPlace } = reducers
      for (const [place, reducer] of byPlace.entries()) {
        if (isSameMap && this.#shards.isSettled(this.#shards.index.shardAt(place))) continue
        byPlace[place] = undefined
        if (reducer !== undefined) left.push(...reducer.abandon())
      }
      // Not filled from the far end: that would make a table of hashes of it.
      if (!isSameMap) reducers.byPlace = new Array(this.#shards.openCount).fill(undefined)
    }
    for (const record of left) {
      if (record.keyTurn === null) this.put(record)
      else record.keyTurn.comeBack(record)
    }
  }

  /**
   * Sends on everything now, and lets it wait nowhere for company. What is held here cannot go yet;
   * it goes as soon as it may, because its time has come.
   */
  flush(): void {
    const nowMs = this.#clock.monotonicMs()
    for (const record of this.#held) record.deadlineAtMs = Math.min(record.deadlineAtMs, nowMs)
    this.#isFlushing = true
    for (const reducer of this.#all()) reducer.flush()
    this.#isFlushing = false
  }

  abandon(): UserRecord[] {
    const left = this.#held
    this.#held = []
    for (const reducer of this.#all()) left.push(...reducer.abandon())
    return left
  }

  #all(): UserRecordReducer[] {
    return [...this.#fresh.all(), ...this.#again.all()]
  }

  #placeOf(record: UserRecord): number {
    const { index } = this.#shards
    const place = index.findByTop(hashTopFor(record))
    return place === UNTOLD_PLACE ? index.find(hashKeyFor(record)) : place
  }

  #reducersFor(record: UserRecord): Reducers {
    return record.attemptCount === 0 ? this.#fresh : this.#again
  }

  #hold(record: UserRecord): void {
    if (mayJoin(record, HELD)) this.#held.push(record)
  }

  #putAlone(record: UserRecord, shard: number): void {
    if (mayJoin(record, SENT)) this.#next.put(alone(record, shard))
  }

  #putByShard(record: UserRecord, shard: number, place: number): void {
    record.predictedShard = shard
    const { byPlace } = this.#reducersFor(record)
    let reducer = byPlace[place]
    if (reducer === undefined) {
      const { version } = this.#shards
      reducer = this.#open(this.#shardLimits, (records, sizeBytes, expiresAtMs) => {
        const isOneKey = records.length === 1
        return new KinesisRecord(records, sizeBytes, shard, {
          isOneKey,
          mapVersion: version,
          expiresAtMs,
        })
      })
      byPlace[place] = reducer
    }
    if (!mayJoin(record, reducer)) return
    // The first one's routes them all. The others are known by the shard now: what lives as long as
    // a record is moved twice by the collector of young objects.
    record.hashKey = reducer.count === 0 ? hashKeyFor(record) : null
    reducer.put(record)
  }

  /** A reducer of one key is gone when it is empty: there can be as many keys as records. */
  #putByKey(record: UserRecord, shard: number): void {
    record.predictedShard = shard
    const { byKey } = this.#reducersFor(record)
    const { partitionKey, explicitHashKey } = record
    const key = `${shard} ${explicitHashKey ?? ''} ${partitionKey}`
    let reducer = byKey.get(key)
    const isNew = reducer === undefined
    if (reducer === undefined) {
      const limits = this.#limitsBeside(Buffer.byteLength(partitionKey))
      const opened = this.#open(limits, (records, sizeBytes, expiresAtMs) => {
        if (opened.count === 0) {
          byKey.delete(key)
          opened.abandon()
        }
        return new KinesisRecord(records, sizeBytes, shard, { isOneKey: true, expiresAtMs })
      })
      reducer = opened
    }
    if (!mayJoin(record, reducer)) return
    if (isNew) byKey.set(key, reducer)
    reducer.put(record)
  }

  #open(
    limits: ReducerLimits,
    join: (records: UserRecord[], sizeBytes: number, expiresAtMs: number) => KinesisRecord,
  ): UserRecordReducer {
    const measure = new AggregateMeasure()
    const next = (records: UserRecord[], sizeBytes: number, reasons: number) => {
      // Of these records, until the reducer is cleared again.
      const { wereKeysDistinct } = measure
      const expiresAtMs = measure.expirationOf(records)
      this.#onCut(reasons, records.length)
      const isOrdered = records[0]!.keyTurn !== null
      // What was trimmed has to wait when others of its key were not.
      const trimmed = isOrdered ? reducer.abandon() : []
      if (isOrdered) for (const { keyTurn } of records) keyTurn!.sent()
      const record = join(records, sizeBytes, expiresAtMs)
      record.areKeysDistinct = wereKeysDistinct
      if (this.#isFlushing) {
        const nowMs = this.#clock.monotonicMs()
        for (const one of [record, ...trimmed]) one.deadlineAtMs = nowMs
      }
      this.#next.put(record)
      stepBack(trimmed)
    }
    const reducer = new Reducer(this.#clock, limits, measure, next)
    return reducer
  }

  /** Looked at anew for each record: what the stream takes is learned, and can be changed. */
  #limitsBeside(keyBytes: number): ReducerLimits {
    const { maxCount, maxSizeBytes } = this.#config
    const facts = this.#facts
    return {
      maxCount,
      get maxSizeBytes() {
        return Math.min(maxSizeBytes, facts.maxRecordBytes - keyBytes)
      },
    }
  }
}

/** In the place of a reducer. */
const HELD = Symbol('held')

/** Whether the record may be taken over; if not, it stays where the records of its key wait. */
function mayJoin(record: UserRecord, place: unknown): boolean {
  return record.keyTurn === null || record.keyTurn.mayJoin(record, place)
}

class AggregateMeasure extends AggregateSize implements Measure<UserRecord> {
  /** Before the last `clear`. What was trimmed then leaves the others distinct. */
  wereKeysDistinct = false
  /** Of all since the last `clear`, and of all before it. */
  #expiresAtMs = 0
  #countBefore = 0
  #expiresBeforeAtMs = 0

  override add(record: UserRecord, records: readonly UserRecord[]): void {
    const { expiresAtMs } = record
    if (this.count === 0 || expiresAtMs < this.#expiresAtMs) this.#expiresAtMs = expiresAtMs
    super.add(record, records)
  }

  override clear(): void {
    this.wereKeysDistinct = this.areKeysDistinct
    this.#countBefore = this.count
    this.#expiresBeforeAtMs = this.#expiresAtMs
    super.clear()
  }

  /**
   * Of what was cut: the first instant at which one expires. They are not asked themselves, who are
   * far away in memory by now, unless some were trimmed.
   */
  expirationOf(records: readonly UserRecord[]): number {
    const isAll = records.length === this.#countBefore
    return isAll ? this.#expiresBeforeAtMs : firstExpirationOf(records)
  }

  isCalledFor(): boolean {
    return false
  }
}
