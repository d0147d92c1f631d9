// What we know of a stream's shards: where a hash key belongs now, and which range a shard has
// that a record landed in. The old map serves while a new one is fetched.

import type { Clock, Log, Random, Timer } from '../host/index.ts'
import { type HashKey, NO_SHARD } from '../record/index.ts'
import {
  decodeListShardsAnswer,
  encodeListShards,
  type ShardDescription,
  shardNumberOf,
} from '../wire/index.ts'
import { type Client, isRefusal, type Outcome } from './client.ts'

interface Range {
  readonly shard: number
  readonly start: HashKey
  readonly end: HashKey
}

/**
 * First and longest wait after a ListShards that failed; each next one is half as long again. The
 * KPL's.
 */
const BACKOFF_MIN_MS = 1000
const BACKOFF_MAX_MS = 30_000
/** How long the range of a shard that is no longer open is remembered, for records on their way. */
const CLOSED_RANGE_KEPT_MS = 60_000
/**
 * Pages of one listing: 1 000 shards each, far above any account's limit. A bound, not a setting.
 */
const PAGES_MAX_COUNT = 1000

export interface ShardMapHost {
  readonly clock: Clock
  readonly random: Random
}

export class ShardMap {
  readonly #host: ShardMapHost
  readonly #stream: string
  readonly #client: Client
  readonly #log: Log
  /** Open shards in order of their ending hash keys. */
  #open: readonly Range[] = []
  #ranges = new Map<number, Range & { seenAtMs: number }>()
  #openShards = new Set<number>()
  #updatedAtMs = Number.NEGATIVE_INFINITY
  #isTried = false
  #isUpdating = false
  #backoffMs = BACKOFF_MIN_MS
  #timer: Timer | null = null
  #isClosed = false
  #onChange: () => void = () => {}
  #waiting: (() => void)[] = []

  constructor(host: ShardMapHost, stream: string, client: Client, log: Log) {
    this.#host = host
    this.#stream = stream
    this.#client = client
    this.#log = log
  }

  /** Whether the first listing has ended, well or not. */
  get isTried(): boolean {
    return this.#isTried
  }

  get openCount(): number {
    return this.#open.length
  }

  /** Starts to learn the shards; `onChange` is called after each listing that ended. */
  start(onChange: () => void): void {
    this.#onChange = onChange
    this.#update()
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
    this.#timer = null
    this.#waiting = []
  }

  isOpen(shard: number): boolean {
    return this.#openShards.has(shard)
  }

  /** The open shard to which the hash key belongs, or `NO_SHARD`. */
  predict(key: HashKey): number {
    const open = this.#open
    let low = 0
    let high = open.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (open[middle]!.end.compare(key) < 0) low = middle + 1
      else high = middle
    }
    return open[low]?.shard ?? NO_SHARD
  }

  /** Whether the hash key is in the shard's range; null when we know no such shard. */
  contains(shard: number, key: HashKey): boolean | null {
    const range = this.#ranges.get(shard)
    if (range === undefined) return null
    return range.start.compare(key) <= 0 && key.compare(range.end) <= 0
  }

  /**
   * A record whose request started at `startAtMs` landed elsewhere than predicted. Fetches the map
   * again, unless the map is newer than the evidence. One listing serves all that ask meanwhile.
   */
  invalidate(startAtMs: number, predictedShard: number): void {
    if (startAtMs <= this.#updatedAtMs) return
    if (predictedShard !== NO_SHARD && !this.#openShards.has(predictedShard)) return
    this.#update()
  }

  /** Fetches the map and calls `then` once when that has ended, well or not. */
  refreshThen(then: () => void): void {
    this.#waiting.push(then)
    this.#update()
  }

  #update(): void {
    if (this.#isUpdating || this.#isClosed) return
    this.#isUpdating = true
    this.#timer?.cancel()
    this.#timer = null
    this.#fetchPage({ found: [], nextToken: null, pageCount: 0 })
  }

  #fetchPage(listing: Listing): void {
    const request =
      listing.nextToken === null ? { streamName: this.#stream } : { nextToken: listing.nextToken }
    this.#client.call({
      action: 'ListShards',
      encode: (_buffer, format) => encodeListShards(format, request),
      done: (outcome) => this.#onPage(listing, outcome),
    })
  }

  #onPage(listing: Listing, outcome: Outcome): void {
    if (this.#isClosed) return
    if (isRefusal(outcome)) return this.#fail(`${outcome.code}: ${outcome.message}`)
    try {
      const page = decodeListShardsAnswer(outcome.format, outcome.body)
      listing.found.push(...page.shards)
      listing.nextToken = page.nextToken
      listing.pageCount++
    } catch (error) {
      return this.#fail(error instanceof Error ? error.message : String(error))
    }
    this.#backoffMs = BACKOFF_MIN_MS
    if (listing.nextToken === null) return this.#adopt(listing.found)
    if (listing.pageCount === PAGES_MAX_COUNT) return this.#fail('the listing does not end')
    this.#fetchPage(listing)
  }

  #adopt(found: readonly ShardDescription[]): void {
    const nowMs = this.#host.clock.monotonicMs()
    const open: Range[] = []
    for (const { shardId, startingHashKey, endingHashKey, isOpen } of found) {
      const range = { shard: shardNumberOf(shardId), start: startingHashKey, end: endingHashKey }
      this.#ranges.set(range.shard, { ...range, seenAtMs: nowMs })
      if (isOpen) open.push(range)
    }
    for (const [shard, range] of this.#ranges) {
      if (nowMs - range.seenAtMs > CLOSED_RANGE_KEPT_MS) this.#ranges.delete(shard)
    }
    this.#open = open.sort((a, b) => a.end.compare(b.end))
    this.#openShards = new Set(open.map((range) => range.shard))
    this.#updatedAtMs = nowMs
    this.#end()
  }

  #fail(why: string): void {
    this.#log.warn('could not list the shards', { stream: this.#stream, why })
    // Jitter: a fleet that lost the service at one instant must not come back at one instant.
    const waitMs = this.#backoffMs / 2 + this.#host.random.below(Math.ceil(this.#backoffMs / 2))
    this.#backoffMs = Math.min((this.#backoffMs * 3) / 2, BACKOFF_MAX_MS)
    this.#timer = this.#host.clock.schedule(this.#host.clock.monotonicMs() + waitMs, () => {
      this.#timer = null
      this.#update()
    })
    this.#end()
  }

  #end(): void {
    this.#isUpdating = false
    this.#isTried = true
    const waiting = this.#waiting
    this.#waiting = []
    this.#onChange()
    for (const then of waiting) then()
  }
}

interface Listing {
  readonly found: ShardDescription[]
  nextToken: string | null
  pageCount: number
}
