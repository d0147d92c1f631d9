// One file of a shard's log: what is known of it in memory, which is little, and of a file from
// before the start almost nothing until somebody uses it. Its name says where it stands in the
// chain:
//
//     00000003-0000000000001007.log      generation 3, no counter in it is below 1007
//
// Frames whose counter reaches the next segment's first one are not part of the log: a group that
// could not be written or synced leaves them behind, and its numbers are given to others.

import type { Disk, LogFile } from '../host/index.ts'

/** A place to begin reading from is remembered for at most each of these many bytes. */
export const INDEX_STRIDE_BYTES = 256 * 1024

/** Damage beyond this many places in one segment is kept as one. */
const HOLES_MAX_COUNT = 256

interface Hole {
  readonly from: number
  to: number
}

/** What a group of frames, or a single one, adds to a segment. */
export interface Extent {
  readonly firstCounter: number
  readonly lastCounter: number
  readonly arrivalAtMs: number
  readonly sizeBytes: number
}

/** Reads a whole file and gives what is known of it then. */
export type Survey = (file: LogFile) => Promise<Segment>

/** What is taken for true of a file until its survey: bounds that its records keep. */
export interface Bounds {
  readonly endCounter: number
  readonly maxArrivalAtMs: number
}

export class Segment {
  readonly name: string
  readonly generation: number
  readonly firstCounter: number
  /** Where its readable bytes end. */
  sizeBytes = 0
  /** One more than the last readable counter; `firstCounter` while it is empty. */
  endCounter: number
  /** The latest arrival in it; 0 while it is empty. */
  maxArrivalAtMs = 0
  /**
   * When its newest record came, on this process's monotonic clock: what its age is counted from.
   */
  lastAppendAtMs: number
  readonly createdAtMs: number
  /** Its file is gone, or about to go. */
  isDropped = false
  #holes: Hole[] = []

  // The sparse index, three numbers an entry. An entry's arrival is the latest before its position.
  #positions: number[] = []
  #counters: number[] = []
  #arrivalsBefore: number[] = []
  #survey: Survey | null = null
  #surveying: Promise<void> | null = null
  #file: LogFile | null = null
  #isWritable = false
  #userCount = 0
  #opening: Promise<LogFile> | null = null

  constructor(generation: number, firstCounter: number, nowMs: number) {
    this.name = segmentName(generation, firstCounter)
    this.generation = generation
    this.firstCounter = firstCounter
    this.endCounter = firstCounter
    this.createdAtMs = nowMs
    this.lastAppendAtMs = nowMs
  }

  get isEmpty(): boolean {
    return this.endCounter === this.firstCounter
  }

  get isInUse(): boolean {
    return this.#userCount > 0
  }

  /** Enters what now ends at the readable end. */
  add(extent: Extent): void {
    const lastPosition = this.#positions.at(-1)
    if (lastPosition === undefined || this.sizeBytes - lastPosition >= INDEX_STRIDE_BYTES) {
      this.#positions.push(this.sizeBytes)
      this.#counters.push(extent.firstCounter)
      this.#arrivalsBefore.push(this.maxArrivalAtMs)
    }
    this.sizeBytes += extent.sizeBytes
    this.endCounter = extent.lastCounter + 1
    this.maxArrivalAtMs = Math.max(this.maxArrivalAtMs, extent.arrivalAtMs)
  }

  addHole(to: number): void {
    const last = this.#holes.at(-1)
    if (last !== undefined && this.#holes.length === HOLES_MAX_COUNT) last.to = to
    else this.#holes.push({ from: this.sizeBytes, to })
    this.sizeBytes = to
  }

  /** Where reading goes on when this position is in a damaged place, else null. */
  holeEndAt(position: number): number | null {
    if (this.#holes.length === 0) return null
    return this.#holes.find((hole) => hole.from <= position && position < hole.to)?.to ?? null
  }

  /** A position at or before the first frame whose counter is at least this. */
  positionBefore(counter: number): number {
    return this.#positions[lastAtMost(this.#counters, counter)] ?? 0
  }

  /** A position at or before the first frame that came at this instant or later. */
  positionBeforeTime(atMs: number): number {
    // The largest below, with whole milliseconds.
    return this.#positions[lastAtMost(this.#arrivalsBefore, atMs - 1)] ?? 0
  }

  /** The file for appending; it stays open until `seal`. */
  async openForAppend(disk: Disk): Promise<LogFile> {
    this.#isWritable = true
    return this.#openFile(disk)
  }

  /** Nothing more is appended. */
  async seal(): Promise<void> {
    this.#isWritable = false
    await this.#closeIfUnused()
  }

  /** Leaves the reading of the file to the first use; one that fails leaves it to the next. */
  surveyLater(survey: Survey, { endCounter, maxArrivalAtMs }: Bounds): void {
    this.#survey = survey
    this.endCounter = endCounter
    this.maxArrivalAtMs = maxArrivalAtMs
  }

  /**
   * Reads with the file open and known. The caller has made sure that the segment is still there.
   */
  async use<T>(disk: Disk, task: (file: LogFile) => Promise<T>): Promise<T> {
    this.#userCount++
    try {
      const file = await this.#openFile(disk)
      if (this.#survey !== null) await this.#surveyOnce(file, this.#survey)
      return await task(file)
    } finally {
      this.#userCount--
      await this.#closeIfUnused()
    }
  }

  #surveyOnce(file: LogFile, survey: Survey): Promise<void> {
    this.#surveying ??= survey(file)
      .then((found) => this.#learn(found))
      .finally(() => {
        this.#surveying = null
      })
    return this.#surveying
  }

  #learn(found: Segment): void {
    this.#survey = null
    this.sizeBytes = found.sizeBytes
    this.endCounter = found.endCounter
    this.maxArrivalAtMs = found.maxArrivalAtMs
    this.#holes = found.#holes
    this.#positions = found.#positions
    this.#counters = found.#counters
    this.#arrivalsBefore = found.#arrivalsBefore
  }

  async #openFile(disk: Disk): Promise<LogFile> {
    if (this.#file !== null) return this.#file
    this.#opening ??= disk.open(this.name).finally(() => {
      this.#opening = null
    })
    this.#file = await this.#opening
    return this.#file
  }

  async #closeIfUnused(): Promise<void> {
    if (this.#isWritable || this.#userCount > 0 || this.#file === null) return
    const file = this.#file
    this.#file = null
    // What was to be kept has been synced: a file that does not close loses nothing.
    await file.close().catch(() => {})
  }
}

export function segmentName(generation: number, firstCounter: number): string {
  return `${String(generation).padStart(8, '0')}-${String(firstCounter).padStart(16, '0')}.log`
}

/** The generation and first counter in a segment's name, or null when it is no segment's. */
export function parseSegmentName(name: string): [number, number] | null {
  const parts = /^([0-9]{8})-([0-9]{16})\.log$/.exec(name)
  return parts === null ? null : [Number(parts[1]), Number(parts[2])]
}

/** The index of the last of the rising values that is at most `bound`, or -1. */
function lastAtMost(values: readonly number[], bound: number): number {
  let low = -1
  let high = values.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (values[middle]! <= bound) low = middle
    else high = middle - 1
  }
  return low
}
