// How many bytes of requests may be under way at once. A request has `requestTimeout` from its
// first byte to the end of its answer, and shares the line with the others: with more under way
// than the line carries in that time, requests are given up half sent, and sent again. So the bound
// follows what answers take: it is raised while they come early and it is what holds requests back,
// and it is lowered before they come late. On a good line it is soon above what anybody asks for.

/** Of the time that a request has: an answer that took more raises the bound no more. */
const EARLY_PART = 1 / 4
/** An answer that took more lowers the bound to what would have taken `EARLY_PART`. */
const LATE_PART = 1 / 2
/**
 * What a line is believed to carry before it has shown it: 2.8 Mbit/s, which is 512 KiB with the
 * default timeout. On one that is four times slower, the first requests still end in time.
 */
const BELIEVED_BYTES_PER_MS = 350
/** The bound falls no lower: one default aggregate. The KPL's least collectionMaxSize. */
export const IN_FLIGHT_MIN_BYTES = 52_224
/**
 * Connections have equal parts of a line, so large requests take longest, and only they tell of the
 * bound: those of half the size of the largest at least, which is forgotten as others end.
 */
const LARGE_PART = 1 / 2
const LARGEST_MEMORY = 0.98

export class InFlight {
  readonly #timeoutMs: number | null
  #bytes = 0
  #boundBytes: number
  /** Where the bound was lowered to last: up to there it doubles, and then it feels its way. */
  #steepBelowBytes = Number.POSITIVE_INFINITY
  /** When that was; requests from before say nothing of the bound since. */
  #loweredAtMs = Number.NEGATIVE_INFINITY
  /** What an answer takes beside the line, distance and service: fewer requests do not help it. */
  #baseMs = 0
  #largestBytes = 0

  /** Null: no bound, ever. */
  constructor(timeoutMs: number | null) {
    this.#timeoutMs = timeoutMs
    this.#boundBytes =
      timeoutMs === null
        ? Number.POSITIVE_INFINITY
        : atLeastMin(BELIEVED_BYTES_PER_MS * timeoutMs * EARLY_PART)
  }

  get bytes(): number {
    return this.#bytes
  }

  get boundBytes(): number {
    return this.#boundBytes
  }

  /** One request may always go. */
  hasRoom(sizeBytes: number): boolean {
    return this.#bytes === 0 || this.#bytes + sizeBytes <= this.#boundBytes
  }

  /** In how large parts a request of that size goes: two of the largest have room. */
  partBytesOf(sizeBytes: number): number {
    const maxBytes = Math.max(IN_FLIGHT_MIN_BYTES, this.#boundBytes / 2)
    return sizeBytes <= maxBytes ? sizeBytes : sizeBytes / Math.ceil(sizeBytes / maxBytes)
  }

  enter(sizeBytes: number): Flight {
    this.#bytes += sizeBytes
    return { sizeBytes, entryBytes: this.#bytes, sentAtMs: 0 }
  }

  leave({ sizeBytes }: Flight): void {
    this.#bytes -= sizeBytes
  }

  /** Before it leaves. */
  answered(flight: Flight, nowMs: number): void {
    if (this.#timeoutMs === null) return
    const elapsedMs = nowMs - flight.sentAtMs
    const usedBytes = this.#usedBytes(flight)
    if (usedBytes <= IN_FLIGHT_MIN_BYTES || elapsedMs < this.#baseMs) this.#baseMs = elapsedMs
    const { sizeBytes } = flight
    if (flight.sentAtMs < this.#loweredAtMs) return
    this.#largestBytes = Math.max(sizeBytes, this.#largestBytes * LARGEST_MEMORY)
    if (sizeBytes < this.#largestBytes * LARGE_PART) return
    const part = (elapsedMs - this.#baseMs) / Math.max(1, this.#timeoutMs - this.#baseMs)
    if (part > LATE_PART) this.#lower(flight, part, nowMs)
    else if (part <= EARLY_PART && usedBytes * 2 >= this.#boundBytes) this.#raise(sizeBytes)
  }

  /** No whole answer came in time. Before it leaves. */
  timedOut(flight: Flight, nowMs: number): void {
    if (this.#timeoutMs === null) return
    if (flight.sentAtMs >= this.#loweredAtMs) this.#lower(flight, 1, nowMs)
  }

  /** In a round of answers to twice as much, or by one request. */
  #raise(sizeBytes: number): void {
    const isSteep = this.#boundBytes < this.#steepBelowBytes
    this.#boundBytes += isSteep ? sizeBytes : sizeBytes ** 2 / this.#boundBytes
  }

  #lower(flight: Flight, part: number, nowMs: number): void {
    const bytes = atLeastMin((this.#usedBytes(flight) * EARLY_PART) / part)
    this.#boundBytes = Math.min(this.#boundBytes, bytes)
    this.#steepBelowBytes = this.#boundBytes
    this.#largestBytes = 0
    this.#loweredAtMs = nowMs
  }

  /** What was under way with it: when it entered or now, whichever is more. */
  #usedBytes({ entryBytes }: Flight): number {
    return Math.max(entryBytes, this.#bytes)
  }
}

function atLeastMin(bytes: number): number {
  return Math.max(IN_FLIGHT_MIN_BYTES, Math.trunc(bytes))
}

/** One request under way. */
export interface Flight {
  readonly sizeBytes: number
  /** All that was under way when it entered, itself included. */
  readonly entryBytes: number
  /** From when on its timeout counts. */
  sentAtMs: number
}
