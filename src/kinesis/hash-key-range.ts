// Which shard a hash key belongs to. Keys are four 32-bit words, most significant first, as the
// wire room's `hashKeyOf` makes them.

import assert from 'node:assert'

export interface HashKeyWords {
  readonly w0: number
  readonly w1: number
  readonly w2: number
  readonly w3: number
}

/** A shard's part of 0..2^128-1, both ends included. */
export interface HashKeyRange {
  readonly start: bigint
  readonly end: bigint
}

const SPACE = 1n << 128n
const WORD_MASK = 0xffff_ffffn

/**
 * The whole space in `count` parts as the service cuts it: equal, the last one with the remainder.
 */
export function evenRanges(count: number): HashKeyRange[] {
  assert(count >= 1)
  const width = SPACE / BigInt(count)
  return Array.from({ length: count }, (_, index) => ({
    start: width * BigInt(index),
    end: index === count - 1 ? SPACE - 1n : width * BigInt(index + 1) - 1n,
  }))
}

/** The key that is written in decimal, or null when it is 2^128 or more. */
export function explicitHashKeyOf(decimal: string): HashKeyWords | null {
  const value = BigInt(decimal)
  return value < SPACE ? wordsOf(value) : null
}

/** Finds the owner of a hash key among owners whose ranges cover the space without overlapping. */
export class HashKeyRouter<Owner> {
  readonly #starts: readonly HashKeyWords[]
  readonly #owners: readonly Owner[]

  constructor(owners: readonly Owner[], rangeOf: (owner: Owner) => HashKeyRange) {
    const sorted = [...owners].sort((a, b) => (rangeOf(a).start < rangeOf(b).start ? -1 : 1))
    assert(sorted.length > 0 && rangeOf(sorted[0]!).start === 0n, 'no shard begins at hash key 0')
    this.#owners = sorted
    this.#starts = sorted.map((owner) => wordsOf(rangeOf(owner).start))
  }

  ownerOf(key: HashKeyWords): Owner {
    let low = 0
    let high = this.#starts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if (compare(this.#starts[middle]!, key) <= 0) low = middle
      else high = middle - 1
    }
    return this.#owners[low]!
  }
}

function compare(a: HashKeyWords, b: HashKeyWords): number {
  return a.w0 - b.w0 || a.w1 - b.w1 || a.w2 - b.w2 || a.w3 - b.w3
}

function wordsOf(value: bigint): HashKeyWords {
  return {
    w0: Number(value >> 96n),
    w1: Number((value >> 64n) & WORD_MASK),
    w2: Number((value >> 32n) & WORD_MASK),
    w3: Number(value & WORD_MASK),
  }
}
