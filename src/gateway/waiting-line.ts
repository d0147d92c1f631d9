// First in, first out, and anybody may leave the line at any time: a doubly linked list.

export class WaitingLine<T> {
  #first: Place<T> | null = null
  #last: Place<T> | null = null
  #size = 0

  get size(): number {
    return this.#size
  }

  peek(): T | null {
    return this.#first?.item ?? null
  }

  /** Joins the end of the line; the place is what `leave` takes. */
  join(item: T): Place<T> {
    const place: Place<T> = { item, before: this.#last, after: null, isInLine: true }
    if (this.#last === null) this.#first = place
    else this.#last.after = place
    this.#last = place
    this.#size++
    return place
  }

  shift(): T | null {
    const first = this.#first
    if (first === null) return null
    this.leave(first)
    return first.item
  }

  /** Harmless for one who has left already. */
  leave(place: Place<T>): void {
    if (!place.isInLine) return
    place.isInLine = false
    this.#size--
    if (place.before === null) this.#first = place.after
    else place.before.after = place.after
    if (place.after === null) this.#last = place.before
    else place.after.before = place.before
  }
}

export interface Place<T> {
  readonly item: T
  before: Place<T> | null
  after: Place<T> | null
  isInLine: boolean
}
