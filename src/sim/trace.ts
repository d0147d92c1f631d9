// What happened in a world: a running digest of everything, and the last of it in words.

/** Events kept to be shown when a world breaks. */
export const LAST_EVENTS_MAX_COUNT = 200

/** Kinds of events, and of texts within them; both are constants of the code. */
const KINDS_MAX_COUNT = 10_000

interface LastEvent {
  atMs: number
  kind: string
  first: number
  second: number
}

/** Told of each event as it is added; `line` makes its words. */
export type TraceListener = (line: () => string) => void

export class Trace {
  readonly #kinds = new Map<string, number>()
  readonly #counts: number[] = []
  readonly #last: LastEvent[] = []
  readonly #float = new Float64Array(1)
  readonly #words = new Uint32Array(this.#float.buffer)
  #high = 0x9e3779b9
  #low = 0x85ebca6b
  #eventCount = 0
  #listener: TraceListener | null = null

  get eventCount(): number {
    return this.#eventCount
  }

  /** 64 bits in hexadecimal: equal for equal traces. */
  get digest(): string {
    return hex(this.#high) + hex(this.#low)
  }

  listen(listener: TraceListener): void {
    this.#listener = listener
  }

  /** How often each kind of event happened. */
  counts(): ReadonlyMap<string, number> {
    return new Map([...this.#kinds].map(([kind, number]) => [kind, this.#counts[number]!]))
  }

  /** `first` and `second` say more, as the kind defines. */
  add(atMs: number, kind: string, first = 0, second = 0): void {
    this.#mixNumber(atMs)
    const number = this.#numberOf(kind)
    this.#counts[number] = (this.#counts[number] ?? 0) + 1
    this.#mix(number)
    this.#mixNumber(first)
    this.#mixNumber(second)
    this.#listener?.(() => textOf({ atMs, kind, first, second }))
    const slot = this.#eventCount++ % LAST_EVENTS_MAX_COUNT
    const kept = this.#last[slot]
    if (kept === undefined) {
      this.#last.push({ atMs, kind, first, second })
      return
    }
    kept.atMs = atMs
    kept.kind = kind
    kept.first = first
    kept.second = second
  }

  /** The last events, oldest first, one a line. */
  lastEvents(): string[] {
    const oldest = this.#eventCount % LAST_EVENTS_MAX_COUNT
    const inOrder =
      this.#eventCount < LAST_EVENTS_MAX_COUNT
        ? this.#last
        : [...this.#last.slice(oldest), ...this.#last.slice(0, oldest)]
    return inOrder.map(textOf)
  }

  #numberOf(kind: string): number {
    const known = this.#kinds.get(kind)
    if (known !== undefined) return known
    const number = this.#kinds.size
    if (number < KINDS_MAX_COUNT) this.#kinds.set(kind, number)
    return number
  }

  #mixNumber(value: number): void {
    this.#float[0] = value
    this.#mix(this.#words[0]!)
    this.#mix(this.#words[1]!)
  }

  #mix(word: number): void {
    const low = Math.imul(this.#low ^ word, 0xcc9e2d51)
    this.#low = ((low << 15) | (low >>> 17)) ^ this.#high
    const high = Math.imul(this.#high + word, 0x1b873593)
    this.#high = (high ^ (high >>> 15)) + this.#low
  }
}

function textOf({ atMs, kind, first, second }: Readonly<LastEvent>): string {
  return `${atMs.toFixed(3).padStart(12)}  ${kind} ${first} ${second}`
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0')
}
