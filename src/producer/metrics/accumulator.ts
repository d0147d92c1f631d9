// Count, sum, least and greatest of a metric's values: since the start, for each of the last
// seconds, and since they were last taken for an upload. The three are apart, so that an upload
// cuts no window short (the KPL's windows begin anew with each upload).

/** Seconds that are kept one by one: the longest window that can be asked for. */
export const WINDOW_MAX_SECONDS = 60

const SECOND_MS = 1000
/** Numbers of one second: the second itself, count, sum, least, greatest. */
const ROW = 5

export interface Values {
  readonly count: number
  readonly sum: number
  readonly min: number
  readonly max: number
}

export class Sum implements Values {
  count = 0
  sum = 0
  /** Without meaning while the count is 0. */
  min = Number.POSITIVE_INFINITY
  max = Number.NEGATIVE_INFINITY

  add(other: Values): void {
    this.count += other.count
    this.sum += other.sum
    if (other.min < this.min) this.min = other.min
    if (other.max > this.max) this.max = other.max
  }

  clear(): void {
    this.count = 0
    this.sum = 0
    this.min = Number.POSITIVE_INFINITY
    this.max = Number.NEGATIVE_INFINITY
  }
}

export class Accumulator {
  /** The running second. Values go only here; the rest learns of them when the second is over. */
  #count = 0
  #sum = 0
  #min = Number.POSITIVE_INFINITY
  #max = Number.NEGATIVE_INFINITY
  #second = 0
  #endsAtMs = 0
  /** Of all seconds that are over. */
  readonly #past = new Sum()
  readonly #untaken = new Sum()
  /** A ring: second `s` is row `s % WINDOW_MAX_SECONDS`. Made when the first second is over. */
  #rows: Float64Array | null = null

  add(value: number, nowMs: number): void {
    if (nowMs >= this.#endsAtMs) this.#roll(nowMs)
    this.#count++
    this.#sum += value
    if (value < this.#min) this.#min = value
    if (value > this.#max) this.#max = value
  }

  /** Several values at once. */
  addAll(values: Values, nowMs: number): void {
    if (nowMs >= this.#endsAtMs) this.#roll(nowMs)
    this.#count += values.count
    this.#sum += values.sum
    if (values.min < this.#min) this.#min = values.min
    if (values.max > this.#max) this.#max = values.max
  }

  /** Adds to `into` everything since the start. */
  lifetime(into: Sum): void {
    into.add(this.#past)
    into.add(this.#running())
  }

  /** Adds to `into` the running second and the `seconds - 1` whole ones before it. */
  window(into: Sum, seconds: number, nowMs: number): void {
    const after = secondOf(nowMs) - seconds
    if (this.#second > after) into.add(this.#running())
    const rows = this.#rows
    if (rows === null) return
    for (let at = 0; at < rows.length; at += ROW) {
      if (rows[at + 1]! > 0 && rows[at]! > after) into.add(rowAt(rows, at))
    }
  }

  /** Adds to `into` the whole seconds that nobody has taken yet; they count as taken then. */
  take(into: Sum, nowMs: number): void {
    if (nowMs >= this.#endsAtMs) this.#roll(nowMs)
    into.add(this.#untaken)
    this.#untaken.clear()
  }

  /** Takes over all that `other` has; `other` is not used again. */
  absorb(other: Accumulator, nowMs: number): void {
    other.#roll(nowMs)
    this.#past.add(other.#past)
    this.#untaken.add(other.#untaken)
    const rows = other.#rows
    if (rows === null) return
    for (let at = 0; at < rows.length; at += ROW) {
      if (rows[at + 1]! > 0) this.#keep(rows[at]!, rowAt(rows, at))
    }
  }

  #running(): Values {
    return { count: this.#count, sum: this.#sum, min: this.#min, max: this.#max }
  }

  #roll(nowMs: number): void {
    if (this.#count > 0) {
      const running = this.#running()
      this.#past.add(running)
      this.#untaken.add(running)
      this.#keep(this.#second, running)
      this.#count = 0
      this.#sum = 0
      this.#min = Number.POSITIVE_INFINITY
      this.#max = Number.NEGATIVE_INFINITY
    }
    this.#second = secondOf(nowMs)
    this.#endsAtMs = (this.#second + 1) * SECOND_MS
  }

  #keep(second: number, values: Values): void {
    this.#rows ??= new Float64Array(WINDOW_MAX_SECONDS * ROW)
    const rows = this.#rows
    const at = (second % WINDOW_MAX_SECONDS) * ROW
    const isEmpty = rows[at + 1]! === 0
    if (!isEmpty && rows[at]! > second) return
    const isSame = !isEmpty && rows[at]! === second
    rows[at] = second
    rows[at + 1] = values.count + (isSame ? rows[at + 1]! : 0)
    rows[at + 2] = values.sum + (isSame ? rows[at + 2]! : 0)
    rows[at + 3] = isSame ? Math.min(values.min, rows[at + 3]!) : values.min
    rows[at + 4] = isSame ? Math.max(values.max, rows[at + 4]!) : values.max
  }
}

function secondOf(nowMs: number): number {
  return Math.floor(nowMs / SECOND_MS)
}

function rowAt(rows: Float64Array, at: number): Values {
  return { count: rows[at + 1]!, sum: rows[at + 2]!, min: rows[at + 3]!, max: rows[at + 4]! }
}
