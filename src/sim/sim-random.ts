// Chance from a seed: xoshiro128** (Blackman and Vigna, 2018), in integer arithmetic only, so that
// a seed means the same on every machine. The state of each stream comes from a murmur-style mixer.

import type { Random } from '../host/index.ts'

const WORD_RANGE = 2 ** 32

export class SimRandom implements Random {
  readonly #seed: number
  #s0: number
  #s1: number
  #s2: number
  #s3: number

  /** `seed`: an integer in 0..2**32-1. */
  constructor(seed: number) {
    this.#seed = seed >>> 0
    const mix = mixer(this.#seed)
    this.#s0 = mix()
    this.#s1 = mix()
    this.#s2 = mix()
    // Never all zero, which the generator could not leave.
    this.#s3 = mix() | 1
  }

  below(bound: number): number {
    // The last, incomplete run of `bound` values is drawn again: each value stays equally likely.
    const fairRange = WORD_RANGE - (WORD_RANGE % bound)
    let word = this.#word()
    while (word >= fairRange) word = this.#word()
    return word % bound
  }

  /** An integer in `min..max`, both included. */
  between(min: number, max: number): number {
    return min + this.below(max - min + 1)
  }

  /** True in `perMille` of 1000 draws. */
  hits(perMille: number): boolean {
    return this.below(1000) < perMille
  }

  /** One of the values, which are at least one. */
  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!
  }

  fork(label: string): SimRandom {
    let hash = this.#seed ^ 0x9e3779b9
    for (let i = 0; i < label.length; i++) {
      hash = Math.imul(hash ^ label.charCodeAt(i), 0x01000193)
      hash = (hash << 13) | (hash >>> 19)
    }
    return new SimRandom(mixer(hash)())
  }

  #word(): number {
    const times5 = Math.imul(this.#s1, 5)
    const word = Math.imul((times5 << 7) | (times5 >>> 25), 9) >>> 0
    const shifted = this.#s1 << 9
    this.#s2 ^= this.#s0
    this.#s3 ^= this.#s1
    this.#s1 ^= this.#s2
    this.#s0 ^= this.#s3
    this.#s2 ^= shifted
    this.#s3 = (this.#s3 << 11) | (this.#s3 >>> 21)
    return word
  }
}

/** Well-mixed words from a seed in which only a bit may differ from the next one's. */
function mixer(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x9e3779b9) | 0
    let word = state
    word = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
    word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35)
    return (word ^ (word >>> 16)) >>> 0
  }
}
