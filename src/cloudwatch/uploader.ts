// Takes the producer's metrics at a fixed pace and puts them somewhere. What could not be put is
// kept, with its own time, and goes with a later upload. (The KPL loses it.)

import { type Clock, type Log, messageOf, type Timer } from '../host/index.ts'
import type { Metric } from '../producer/index.ts'
import { type Datum, dataOf, inBatches } from './datum.ts'

export interface MetricsSource {
  takeMetrics(options: { isLast: boolean }): Metric[]
}

export interface MetricsSink {
  /** Rejects when the data may not have arrived. */
  put(namespace: string, data: readonly Datum[]): Promise<void>
}

export interface UploaderConfig {
  readonly namespace: string
  readonly everyMs: number
}

export interface UploaderExits {
  readonly sink: MetricsSink
  readonly log: Log
}

/**
 * Data of earlier uploads that wait for a CloudWatch that does not take them; the oldest go first.
 * Some 10 MB.
 */
export const KEPT_DATA_MAX_COUNT = 20_000
/** Requests under way at once. */
const CONCURRENT_MAX_COUNT = 8
/** An upload that failed so often lets the rest wait for the next: CloudWatch is not there. */
const FAILURES_MAX_COUNT = 3
/** Metrics are kept by the second. */
const EVERY_MIN_MS = 1000

export class Uploader {
  readonly #clock: Clock
  readonly #source: MetricsSource
  readonly #config: UploaderConfig
  readonly #exits: UploaderExits
  #waiting: Datum[][] = []
  #waitingCount = 0
  #timer: Timer | null = null
  #upload: Promise<void> | null = null

  constructor(clock: Clock, source: MetricsSource, config: UploaderConfig, exits: UploaderExits) {
    this.#clock = clock
    this.#source = source
    this.#config = config
    this.#exits = exits
    this.#arm(clock.monotonicMs())
  }

  /** Data that were taken and not put yet. */
  get waitingCount(): number {
    return this.#waitingCount
  }

  /** Uploads what is there, the running second too; resolves with the data that are left. */
  async close(deadlineMs: number): Promise<number> {
    this.#timer?.cancel()
    this.#timer = null
    const { promise: deadline, resolve } = Promise.withResolvers<void>()
    const timer = this.#clock.schedule(this.#clock.monotonicMs() + deadlineMs, resolve)
    await Promise.race([this.#upload, deadline])
    this.#take(true)
    await Promise.race([this.#start(), deadline])
    timer.cancel()
    return this.#waitingCount
  }

  #arm(afterMs: number): void {
    const everyMs = Math.max(EVERY_MIN_MS, this.#config.everyMs)
    this.#timer = this.#clock.schedule(afterMs + everyMs, () => {
      // The next one from when this one was due, so that the pace does not drift; from now when
      // the process slept.
      const nowMs = this.#clock.monotonicMs()
      this.#arm(nowMs - afterMs > 2 * everyMs ? nowMs : afterMs + everyMs)
      this.#take(false)
      this.#start()
    })
  }

  #take(isLast: boolean): void {
    // Before the new ones come: one upload may have more than that, and should not lose any.
    this.#dropOldest()
    const data = dataOf(this.#source.takeMetrics({ isLast }), this.#clock.wallMs())
    for (const batch of inBatches(data)) {
      this.#waiting.push(batch)
      this.#waitingCount += batch.length
    }
  }

  #dropOldest(): void {
    let droppedCount = 0
    while (this.#waitingCount > KEPT_DATA_MAX_COUNT && this.#waiting.length > 0) {
      const { length } = this.#waiting.shift()!
      this.#waitingCount -= length
      droppedCount += length
    }
    if (droppedCount > 0) {
      this.#exits.log.error('metrics were dropped: too many wait to be uploaded', { droppedCount })
    }
  }

  #start(): Promise<void> {
    this.#upload ??= this.#run().finally(() => {
      this.#upload = null
    })
    return this.#upload
  }

  async #run(): Promise<void> {
    const failed: Datum[][] = []
    const why = new Set<string>()
    const work = async () => {
      while (failed.length < FAILURES_MAX_COUNT) {
        const batch = this.#waiting.shift()
        if (batch === undefined) return
        try {
          await this.#exits.sink.put(this.#config.namespace, batch)
          this.#waitingCount -= batch.length
        } catch (error) {
          failed.push(batch)
          why.add(error instanceof Error ? `${error.name}: ${messageOf(error)}` : messageOf(error))
        }
      }
    }
    await Promise.all(Array.from({ length: CONCURRENT_MAX_COUNT }, work))
    if (failed.length === 0) return
    // Behind the others: what CloudWatch refuses for its content must not block them.
    this.#waiting.push(...failed)
    this.#exits.log.warn('metrics could not be uploaded; they go with a later upload', {
      why: [...why].join('; '),
      waitingCount: this.#waitingCount,
    })
  }
}
