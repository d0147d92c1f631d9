// Whether answers take less with less under way. On a line they do, in proportion; where it is the
// service that is slow they take as long as before, and holding requests back only costs.
//
// Compared are all requests that are under way at one moment: those at the start of the trial, and,
// once they have ended, those that are under way then. Of the answers that come in a time, the
// quick ones come first, and a service whose answers vary would look quicker than it is.

/** With less under way than this part of what was, answers can be compared. */
const FEWER_PART = 3 / 4
/** Of an answer's time: what is less may be chance, and leaves half of the line in use. */
const WORTH_PART = 1 / 2
/** Of the largest under way: smaller requests do not tell. */
const LARGE_PART = 1 / 2
/** With less under way: one answer may be late by chance. */
const FEWER_MIN_COUNT = 4

export interface Sized {
  readonly sizeBytes: number
}

/** Bytes; 0 when there is none. */
export function largestOf(requests: Iterable<Sized>): number {
  let largestBytes = 0
  for (const { sizeBytes } of requests) largestBytes = Math.max(largestBytes, sizeBytes)
  return largestBytes
}

export interface Answer {
  /** What was under way with it. */
  readonly usedBytes: number
  readonly elapsedMs: number
}

export class LineTrial {
  readonly #more = new Mean()
  readonly #fewer = new Mean()
  #mean = this.#more
  /** Of those that are compared, the ones without an answer. */
  #waiting = new Set<Sized>()
  #leastBytes = 0

  constructor(underWay: Iterable<Sized>) {
    this.#lookAt(underWay)
  }

  /** True when it is over. `underWay`: with the one that is answered. */
  answered(flight: Sized, answer: Answer, underWay: Iterable<Sized>): boolean {
    if (this.#waiting.size === 0) this.#lookAt(underWay)
    if (this.#waiting.delete(flight) && flight.sizeBytes >= this.#leastBytes) this.#mean.add(answer)
    if (this.#waiting.size > 0) return false
    if (this.#mean === this.#fewer && this.#fewer.count >= FEWER_MIN_COUNT) return true
    if (this.#more.count > 0) this.#mean = this.#fewer
    this.#lookAt(underWay)
    this.#waiting.delete(flight)
    return false
  }

  /** It ended, with or without an answer. */
  left(flight: Sized): void {
    this.#waiting.delete(flight)
  }

  /** What an answer takes with nothing under way; null where that is the smaller part of it. */
  get besideLineMs(): number | null {
    const [more, fewer] = [this.#more, this.#fewer]
    if (fewer.bytes > more.bytes * FEWER_PART) return null
    const msPerByte = (more.ms - fewer.ms) / (more.bytes - fewer.bytes)
    const besideMs = Math.min(fewer.ms, fewer.ms - msPerByte * fewer.bytes)
    return besideMs >= more.ms * WORTH_PART ? besideMs : null
  }

  #lookAt(underWay: Iterable<Sized>): void {
    this.#waiting = new Set(underWay)
    this.#leastBytes = largestOf(this.#waiting) * LARGE_PART
  }
}

class Mean {
  count = 0
  #bytes = 0
  #ms = 0

  add({ usedBytes, elapsedMs }: Answer): void {
    this.count++
    this.#bytes += usedBytes
    this.#ms += elapsedMs
  }

  get bytes(): number {
    return this.#bytes / this.count
  }

  get ms(): number {
    return this.#ms / this.count
  }
}
