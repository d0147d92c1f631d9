// Reading a shard: from the frames of its segments to the records of one GetRecords answer.

import type { LogFile } from '../host/index.ts'
import { arrivalAt, CUT, counterAt, DAMAGED, FRAME_HEAD_BYTES, keyBytesAt } from './frame.ts'
import { FrameWindow, WINDOW_BYTES } from './frame-window.ts'
import type { Segment } from './segment.ts'

/** Where a reader stands: before this counter. The rest saves the search, when it still holds. */
export interface ReadPosition {
  readonly counter: number
  readonly generation: number
  readonly offset: number
}

/** A stored record; its key and data are views of `buffer`. */
export interface StoredRecord {
  readonly counter: number
  readonly arrivalAtMs: number
  readonly buffer: Buffer
  readonly keyAt: number
  readonly dataAt: number
  readonly end: number
}

export interface ReadResult {
  readonly records: StoredRecord[]
  /** Data and key bytes. */
  readonly sizeBytes: number
  readonly next: ReadPosition
  readonly isAtEnd: boolean
}

export interface ReadLimit {
  readonly maxCount: number
  /** Data and key bytes; a first record that is larger comes all the same. */
  readonly maxBytes: number
  /** Leaves out what came before this instant. */
  readonly fromMs?: number
}

/** Takes records from a segment and tells where the next one begins. */
export async function collectFrom(
  segment: Segment,
  file: LogFile,
  start: number,
  collector: RecordCollector,
): Promise<number> {
  const end = segment.sizeBytes
  const window = new FrameWindow(file, end)
  let position = start
  while (position < end && !collector.isFull) {
    const holeEnd = segment.holeEndAt(position)
    if (holeEnd !== null) {
      position = holeEnd
      continue
    }
    const next = window.frameEnd(position)
    if (next === DAMAGED) throw new Error(`${file.name} is damaged at byte ${position}`)
    if (next === CUT) await window.load(position, collector.windowBytes)
    else if (!collector.take(window, position, next)) break
    else position = next
  }
  return position
}

/** What `read` has found so far. */
export class RecordCollector {
  readonly records: StoredRecord[] = []
  sizeBytes = 0
  isFull = false
  nextCounter: number
  readonly #limit: ReadLimit

  constructor(fromCounter: number, limit: ReadLimit) {
    this.nextCounter = fromCounter
    this.#limit = limit
  }

  /** Little for a reader who wants few records, without knowing how long they are. */
  get windowBytes(): number {
    const wantedCount = this.#limit.maxCount - this.records.length
    return Math.min(WINDOW_BYTES, wantedCount * WINDOW_BYTES_PER_RECORD)
  }

  /** False when the record is one too many; then the reader is to stop before it. */
  take(window: FrameWindow, position: number, endPosition: number): boolean {
    const { buffer } = window
    const at = position - window.start
    const counter = counterAt(buffer, at)
    const arrivalAtMs = arrivalAt(buffer, at)
    if (counter < this.nextCounter || arrivalAtMs < (this.#limit.fromMs ?? 0)) return true
    const keyAt = at + FRAME_HEAD_BYTES
    const dataAt = keyAt + keyBytesAt(buffer, at)
    const end = endPosition - window.start
    const isFirst = this.records.length === 0
    if (!isFirst && this.sizeBytes + end - keyAt > this.#limit.maxBytes) {
      this.isFull = true
      return false
    }
    this.records.push({ counter, arrivalAtMs, buffer, keyAt, dataAt, end })
    this.sizeBytes += end - keyAt
    this.nextCounter = counter + 1
    this.isFull = this.records.length >= this.#limit.maxCount
    return true
  }
}

const WINDOW_BYTES_PER_RECORD = 4096
