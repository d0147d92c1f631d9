// How many bytes of requests may be under way at once. A request has `requestTimeout` from its
// first byte to the end of its answer, and shares the line with the others: with more under way
// than the line carries in that time, requests are given up half sent, and sent again. So the bound
// follows what answers take: it is raised while they come early and it is what holds requests back,
// and it is lowered before they come late. On a good line it is soon above what anybody asks for.
//
// A service that is slow by itself looks the same until less is under way: the answers of a line
// come sooner then, the service's do not (line-trial.ts). So each lowering is a trial; and where
// answers are just too slow to raise the bound, it is lowered for a round now and then.

import { type Answer, LineTrial } from './line-trial.ts'

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
/** Of what is under way, in a trial: a line that answers late is full with so much, too. */
const TRIAL_PART = 1 / 2
/** From one trial to the next that has no other reason. */
const TRIAL_INTERVAL_MS = 30_000

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
  #trial: Trial | null = null
  /** By the last trial: late answers are the service's, until the next one is due. */
  #isServiceSlow = false
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
    const { sizeBytes, sentAtMs } = flight
    const answer = { sizeBytes, usedBytes: this.#usedBytes(flight), elapsedMs: nowMs - sentAtMs }
    const isAlone = answer.usedBytes <= IN_FLIGHT_MIN_BYTES
    if (isAlone || answer.elapsedMs < this.#baseMs) this.#baseMs = answer.elapsedMs
    const trial = this.#trial
    if (trial !== null && sentAtMs < trial.line.startAtMs) return trial.line.before(answer)
    if (sentAtMs < this.#loweredAtMs || !this.#isLarge(sizeBytes)) return
    if (trial === null) this.#judge(answer, nowMs)
    else if (trial.line.after(answer, this.#bytes)) this.#endTrial(trial, nowMs)
  }

  /** No whole answer came in time. Before it leaves. */
  timedOut(flight: Flight, nowMs: number): void {
    if (this.#timeoutMs === null) return
    // What it would have taken is not known.
    this.#trial = null
    this.#isServiceSlow = false
    if (flight.sentAtMs >= this.#loweredAtMs) this.#lower(this.#usedBytes(flight), 1, nowMs)
  }

  #judge(answer: Answer, nowMs: number): void {
    const { sizeBytes, usedBytes, elapsedMs } = answer
    const part = this.#partOf(elapsedMs)
    const isHolding = usedBytes * 2 >= this.#boundBytes
    const isTrialDue = nowMs >= this.#nextTrialAtMs
    if (part > LATE_PART) {
      if (this.#isServiceSlow && !isTrialDue) return
      this.#try('lowered', answer, nowMs)
      this.#lower(usedBytes, part, nowMs)
    } else if (isHolding && part <= EARLY_PART) this.#raise(sizeBytes)
    else if (isHolding && isTrialDue) {
      this.#try('held', answer, nowMs)
      this.#boundBytes = atLeastMin(usedBytes * TRIAL_PART)
      this.#largestBytes = 0
    }
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
  #try(kind: Trial['kind'], answer: Answer, nowMs: number): void {
    const line = new LineTrial(nowMs, this.#largestBytes * LARGE_PART)
    line.before(answer)
    this.#trial = {
      kind,
      line,
      boundBytes: this.#boundBytes,
      steepBelowBytes: this.#steepBelowBytes,
    }
  }

  #endTrial({ kind, line, boundBytes, steepBelowBytes }: Trial, nowMs: number): void {
    this.#trial = null
    this.#nextTrialAtMs = nowMs + TRIAL_INTERVAL_MS
    const { besideLineMs } = line
    this.#isServiceSlow = besideLineMs !== null
    if (!this.#isServiceSlow && kind === 'lowered') return
    this.#baseMs = Math.max(this.#baseMs, besideLineMs ?? 0)
    this.#boundBytes = Math.max(this.#boundBytes, boundBytes)
    this.#steepBelowBytes = steepBelowBytes
  }

  /** In a round of answers to twice as much, or by one request. */
  #raise(sizeBytes: number): void {
    const isSteep = this.#boundBytes < this.#steepBelowBytes
    this.#boundBytes += isSteep ? sizeBytes : sizeBytes ** 2 / this.#boundBytes
  }

  #lower(usedBytes: number, part: number, nowMs: number): void {
    const bytes = atLeastMin((usedBytes * EARLY_PART) / part)
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

interface Trial {
  /** `lowered` because of a late answer, or `held` back for a round and as it was after it. */
  readonly kind: 'lowered' | 'held'
  readonly line: LineTrial
  /** As they were before. */
  readonly boundBytes: number
  readonly steepBelowBytes: number
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
