// Which of the open shards has a hash key. A binary search touches ten shards of a thousand, each
// far away in memory; the upper bits of the key say at once between which two of them to look.

import { type HashKey, NO_SHARD } from '../record/index.ts'

export interface IndexedShard {
  readonly shard: number
  /** The last hash key of its range. */
  readonly end: HashKey
}

/** A key that is in no range. */
export const NO_PLACE = -1
/** The upper word of a key does not tell its place. */
export const UNTOLD_PLACE = -2

/** Buckets for each shard: in most of them no range ends, so that nothing is left to search. */
const BUCKETS_PER_SHARD = 4
const BUCKET_BITS_MAX = 20

export class ShardIndex {
  readonly #shards: readonly IndexedShard[]
  /** Their numbers, and the upper words of their ends, side by side. */
  readonly #numbers: Int32Array
  readonly #tops: Uint32Array
  readonly #shift: number
  /** Of each bucket, the number of shards that end below it; and one more, of them all. */
  readonly #firsts: Int32Array

  /** The shards in the order of their ends. */
  constructor(shards: readonly IndexedShard[]) {
    const wanted = Math.ceil(Math.log2(BUCKETS_PER_SHARD * Math.max(1, shards.length)))
    const bits = Math.min(BUCKET_BITS_MAX, wanted)
    this.#shards = shards
    this.#numbers = Int32Array.from(shards, ({ shard }) => shard)
    this.#tops = Uint32Array.from(shards, ({ end }) => end.w0)
    this.#shift = 32 - bits
    const bucketCount = 1 << bits
    this.#firsts = new Int32Array(bucketCount + 1)
    let below = 0
    for (let bucket = 0; bucket <= bucketCount; bucket++) {
      while (below < shards.length && this.#tops[below]! >>> this.#shift < bucket) below++
      this.#firsts[bucket] = below
    }
  }

  /** The place of the first shard that does not end before the key; `NO_PLACE` if there is none. */
  find(key: HashKey): number {
    const top = key.w0
    let place = this.#firstFrom(top)
    // Ranges end in one another's neighbourhood only where they are less than 2^96 wide.
    while (this.#tops[place] === top && this.#shards[place]!.end.compare(key) < 0) place++
    return place < this.#numbers.length ? place : NO_PLACE
  }

  /** The same by the key's upper word alone, or `UNTOLD_PLACE`: one in millions. */
  findByTop(top: number): number {
    const place = this.#firstFrom(top)
    if (place === this.#numbers.length) return NO_PLACE
    return this.#tops[place] === top ? UNTOLD_PLACE : place
  }

  /** The shard to which the key belongs, or `NO_SHARD`. */
  predict(key: HashKey): number {
    return this.shardAt(this.find(key))
  }

  /** The shard of that place, or `NO_SHARD` at none. */
  shardAt(place: number): number {
    return place === NO_PLACE ? NO_SHARD : this.#numbers[place]!
  }

  /** The first place whose end has that upper word or a higher one. */
  #firstFrom(top: number): number {
    const bucket = top >>> this.#shift
    let low = this.#firsts[bucket]!
    let high = this.#firsts[bucket + 1]!
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#tops[middle]! < top) low = middle + 1
      else high = middle
    }
    return low
  }
}
