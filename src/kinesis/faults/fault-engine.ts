// Decides which faults strike a request and its entries. Each fault draws from a stream of its own,
// so one that is added or struck moves no draw of another; set again, it draws the same again.

import type { Clock, HttpHead, Log, Random } from '../../host/index.ts'
import type { Action } from '../action.ts'
import { throttledEntry } from '../admission.ts'
import type { EntryError } from '../service-error.ts'
import { INTERNAL_FAILURE } from '../service-error.ts'
import type { Shard } from '../shard.ts'
import type { Stream } from '../stream.ts'
import { type EntryFault, type Fault, isAfter, isEntryFault } from './fault.ts'
import { judgeSignature, type Refusal, refusalOf } from './refusal.ts'
import { type Subject, type SubjectOptions, subjectOf } from './subject.ts'

export interface FaultyRequest extends SubjectOptions {
  readonly head: HttpHead
}

/** What becomes of a request as a whole. */
export interface Fate {
  /** Added to the clock that its answer tells. */
  readonly skewMs: number
  readonly delayBeforeMs: number
  /** In the place of acting. */
  readonly refusal: Refusal | null
  readonly entries: EntryFaults | null
  readonly delayAfterMs: number
  /** In the place of the answer to what was done. */
  readonly lostFor: Refusal | null
}

/** The faults of one PutRecord or PutRecords, asked for each entry. */
export interface EntryFaults {
  /** Why the entry is not stored, if a fault has it so. */
  before(stream: Stream, shard: Shard): EntryError | null
  /** Why an entry that is stored is told to have failed, if a fault has it so. */
  after(stream: Stream, shard: Shard): EntryError | null
}

export class FaultEngine {
  readonly #clock: Clock
  readonly #random: Random
  readonly #log: Log
  #armed: readonly Armed[] = []

  constructor(clock: Clock, random: Random, log: Log) {
    this.#clock = clock
    this.#random = random
    this.#log = log
  }

