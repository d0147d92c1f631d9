// Kinesis records to one PutRecords request, over all shards of the stream.

import type { Clock } from '../host/index.ts'
import { NO_SHARD } from '../record/index.ts'
import type { KinesisRecord } from './kinesis-record.ts'
import type { Cut } from './metrics/processing-statistics.ts'
import { type Measure, Reducer, type ReducerLimits } from './reducer.ts'
import type { Stage } from './stage.ts'

/**
 * Bytes of one shard in the collector at which the whole request goes; the record that crosses the
 * line goes with it. The KPL's number: a quarter of what a shard takes in a second.
 */
export const COLLECTED_SHARD_BYTES = 256 * 1024

export class Collector implements Stage<KinesisRecord> {
  readonly #reducer: Reducer<KinesisRecord>

  constructor(clock: Clock, limits: ReducerLimits, next: Stage<KinesisRecord[]>, onCut: Cut) {
    this.#reducer = new Reducer(clock, limits, new RequestMeasure(), (records, _size, reasons) => {
      onCut(reasons, records.length)
      next.put(records)
    })
  }

  put(record: KinesisRecord): void {
    this.#reducer.put(record)
  }

  flush(): void {
    this.#reducer.flush()
  }

  abandon(): KinesisRecord[] {
    return this.#reducer.abandon()
  }
}

class RequestMeasure implements Measure<KinesisRecord> {
  #bytes = 0
  readonly #shardBytes = new Map<number, number>()
  #isCalledFor = false

  add(record: KinesisRecord): void {
    this.#bytes += record.chargedBytes
    if (record.predictedShard === NO_SHARD) return
    const shardBytes = (this.#shardBytes.get(record.predictedShard) ?? 0) + record.sizeBytes
    this.#shardBytes.set(record.predictedShard, shardBytes)
    if (shardBytes >= COLLECTED_SHARD_BYTES) this.#isCalledFor = true
  }

  clear(): void {
    this.#bytes = 0
    this.#shardBytes.clear()
    this.#isCalledFor = false
  }

  estimatedBytes(): number {
    return this.#bytes
  }

  accurateBytes(): number {
    return this.#bytes
  }

  isCalledFor(): boolean {
    return this.#isCalledFor
  }
}
