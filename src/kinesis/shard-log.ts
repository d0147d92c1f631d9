// The records of one shard: a chain of segments, appended to in groups. All that is put while the
// disk syncs one group forms the next, so the cost of a sync is shared by whoever came meanwhile.
//
//     put ─▶ waiting ─▶ append ─▶ sync ─▶ readable ─▶ settle
//              ▲          └── fails: the group is cut off, the chain goes on in a new segment
//              └── the next group, while this one is under way

import { appendDurably, type Clock, type Disk, type Log } from '../host/index.ts'
import {
  collectFrom,
  type ReadLimit,
  type ReadPosition,
  type ReadResult,
  RecordCollector,
} from './record-collector.ts'
import { recoverSegments } from './recovery.ts'
import { type Extent, Segment } from './segment.ts'
import { FIRST_COUNTER } from './sequence-number.ts'

export interface ShardLogConfig {
  readonly segmentMaxBytes: number
  readonly segmentMaxAgeMs: number
  readonly retentionMs: number
  readonly syncBeforeAnswer: boolean
}

/** Frames of one request, in order. The chunks stay unchanged until it has settled. */
export interface FrameGroup extends Extent {
  readonly chunks: readonly Uint8Array[]
  /** Told once: stored for good, or not there and never will be. */
  readonly settle: (isStored: boolean) => void
}

/**
 * Counters left out at each start: some may have been given to records that were answered before
 * the sync and then lost, and a number must not name two records.
 */
const START_GAP = 2 ** 24
const START_GAP_DAMAGED = 2 ** 32

export interface ShardLogParts {
  readonly clock: Clock
  readonly disk: Disk
  readonly config: ShardLogConfig
  readonly log: Log
}

export class ShardLog {
  readonly #clock: Clock
  readonly #disk: Disk
  readonly #config: ShardLogConfig
  readonly #log: Log
  readonly #segments: Segment[]
  #isActiveUsable: boolean
  #nextGeneration: number
  #nextCounter: number
  #readableEnd: number
  #waiting: FrameGroup[] = []
  #writing: Promise<void> | null = null
  #isExpiryDue = false
  #failureCount = 0
  #isFinished = false
  #isClosed = false

  /**
   * Opens the log that is on the disk, which is the shard's own part of it; `names` are its files.
   */
  static async open(parts: ShardLogParts, names: readonly string[]): Promise<ShardLog> {
    const { clock, disk, log } = parts
    const now = { monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() }
    const { segments, isDamaged, canAppend } = await recoverSegments(disk, names, now, log)
    const gap = isDamaged ? START_GAP_DAMAGED : START_GAP
    const end = segments.at(-1)?.endCounter
    const firstFree = end === undefined ? FIRST_COUNTER + 1 : end + gap
    return new ShardLog(parts, { segments, isActiveUsable: canAppend, firstFree })
  }

  private constructor(
    { clock, disk, config, log }: ShardLogParts,
    found: { segments: Segment[]; isActiveUsable: boolean; firstFree: number },
  ) {
    this.#clock = clock
    this.#disk = disk
    this.#config = config
    this.#log = log
    this.#segments = found.segments
    this.#isActiveUsable = found.isActiveUsable
    this.#nextGeneration = (found.segments.at(-1)?.generation ?? 0) + 1
    this.#nextCounter = found.firstFree
    this.#readableEnd = found.firstFree
  }

  /**
   * The counter of the next record; the one who takes it puts the record before anyone else asks.
   */
  takeCounter(): number {
    return this.#nextCounter++
  }

  /** One more than the counter of the newest readable record. */
  get readableEnd(): number {
    return this.#readableEnd
  }

  /** Nothing waits to be written or is being written. */
  get isQuiet(): boolean {
    return this.#writing === null
  }

  /** All that was in it has expired, or nothing ever was. */
  get isEmpty(): boolean {
    return this.#segments.every((segment) => segment.isEmpty)
  }

