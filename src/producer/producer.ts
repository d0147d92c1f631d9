// The Kinesis producer: one line for each stream, one client for them all.

import assert from 'node:assert'
import type { Log, Timer } from '../host/index.ts'
import { type Arrival, NO_SHARD, type UserRecord } from '../record/index.ts'
import { Arrivals } from './arrivals.ts'
import { Client } from './client.ts'
import type { ProducerConfig } from './config.ts'
import { CredentialsKeeper, type CredentialsProvider } from './credentials.ts'
import { laneBaseOf, laneOf } from './lane-number.ts'
import { clientConfigOf, type LineConfig, lineConfigOf, recordTtlMsOf } from './line-config.ts'
import { isUploaded } from './metrics/metrics-config.ts'
import {
  type Metric,
  type MetricNode,
  MetricsTree,
  type OwnDimension,
} from './metrics/metrics-tree.ts'
import { prometheusText } from './metrics/prometheus-text.ts'
import { type LearnedOfStream, Pipeline, type ProducerHost } from './pipeline.ts'
import type { RetryCounters } from './retrier.ts'

/** What a producer says of itself: the configuration in force and its lines. */
export interface ProducerDescription {
  readonly configuration: ProducerConfig
  readonly streams: readonly (Readonly<RetryCounters> &
    LearnedOfStream & {
      readonly stream: string
      readonly outstanding: number
    })[]
}

interface Flush {
  readonly epoch: number
  /** Null: every stream's records. */
  readonly stream: string | null
  /** Records put before the flush that have not settled. */
  leftCount: number
  readonly resolve: () => void
}

export class Producer {
  readonly #host: ProducerHost
  readonly #config: ProducerConfig
  readonly #lineConfig: LineConfig
  readonly #client: Client
  readonly #log: Log
  readonly #metrics: MetricsTree
  readonly #pipelines = new Map<string, Pipeline>()
  readonly #onLeave = (record: UserRecord) => this.#leave(record)
  /** Called when a record has settled, before its own `onSettle`: for those who wait for room. */
  onLeft: () => void = () => {}
  #outstandingCount = 0
  #outstandingBytes = 0
  readonly #arrivals = new Arrivals()
  /** Of the record put last; null when nobody shares it any more. */
  #arrival: Arrival | null = null
  #arrivalUntilMs = 0
  #isClosed = false
  /** Given up by `close`; with several, by whichever was the shortest. */
  #leftCount = 0
  #flushEpoch = 0
  #flushes: Flush[] = []
  #onLanesChanged = () => {}

  constructor(
    host: ProducerHost,
    config: ProducerConfig,
    credentials: CredentialsProvider,
    log: Log,
    ownDimensions: readonly OwnDimension[] = [],
  ) {
    this.#host = host
    this.#config = config
    this.#log = log
    this.#metrics = new MetricsTree(ownDimensions)
    this.#lineConfig = lineConfigOf(config)
    const keeper = new CredentialsKeeper(host.clock, credentials)
    this.#client = new Client(host, clientConfigOf(config), keeper, log)
  }

  /** User records that were put and have not settled. */
  get outstandingCount(): number {
    return this.#outstandingCount
  }

  /** Data bytes of the outstanding records. */
  get outstandingBytes(): number {
    return this.#outstandingBytes
  }

  /** Of the record that is outstanding longest, up to 100 ms too much; 0 when there is none. */
  get oldestRecordAgeMs(): number {
    const oldestAtMs = this.#arrivals.oldestAtMs()
    return oldestAtMs === null ? 0 : this.#host.clock.monotonicMs() - oldestAtMs
  }

