// A place in a stream's hash key space, 0..2^128-1. Four 32-bit words, most significant first:
// compared a million times a second, while a bigint costs an allocation for each step.

export class HashKey {
  readonly w0: number
  readonly w1: number
  readonly w2: number
  readonly w3: number

  /** Each word is an unsigned 32-bit integer. */
  constructor(w0: number, w1: number, w2: number, w3: number) {
    this.w0 = w0
    this.w1 = w1
    this.w2 = w2
    this.w3 = w3
  }

  /** Negative, zero or positive as this key is below, at or above `other`. */
  compare(other: HashKey): number {
    return this.w0 - other.w0 || this.w1 - other.w1 || this.w2 - other.w2 || this.w3 - other.w3
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
