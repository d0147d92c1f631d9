// What a shard lets through per second: token buckets that fill at the service's rates. A bucket
// that is full lets a larger amount pass and goes into debt, as the service does with records above
// 1 MiB and with reads of 10 MiB: the average holds, and what follows waits.

import {
  SHARD_READ_BYTES_PER_SECOND,
  SHARD_READ_CALLS_PER_SECOND,
  SHARD_WRITE_BYTES_PER_SECOND,
  SHARD_WRITE_RECORDS_PER_SECOND,
} from '../wire/index.ts'

export interface BucketOptions {
  readonly perSecond: number
  /** How many seconds' worth an idle bucket saves up. */
  readonly depthSeconds: number
}

export class Bucket {
  readonly #perMs: number
  readonly #depth: number
  #tokens: number
  #filledAtMs: number

  constructor({ perSecond, depthSeconds }: BucketOptions, nowMs: number) {
    this.#perMs = perSecond / 1000
    this.#depth = perSecond * depthSeconds
    this.#tokens = this.#depth
    this.#filledAtMs = nowMs
  }

  /** Fills up to now. Call it before the others whenever time may have passed. */
  fill(nowMs: number): void {
    if (nowMs <= this.#filledAtMs) return
    const tokens = this.#tokens + (nowMs - this.#filledAtMs) * this.#perMs
    this.#tokens = Math.min(this.#depth, tokens)
    this.#filledAtMs = nowMs
  }

  /** Whether `cost` may pass now: it is there, or the bucket is full. */
  has(cost: number): boolean {
    return this.#tokens >= Math.min(cost, this.#depth)
  }

  get isInDebt(): boolean {
    return this.#tokens < 0
  }

  take(cost: number): void {
    this.#tokens -= cost
  }
}

export interface ShardRates {
  readonly writeBytes: BucketOptions
  readonly writeRecords: BucketOptions
  readonly readBytes: BucketOptions
  readonly readCalls: BucketOptions
}

export class ShardLimiter {
  readonly #writeBytes: Bucket
  readonly #writeRecords: Bucket
  readonly #readBytes: Bucket
  readonly #readCalls: Bucket

  constructor(rates: ShardRates, nowMs: number) {
    this.#writeBytes = new Bucket(rates.writeBytes, nowMs)
    this.#writeRecords = new Bucket(rates.writeRecords, nowMs)
    this.#readBytes = new Bucket(rates.readBytes, nowMs)
    this.#readCalls = new Bucket(rates.readCalls, nowMs)
  }

  /** Takes one record's share (its data and key bytes), or refuses it and takes nothing. */
  tryWrite(sizeBytes: number, nowMs: number): boolean {
    this.#writeBytes.fill(nowMs)
    this.#writeRecords.fill(nowMs)
    if (!this.#writeBytes.has(sizeBytes) || !this.#writeRecords.has(1)) return false
    this.#writeBytes.take(sizeBytes)
    this.#writeRecords.take(1)
    return true
  }

  /** Takes one call's share; its bytes are charged when they are known. */
  tryRead(nowMs: number): boolean {
    this.#readBytes.fill(nowMs)
    this.#readCalls.fill(nowMs)
    if (this.#readBytes.isInDebt || !this.#readCalls.has(1)) return false
    this.#readCalls.take(1)
    return true
  }

  /** A call that returned 10 MiB pays for the next five seconds. */
  chargeRead(sizeBytes: number): void {
    this.#readBytes.take(sizeBytes)
  }
}

export interface BurstConfig {
  readonly writeBurstMs: number
  readonly readBurstMs: number
}

/** The service's rates, with the depths that the configuration says. */
export function shardRatesOf({ writeBurstMs, readBurstMs }: BurstConfig): ShardRates {
  const write = (perSecond: number) => ({ perSecond, depthSeconds: writeBurstMs / 1000 })
  const read = (perSecond: number) => ({ perSecond, depthSeconds: readBurstMs / 1000 })
  return {
    writeBytes: write(SHARD_WRITE_BYTES_PER_SECOND),
    writeRecords: write(SHARD_WRITE_RECORDS_PER_SECOND),
    readBytes: read(SHARD_READ_BYTES_PER_SECOND),
    readCalls: read(SHARD_READ_CALLS_PER_SECOND),
  }
}
