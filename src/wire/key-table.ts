// A table of an aggregate: each text once, in the order of its first use. With a thousand shards
// there are two thousand of them at a time. As `Map`s they fell out of the caches and were moved by
// the garbage collector as they grew: ten times the time for a key that one `Map` takes. This keeps
// its room, a few bytes a key, from one aggregate to the next.

import { textHash } from './text-hash.ts'

/** So few are looked through one by one. */
const SCANNED_MAX_COUNT = 8
const SLOTS_MIN_COUNT = 64
/**
 * Slots that are tried for a key. Half of them are empty, so that only keys that somebody chose to
 * meet in one place need more: those go into a `Map`, whose order nobody outside can know.
 */
const TRIES_MAX_COUNT = 32

export class KeyTable {
  /** Those in front of `#count` count; the others are left from before. */
  readonly #keys: string[] = []
  #count = 0
  /** The places of the keys, plus one; 0 is empty. A power of two of them. */
  #slots = new Int32Array(0)
  #crowded: Map<string, number> | null = null

  get count(): number {
    return this.#count
  }

  /** Of the key that has that place. */
  keyAt(place: number): string {
    return this.#keys[place]!
  }

  /** The place of the key, which is added when it is not there. */
  placeOf(key: string): number {
    const count = this.#count
    if (count > 0 && this.#keys[count - 1] === key) return count - 1
    if (count < SCANNED_MAX_COUNT) {
      for (let place = 0; place < count - 1; place++) if (this.#keys[place] === key) return place
      this.#keys[count] = key
      this.#count++
      if (this.#count === SCANNED_MAX_COUNT) this.#fillSlots()
      return count
    }
    if (this.#slots.length < 2 * (count + 1)) this.#fillSlots()
    return this.#find(key)
  }

  clear(): void {
    if (this.#count >= SCANNED_MAX_COUNT) this.#slots.fill(0)
    this.#count = 0
    this.#crowded = null
  }

  #find(key: string): number {
    const slots = this.#slots
    const mask = slots.length - 1
    const first = textHash(key) >>> 7
    for (let i = 0; i < TRIES_MAX_COUNT; i++) {
      const at = (first + i) & mask
      const place = slots[at]! - 1
      if (place < 0) {
        slots[at] = this.#count + 1
        this.#keys[this.#count] = key
        return this.#count++
      }
      if (this.#keys[place] === key) return place
    }
    this.#crowded ??= new Map()
    let place = this.#crowded.get(key)
    if (place === undefined) {
      place = this.#count++
      this.#crowded.set(key, place)
      this.#keys[place] = key
    }
    return place
  }

  /** Puts every key into slots of which at least half are empty: the old ones, or twice as many. */
  #fillSlots(): void {
    const count = this.#count
    const isRoom = this.#slots.length >= 2 * (count + 1)
    if (!isRoom) this.#slots = new Int32Array(Math.max(SLOTS_MIN_COUNT, 2 * this.#slots.length))
    this.#crowded = null
    this.#count = 0
    // Each is new to the slots and comes to its old place.
    while (this.#count < count) this.#find(this.#keys[this.#count]!)
  }
}
