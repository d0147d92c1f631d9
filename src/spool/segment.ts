// A file of the spool with what we know of its records: two bits each, however many they are, and a
// mark now and then that says where and when.

import { Bits } from './bits.ts'
import { LOG_HEADER_BYTES } from './log-header.ts'
import { OutcomeFile, type OutcomeFileParts } from './outcome-file.ts'
import { baseNameOf, type SegmentName } from './segment-name.ts'
import { SharedFile } from './shared-file.ts'
import type { Outcome } from './transaction.ts'

/** Distance of the marks: in the file, and in time. */
const MARK_EACH_BYTES = 256 * 1024
const MARK_EACH_MS = 1000
/** Old marks may be such a part of their age apart: few, however slowly a file fills. */
const MARK_AGE_PARTS = 32
/** Marks from which on those that are close enough are looked for. */
const THIN_FROM_COUNT = 512

export interface FrameExtent {
  readonly position: number
  readonly end: number
  readonly firstOrdinal: number
  readonly count: number
  readonly arrivedAtMs: number
}

interface Mark {
  readonly position: number
  readonly firstOrdinal: number
  readonly arrivedAtMs: number
}

export interface Counts {
  successes: number
  failures: number
  exhausted: number
}

export class Segment {
  readonly number: number
  readonly marker: Buffer
  readonly base: string
  readonly log: SharedFile
  readonly outcomes: OutcomeFile
  readonly counts: Counts = { successes: 0, failures: 0, exhausted: 0 }
  /** Handed on, or settled. */
  readonly taken = new Bits()
  readonly settled = new Bits()
  /** Who waits for a record's outcome. */
  readonly waiting = new Map<number, (outcome: Outcome) => void>()
  recordCount = 0
  /** Up to here frames are known and synced. */
  endPosition = 0
  /** Bytes of the log on the disk. */
  logBytes = 0
  /** Nothing more is appended. */
  isSealed = false
  /** All that was found of its log after a crash survives the next one. */
  isSynced = true
  /** The disk did not give all of its log. */
  isUnreadable = false
  /** Records may be in what it did not give: it stays on the disk for the next start. */
  isKept = false
  isRetired = false
  #marks: Mark[] = []
  #thinAtCount = THIN_FROM_COUNT
  #settledBefore = 0

  constructor(parts: OutcomeFileParts, name: SegmentName) {
    this.number = name.number
    this.marker = name.marker
    this.base = baseNameOf(name)
    this.log = new SharedFile(parts.disk, logName(this.base))
    this.outcomes = new OutcomeFile(parts, this.base, this.marker)
  }

  get untakenCount(): number {
    return this.recordCount - this.taken.count
  }

  get unsettledCount(): number {
    return this.recordCount - this.settled.count
  }

  addFrame({ position, end, firstOrdinal, count, arrivedAtMs }: FrameExtent): void {
    const mark = { position, firstOrdinal, arrivedAtMs }
    const last = this.#marks.at(-1)
    if (last === undefined || !areClose(last, mark, MARK_EACH_MS)) {
      this.#marks.push(mark)
      if (this.#marks.length >= this.#thinAtCount) this.#thin()
    }
    this.recordCount = firstOrdinal + count
    this.endPosition = end
  }

  /** Records that will never be handed on: they were refused, or they are lost. */
  giveUp(ordinal: number): boolean {
    this.taken.set(ordinal)
    return this.settled.set(ordinal)
  }

  areSettled(firstOrdinal: number, count: number): boolean {
    return this.settled.firstClear(firstOrdinal) >= firstOrdinal + count
  }

  /** A frame at or before the first record that was not handed on. */
  firstUntakenPosition(): number {
    const ordinal = this.taken.firstClear(0)
    return this.#markBefore((mark) => mark.firstOrdinal <= ordinal).position
  }

  /** A frame at or before that position, and the number of its first record. */
  startBefore(position: number): { position: number; ordinal: number } {
    const mark = this.#markBefore((one) => one.position <= position)
    return { position: mark.position, ordinal: mark.firstOrdinal }
  }

  /** When the first unsettled record came, or a second or a 32nd of its age before; else null. */
  oldestArrivalAtMs(): number | null {
    this.#settledBefore = this.settled.firstClear(this.#settledBefore)
    if (this.#settledBefore >= this.recordCount) return null
    const ordinal = this.#settledBefore
    return this.#markBefore((mark) => mark.firstOrdinal <= ordinal).arrivedAtMs
  }

  /** Lets go of marks between two that are close enough without them. */
  #thin(): void {
    const marks = this.#marks
    const newest = marks.at(-1)!
    const kept = [marks[0]!]
    for (let index = 1; index < marks.length - 1; index++) {
      const mark = marks[index]!
      const gapMs = Math.abs(newest.arrivedAtMs - mark.arrivedAtMs) / MARK_AGE_PARTS
      if (!areClose(kept.at(-1)!, marks[index + 1]!, gapMs)) kept.push(mark)
    }
    this.#marks = [...kept, newest]
    this.#thinAtCount = THIN_FROM_COUNT + this.#marks.length
  }

  #markBefore(isBefore: (mark: Mark) => boolean): Mark {
    let low = 0
    let high = this.#marks.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (isBefore(this.#marks[middle]!)) low = middle + 1
      else high = middle
    }
    return this.#marks[low - 1] ?? { ...START, arrivedAtMs: this.#marks[0]?.arrivedAtMs ?? 0 }
  }
}

function areClose(before: Mark, after: Mark, gapMs: number): boolean {
  const isNear = after.position - before.position < MARK_EACH_BYTES
  return isNear && Math.abs(after.arrivedAtMs - before.arrivedAtMs) < gapMs
}

const START = { position: LOG_HEADER_BYTES, firstOrdinal: 0 }

export function logName(base: string): string {
  return `${base}.log`
}
