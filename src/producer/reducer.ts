// Many items into fewer batches: the algorithm that aggregation (user records into a Kinesis
// record) and collection (Kinesis records into a request) share. The triggers, the order and the
// trim are the KPL's, so that its users find the batches that they know: it cuts when the
// *estimated* size reaches the limit, and keeps what the *accurate* size allows.

import type { Clock, Timer } from '../host/index.ts'
import { CUT_BECAUSE } from './metrics/processing-statistics.ts'

export interface Gathered {
  readonly deadlineAtMs: number
}

/** Sizes of what a reducer holds. */
export interface Measure<T> {
  /** `items` are those before it. */
  add(item: T, items: readonly T[]): void
  clear(): void
  /** Against the size limit, for the decision to cut. */
  estimatedBytes(): number
  /** What a batch of everything added since `clear` takes. */
  accurateBytes(): number
  /** A reason of its own to cut now. */
  isCalledFor(): boolean
}

export interface ReducerLimits {
  readonly maxCount: number
  readonly maxSizeBytes: number
}

/** `reasons`: bits of `CUT_BECAUSE`. */
export type Batch<T> = (items: T[], sizeBytes: number, reasons: number) => void

export class Reducer<T extends Gathered> {
  readonly #clock: Clock
  readonly #limits: ReducerLimits
  readonly #measure: Measure<T>
  readonly #next: Batch<T>
  /** The first `#count` of them; the room is used again. */
  readonly #items: T[] = []
  #count = 0
  /** What a batch of all but the last takes. */
  #bytesBefore = 0
  #isSorted = true
  /** Of the item put last: asked itself, it would have to come from far memory. */
  #lastAtMs = 0
  #earliestAtMs = 0
  #timer: Timer | null = null
  #timerAtMs = Number.POSITIVE_INFINITY

  constructor(clock: Clock, limits: ReducerLimits, measure: Measure<T>, next: Batch<T>) {
    this.#clock = clock
    this.#limits = limits
    this.#measure = measure
    this.#next = next
  }

  get count(): number {
    return this.#count
  }

  put(item: T): void {
    const isEarliest = this.#take(item)
    let reasons = 0
    if (this.#count >= this.#limits.maxCount) reasons |= CUT_BECAUSE.count
    if (this.#measure.estimatedBytes() >= this.#limits.maxSizeBytes) reasons |= CUT_BECAUSE.size
    if (this.#measure.isCalledFor()) reasons |= CUT_BECAUSE.matches
    if (reasons !== 0) this.#cut(reasons)
    else if (isEarliest) this.#arm()
  }

  /** Sends on everything, in as many batches as the limits ask for. */
  flush(): void {
    while (this.#count > 0) this.#cut(CUT_BECAUSE.manual)
  }

  /** Gives up everything without sending it on. */
  abandon(): T[] {
    const items = this.#items.slice(0, this.#count)
    this.#reset()
    this.#timer?.cancel()
    this.#timer = null
    this.#timerAtMs = Number.POSITIVE_INFINITY
    return items
  }

  /** Answers whether no other must leave as early. */
  #take(item: T): boolean {
    const { deadlineAtMs } = item
    const items = this.#items
    // In order nearly always: then the earliest is not asked for.
    const isBehind = this.#count > 0 && deadlineAtMs >= this.#lastAtMs
    if (!isBehind && this.#count > 0) this.#isSorted = false
    this.#lastAtMs = deadlineAtMs
    const isEarliest = !isBehind && (this.#count === 0 || deadlineAtMs < this.#earliestAtMs)
    if (isEarliest) this.#earliestAtMs = deadlineAtMs
    this.#bytesBefore = this.#measure.accurateBytes()
    this.#measure.add(item, items)
    items[this.#count++] = item
    return isEarliest
  }

  #cut(reasons: number): void {
    if (!this.#isSorted) this.#sort()
    const items = this.#items
    const { count, sizeBytes } = this.#fitting()
    const batch = items.slice(0, count)
    const left = this.#count === count ? null : items.slice(count, this.#count)
    this.#reset()
    if (left !== null) for (const item of left) this.#take(item)
    this.#arm()
    this.#next(batch, sizeBytes, reasons)
  }

  /** How many of the first go together, one at least, and what they take. */
  #fitting(): { count: number; sizeBytes: number } {
    const { maxCount, maxSizeBytes } = this.#limits
    const count = this.#count
    const sizeBytes = this.#measure.accurateBytes()
    const fits = (n: number, bytes: number) => n === 1 || (n <= maxCount && bytes <= maxSizeBytes)
    if (fits(count, sizeBytes)) return { count, sizeBytes }
    if (fits(count - 1, this.#bytesBefore))
      return { count: count - 1, sizeBytes: this.#bytesBefore }
    return this.#remeasured(fits)
  }

  /** Seldom: a limit has become less, or much was taken over from one batch to the next. */
  #remeasured(fits: (count: number, bytes: number) => boolean): {
    count: number
    sizeBytes: number
  } {
    const items = this.#items
    let sizeBytes = 0
    this.#measure.clear()
    for (let count = 0; count < this.#count; count++) {
      this.#measure.add(items[count]!, items)
      const bytes = this.#measure.accurateBytes()
      if (!fits(count + 1, bytes)) return { count, sizeBytes }
      sizeBytes = bytes
    }
    return { count: this.#count, sizeBytes }
  }

  /** Earliest deadline first, so that what is trimmed is what can wait. */
  #sort(): void {
    const items = this.#items.slice(0, this.#count).sort((a, b) => a.deadlineAtMs - b.deadlineAtMs)
    this.#reset()
    for (const item of items) this.#take(item)
  }

  #reset(): void {
    this.#items.fill(undefined as never, 0, this.#count)
    this.#count = 0
    this.#isSorted = true
    this.#lastAtMs = 0
    this.#earliestAtMs = 0
    this.#measure.clear()
  }

  // The timer is only ever moved to an earlier instant. A cut leaves it: most containers are cut by
  // size long before their deadline, and a wake-up in vain each deadline is cheaper than a timer
  // cancelled and made for each of them.
  #arm(): void {
    if (this.#count === 0) return
    if (this.#earliestAtMs >= this.#timerAtMs) return
    this.#timer?.cancel()
    this.#timerAtMs = this.#earliestAtMs
    this.#timer = this.#clock.schedule(this.#timerAtMs, () => this.#onTimer())
  }

  #onTimer(): void {
    this.#timer = null
    this.#timerAtMs = Number.POSITIVE_INFINITY
    if (this.#count === 0) return
    if (this.#clock.monotonicMs() >= this.#earliestAtMs) this.#cut(CUT_BECAUSE.timed)
    else this.#arm()
  }
}
