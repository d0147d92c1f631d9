// No shard took more than it may: a bucket of each life of each shard, filled at its rate.
//
// When a shard took an entry is not seen from outside, only when the request came and when it was
// answered; in between a fault may have held it up. But a shard takes entries in the order of their
// sequence numbers, so one that it took later was taken no earlier, and the reverse.

import assert from 'node:assert'
import { SHARD_WRITE_BYTES_PER_SECOND, SHARD_WRITE_RECORDS_PER_SECOND } from '../wire/index.ts'

export interface TakenEntry {
  readonly sequenceNumber: string
  /** Data and partition key. */
  readonly sizeBytes: number
  /** It was taken between these instants. */
  readonly fromMs: number
  readonly untilMs: number
}

/** Sums of fractions. */
const ROUNDING = 0.001

/** Throws when no instants within their bounds explain that the entries of one shard were taken. */
export function checkRate(shard: string, entries: readonly TakenEntry[], burstMs: number): void {
  const taken = [...entries].sort((a, b) => order(a.sequenceNumber, b.sequenceNumber))
  const untilMs = latestOf(taken)
  const bytes = new LeastLevel(SHARD_WRITE_BYTES_PER_SECOND, burstMs)
  const records = new LeastLevel(SHARD_WRITE_RECORDS_PER_SECOND, burstMs)
  let fromMs = 0
  for (const [index, entry] of taken.entries()) {
    fromMs = Math.max(fromMs, entry.fromMs)
    const span = { fromMs, untilMs: untilMs[index]! }
    const isWithin = [bytes.take(entry.sizeBytes, span), records.take(1, span)].every(Boolean)
    assert(isWithin, `${shard} took more than its rate by ${span.untilMs} ms`)
  }
}

/** A bucket whose level is the least that it can be. */
class LeastLevel {
  readonly #perMs: number
  readonly #depth: number
  #sum = 0
  /** The least of (sum before an entry − what drains until the earliest instant of that entry). */
  #base = Number.POSITIVE_INFINITY

  constructor(perSecond: number, burstMs: number) {
    this.#perMs = perSecond / 1_000
    this.#depth = (perSecond * burstMs) / 1_000
  }

  take(cost: number, { fromMs, untilMs }: { fromMs: number; untilMs: number }): boolean {
    this.#base = Math.min(this.#base, this.#sum - this.#perMs * fromMs)
    this.#sum += cost
    const level = this.#sum - this.#perMs * untilMs - this.#base
    // A full bucket lets more pass than it holds, once, and pays for it afterwards.
    return level <= Math.max(this.#depth, cost) + ROUNDING
  }
}

function latestOf(taken: readonly TakenEntry[]): number[] {
  const latest: number[] = []
  let untilMs = Number.POSITIVE_INFINITY
  for (let index = taken.length - 1; index >= 0; index--) {
    untilMs = Math.min(untilMs, taken[index]!.untilMs)
    latest[index] = untilMs
  }
  return latest
}

function order(a: string, b: string): number {
  const difference = BigInt(a) - BigInt(b)
  return difference < 0n ? -1 : Number(difference > 0n)
}
