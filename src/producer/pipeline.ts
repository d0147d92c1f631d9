// The line of one stream: aggregate, limit, collect, send, judge.

import type { Clock, Host, Log } from '../host/index.ts'
import type { UserRecord } from '../record/index.ts'
import { Aggregator } from './aggregator.ts'
import { Backoff } from './backoff.ts'
import type { Client } from './client.ts'
import { Collector } from './collector.ts'
import { hashKeyFor } from './hash-key-for.ts'
import { KeyOrder } from './key-order.ts'
import type { KinesisRecord } from './kinesis-record.ts'
import { laneBaseOf, laneOf } from './lane-number.ts'
import { Limiter } from './limiter.ts'
import type { LineConfig } from './line-config.ts'
import type { MetricsTree } from './metrics/metrics-tree.ts'
import { ProcessingStatistics } from './metrics/processing-statistics.ts'
import { StreamMetrics } from './metrics/stream-metrics.ts'
import { RequestLog } from './request-log.ts'
import { Retrier, type RetryCounters } from './retrier.ts'
import { Sender } from './sender.ts'
import { ShardMap } from './shard-map.ts'
import { SizeGate } from './size-gate.ts'
import type { Stage } from './stage.ts'
import { StreamFacts } from './stream-facts.ts'

/** A record that was given up when its line was closed. */
export interface Abandoned {
  readonly record: UserRecord
  /** It was in a request that had no answer yet. */
  readonly mayBeWritten: boolean
}

/** What the service has told of a stream. */
export interface LearnedOfStream {
  readonly openShards: number
  readonly streamMode: string | null
  readonly recordDistribution: string | null
  /** Of a record with its key, bytes. */
  readonly maxRecordSize: number | null
}

/** Who is told what the line does. */
export interface Witnesses {
  readonly log: Log
  readonly metrics: MetricsTree
  /** Records may belong to other shards than before. */
  readonly onLanesChanged: () => void
}

/** The producer keeps nothing on disk. */
export interface ProducerHost extends Omit<Host, 'disk'> {
  /** For what is no reason to keep the process from ending; `clock` where there is none. */
  readonly idleClock?: Clock
}

export class Pipeline {
  readonly #shards: ShardMap
  readonly #facts: StreamFacts
  readonly #gate: SizeGate
  readonly #aggregator: Aggregator
  /** Null when no order is kept. */
  readonly #order: KeyOrder | null
  /** Where records enter the line, and enter it again. */
  readonly #start: Stage<UserRecord>
  readonly #limiter: Limiter
  readonly #collector: Collector
  readonly #sender: Sender
  readonly #retrier: Retrier
  readonly #backoff: Backoff
  readonly #metrics: StreamMetrics
  readonly #statistics: ProcessingStatistics
  readonly #laneBase: number
  readonly #isAggregating: boolean
  /** Records that entered and have not settled. Kept by the producer, which sees both ends. */
  outstandingCount = 0

  // Built from the last stage to the first.
  constructor(
    host: ProducerHost,
    config: LineConfig,
    stream: string,
    client: Client,
    { log, metrics: tree, onLanesChanged }: Witnesses,
  ) {
    const { clock, idleClock = clock } = host
    const shards = new ShardMap(host, stream, client, { log, maxAgeMs: config.shardMapMaxAgeMs })
    const facts = new StreamFacts(host, stream, client, { ...config.facts, log })
    const isOpen = (shard: number) => shards.isOpen(shard)
    const metrics = new StreamMetrics(clock, tree, stream, () => this.outstandingCount)
    const statistics = new ProcessingStatistics(idleClock, stream, config.statistics, {
      log,
      exists: () => !shards.isMissing,
      onSaid: () => metrics.keepOnly(isOpen),
    })
    const retrier = new Retrier(clock, shards, config.retry, metrics)
    const requests = new RequestLog(stream, log)
    const expired = retrier.onExpired.bind(retrier)
    const sender = new Sender(
      clock,
      { stream, client, config: config.sender },
      {
        ended: (exchange) => {
          statistics.requestEnded(exchange.endAtMs - exchange.startAtMs)
          requests.ended(exchange)
          // Before what was sent is judged: a backlog needs to know it, though nothing new comes.
          facts.wake(exchange.endAtMs)
          retrier.onEnded(exchange)
        },
        expired,
      },
    )
    const collector = new Collector(clock, config.collection, sender, statistics.stage2)
    const limiter = new Limiter(host, config.limiter, { next: collector, expired })
    const { stage1 } = statistics
    const aggregator = new Aggregator(clock, { shards, facts }, config.aggregation, limiter, stage1)
    const order = config.isOrdered ? new KeyOrder(clock, aggregator) : null
    const start = order ?? aggregator
    const backoff = new Backoff(host, config.backoff, start)
    const throttled = limiter.refused.bind(limiter)
    const doubted = () => this.#doubtFacts()
    retrier.joinTo({ start, backoff, sender, throttled, doubted })
    const refused = retrier.refuse.bind(retrier)
    const gate = new SizeGate(clock, facts, { next: start, refused })
    this.#gate = gate
    this.#shards = shards
    this.#facts = facts
    this.#retrier = retrier
    this.#sender = sender
    this.#collector = collector
    this.#limiter = limiter
    this.#aggregator = aggregator
    this.#order = order
    this.#start = start
    this.#backoff = backoff
    this.#metrics = metrics
    this.#statistics = statistics
    this.#laneBase = laneBaseOf(stream)
    this.#isAggregating = config.aggregation.mode !== 'off'
    this.#learn(isOpen, onLanesChanged)
  }

