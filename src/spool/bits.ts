// One bit for each record of a segment.

const WORD_BITS = 32
const FIRST_WORDS = 32

export class Bits {
  #words = new Uint32Array(FIRST_WORDS)
  #count = 0

  /** How many are set. */
  get count(): number {
    return this.#count
  }

  has(index: number): boolean {
    const word = this.#words[index >>> 5]
    return word !== undefined && (word & (1 << (index & 31))) !== 0
  }

  /** False when it was set before. */
  set(index: number): boolean {
    const at = index >>> 5
    if (at >= this.#words.length) this.#grow(at)
    const word = this.#words[at]!
    const bit = 1 << (index & 31)
    if ((word & bit) !== 0) return false
    this.#words[at] = word | bit
    this.#count++
    return true
  }

  clear(index: number): void {
    if (!this.has(index)) return
    this.#words[index >>> 5]! &= ~(1 << (index & 31))
    this.#count--
  }

  /** The first index from `from` on that is not set. */
  firstClear(from: number): number {
    let index = from
    while (this.has(index)) {
      // A word whose bits are all set is stepped over whole.
      const isFull = (index & 31) === 0 && this.#words[index >>> 5] === 0xffffffff
      index += isFull ? WORD_BITS : 1
    }
    return index
  }

  #grow(at: number): void {
    const words = new Uint32Array(Math.max(at + 1, this.#words.length * 2))
    words.set(this.#words)
    this.#words = words
  }
}
