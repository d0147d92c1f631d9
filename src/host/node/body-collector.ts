// Puts a body together from the chunks that a socket delivers, with as few copies as its length
// being known beforehand allows: one chunk is the body itself, several are copied together. Memory
// follows what has come, at most twice as much, and never what the head promised.

import type { BufferPool } from '../buffer-pool.ts'

/** The first piece of memory for what comes in several chunks. */
const FIRST_BYTES = 4096

/** A body that holds more memory than this for each of its bytes is copied. */
export const MEMORY_PER_BYTE_MAX = 1.25

export class BodyCollector {
  readonly #maxBytes: number
  /** Null when only the end will tell. */
  readonly #expectedBytes: number | null
  readonly #memory: BufferPool | null
  #sizeBytes = 0
  /** The only chunk so far. */
  #first: Buffer | null = null
  /** Where several chunks are copied to; made when the second comes. */
  #whole: Buffer | null = null

  /**
   * `expectedBytes`: what content-length says, at most `maxBytes`; null when it says nothing.
   * `memory`: where pieces come from that several chunks are copied to; null for new ones.
   */
  constructor(maxBytes: number, expectedBytes: number | null, memory: BufferPool | null = null) {
    this.#maxBytes = maxBytes
    this.#expectedBytes = expectedBytes
    this.#memory = memory
  }

  /** Bytes of memory that it holds. */
  get heldBytes(): number {
    return (this.#whole ?? this.#first)?.length ?? 0
  }

  /**
   * False when the body is longer than allowed; then it is not kept. `isLent`: the chunk is
   * somebody else's again afterwards.
   */
  add(chunk: Buffer, isLent = false): boolean {
    const at = this.#sizeBytes
    this.#sizeBytes += chunk.length
    if (this.#sizeBytes > this.#maxBytes) {
      this.#first = null
      this.#whole = null
      return false
    }
    if (at === 0 && !isLent) {
      this.#first = chunk
      return true
    }
    if (this.#whole === null || this.#sizeBytes > this.#whole.length) this.#grow(at)
    chunk.copy(this.#whole!, at)
    return true
  }

  /**
   * The body, in memory that nobody else writes to, and with little else in it, but for memory that
   * is given back.
   */
  take(): Buffer {
    const whole = this.#whole ?? this.#first
    if (whole === null) return EMPTY
    if (this.#memory !== null && whole === this.#whole) return whole.subarray(0, this.#sizeBytes)
    // A chunk may have come with its request's head before it, or with others of its connection.
    const isTight = this.#sizeBytes * MEMORY_PER_BYTE_MAX >= whole.buffer.byteLength
    return isTight && whole.length === this.#sizeBytes ? whole : copyOf(whole, this.#sizeBytes)
  }

  /** Nobody uses the body any more. */
  giveBack(): void {
    if (this.#whole !== null) this.#memory?.giveBack(this.#whole)
    this.#whole = null
  }

  #grow(oldBytes: number): void {
    const most = this.#expectedBytes ?? this.#maxBytes
    const wanted = Math.max(FIRST_BYTES, 2 * this.#sizeBytes)
    // A service that is sent more than was promised has its own bound for that.
    const sizeBytes = Math.max(this.#sizeBytes, Math.min(wanted, most))
    const whole = this.#memory?.take(sizeBytes) ?? Buffer.allocUnsafeSlow(sizeBytes)
    const old = this.#whole ?? this.#first
    old?.copy(whole, 0, 0, oldBytes)
    this.giveBack()
    this.#whole = whole
    this.#first = null
  }
}

const EMPTY = Buffer.alloc(0)

function copyOf(bytes: Buffer, sizeBytes: number): Buffer {
  const copy = Buffer.allocUnsafeSlow(sizeBytes)
  bytes.copy(copy, 0, 0, sizeBytes)
  return copy
}
