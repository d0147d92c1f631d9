// What one shard is sent, and when: its waiting records and the budget that they wait for.

import type { Random, Timer } from '../host/index.ts'
import { SHARD_WRITE_BYTES_PER_SECOND, SHARD_WRITE_RECORDS_PER_SECOND } from '../wire/index.ts'
import { AdaptiveShare, CUBIC } from './adaptive-share.ts'
import type { KinesisRecord } from './kinesis-record.ts'
import { PriorityQueue } from './priority-queue.ts'
import { type BucketRates, TokenBucket } from './token-bucket.ts'

/** Above it, a shard runs out of bytes before it runs out of records. */
const BYTES_PER_RECORD = SHARD_WRITE_BYTES_PER_SECOND / SHARD_WRITE_RECORDS_PER_SECOND
/** Saved up by an idle lane: half of what the shard itself saves up, so that jitter has room. */
const SAVED_SECONDS = 0.5
/** How often the rates follow the shares. */
const ADJUST_MS = 50
/**
 * How often at least while a record waits for them: after one of 10 MiB a quarter of the shard pays
 * for 40 s, and the share is all of it after two.
 */
const GROW_MS = 1000
/**
 * Who has the whole shard sends just when it has refilled, and is never refused. Another one's
 * records then come too early every time, and each refusal makes it slower. So those of the first
 * wait for up to so much longer, drawn anew each time: as long as a shard takes to refill one
 * aggregate of 50 KB. What is saved up meanwhile goes with the next, so it costs nothing.
 */
const WHOLE_SHARD_JITTER_MS = 50
/** The past's weight in the average size of a record. */
const SIZE_MEMORY = 0.95

export class Lane {
  readonly waiting = new PriorityQueue<KinesisRecord>((record) => record.expiresAtMs)
  timer: Timer | null = null
  timerAtMs = Number.POSITIVE_INFINITY
  readonly #random: Random
  readonly #bucket: TokenBucket
  /** Null when the rates are fixed. */
  readonly #shares: ReturnType<typeof newShares> | null
  #averageBytes = BYTES_PER_RECORD
  #adjustedAtMs: number
  /** Of who has the whole shard: nothing goes sooner. */
  #drawnAtMs = Number.NEGATIVE_INFINITY
  /** A record had to wait since the last adjustment. */
  #isLimited = false

  constructor(random: Random, fixedRates: BucketRates | null, nowMs: number) {
    this.#random = random
    this.#shares = fixedRates ? null : newShares()
    this.#bucket = new TokenBucket(fixedRates ?? this.#rates(), nowMs)
    this.#adjustedAtMs = nowMs
  }

  /** Of the shard's limit in bytes and in records; null when the rates are fixed. */
  get shares(): { readonly bytes: number; readonly records: number } | null {
    const shares = this.#shares
    return shares && { bytes: shares.bytes.value, records: shares.records.value }
  }

  /** Gives back all that waits, in the order in which it would have gone. */
  giveBack(): KinesisRecord[] {
    this.timer?.cancel()
    this.timer = null
    const left: KinesisRecord[] = []
    for (let head = this.waiting.pop(); head !== undefined; head = this.waiting.pop()) {
      left.push(head)
    }
    return left
  }

  /** Pays for a record, or pays nothing and returns false. */
  tryTake(bytes: number, nowMs: number): boolean {
    this.#adjust(nowMs)
    if (nowMs < this.#drawnAtMs || !this.#bucket.tryTake(bytes, nowMs)) {
      this.#isLimited = true
      return false
    }
    this.#averageBytes = this.#averageBytes * SIZE_MEMORY + bytes * (1 - SIZE_MEMORY)
    return true
  }

  /** When a record may be paid for: the instant at which to try. */
  readyAtMs(bytes: number, nowMs: number): number {
    const atMs = this.#bucket.readyAtMs(bytes, nowMs)
    if (this.#shares === null) return atMs
    const isWhole = this.#limiting(this.#shares).value === 1
    // Drawn once for each wait: who is asked ever again would come to the least of many.
    if (isWhole && nowMs >= this.#drawnAtMs) {
      this.#drawnAtMs = atMs + this.#random.below(WHOLE_SHARD_JITTER_MS)
    }
    return Math.min(Math.max(atMs, this.#drawnAtMs), nowMs + GROW_MS)
  }

  /** The shard refused a record that was sent at that instant. */
  refused(sentAtMs: number, nowMs: number): void {
    if (this.#shares === null) return
    this.#adjust(nowMs)
    this.#limiting(this.#shares).refused(sentAtMs, nowMs)
    this.#bucket.setRates(this.#rates(), nowMs)
  }

  /**
   * A refusal does not say which of the shard's limits was reached; with records of our size it is
   * the one that they reach first.
   */
  #limiting({ bytes, records }: ReturnType<typeof newShares>): AdaptiveShare {
    return this.#averageBytes > BYTES_PER_RECORD ? bytes : records
  }

  #adjust(nowMs: number): void {
    const elapsedMs = nowMs - this.#adjustedAtMs
    if (this.#shares === null || elapsedMs < ADJUST_MS) return
    this.#adjustedAtMs = nowMs
    if (!this.#isLimited) return
    this.#isLimited = false
    this.#shares.bytes.busy(elapsedMs)
    this.#shares.records.busy(elapsedMs)
    this.#bucket.setRates(this.#rates(), nowMs)
  }

  #rates(): BucketRates {
    const recordsPerSecond = SHARD_WRITE_RECORDS_PER_SECOND * this.#shares!.records.value
    const bytesPerSecond = SHARD_WRITE_BYTES_PER_SECOND * this.#shares!.bytes.value
    const maxRecords = Math.max(1, recordsPerSecond * SAVED_SECONDS)
    return {
      recordsPerSecond,
      bytesPerSecond,
      maxRecords,
      maxBytes: bytesPerSecond * SAVED_SECONDS,
    }
  }
}

/** Of a shard's limits. */
function newShares() {
  return { bytes: new AdaptiveShare(CUBIC.bytes), records: new AdaptiveShare(CUBIC.records) }
}
