// Whether answers take less with less under way. On a line they do, in proportion; where it is the
// service that is slow they take as long as before, and holding requests back only costs.

/** With less under way than this part of what was, answers can be compared. */
const FEWER_PART = 3 / 4
/** Of an answer's time: what is less may be chance, and leaves half of the line in use. */
const WORTH_PART = 1 / 2

/** Of a round at least: one answer may be late by chance. */
const ROUND_MIN_COUNT = 4

/** One that came, to a request large enough to tell. */
export interface Answer {
  readonly sizeBytes: number
  /** What was under way with it. */
  readonly usedBytes: number
  readonly elapsedMs: number
}

export class LineTrial {
  readonly startAtMs: number
  readonly #leastBytes: number
  readonly #more = new Mean()
  readonly #fewer = new Mean()
  #leftBytes = Number.POSITIVE_INFINITY

  /** `leastBytes`: smaller requests of those sent before the start do not tell. */
  constructor(startAtMs: number, leastBytes: number) {
    this.startAtMs = startAtMs
    this.#leastBytes = leastBytes
  }

  /** To a request that was sent before the start, with more under way. */
  before(answer: Answer): void {
    if (answer.sizeBytes >= this.#leastBytes) this.#more.add(answer)
  }

  /**
   * To one that was sent after it, while `bytes` were under way. True when about all that were
   * under way with the first of these have been answered.
   */
  after(answer: Answer, bytes: number): boolean {
    if (this.#fewer.count === 0) this.#leftBytes = bytes
    this.#fewer.add(answer)
    this.#leftBytes -= answer.sizeBytes
    return this.#leftBytes <= 0 && this.#fewer.count >= ROUND_MIN_COUNT
  }

  /** What an answer takes with nothing under way; null where that is the smaller part of it. */
  get besideLineMs(): number | null {
    const [more, fewer] = [this.#more, this.#fewer]
    if (fewer.bytes > more.bytes * FEWER_PART) return null
    const msPerByte = (more.ms - fewer.ms) / (more.bytes - fewer.bytes)
    const besideMs = Math.min(fewer.ms, fewer.ms - msPerByte * fewer.bytes)
    return besideMs >= more.ms * WORTH_PART ? besideMs : null
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