  put(group: FrameGroup): void {
    if (this.#isClosed) return group.settle(false)
    this.#waiting.push(group)
    this.#writing ??= this.#writeAll()
  }

  /** Drops the segments whose records are all older than the retention period. */
  expire(): void {
    if (this.#isClosed) return
    this.#isExpiryDue = true
    this.#writing ??= this.#writeAll()
  }

  /** Hardly anything more will be put: what is there can be read, and keeps no file open. */
  finish(): void {
    this.#isFinished = true
    this.expire()
  }

  /** The first record at this counter or behind it, and what follows, within the limits. */
  async read(from: ReadPosition, limit: ReadLimit): Promise<ReadResult> {
    const collector = new RecordCollector(from.counter, limit)
    let { generation, offset } = from
    const chain = this.#segments.slice(this.#segmentIndexFor(from))
    for (const segment of chain) {
      if (collector.isFull) break
      if (segment.isDropped) continue
      const isKnownPlace = segment.generation === generation
      offset = await segment.use(this.#disk, (file) => {
        const start =
          isKnownPlace && offset <= segment.sizeBytes
            ? offset
            : segment.positionBefore(from.counter)
        return collectFrom(segment, file, start, collector)
      })
      generation = segment.generation
    }
    const last = this.#segments.at(-1)
    const isAtEnd =
      last === undefined || (generation === last.generation && offset >= last.sizeBytes)
    const { records, sizeBytes, nextCounter: counter } = collector
    return {
      records,
      sizeBytes,
      next: { counter, generation, offset },
      isAtEnd: isAtEnd && !collector.isFull,
    }
  }

  /** The counter of the first record that came at this instant or later, or of the next one. */
  async counterAtTime(atMs: number): Promise<number> {
    for (const segment of [...this.#segments]) {
      if (segment.isDropped || segment.maxArrivalAtMs < atMs) continue
      const collector = new RecordCollector(0, { maxCount: 1, maxBytes: 0, fromMs: atMs })
      await segment.use(this.#disk, (file) =>
        collectFrom(segment, file, segment.positionBeforeTime(atMs), collector),
      )
      const [first] = collector.records
      if (first !== undefined) return first.counter
    }
    return this.#readableEnd
  }

  /** Lets what is under way end, and takes nothing more. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#writing
    await this.#segments.at(-1)?.seal()
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0 || this.#isExpiryDue) {
      const groups = this.#waiting
      this.#waiting = []
      if (groups.length > 0) await this.#write(groups)
      this.#isExpiryDue = false
      await this.#dropExpired()
      if (this.#isFinished) await this.#segments.at(-1)?.seal()
    }
    this.#writing = null
  }

  async #write(groups: readonly FrameGroup[]): Promise<void> {
    const { syncBeforeAnswer } = this.#config
    let areAnswered = false
    try {
      const segment = await this.#activeSegment(groups[0]!.firstCounter)
      const file = await segment.openForAppend(this.#disk)
      const chunks = groups.flatMap((group) => group.chunks)
      if (syncBeforeAnswer) {
        await appendDurably(file, chunks)
        this.#publish(segment, groups)
      } else {
        await file.append(chunks)
        this.#publish(segment, groups)
        areAnswered = true
        await file.sync()
      }
      this.#noteSuccess()
    } catch (error) {
      await this.#cutOff(error as Error)
      if (!areAnswered) for (const group of groups) group.settle(false)
    }
  }

  #publish(segment: Segment, groups: readonly FrameGroup[]): void {
    segment.lastAppendAtMs = this.#clock.monotonicMs()
    for (const group of groups) segment.add(group)
    this.#readableEnd = segment.endCounter
    for (const group of groups) group.settle(true)
  }

  /** The segment to append to; a new one when there is none, it is full or old, or it failed. */
  async #activeSegment(firstCounter: number): Promise<Segment> {
    const nowMs = this.#clock.monotonicMs()
    const active = this.#segments.at(-1)
    const { segmentMaxBytes, segmentMaxAgeMs } = this.#config
    const isUsable =
      active !== undefined &&
      this.#isActiveUsable &&
      active.sizeBytes < segmentMaxBytes &&
      (active.isEmpty || nowMs - active.createdAtMs < segmentMaxAgeMs)
    return isUsable ? active : this.#begin(firstCounter)
  }

  async #begin(firstCounter: number): Promise<Segment> {
    // From the end of what is readable, so that the remains of a failed group are outside.
    const from = this.#segments.at(-1)?.endCounter ?? firstCounter
    const segment = new Segment(this.#nextGeneration, from, this.#clock.monotonicMs())
    // Counted up first: a name that may be on the disk is not used again.
    this.#nextGeneration++
    await segment.openForAppend(this.#disk)
    const before = this.#segments.at(-1)
    await before?.seal()
    this.#segments.push(segment)
    this.#isActiveUsable = true
    // A disk that keeps failing must not fill up with segments that hold nothing.
    if (before?.isEmpty && !before.isInUse) await this.#drop(before)
    return segment
  }

  /**
   * After an append or a sync that failed, nobody knows which bytes are there. They are cut off
   * before the failure is told. If the disk does not let us, a new segment is begun: its name says
   * which counters the one before it may hold, so that the remains never come to life.
   */
  async #cutOff(error: Error): Promise<void> {
    const active = this.#segments.at(-1)
    this.#noteFailure(error, active)
    if (active === undefined || !this.#isActiveUsable) return
    try {
      const file = await active.openForAppend(this.#disk)
      await file.truncate(active.sizeBytes)
      await file.sync()
    } catch {
      this.#isActiveUsable = false
      await active.seal()
      // When this fails too, the next write tries again.
      await this.#begin(active.endCounter).catch(() => {})
    }
  }

  /**
   * The first of a row of failures is told, and their end: a full disk fails a thousand times a
   * second.
   */
  #noteFailure(error: Error, segment: Segment | undefined): void {
    if (this.#failureCount++ > 0) return
    this.#log.error('a shard cannot be written; its records are refused', {
      segment: segment?.name ?? '',
      reason: error.message,
    })
  }

  #noteSuccess(): void {
    if (this.#failureCount === 0) return
    const failedGroups = this.#failureCount
    this.#failureCount = 0
    this.#log.info('a shard can be written again', { failedGroups })
  }

  async #dropExpired(): Promise<void> {
    const bornBeforeMs = this.#clock.monotonicMs() - this.#config.retentionMs
    const isExpired = (segment: Segment) =>
      !segment.isEmpty && segment.lastAppendAtMs <= bornBeforeMs
    try {
      // The last one's name tells the next counter, so it goes only when another can tell it.
      const last = this.#segments.at(-1)
      if (last !== undefined && isExpired(last)) await this.#begin(last.endCounter)
      while (this.#segments.length > 1) {
        const oldest = this.#segments[0]!
        if (!(oldest.isEmpty || isExpired(oldest)) || oldest.isInUse) return
        await this.#drop(oldest)
      }
    } catch (error) {
      this.#log.warn('a segment could not be begun', { reason: (error as Error).message })
    }
  }

  async #drop(segment: Segment): Promise<void> {
    segment.isDropped = true
    this.#segments.splice(this.#segments.indexOf(segment), 1)
    try {
      await this.#disk.remove(segment.name)
    } catch (error) {
      const reason = (error as Error).message
      this.#log.warn('a segment could not be removed yet', { segment: segment.name, reason })
    }
  }

  #segmentIndexFor(from: ReadPosition): number {
    const index = this.#segments.findLastIndex((segment) => segment.firstCounter <= from.counter)
    return Math.max(0, index)
  }
}
