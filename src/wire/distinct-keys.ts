// Whether keys are all distinct, at the price of a few bytes each: of a key only its hash is kept.
// With a thousand shards there are a thousand of these, and what one of them touches for a record
// is far away in memory by then.

import { textHash } from './text-hash.ts'

const SLOTS_MIN_COUNT = 16
/**
 * Slots that are tried for a key. Half of them are empty, so that only keys that somebody chose to
 * meet in one place need more.
 */
const TRIES_MAX_COUNT = 32

export class DistinctKeys {
  /** A power of two of them, at least half of them empty: 0, which no hash is. */
  #slots = emptySlots(SLOTS_MIN_COUNT)
  #count = 0

  /** False when the key is there already, or may be: then it is not added. */
  add(key: string): boolean {
    if (2 * (this.#count + 1) > this.#slots.length) this.#grow()
    if (!insert(this.#slots, hashOf(key))) return false
    this.#count++
    return true
  }

  clear(): void {
    this.#slots.fill(0)
    this.#count = 0
  }

  #grow(): void {
    const slots = emptySlots(2 * this.#slots.length)
    const last = slots.length - 1
    for (const hash of this.#slots) {
      if (hash === 0) continue
      let at = hash & last
      while (slots[at] !== 0) at = (at + 1) & last
      slots[at] = hash
    }
    this.#slots = slots
  }
}

/** Small integers lie in the array itself; a typed array is three objects. */
function emptySlots(count: number): number[] {
  return new Array<number>(count).fill(0)
}

function insert(slots: number[], hash: number): boolean {
  const last = slots.length - 1
  for (let i = 0; i < TRIES_MAX_COUNT; i++) {
    const at = (hash + i) & last
    const slot = slots[at]!
    if (slot === hash) return false
    if (slot !== 0) continue
    slots[at] = hash
    return true
  }
  return false
}

/** Its lower bits say where it goes. */
function hashOf(key: string): number {
  const hash = textHash(key)
  return hash ^ (hash >>> 15) || 1
}
