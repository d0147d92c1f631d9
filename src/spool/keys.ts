// Idempotency keys: what was kept under them, within a window in time and count. A key ages by the
// monotonic clock from when this process knows it: the wall clock may jump by more than the window,
// and a key that is forgotten too early doubles a record.

import type { Clock } from '../host/index.ts'
import type { SpoolConfig } from './config.ts'
import type { KeptKey } from './outcome-code.ts'
import { receiptOf } from './receipt.ts'
import type { Segment } from './segment.ts'
import type { SegmentName } from './segment-name.ts'
import type { IdempotencyEntry, KnownIdempotency } from './transaction.ts'

export interface KeyOrigin {
  readonly segment: SegmentName
  readonly firstOrdinal: number
  readonly count: number
  readonly arrivedAtMs: number
}

type Known = IdempotencyEntry &
  KeyOrigin & {
    /** On the monotonic clock. */
    readonly oldAtMs: number
  }

export class Keys {
  readonly #config: SpoolConfig['idempotency']
  readonly #clock: Clock
  readonly #segmentOf: (number: number) => Segment | undefined
  /** Oldest first. */
  readonly #known = new Map<string, Known>()

  constructor(
    config: SpoolConfig['idempotency'],
    clock: Clock,
    segmentOf: (number: number) => Segment | undefined,
  ) {
    this.#config = config
    this.#clock = clock
    this.#segmentOf = segmentOf
  }

  remember(entry: IdempotencyEntry, origin: KeyOrigin): void {
    const { key, bodyHash, ack } = entry
    // The wall clock may have been set back: what comes from later is as good as new.
    const ageMs = Math.max(0, this.#clock.wallMs() - origin.arrivedAtMs)
    const oldAtMs = this.#clock.monotonicMs() + this.#config.maxAgeMs - ageMs
    this.#known.delete(key)
    this.#known.set(key, { key, bodyHash, ack, ...origin, oldAtMs })
    for (const [oldest, known] of this.#known) {
      const isTooMany = this.#known.size > this.#config.maxCount
      if (!isTooMany && !this.#isOld(known)) break
      this.#known.delete(oldest)
    }
  }

  find(key: string): KnownIdempotency | null {
    const known = this.#known.get(key)
    if (known === undefined || this.#isOld(known)) return null
    const { segment, firstOrdinal, count, bodyHash, ack } = known
    const receipts = Array.from({ length: count }, (_, i) =>
      receiptOf(segment.number, firstOrdinal + i, segment.marker),
    )
    const kept = this.#segmentOf(segment.number)
    const isDurable = kept === undefined || kept.isSynced || kept.areSettled(firstOrdinal, count)
    return { receipts, bodyHash, ack, isDurable }
  }

  /** What is still to be remembered when the log of a segment goes. */
  of(number: number): KeptKey[] {
    const kept: KeptKey[] = []
    for (const known of this.#known.values()) {
      if (known.segment.number !== number || this.#isOld(known)) continue
      const { segment: _, oldAtMs: __, ...rest } = known
      kept.push({ kind: 'key', ...rest })
    }
    return kept
  }

  #isOld({ oldAtMs }: Known): boolean {
    return this.#clock.monotonicMs() >= oldAtMs
  }
}