  /** From here on these and no others; their windows and counts begin now. */
  set(faults: readonly Fault[]): void {
    const kinds = faults.map(({ kind }) => kind).join(', ')
    if (kinds !== '') this.#log.warn('faults are switched on', { kinds })
    else if (this.#armed.length > 0) this.#log.warn('faults are switched off', {})
    const setAtMs = this.#clock.monotonicMs()
    this.#armed = faults.map(
      (fault, index) => new Armed(fault, setAtMs, this.#random.fork(`fault ${index}`)),
    )
  }

  get faults(): readonly Fault[] {
    return this.#armed.map(({ fault }) => fault)
  }

  /** How often each has struck since it was set. */
  get struckCounts(): readonly number[] {
    return this.#armed.map(({ struckCount }) => struckCount)
  }

  /** Null: no fault is meant for such a request now. */
  fateOf(request: FaultyRequest): Fate | null {
    if (this.#armed.length === 0) return null
    const nowMs = this.#clock.monotonicMs()
    const meant = this.#armed.filter((armed) => armed.isMeant(request.action, nowMs))
    if (meant.length === 0) return null
    const isPut = request.action === 'PutRecord' || request.action === 'PutRecords'
    const isOfEntries = ({ fault }: Armed) => isPut && isEntryFault(fault)
    const whole = meant.filter((armed) => !isOfEntries(armed))
    const ofEntries = meant.filter(isOfEntries)
    const entries = ofEntries.length === 0 ? null : entryFaultsOf(ofEntries)
    return new FateDraw(request, whole).draw(entries)
  }
}

class Armed {
  readonly fault: Fault
  struckCount = 0
  readonly #fromAtMs: number
  readonly #untilAtMs: number
  readonly #random: Random

  constructor(fault: Fault, setAtMs: number, random: Random) {
    this.fault = fault
    this.#fromAtMs = setAtMs + (fault.fromMs ?? 0)
    this.#untilAtMs = setAtMs + (fault.untilMs ?? Number.POSITIVE_INFINITY)
    this.#random = random
  }

  isMeant(action: Action, nowMs: number): boolean {
    const isItsAction = (this.fault.action ?? action) === action
    return isItsAction && nowMs >= this.#fromAtMs && nowMs < this.#untilAtMs
  }

  isAbout(subjectOf: () => Subject): boolean {
    const { stream, shard } = this.fault
    if (stream === undefined && shard === undefined) return true
    const { streamName, shards } = subjectOf()
    return (stream ?? streamName) === streamName && (shard === undefined || shards.has(shard))
  }

  isAt(stream: Stream, shard: Shard): boolean {
    const { fault } = this
    return (fault.stream ?? stream.name) === stream.name && (fault.shard ?? shard.id) === shard.id
  }

  strikes(): boolean {
    // Odds of 0 and 1 are exact: no draw is below 0, each is below 2^32.
    const isHit = this.#random.below(DRAW_RANGE) < (this.fault.odds ?? 1) * DRAW_RANGE
    if (isHit) this.struckCount++
    return isHit
  }

  upTo(mostMs: number): number {
    return mostMs === 0 ? 0 : this.#random.below(mostMs + 1)
  }
}

const DRAW_RANGE = 2 ** 32

/** Faults strike in their order; behind one that ends the request none is drawn. */
class FateDraw {
  readonly #request: FaultyRequest
  readonly #armed: readonly Armed[]
  #subject: Subject | null = null
  #skewMs = 0
  #delayMs = 0

  constructor(request: FaultyRequest, armed: readonly Armed[]) {
    this.#request = request
    this.#armed = armed
  }

  draw(entries: EntryFaults | null): Fate {
    const refusal = this.#firstOf(this.#armed.filter(({ fault }) => !isAfter(fault)))
    const delayBeforeMs = this.#delayMs
    this.#delayMs = 0
    const isServed = refusal === null
    const lostFor = isServed
      ? this.#firstOf(this.#armed.filter(({ fault }) => isAfter(fault)))
      : null
    const delayAfterMs = this.#delayMs
    return { skewMs: this.#skewMs, delayBeforeMs, refusal, entries, delayAfterMs, lostFor }
  }

  #firstOf(armed: readonly Armed[]): Refusal | null {
    for (const one of armed) {
      const isStruck = one.isAbout(() => this.#subjectOf()) && one.strikes()
      const refusal = isStruck ? this.#apply(one) : null
      if (refusal !== null) return refusal
    }
    return null
  }

  #apply(armed: Armed): Refusal | null {
    const { fault } = armed
    switch (fault.kind) {
      case 'latency':
        this.#delayMs += fault.latencyMs + armed.upTo(fault.jitterMs ?? 0)
        return null
      case 'clock-skew':
        this.#skewMs += fault.skewMs
        return judgeSignature(this.#request, this.#skewMs)
      default:
        return refusalOf(fault, this.#request, () => this.#subjectOf())
    }
  }

  #subjectOf(): Subject {
    this.#subject ??= subjectOf(this.#request)
    return this.#subject
  }
}

function entryFaultsOf(armed: readonly Armed[]): EntryFaults {
  const struck = (isAsked: (fault: Fault) => boolean, stream: Stream, shard: Shard) => {
    const hit = armed.find((one) => isAsked(one.fault) && one.isAt(stream, shard) && one.strikes())
    return hit === undefined ? null : entryErrorOf(hit.fault as EntryFault, stream, shard)
  }
  return {
    before: (stream, shard) => struck((fault) => !isAfter(fault), stream, shard),
    after: (stream, shard) => struck(isAfter, stream, shard),
  }
}

function entryErrorOf({ kind }: EntryFault, stream: Stream, shard: Shard): EntryError {
  return kind === 'throttle' ? throttledEntry(stream, shard) : INTERNAL_FAILURE
}
