// What we know of a stream's shards: where a hash key belongs now, and which range a shard has
// that a record landed in. The old map serves while a new one is fetched.

import { type Clock, type Log, messageOf, type Random, type Timer } from '../host/index.ts'
import { type HashKey, NO_SHARD } from '../record/index.ts'
import {
  decodeListShardsAnswer,
  encodeListShards,
  type ShardDescription,
  shardNumberOf,
} from '../wire/index.ts'
import { type Client, isRefusal, type Outcome } from './client.ts'
import { isWithin, type NumberRange, numberRangeFrom } from './number-range.ts'
import { ShardIndex } from './shard-index.ts'

interface Range {
  readonly shard: number
  readonly start: HashKey
  readonly end: HashKey
  /** What the sequence numbers of its records lie between; null when that cannot be told. */
  readonly numbers: NumberRange | null
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

/**
 * How long records of a shard that is no more where it was are held back for the new map. It is one
 * call away; when it takes longer, they go on in a way that needs no map.
 */
const PATIENCE_MS = 500

export interface ShardMapEvents {
  /** A shard is no more where it was, or a new map takes too long. */
  readonly moved: () => void
  /** Whether any record waits for what the map says; without one, no failed listing goes again. */
  readonly isNeeded: () => boolean
  /** A listing has ended, well or not. */
  readonly listed: (isListed: boolean) => void
}

export interface ShardMapHost {
  readonly clock: Clock
  readonly random: Random
}

export interface ShardMapConfig {
  readonly log: Log
  /**
   * A map of this age is fetched anew as soon as a record comes, one of half of it perhaps; null:
   * never for its age.
   */
  readonly maxAgeMs: number | null
}

export class ShardMap {
  readonly #host: ShardMapHost
  readonly #stream: string
  readonly #client: Client
  readonly #log: Log
  readonly #maxAgeMs: number | null
  /** Open shards in order of their ending hash keys. */
  #open: readonly Range[] = []
  #index = new ShardIndex([])
  #ranges = new Map<number, Range & { seenAtMs: number }>()
  #openShards = new Set<number>()
  #version = 0
  #updatedAtMs = Number.NEGATIVE_INFINITY
  #staleAtMs = Number.POSITIVE_INFINITY
  #isTried = false
  #isMissing = false
  #isUpdating = false
  #backoffMs = BACKOFF_MIN_MS
  #timer: Timer | null = null
  #isClosed = false
  /** A listing failed, and nobody has needed one since. */
  #isDormant = false
  /** Why the listing failed that was told of last. */
  #toldWhy = ''
  #events: ShardMapEvents = { isNeeded: () => true, moved() {}, listed() {} }
  /** Shards of the map of which records landed elsewhere since it was fetched. */
  readonly #moved = new Set<number>()
  #patience: Timer | null = null
  /** A shard is wanted that may have been closed meanwhile, and the last map had none of those. */
  #isClosedWanted = false
  #hasClosed = false

  constructor(
    host: ShardMapHost,
    stream: string,
    client: Client,
    { log, maxAgeMs }: ShardMapConfig,
  ) {
    this.#host = host
    this.#maxAgeMs = maxAgeMs
    this.#stream = stream
    this.#client = client
    this.#log = log
  }

  /** Whether the first listing has ended, well or not. */
  get isTried(): boolean {
    return this.#isTried
  }

  /** As of the last listing there is no such stream. */
  get isMissing(): boolean {
    return this.#isMissing
  }

  get openCount(): number {
    return this.#open.length
  }

  /** Changes whenever a listing has other open shards than the one before. */
  get version(): number {
    return this.#version
  }

  /** Starts to learn the shards. */
  start(events: ShardMapEvents): void {
    this.#events = events
    this.#update()
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
    this.#timer = null
    this.#patience?.cancel()
    this.#patience = null
  }

