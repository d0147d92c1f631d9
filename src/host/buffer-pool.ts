// Large pieces of memory that are used again. To the collector of garbage a buffer is a small
// object with much memory behind it: a service that takes new ones for every request makes it go
// over the whole heap each time that some tens of megabytes have come and gone.

/** What is smaller is taken and left as any other object. */
const SMALLEST_BYTES = 16 * 1024

export class BufferPool {
  readonly #maxIdleBytes: number
  /** By size, which is a power of two; last come, first taken, as that one is in the caches. */
  readonly #idle = new Map<number, Buffer[]>()
  #idleBytes = 0

  /** Keeps at most `maxIdleBytes` of what nobody uses. */
  constructor(maxIdleBytes: number) {
    this.#maxIdleBytes = maxIdleBytes
  }

  get idleBytes(): number {
    return this.#idleBytes
  }

  /** At least so many bytes, less than twice as many, with anything in them. */
  take(sizeBytes: number): Buffer {
    if (sizeBytes < SMALLEST_BYTES) return Buffer.allocUnsafeSlow(sizeBytes)
    const pieceBytes = 2 ** Math.ceil(Math.log2(sizeBytes))
    const piece = this.#idle.get(pieceBytes)?.pop()
    if (piece === undefined) return Buffer.allocUnsafeSlow(pieceBytes)
    this.#idleBytes -= pieceBytes
    return piece
  }

  /** Nobody reads or writes it any more. Only what `take` gave, and once. */
  giveBack(piece: Buffer): void {
    const sizeBytes = piece.length
    if (sizeBytes < SMALLEST_BYTES || this.#idleBytes + sizeBytes > this.#maxIdleBytes) return
    const same = this.#idle.get(sizeBytes)
    if (same === undefined) this.#idle.set(sizeBytes, [piece])
    else same.push(piece)
    this.#idleBytes += sizeBytes
  }
}
