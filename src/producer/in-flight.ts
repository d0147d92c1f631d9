// How much of requests may be under way at once. A request has `requestTimeout` from its first byte
// to the end of its answer, and shares the line with the others: with more under way than the line
// carries in that time, requests are given up half sent, and sent again. So the bound follows what
// answers take: it is raised while they come early and it is what holds requests back, and it is
// lowered before they come late. On a good line it is soon above what anybody asks for.
//
// Connections have equal parts of a line, whatever they carry, and one that ends makes place for
// the next: beside many small requests a large one takes as long as if all were as large. So the
// number of requests times the size of the largest is bounded, too.
//
// A service that is slow by itself looks the same until less is under way: the answers of a line
// come sooner then, the service's do not (line-trial.ts). So each lowering begins with a trial, and
// so does a bound that answers are just too slow to raise.

import { LineTrial, largestOf } from './line-trial.ts'

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
 * Of the bound: the number of requests times the size of the largest. With 2 the lab's line of 5.8
 * Mbit/s, whose parts are not equal, timed out 2 of 25 889 requests; with less it is filled later.
 */
const UNEQUAL_PART = 3 / 2
/** Smaller requests count in part: what they take is mostly distance. */
const WHOLE_MIN_BYTES = IN_FLIGHT_MIN_BYTES / 2
/** Two of the largest requests have room. */
const LEAST_PARTS = 2
/** In a trial: from fewer answers nothing could be told. */
const TRIAL_LEAST_PARTS = 6
/**
 * Only large requests tell of the bound: those of half the size of the largest at least, which is
 * forgotten as others end.
 */
const LARGE_PART = 1 / 2
const LARGEST_MEMORY = 0.98
/** Of what is under way, in a trial: a line that answers late is full with so much, too. */
const TRIAL_PART = 1 / 3
/** From one trial to the next that has no other reason; twice as long when it tells the same. */
const TRIAL_INTERVAL_MS = 30_000
const TRIAL_INTERVAL_MAX_MS = 240_000