  /**
   * A record has come: what was left undone because there was none is done now, and a map that is
   * old is fetched anew. So nothing is asked, and no timer waits, while there are no records.
   */
  wake(nowMs: number): void {
    if (!this.#isDormant && nowMs < this.#staleAtMs) return
    if (this.#timer !== null) return
    this.#isDormant = false
    this.#update()
  }

  isOpen(shard: number): boolean {
    return this.#openShards.has(shard)
  }

  /** It is open, and where the map has it as far as anybody knows. */
  isSettled(shard: number): boolean {
    return this.#openShards.has(shard) && !this.#moved.has(shard)
  }

  /** An open shard is no more where the map has it. */
  hasMoved(shard: number): boolean {
    return this.#moved.size > 0 && this.#moved.has(shard)
  }

  /** The shard has moved, and a map that says where to is worth waiting for. */
  isWorthWaiting(shard: number): boolean {
    return this.#patience !== null && this.#moved.has(shard)
  }

  /** The open shards by hash key; their places are the same as long as `version` is. */
  get index(): ShardIndex {
    return this.#index
  }

  /** Whether the hash key is in the shard's range; null when we know no such shard. */
  contains(shard: number, key: HashKey): boolean | null {
    const range = this.#ranges.get(shard)
    if (range === undefined) return null
    return range.start.compare(key) <= 0 && key.compare(range.end) <= 0
  }

  /**
   * Whether we know the range of the shard that gave a record this number. A stream that was
   * deleted and made anew has shards of the same names with other ranges: their numbers tell.
   */
  isKnown(shard: number, sequenceNumber: string): boolean {
    const range = this.#ranges.get(shard)
    if (range === undefined) return false
    return range.numbers === null || isWithin(range.numbers, sequenceNumber)
  }

  /**
   * A record whose request started at `startAtMs` landed elsewhere than predicted. Fetches the map
   * again, unless the map is newer than the evidence. One listing serves all that ask meanwhile.
   */
  invalidate(startAtMs: number, predictedShard: number): void {
    if (startAtMs <= this.#updatedAtMs) return
    if (predictedShard !== NO_SHARD && !this.#openShards.has(predictedShard)) return
    if (predictedShard !== NO_SHARD && !this.#moved.has(predictedShard)) this.#move(predictedShard)
    // After a failure the next listing comes in its time.
    if (this.#timer === null) this.#update()
  }

  /** The map lacks a shard that there is: it is fetched again, after a while when it just was. */
  refresh(): void {
    this.#isClosedWanted = true
    if (this.#isUpdating || this.#timer !== null) return
    const ageMs = this.#host.clock.monotonicMs() - this.#updatedAtMs
    if (!this.#hasClosed || ageMs > this.#backoffMs) this.#update()
    else this.#updateLater()
  }

  #move(shard: number): void {
    this.#moved.add(shard)
    // After a failure the new map is not one call away.
    if (this.#timer === null && this.#patience === null) {
      const { clock } = this.#host
      this.#patience = clock.schedule(clock.monotonicMs() + PATIENCE_MS, () => {
        this.#patience = null
        this.#events.moved()
      })
    }
    this.#events.moved()
  }

  #update(): void {
    if (this.#isUpdating || this.#isClosed) return
    this.#isUpdating = true
    const hasClosed = this.#isClosedWanted
    this.#fetchPage({ found: [], nextToken: null, pageCount: 0, hasClosed })
  }

  #fetchPage(listing: Listing): void {
    const { nextToken, hasClosed } = listing
    const request = nextToken === null ? { streamName: this.#stream, hasClosed } : { nextToken }
    this.#client.call({
      action: 'ListShards',
      encode: (_buffer, format) => encodeListShards(format, request),
      done: (outcome) => this.#onPage(listing, outcome),
    })
  }

  #onPage(listing: Listing, outcome: Outcome): void {
    if (this.#isClosed) return
    if (isRefusal(outcome)) {
      this.#isMissing = outcome.code === 'ResourceNotFoundException'
      return this.#fail(`${outcome.code}: ${outcome.message}`)
    }
    try {
      const page = decodeListShardsAnswer(outcome.format, outcome.body)
      listing.found.push(...page.shards)
      listing.nextToken = page.nextToken
      listing.pageCount++
    } catch (error) {
      return this.#fail(messageOf(error))
    }
    if (listing.nextToken === null) return this.#adopt(listing)
    if (listing.pageCount === PAGES_MAX_COUNT) return this.#fail('the listing does not end')
    this.#fetchPage(listing)
  }

  #adopt({ found, hasClosed }: Listing): void {
    this.#hasClosed = hasClosed
    if (hasClosed) this.#isClosedWanted = false
    const nowMs = this.#host.clock.monotonicMs()
    const open: Range[] = []
    for (const { shardId, startingHashKey: start, endingHashKey: end, ...rest } of found) {
      const { isOpen, startingSequenceNumber } = rest
      const numbers = numberRangeFrom(startingSequenceNumber)
      const range = { shard: shardNumberOf(shardId), start, end, numbers }
      this.#ranges.set(range.shard, { ...range, seenAtMs: nowMs })
      if (isOpen) open.push(range)
    }
    for (const [shard, range] of this.#ranges) {
      if (nowMs - range.seenAtMs > CLOSED_RANGE_KEPT_MS) this.#ranges.delete(shard)
    }
    open.sort((a, b) => a.end.compare(b.end))
    if (!areSame(this.#open, open)) this.#version++
    this.#open = open
    this.#index = new ShardIndex(open)
    this.#isMissing = false
    this.#openShards = new Set(open.map((range) => range.shard))
    this.#backoffMs = BACKOFF_MIN_MS
    this.#updatedAtMs = nowMs
    this.#staleAtMs = this.#drawStaleAtMs(nowMs)
    this.#toldWhy = ''
    this.#moved.clear()
    this.#end(true)
  }

  /** Between half of the age and all of it: a fleet that started at one instant asks at many. */
  #drawStaleAtMs(nowMs: number): number {
    if (this.#maxAgeMs === null) return Number.POSITIVE_INFINITY
    const halfMs = this.#maxAgeMs / 2
    return nowMs + halfMs + this.#host.random.below(Math.ceil(halfMs))
  }

  #fail(why: string): void {
    // Once for each reason. A stream that does not exist ends its records, which are told where
    // they die: whoever names a new one with each record must not fill the log.
    if (why !== this.#toldWhy && !this.#isMissing) {
      this.#log.warn('could not list the shards', { stream: this.#stream, why })
    }
    this.#toldWhy = why
    this.#updateLater()
    this.#end(false)
  }

  #updateLater(): void {
    // Jitter: a fleet that lost the service at one instant must not come back at one instant.
    const waitMs = this.#backoffMs / 2 + this.#host.random.below(Math.ceil(this.#backoffMs / 2))
    this.#backoffMs = Math.min((this.#backoffMs * 3) / 2, BACKOFF_MAX_MS)
    this.#timer = this.#host.clock.schedule(this.#host.clock.monotonicMs() + waitMs, () => {
      this.#timer = null
      if (this.#events.isNeeded()) this.#update()
      else this.#isDormant = true
    })
  }

  #end(isListed: boolean): void {
    this.#isUpdating = false
    this.#isTried = true
    this.#patience?.cancel()
    this.#patience = null
    this.#events.listed(isListed)
  }
}

function areSame(before: readonly Range[], after: readonly Range[]): boolean {
  return (
    before.length === after.length &&
    before.every(
      ({ shard, end }, i) => shard === after[i]!.shard && end.compare(after[i]!.end) === 0,
    )
  )
}

interface Listing {
  readonly found: ShardDescription[]
  nextToken: string | null
  pageCount: number
  readonly hasClosed: boolean
}