  /**
   * Takes over a record and settles it, later, exactly once. Never waits and never refuses: whoever
   * calls bounds what is outstanding. After `close` a record fails at once, with the code `Closed`.
   */
  put(record: UserRecord): void {
    const nowMs = this.#host.clock.monotonicMs()
    const arrival = this.#arrivalAt(nowMs)
    record.arrival = arrival
    if (this.#isClosed) return refuse(record, nowMs, CLOSED)
    const pipeline = this.#pipelines.get(record.stream) ?? this.#openPipeline(record.stream)
    if (pipeline === null) return refuse(record, nowMs, TOO_MANY_STREAMS)
    this.#outstandingCount++
    this.#outstandingBytes += record.data.length
    this.#arrivals.add(arrival.atMs)
    pipeline.outstandingCount++
    pipeline.put(record)
  }

  /**
   * Sends on all that waits for company, or what is of one stream; resolves when every record put
   * before has settled.
   */
  flush(stream: string | null = null): Promise<void> {
    const flushed = [...this.#pipelines].filter(([name]) => stream === null || name === stream)
    const leftCount = flushed.reduce((sum, [, { outstandingCount }]) => sum + outstandingCount, 0)
    if (leftCount === 0) return Promise.resolve()
    this.#flushEpoch++
    this.#arrival = null
    const done = new Promise<void>((resolve) => {
      this.#flushes.push({ epoch: this.#flushEpoch, stream, leftCount, resolve })
    })
    // Counted before, because records may settle in it, and whoever is told may put others.
    for (const [, pipeline] of flushed) pipeline.flush()
    return done
  }

  /**
   * The shard in which a record would land now, as a number that names it among all streams; where
   * it is not known yet, one for the whole stream.
   */
  laneOf(record: UserRecord): number {
    const pipeline = this.#pipelines.get(record.stream)
    return pipeline?.laneOf(record) ?? laneOf(laneBaseOf(record.stream), NO_SHARD)
  }

  /** `told` is called when records may belong to other lanes than before. */
  onLanesChanged(told: () => void): void {
    this.#onLanesChanged = told
  }

  /**
   * Takes no more records, sends what it has, and waits for that at most `deadlineMs`. What is left
   * then fails with the code `Closed`. Resolves with the number of those records; called more than
   * once, with that of all of them.
   */
  async close(deadlineMs: number): Promise<number> {
    this.#isClosed = true
    const { clock } = this.#host
    const timers: Timer[] = []
    const deadline = new Promise<void>((resolve) => {
      timers.push(clock.schedule(clock.monotonicMs() + deadlineMs, resolve))
    })
    await Promise.race([this.flush(), deadline])
    for (const timer of timers) timer.cancel()
    return this.#giveUp()
  }

  describe(): ProducerDescription {
    const streams = [...this.#pipelines].map(([stream, pipeline]) => ({
      stream,
      ...pipeline.learned,
      outstanding: pipeline.outstandingCount,
      ...pipeline.counters,
    }))
    return { configuration: this.#config, streams }
  }

  /**
   * The metrics that have a value, or those of one name, with every combination of dimensions; over
   * the last `seconds` (the running one and those before it, at most 60), or since the start.
   */
  getMetrics(name: string | null = null, seconds = 0): Metric[] {
    return this.#metrics.list(name, seconds, this.#sampledAtMs())
  }

  /**
   * What metricsLevel and metricsGranularity let through of the whole seconds since the last call:
   * for one uploader, not for two. The last time the running second is taken too.
   */
  takeMetrics({ isLast = false } = {}): Metric[] {
    const isWanted = (node: MetricNode) => isUploaded(this.#config, node)
    const nowMs = this.#sampledAtMs()
    return this.#metrics.take(isWanted, isLast ? nowMs + SECOND_MS : nowMs)
  }

  /** All metrics for Prometheus to scrape; served as `PROMETHEUS_CONTENT_TYPE`. */
  prometheusText(): string {
    const pipelines = [...this.#pipelines]
    const { inFlight } = this.#client
    const each = (value: (pipeline: Pipeline) => number) =>
      pipelines.map(([stream, pipeline]) => ({ stream, value: value(pipeline) }))
    return prometheusText(this.#metrics.listApart(this.#sampledAtMs()), [
      {
        name: 'outstanding_records',
        says: 'User records that were put and have not settled.',
        samples: each((pipeline) => pipeline.outstandingCount),
      },
      {
        name: 'outstanding_bytes',
        says: 'Their data.',
        samples: [{ stream: null, value: this.#outstandingBytes }],
      },
      {
        name: 'in_flight_bytes',
        says: 'Records of requests that have no answer yet.',
        samples: [{ stream: null, value: inFlight.bytes }],
      },
      {
        name: 'in_flight_bound_bytes',
        says: 'Up to which a request may join them; it follows what the line carries in time.',
        samples: [{ stream: null, value: Math.trunc(inFlight.boundBytes) }],
      },
      {
        name: 'open_shards',
        says: 'Open shards as of the last listing.',
        samples: each((pipeline) => pipeline.learned.openShards),
      },
    ])
  }

  /** Of what comes now, or came a moment ago. */
  #arrivalAt(nowMs: number): Arrival {
    if (this.#arrival !== null && nowMs <= this.#arrivalUntilMs) return this.#arrival
    // In whole milliseconds, where nothing hangs on a fraction, which costs an object. A record may
    // live a moment longer, and not be given up too early.
    const expiresFromMs = Math.ceil(nowMs)
    this.#arrivalUntilMs = Math.min(nowMs + SAME_INSTANT_MS, expiresFromMs)
    this.#arrival = {
      atMs: Math.floor(nowMs),
      deadlineAtMs: nowMs + this.#config.recordMaxBufferedTime,
      expiresAtMs: expiresFromMs + recordTtlMsOf(this.#config),
      flushEpoch: this.#flushEpoch,
      onLeave: this.#onLeave,
    }
    return this.#arrival
  }

  /** The present instant, up to which the metrics are complete then. */
  #sampledAtMs(): number {
    const nowMs = this.#host.clock.monotonicMs()
    for (const pipeline of this.#pipelines.values()) pipeline.sampleMetrics(nowMs)
    return nowMs
  }

  #openPipeline(stream: string): Pipeline | null {
    if (this.#pipelines.size >= this.#config.maxStreams && !this.#closeIdlePipeline()) return null
    const onLanesChanged = () => this.#onLanesChanged()
    const witnesses = { log: this.#log, metrics: this.#metrics, onLanesChanged }
    const pipeline = new Pipeline(this.#host, this.#lineConfig, stream, this.#client, witnesses)
    this.#pipelines.set(stream, pipeline)
    return pipeline
  }

  #closeIdlePipeline(): boolean {
    for (const [stream, pipeline] of this.#pipelines) {
      if (pipeline.outstandingCount > 0) continue
      pipeline.close()
      pipeline.retireMetrics()
      this.#pipelines.delete(stream)
      return true
    }
    return false
  }

  #leave(record: UserRecord): void {
    this.#outstandingCount--
    this.#outstandingBytes -= record.data.length
    this.#arrivals.remove(record.arrivalAtMs)
    this.#pipelines.get(record.stream)!.outstandingCount--
    this.onLeft()
    if (this.#flushes.length > 0) this.#advanceFlushes(record)
    record.keyTurn?.settled(record)
  }

  #advanceFlushes({ arrival, stream }: UserRecord): void {
    let isOneDone = false
    for (const flush of this.#flushes) {
      if (arrival.flushEpoch >= flush.epoch) continue
      if (flush.stream !== null && flush.stream !== stream) continue
      if (--flush.leftCount > 0) continue
      flush.resolve()
      isOneDone = true
    }
    if (isOneDone) this.#flushes = this.#flushes.filter((flush) => flush.leftCount > 0)
  }

  #giveUp(): number {
    this.#client.abandon()
    const left = [...this.#pipelines.values()].flatMap((pipeline) => pipeline.close())
    const nowMs = this.#host.clock.monotonicMs()
    for (const { record, mayBeWritten } of left) fail(record, nowMs, { ...CLOSED, mayBeWritten })
    assert(this.#outstandingCount === 0, `${this.#outstandingCount} records are in no stage`)
    this.#leftCount += left.length
    return this.#leftCount
  }
}

const SECOND_MS = 1000

/**
 * For so long records count as come at one instant: some dozens that are put one behind the other.
 * By so much they may leave a buffer too early.
 */
export const SAME_INSTANT_MS = 0.05

const CLOSED = {
  code: 'Closed',
  message: 'The producer was closed before the record was delivered.',
  mayBeWritten: false,
}

const TOO_MANY_STREAMS = {
  code: 'TooManyStreams',
  message: 'As many streams as maxStreams allows have records outstanding.',
  mayBeWritten: false,
}

/** Fails a record that was not taken over. */
function refuse(record: UserRecord, nowMs: number, why: typeof CLOSED): void {
  record.arrival = { ...record.arrival, onLeave: null }
  fail(record, nowMs, why)
}

/** Fails a record for a reason of our own. */
function fail(record: UserRecord, nowMs: number, why: typeof CLOSED): void {
  record.addAttempt({ startAtMs: nowMs, endAtMs: nowMs, ...why })
  const { mayBeWritten, attempts } = record
  record.settle({ isDelivered: false, ...why, mayBeWritten, attempts })
}
