// Puts a body together from the chunks that a socket delivers, with as few copies as its length
// being known beforehand allows: one chunk is the body itself, several are copied once.

/** A body of unknown length is copied together when it is complete. */
const UNKNOWN = -1

export class BodyCollector {
  readonly #maxBytes: number
  readonly #expectedBytes: number
  #sizeBytes = 0
  #chunks: Buffer[] = []
  /** Where several chunks of a body of known length are copied to; made when the second comes. */
  #whole: Buffer | null = null

  /** `expectedBytes`: what content-length says, at most `maxBytes`; null when it says nothing. */
  constructor(maxBytes: number, expectedBytes: number | null) {
    this.#maxBytes = maxBytes
    this.#expectedBytes = expectedBytes ?? UNKNOWN
  }

  /** False when the body is longer than allowed; then it is not kept. */
  add(chunk: Buffer): boolean {
    const at = this.#sizeBytes
    this.#sizeBytes += chunk.length
    if (this.#sizeBytes > this.#maxBytes) {
      this.#chunks = []
      this.#whole = null
      return false
    }
    if (this.#expectedBytes === UNKNOWN || chunk.length === this.#expectedBytes) {
      this.#chunks.push(chunk)
      return true
    }
    this.#whole ??= Buffer.allocUnsafeSlow(this.#expectedBytes)
    chunk.copy(this.#whole, at)
    return true
  }

  /** The body, in memory that it shares with nobody. */
  take(): Buffer {
    if (this.#whole !== null) {
      return this.#sizeBytes === this.#expectedBytes
        ? this.#whole
        : this.#whole.subarray(0, this.#sizeBytes)
    }
    const [first] = this.#chunks
    if (first === undefined) return EMPTY
    // HTTP/1.1's parser gives every chunk memory of its own; HTTP/2 cuts several from one piece.
    if (this.#chunks.length === 1 && first.length === first.buffer.byteLength) return first
    return join(this.#chunks, this.#sizeBytes)
  }
}

const EMPTY = Buffer.alloc(0)

function join(chunks: readonly Buffer[], sizeBytes: number): Buffer {
  const whole = Buffer.allocUnsafeSlow(sizeBytes)
  let at = 0
  for (const chunk of chunks) at += chunk.copy(whole, at)
  return whole
}