export class InFlight {
  readonly #timeoutMs: number | null
  /** In the order in which they entered. */
  readonly #flights = new Set<Flight>()
  #bytes = 0
  #boundBytes: number
  /** Where the bound was lowered to last: up to there it doubles, and then it feels its way. */
  #steepBelowBytes = Number.POSITIVE_INFINITY
  /** When that was; requests from before say nothing of the bound since. */
  #loweredAtMs = Number.NEGATIVE_INFINITY
  /** What an answer takes beside the line, distance and service: fewer requests do not help it. */
  #baseMs = 0
  #largestBytes = 0
  #trial: Trial | null = null
  /** By the last trial: late answers are the service's, until the next one is due. */
  #isServiceSlow = false
  #trialIntervalMs = TRIAL_INTERVAL_MS
  #nextTrialAtMs = Number.NEGATIVE_INFINITY

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
    if (this.#flights.size === 0) return true
    if (this.#bytes + sizeBytes > this.#boundBytes) return false
    const largestBytes = Math.max(sizeBytes, largestOf(this.#flights))
    const count = this.#count() + countOf(sizeBytes)
    return count * largestBytes <= this.#boundBytes * UNEQUAL_PART
  }

  /** In how large parts a request of that size goes. */
  partBytesOf(sizeBytes: number): number {
    const leastParts = this.#trial === null ? LEAST_PARTS : TRIAL_LEAST_PARTS
    const parts = Math.max(leastParts, (this.#count() + 1) / UNEQUAL_PART)
    const maxBytes = Math.max(IN_FLIGHT_MIN_BYTES, this.#boundBytes / parts)
    return sizeBytes <= maxBytes ? sizeBytes : sizeBytes / Math.ceil(sizeBytes / maxBytes)
  }

  enter(sizeBytes: number): Flight {
    this.#bytes += sizeBytes
    const entryCount = this.#count() + countOf(sizeBytes)
    const flight = { sizeBytes, entryBytes: this.#bytes, entryCount, sentAtMs: 0 }
    this.#flights.add(flight)
    return flight
  }

  leave(flight: Flight): void {
    this.#bytes -= flight.sizeBytes
    this.#flights.delete(flight)
    this.#trial?.line.left(flight)
  }

  /** Before it leaves. */
  answered(flight: Flight, nowMs: number): void {
    if (this.#timeoutMs === null) return
    const { sizeBytes, sentAtMs } = flight
    const answer = { sizeBytes, usedBytes: this.#usedBytes(flight), elapsedMs: nowMs - sentAtMs }
    const isAlone = Math.max(flight.entryBytes, this.#bytes) <= IN_FLIGHT_MIN_BYTES
    if (isAlone || answer.elapsedMs < this.#baseMs) this.#baseMs = answer.elapsedMs
    const isNew = sentAtMs >= this.#loweredAtMs
    if (this.#trial === null && isNew && this.#isLarge(sizeBytes)) this.#judge(answer, nowMs)
    const trial = this.#trial
    if (trial === null) return
    if (trial.line.answered(flight, answer, this.#flights)) this.#endTrial(trial, nowMs)
  }

  /** No whole answer came in time. Before it leaves. */
  timedOut(flight: Flight, nowMs: number): void {
    if (this.#timeoutMs === null) return
    // What it would have taken is not known.
    this.#trial = null
    this.#isServiceSlow = false
    if (flight.sentAtMs < this.#loweredAtMs) return
    const usedBytes = Math.max(flight.entryBytes, this.#bytes, this.#usedBytes(flight))
    this.#lower(usedBytes * EARLY_PART, nowMs)
  }

  #judge(answer: Answer, nowMs: number): void {
    const { sizeBytes, usedBytes, elapsedMs } = answer
    const part = this.#partOf(elapsedMs)
    const isHolding = usedBytes * 2 >= this.#boundBytes
    const isTrialDue = nowMs >= this.#nextTrialAtMs
    if (part > LATE_PART) {
      if (!this.#isServiceSlow || isTrialDue) this.#try(usedBytes, (usedBytes * EARLY_PART) / part)
    } else if (isHolding && part <= EARLY_PART) this.#raise(sizeBytes)
    else if (isHolding && isTrialDue) this.#try(usedBytes, this.#boundBytes)
  }

  /** Of the time that a request has beside what the line takes none of. */
  #partOf(elapsedMs: number): number {
    return (elapsedMs - this.#baseMs) / Math.max(1, this.#timeoutMs! - this.#baseMs)
  }

  #isLarge(sizeBytes: number): boolean {
    this.#largestBytes = Math.max(sizeBytes, this.#largestBytes * LARGEST_MEMORY)
    return sizeBytes >= this.#largestBytes * LARGE_PART
  }

  /** From now on less is under way. */
  #try(usedBytes: number, lineBytes: number): void {
    const boundBytes = this.#boundBytes
    this.#trial = { line: new LineTrial(this.#flights), lineBytes, boundBytes }
    this.#boundBytes = Math.min(boundBytes, atLeastMin(usedBytes * TRIAL_PART))
  }

  #endTrial({ line, lineBytes, boundBytes }: Trial, nowMs: number): void {
    const { besideLineMs } = line
    const isServiceSlow = besideLineMs !== null
    const isAsBefore = isServiceSlow === this.#isServiceSlow
    const longerMs = Math.min(TRIAL_INTERVAL_MAX_MS, 2 * this.#trialIntervalMs)
    this.#trialIntervalMs = isAsBefore ? longerMs : TRIAL_INTERVAL_MS
    this.#nextTrialAtMs = nowMs + this.#trialIntervalMs
    this.#trial = null
    this.#isServiceSlow = isServiceSlow
    this.#boundBytes = boundBytes
    if (isServiceSlow) this.#baseMs = Math.max(this.#baseMs, besideLineMs)
    else if (lineBytes < boundBytes) this.#lower(lineBytes, nowMs)
  }

  /** In a round of answers to twice as much, or by one request. */
  #raise(sizeBytes: number): void {
    const isSteep = this.#boundBytes < this.#steepBelowBytes
    this.#boundBytes += isSteep ? this.#largestBytes : sizeBytes ** 2 / this.#boundBytes
  }

  #lower(bytes: number, nowMs: number): void {
    this.#boundBytes = Math.min(this.#boundBytes, atLeastMin(bytes))
    this.#steepBelowBytes = this.#boundBytes
    this.#largestBytes = 0
    this.#loweredAtMs = nowMs
  }

  /** What a line carries in its time: as much by each connection that was used with it. */
  #usedBytes({ sizeBytes, entryCount }: Flight): number {
    return Math.max(1, entryCount, this.#count()) * sizeBytes
  }

  /** Of the requests under way. */
  #count(): number {
    let count = 0
    for (const { sizeBytes } of this.#flights) count += countOf(sizeBytes)
    return count
  }
}

interface Trial {
  readonly line: LineTrial
  /** What the bound becomes if it is the line. */
  readonly lineBytes: number
  /** As it was before. */
  readonly boundBytes: number
}

function atLeastMin(bytes: number): number {
  return Math.max(IN_FLIGHT_MIN_BYTES, Math.trunc(bytes))
}

function countOf(sizeBytes: number): number {
  return Math.min(1, sizeBytes / WHOLE_MIN_BYTES)
}

/** One request under way. */
export interface Flight {
  readonly sizeBytes: number
  /** All that was under way when it entered, itself included. */
  readonly entryBytes: number
  readonly entryCount: number
  /** From when on its timeout counts. */
  sentAtMs: number
}

interface Answer {
  readonly sizeBytes: number
  readonly usedBytes: number
  readonly elapsedMs: number
}
