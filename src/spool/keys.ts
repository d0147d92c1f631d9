// Idempotency keys: what was kept under them, within a window in time and count.

import type { SpoolConfig } from './config.ts'
import type { KeptKey } from './outcome-code.ts'
import { receiptOf } from './receipt.ts'
import type { SegmentName } from './segment-name.ts'
import type { IdempotencyEntry, KnownIdempotency } from './transaction.ts'

export interface KeyOrigin {
  readonly segment: SegmentName
  readonly firstOrdinal: number
  readonly count: number
  readonly arrivedAtMs: number
}

type Known = IdempotencyEntry & KeyOrigin

export class Keys {
  readonly #config: SpoolConfig['idempotency']
  /** Oldest first. */
  readonly #known = new Map<string, Known>()

  constructor(config: SpoolConfig['idempotency']) {
    this.#config = config
  }

  remember(entry: IdempotencyEntry, origin: KeyOrigin, nowWallMs: number): void {
    const { key, bodyHash, ack } = entry
    this.#known.delete(key)
    this.#known.set(key, { key, bodyHash, ack, ...origin })
    for (const [oldest, known] of this.#known) {
      const isTooMany = this.#known.size > this.#config.maxCount
      if (!isTooMany && !this.#isOld(known, nowWallMs)) break
      this.#known.delete(oldest)
    }
  }

  find(key: string, nowWallMs: number): KnownIdempotency | null {
    const known = this.#known.get(key)
    if (known === undefined || this.#isOld(known, nowWallMs)) return null
    const { segment, firstOrdinal, count, bodyHash, ack } = known
    const receipts = Array.from({ length: count }, (_, i) =>
      receiptOf(segment.number, firstOrdinal + i, segment.marker),
    )
    return { receipts, bodyHash, ack }
  }

  /** What is still to be remembered when the log of a segment goes. */
  of(number: number, nowWallMs: number): KeptKey[] {
    const kept: KeptKey[] = []
    for (const known of this.#known.values()) {
      if (known.segment.number !== number || this.#isOld(known, nowWallMs)) continue
      const { segment: _, ...rest } = known
      kept.push({ kind: 'key', ...rest })
    }
    return kept
  }

  /** The wall clock may have been set back: what comes from later is as good as new. */
  #isOld({ arrivedAtMs }: Known, nowWallMs: number): boolean {
    return nowWallMs - arrivedAtMs >= this.#config.maxAgeMs
  }
}
