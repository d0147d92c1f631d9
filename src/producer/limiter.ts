// Keeps each shard within its rate: Kinesis records wait here until their shard's bucket can pay.
//
// The queue of a shard is ordered by expiration, not by deadline as the KPL's: a record that was
// throttled keeps its expiration and so goes before all that came after it. By deadline it would
// line up behind the whole backlog again, and on a saturated shard two throttles would kill it.

import type { Clock, Random } from '../host/index.ts'
import { NO_SHARD } from '../record/index.ts'
import type { KinesisRecord } from './kinesis-record.ts'
import { Lane } from './lane.ts'
import type { Stage } from './stage.ts'
import type { BucketRates } from './token-bucket.ts'

export interface LimiterConfig {
  /** Null: each shard's are learned. */
  readonly fixedRates: BucketRates | null
  /** How long a record may wait for others on its way into a request; ms from the release on. */
  readonly collectorWaitMs: number
}

export interface LimiterExits {
  readonly next: Stage<KinesisRecord>
  /** Takes what has waited until its expiration. */
  readonly expired: (record: KinesisRecord) => void
}

export interface LimiterHost {
  readonly clock: Clock
  readonly random: Random
}

export class Limiter implements Stage<KinesisRecord> {
  readonly #clock: Clock
  readonly #random: Random
  readonly #config: LimiterConfig
  readonly #exits: LimiterExits
  readonly #lanes = new Map<number, Lane>()

  constructor(host: LimiterHost, config: LimiterConfig, exits: LimiterExits) {
    this.#clock = host.clock
    this.#random = host.random.fork('limiter')
    this.#config = config
    this.#exits = exits
  }

  put(record: KinesisRecord): void {
    // Without a prediction there is no bucket to ask.
    if (record.predictedShard === NO_SHARD) return this.#release(record)
    const lane = this.#laneOf(record.predictedShard)
    const nowMs = this.#clock.monotonicMs()
    // Mostly nothing waits, and a queue that is not touched stays far away in memory.
    const isFree = lane.waiting.size === 0 && nowMs <= record.expiresAtMs
    if (isFree && lane.tryTake(record.chargedBytes, nowMs)) return this.#release(record)
    lane.waiting.push(record)
    this.#drain(lane)
  }

  /** A shard refused a record for its rate; the record was sent at that instant. */
  refused(shard: number, sentAtMs: number): void {
    this.#lanes.get(shard)?.refused(sentAtMs, this.#clock.monotonicMs())
  }

  /** Forgets the other shards, and gives back what waits for them: it belongs elsewhere now. */
  keepOnly(isKept: (shard: number) => boolean): KinesisRecord[] {
    const others = [...this.#lanes].filter(([shard]) => !isKept(shard))
    return others.flatMap(([shard, lane]) => {
      this.#lanes.delete(shard)
      return lane.giveBack()
    })
  }

  /** Gives back all that waits; the shards' rates stay known. */
  giveBack(): KinesisRecord[] {
    return [...this.#lanes.values()].flatMap((lane) => lane.giveBack())
  }

  abandon(): KinesisRecord[] {
    return this.keepOnly(() => false)
  }

  #laneOf(shard: number): Lane {
    let lane = this.#lanes.get(shard)
    if (lane === undefined) {
      lane = new Lane(this.#random, this.#config.fixedRates, this.#clock.monotonicMs())
      this.#lanes.set(shard, lane)
    }
    return lane
  }

  #drain(lane: Lane): void {
    const nowMs = this.#clock.monotonicMs()
    for (let head = lane.waiting.peek(); head !== undefined; head = lane.waiting.peek()) {
      const isExpired = nowMs > head.expiresAtMs
      if (!isExpired && !lane.tryTake(head.chargedBytes, nowMs)) {
        return this.#wakeAt(
          lane,
          Math.min(this.#readyAtMs(lane, head, nowMs), head.expiresAtMs + 1),
        )
      }
      lane.waiting.pop()
      if (isExpired) this.#exits.expired(head)
      else this.#release(head)
    }
  }

  #readyAtMs(lane: Lane, head: KinesisRecord, nowMs: number): number {
    // A millisecond at least: the refill is computed in fractions, and a timer that comes a hair
    // too early would spin.
    return Math.max(nowMs + 1, lane.readyAtMs(head.chargedBytes, nowMs))
  }

  #wakeAt(lane: Lane, atMs: number): void {
    if (lane.timer !== null && lane.timerAtMs <= atMs) return
    lane.timer?.cancel()
    lane.timerAtMs = atMs
    lane.timer = this.#clock.schedule(atMs, () => {
      lane.timer = null
      this.#drain(lane)
    })
  }

  #release(record: KinesisRecord): void {
    if (record.predictedShard !== NO_SHARD) {
      const extendedAtMs = this.#clock.monotonicMs() + this.#config.collectorWaitMs
      record.deadlineAtMs = Math.min(
        Math.max(record.deadlineAtMs, extendedAtMs),
        record.expiresAtMs,
      )
    }
    this.#exits.next.put(record)
  }
}
