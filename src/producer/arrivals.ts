// When the outstanding records came, to a tenth of a second: enough for the age of the oldest, and
// as cheap for a million of them as for one.

/** How exact the age is. */
const TICK_MS = 100

interface Tick {
  /** Its number since the clock's beginning. */
  readonly number: number
  /** Outstanding records that came in it; 0 when it is no longer kept. */
  count: number
}

export class Arrivals {
  /** The oldest first. */
  readonly #ticks = new Map<number, Tick>()
  /** What was asked for last: records come, and mostly leave, in the order of their arrival. */
  #added: Tick = { number: -1, count: 0 }
  #removed: Tick = { number: -1, count: 0 }

  add(arrivalAtMs: number): void {
    const number = numberOf(arrivalAtMs)
    if (this.#added.number !== number || this.#added.count === 0) this.#added = this.#open(number)
    this.#added.count++
  }

  /** Of a record that was added with the same instant. */
  remove(arrivalAtMs: number): void {
    const number = numberOf(arrivalAtMs)
    if (this.#removed.number !== number || this.#removed.count === 0) {
      this.#removed = this.#ticks.get(number)!
    }
    if (--this.#removed.count === 0) this.#ticks.delete(number)
  }

  /** Up to a tick too early; null when nothing is outstanding. */
  oldestAtMs(): number | null {
    for (const number of this.#ticks.keys()) return number * TICK_MS
    return null
  }

  #open(number: number): Tick {
    let tick = this.#ticks.get(number)
    if (tick === undefined) {
      tick = { number, count: 0 }
      this.#ticks.set(number, tick)
    }
    return tick
  }
}

function numberOf(atMs: number): number {
  return Math.floor(atMs / TICK_MS)
}
