// Dead letters that were sent again: their receipt leads to where they are now.

import type { OutcomeEntry } from './outcome-code.ts'

interface NewPlace {
  readonly number: number
  readonly ordinal: number
}

export class Replayed {
  readonly #maxCount: number
  /** Oldest first. */
  readonly #places = new Map<string, NewPlace>()

  constructor(maxCount: number) {
    this.#maxCount = maxCount
  }

  remember(receipt: string, place: NewPlace): void {
    this.#places.delete(receipt)
    this.#places.set(receipt, place)
    if (this.#places.size <= this.#maxCount) return
    const [oldest] = this.#places.keys()
    this.#places.delete(oldest!)
  }

  find(receipt: string): NewPlace | null {
    return this.#places.get(receipt) ?? null
  }

  /** What is still to be remembered when the log of a segment goes. */
  of(number: number): OutcomeEntry[] {
    const kept: OutcomeEntry[] = []
    for (const [receipt, place] of this.#places) {
      if (place.number === number) kept.push({ kind: 'replayed', receipt, ordinal: place.ordinal })
    }
    return kept
  }
}