  /** Starts to ask what must be known of the stream, and acts on what changes. */
  #learn(isOpen: (shard: number) => boolean, onLanesChanged: () => void): void {
    let { version } = this.#shards
    this.#shards.start({
      isNeeded: () => this.outstandingCount > 0,
      moved: () => {
        // What became of the shards may have become of the whole stream.
        if (this.#isAggregating) this.#facts.ask()
        this.#regroup()
      },
      listed: (isListed) => {
        this.#retrier.onShardsListed(isListed)
        this.#regroup()
        this.#metrics.keepOnly(isOpen)
        this.#backoff.keepOnly(isOpen)
        if (version === this.#shards.version) return
        this.#doubtFacts()
        version = this.#shards.version
        onLanesChanged()
      },
    })
    let { areKeysKept } = this.#facts
    this.#facts.start(() => {
      this.#aggregator.onShardsChanged()
      // What waits for its shard's rate alone may have company from now on.
      if (areKeysKept !== this.#facts.areKeysKept) this.#putAgain(this.#limiter.giveBack())
      areKeysKept = this.#facts.areKeysKept
      this.#gate.onFactsChanged()
    })
    if (this.#isAggregating) this.#facts.ask()
  }

  /** The shards may be others: what was gathered for those that are no more is gathered anew. */
  #regroup(): void {
    this.#aggregator.onShardsChanged()
    this.#putAgain(this.#limiter.keepOnly((shard) => this.#shards.isSettled(shard)))
  }

  /** Nothing of it was sent yet, so it costs nothing to put it together anew. */
  #putAgain(records: readonly KinesisRecord[]): void {
    for (const { userRecords } of records) {
      for (const record of userRecords) this.#start.put(record)
    }
  }

  #doubtFacts(): void {
    if (this.#isAggregating && !this.#facts.isFresh) this.#facts.ask()
  }

  get counters(): Readonly<RetryCounters> {
    return this.#retrier.counters
  }

  /** What is known of the stream; null where it is not. */
  get learned(): LearnedOfStream {
    const { mode, recordDistribution, maxRecordBytes, isSizeKnown } = this.#facts
    return {
      openShards: this.#shards.openCount,
      streamMode: mode,
      recordDistribution,
      maxRecordSize: isSizeKnown ? maxRecordBytes : null,
    }
  }

  put(record: UserRecord): void {
    this.#metrics.received(record.arrivalAtMs, this.outstandingCount - 1)
    this.#shards.wake(record.arrivalAtMs)
    this.#facts.wake(record.arrivalAtMs)
    this.#gate.put(record)
  }

  /** Where the record would land now. */
  laneOf(record: UserRecord): number {
    record.hashKey = hashKeyFor(record)
    return laneOf(this.#laneBase, this.#shards.index.predict(record.hashKey))
  }

  /** After `close`: nobody will ask for the metrics of this stream. */
  retireMetrics(): void {
    this.#metrics.retire()
  }

  /** Brings the metrics up to date, for somebody who reads them. */
  sampleMetrics(nowMs: number): void {
    this.#metrics.samplePending(nowMs)
  }

  /**
   * Sends on what waits for others, or, once in a second, to go again. What the shard's rate holds
   * back goes when the rate allows.
   */
  flush(): void {
    this.#backoff.flush()
    this.#gate.flush()
    this.#order?.flush()
    this.#aggregator.flush()
    this.#collector.flush()
  }

  /** Stops the line and gives back every record that is in it. */
  close(): Abandoned[] {
    this.#shards.close()
    this.#statistics.close()
    const left: Abandoned[] = []
    const give = (records: readonly UserRecord[], mayBeWritten: boolean) => {
      for (const record of records) left.push({ record, mayBeWritten })
    }
    give(this.#gate.abandon(), false)
    give(this.#order?.abandon() ?? [], false)
    give(this.#aggregator.abandon(), false)
    give(this.#backoff.abandon(), false)
    for (const { userRecords } of this.#limiter.abandon()) give(userRecords, false)
    for (const { userRecords } of this.#collector.abandon()) give(userRecords, false)
    for (const { record, mayBeWritten } of this.#sender.abandon()) {
      give(record.userRecords, mayBeWritten)
    }
    for (const { record } of this.#retrier.abandon()) give(record.userRecords, true)
    for (const { record } of left) this.#metrics.abandoned(record)
    return left
  }
}
