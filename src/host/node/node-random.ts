// Chance from the operating system, stretched by AES in counter mode: as hard to foresee, a
// hundred times cheaper a draw, and a stream for each label comes for free.

import { type Cipheriv, createCipheriv, createHash, createHmac, randomBytes } from 'node:crypto'
import type { Random } from '../random.ts'

const KEY_BYTES = 32
const BLOCK_WORD_COUNT = 256
const ZEROS = Buffer.alloc(BLOCK_WORD_COUNT * 4)
const WORD_RANGE = 2 ** 32

export class NodeRandom implements Random {
  readonly #key: Buffer
  readonly #cipher: Cipheriv
  #block: Buffer = Buffer.alloc(0)
  #at = 0

  /** `key`: 32 bytes; the same key gives the same draws. Without it nobody can foresee them. */
  constructor(key: Buffer = randomBytes(KEY_BYTES)) {
    this.#key = key
    this.#cipher = createCipheriv('aes-256-ctr', key, Buffer.alloc(16))
  }

  below(bound: number): number {
    // The last, incomplete run of `bound` values is drawn again: each value stays equally likely.
    const fairRange = WORD_RANGE - (WORD_RANGE % bound)
    let word = this.#word()
    while (word >= fairRange) word = this.#word()
    return word % bound
  }

  fork(label: string): Random {
    return new NodeRandom(createHmac('sha256', this.#key).update(label).digest())
  }

  #word(): number {
    if (this.#at === this.#block.length) {
      this.#block = this.#cipher.update(ZEROS)
      this.#at = 0
    }
    const word = this.#block.readUInt32LE(this.#at)
    this.#at += 4
    return word
  }
}

/** The same seed gives the same draws, and anybody can foresee them; 0 leaves it to the caller. */
export function faultRandomOf({ faultSeed }: { readonly faultSeed: number }): Random | undefined {
  if (faultSeed === 0) return undefined
  return new NodeRandom(createHash('sha256').update(`${faultSeed}`).digest())
}
