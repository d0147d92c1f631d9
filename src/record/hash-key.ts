// A place in a stream's hash key space, 0..2^128-1. Four 32-bit words, most significant first:
// compared a million times a second, while a bigint costs an allocation for each step. The words
// are kept as 32-bit integers with a sign, less 2^31 to keep their order: what does not fit into
// one costs V8 an object for each.

const TOP_BIT = -0x8000_0000
const TWO_TO_31 = 0x8000_0000

export class HashKey {
  readonly #word0: number
  readonly #word1: number
  readonly #word2: number
  readonly #word3: number

  /** Each word is an unsigned 32-bit integer. */
  constructor(w0: number, w1: number, w2: number, w3: number) {
    this.#word0 = w0 ^ TOP_BIT
    this.#word1 = w1 ^ TOP_BIT
    this.#word2 = w2 ^ TOP_BIT
    this.#word3 = w3 ^ TOP_BIT
  }

  get w0(): number {
    return this.#word0 + TWO_TO_31
  }

  get w1(): number {
    return this.#word1 + TWO_TO_31
  }

  get w2(): number {
    return this.#word2 + TWO_TO_31
  }

  get w3(): number {
    return this.#word3 + TWO_TO_31
  }

  /** Negative, zero or positive as this key is below, at or above `other`. */
  compare(other: HashKey): number {
    return (
      this.#word0 - other.#word0 ||
      this.#word1 - other.#word1 ||
      this.#word2 - other.#word2 ||
      this.#word3 - other.#word3
    )
  }

  toBigInt(): bigint {
    return (
      (BigInt(this.w0) << 96n) |
      (BigInt(this.w1) << 64n) |
      (BigInt(this.w2) << 32n) |
      BigInt(this.w3)
    )
  }

  /** Canonical decimal, as the service writes hash keys. */
  toString(): string {
    return this.toBigInt().toString()
  }
}

const WORD = 0xffffffffn
const MAX = (1n << 128n) - 1n

/** The hash key of an integer in 0..2^128-1, or null when it is outside. */
export function hashKeyFromBigInt(value: bigint): HashKey | null {
  if (value < 0n || value > MAX) return null
  return new HashKey(
    Number(value >> 96n),
    Number((value >> 64n) & WORD),
    Number((value >> 32n) & WORD),
    Number(value & WORD),
  )
}

/** The hash key written in decimal (leading zeros allowed), or null when it is none. */
export function hashKeyFromDecimal(text: string): HashKey | null {
  return /^[0-9]{1,64}$/.test(text) ? hashKeyFromBigInt(BigInt(text)) : null
}
