// Makes transactions durable, in groups: all that is appended while the disk syncs one group forms
// the next, so the cost of a sync is shared by whoever came meanwhile, and waits for nobody else.
// Only when it is the smaller one, those of the group before are told first, who may come again.
//
//     append ─▶ waiting ─▶ write ─▶ sync ─▶ durable
//                 ▲          │        └── fails: refused; the file is sealed and never synced again
//                 │          └── fails: refused; cut back, or sealed when that fails too
//                 └── the next group, while this one is under way

import {
  type Clock,
  type DiskError,
  type Log,
  type Random,
  type Reserve,
  SyncError,
  until,
} from '../host/index.ts'
import { ActiveLog, type SpareLogs } from './active-log.ts'
import { FRAME_HEAD_BYTES, WRITE_MAX_BYTES } from './frame.ts'
import { Entry, GroupEncoder } from './group.ts'
import { LOG_HEADER_BYTES } from './log-header.ts'
import type { OutcomeFileParts } from './outcome-file.ts'
import { CLOSED, FULL, TOO_LARGE } from './refusals.ts'
import type { Segment } from './segment.ts'
import type { SegmentTable } from './segment-table.ts'
import { type SpoolRefusal, TRANSACTION_MAX_BYTES, type Transaction } from './transaction.ts'
import { bodyBytesOf } from './transaction-code.ts'
import { Trouble } from './trouble.ts'
import { OUTCOME_RESERVE_BYTES, type Usage } from './usage.ts'

export interface LogSizes extends Reserve {
  readonly maxBytes: number
  readonly segmentBytes: number
}

/** A spool of any size has at least so many segments: only whole ones can be removed. */
const SEGMENTS_MIN_COUNT = 8
/** More makes the group slow with which it is written, less comes often. */
const RESERVE_MAX_BYTES = 512 * 1024
/** Of a small segment this part at most. */
const RESERVE_DIVISOR = 8

export function sizesOf(config: { maxBytes: number; segmentBytes: number }): LogSizes {
  const { maxBytes } = config
  const segmentBytes = Math.min(config.segmentBytes, Math.floor(maxBytes / SEGMENTS_MIN_COUNT))
  const reserveBytes = Math.min(RESERVE_MAX_BYTES, Math.floor(segmentBytes / RESERVE_DIVISOR))
  return { maxBytes, segmentBytes, reserveBytes }
}

const NONE_KEPT: readonly Entry[] = []

export interface LogWriterParts {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly config: LogSizes
  readonly table: SegmentTable
  readonly usage: Usage
  readonly files: OutcomeFileParts
  readonly spares: SpareLogs
  readonly nextNumber: number
  /** It is durable, and whoever waits for that is to be told. */
  readonly onKept: (kept: Entry) => void
  /** It was told, and can be handed on. */
  readonly onTold: (told: Entry) => void
  readonly onSealed: (segment: Segment) => void
  /** There is no room: whatever can go should go. */
  readonly onFull: () => void
  readonly onRecovered: () => void
}

export class LogWriter {
  readonly #parts: LogWriterParts
  #nextNumber: number
  #active: ActiveLog | null = null
  #waiting: Entry[] = []
  #writing: Promise<void> | null = null
  #toHandOn = NONE_KEPT
  #waitingBytes = 0
  #waitingRecords = 0
  readonly #trouble: Trouble
  #isFull = false
  #isClosed = false
  readonly #encoder = new GroupEncoder()

  constructor(parts: LogWriterParts) {
    this.#parts = parts
    this.#nextNumber = parts.nextNumber
    this.#trouble = new Trouble({
      clock: parts.clock,
      log: parts.log,
      disk: parts.files.disk,
      trialBytes: Math.max(1, parts.config.reserveBytes),
      onTrialDue: () => this.#tryDisk(),
      onOver: parts.onRecovered,
    })
  }

  /** Transactions that wait for the disk. */
  get waitingStats() {
    return {
      waitingTransactions: this.#waiting.length,
      waitingRecords: this.#waitingRecords,
      waitingBytes: this.#waitingBytes,
    }
  }

  /** Why the last group was refused, if it was. */
  get trouble(): SpoolRefusal | null {
    return this.#trouble.last
  }

  get isFull(): boolean {
    return this.#isFull
  }

  get activeSegment(): Segment | null {
    return this.#active?.segment ?? null
  }

  append(transaction: Transaction): void {
    const frameBytes = FRAME_HEAD_BYTES + bodyBytesOf(transaction)
    const recordCount = transaction.records.length
    const refusal = this.refusal() ?? this.#refusalOf(frameBytes, recordCount)
    if (refusal !== null) return transaction.refused(refusal)
    this.#waitingBytes += frameBytes
    this.#waitingRecords += recordCount
    this.#waiting.push(new Entry(transaction, frameBytes, this.#parts.clock.wallMs()))
    this.#writing ??= this.#writeAll()
  }

  refusal(): SpoolRefusal | null {
    if (this.#isClosed) return CLOSED
    if (this.#isFull) return FULL
    return this.#trouble.refusal
  }

  /** Something went from the disk: what there was no room for may be tried again. */
  roomCame(): void {
    const { usage, config } = this.#parts
    const { maxBytes, segmentBytes } = config
    // Some way below, so that it is not full again at once.
    const isRoomy = usage.claimedBytes <= this.#mayBytes - Math.min(segmentBytes, maxBytes / 64)
    if (this.#isFull && isRoomy) this.#isFull = false
    this.#trouble.roomCame()
  }

  /** Begins a new segment with the next group. */
  seal(): void {
    const active = this.#active
    if (active === null || this.#writing !== null) return
    this.#seal()
  }

  /** Takes nothing more; resolves when all that waited is written. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#writing
    this.#trouble.close()
    if (this.#active !== null) this.#seal()
  }

  /** What records and outcomes may take: the newest log has a header and zeros behind them. */
  get #mayBytes(): number {
    const { maxBytes, reserveBytes } = this.#parts.config
    return maxBytes - LOG_HEADER_BYTES - reserveBytes
  }

  #refusalOf(frameBytes: number, recordCount: number): SpoolRefusal | null {
    if (frameBytes > TRANSACTION_MAX_BYTES) return TOO_LARGE
    const { usage } = this.#parts
    const reserveBytes = (this.#waitingRecords + recordCount) * OUTCOME_RESERVE_BYTES
    const bytes = usage.claimedBytes + this.#waitingBytes + frameBytes + reserveBytes
    if (bytes <= this.#mayBytes) return null
    this.#isFull = true
    this.#parts.onFull()
    return FULL
  }

  /** Nobody comes, perhaps because we say that the disk takes nothing. */
  #tryDisk(): void {
    if (!this.#isClosed) this.#writing ??= this.#tried().then(() => this.#writeAll())
  }

  async #tried(): Promise<void> {
    await this.#trouble.tryDisk()
    if (this.trouble?.code === 'disk-full') this.#parts.onFull()
  }

  async #writeAll(): Promise<void> {
    let kept = NONE_KEPT
    while (this.#waiting.length > 0 || kept.length > 0) {
      if (this.#waiting.length > 0) await this.#turnEnd()
      // Many of those who are told come again at once: few wait for them, to be one group.
      const isToldFirst = this.#waiting.length < kept.length
      if (isToldFirst) {
        this.#tell(kept)
        await this.#turnEnd()
      }
      const writing = this.#waiting.length > 0 ? this.#write(this.#takeGroup()) : NONE_KEPT
      // The rest is done while the disk works.
      if (!isToldFirst) this.#tell(kept)
      this.handOnTold()
      kept = await writing
    }
    this.#writing = null
  }

  #tell(kept: readonly Entry[]): void {
    for (const one of kept) this.#parts.onKept(one)
    this.#toHandOn = kept
  }

  /** What was told a moment ago, and is to be handed on. */
  handOnTold(): void {
    const told = this.#toHandOn
    this.#toHandOn = NONE_KEPT
    for (const one of told) this.#parts.onTold(one)
  }

  /**
   * Whatever has come by now is worked on first: requests that the system hands over together are
   * one group. A group for each few of them costs more than they wait for one another.
   */
  #turnEnd(): Promise<void> {
    const { clock } = this.#parts
    return until(clock, clock.monotonicMs())
  }

  #takeGroup(): Entry[] {
    let bytes = 0
    let count = 0
    for (const { frameBytes } of this.#waiting) {
      if (count > 0 && bytes + frameBytes > WRITE_MAX_BYTES) break
      bytes += frameBytes
      count++
    }
    const group = this.#waiting
    this.#waiting = count === group.length ? [] : group.splice(count)
    return group
  }

  async #write(group: readonly Entry[]): Promise<readonly Entry[]> {
    let active = this.#active
    try {
      active ??= await this.#openSegment()
    } catch (error) {
      return this.#refuse(group, error as DiskError, false)
    }
    const { segment } = active
    const bytes = this.#encoder.encode(group, segment, this.#parts.clock.wallMs())
    try {
      await active.append(bytes, this.#parts.config)
    } catch (error) {
      return this.#onFailure(active, group, error as DiskError)
    }
    this.#leave(group)
    this.#keep(segment, group)
    if (segment.logBytes >= this.#parts.config.segmentBytes) this.#seal()
    return group
  }

  async #onFailure(
    active: ActiveLog,
    group: readonly Entry[],
    error: DiskError,
  ): Promise<readonly Entry[]> {
    if (error instanceof SyncError) {
      this.#void(active.segment, group)
      this.#sealUncut(active)
      return this.#refuse(group, error, true, 'sync-failed')
    }
    const isCut = await active.cutBack()
    if (!isCut) this.#sealUncut(active)
    return this.#refuse(group, error, !isCut)
  }

  /** Its fate is decided: told soon. */
  #leave(group: readonly Entry[]): void {
    for (const { frameBytes, count } of group) {
      this.#waitingBytes -= frameBytes
      this.#waitingRecords -= count
    }
  }

  #keep(segment: Segment, kept: readonly Entry[]): void {
    const { usage } = this.#parts
    usage.syncCount++
    for (const entry of kept) {
      segment.addFrame(entry)
      usage.unsettledCount += entry.count
    }
    this.#trouble.over()
  }

  /** The records may be found after a crash: what was said of them is written beside them. */
  #void(segment: Segment, group: readonly Entry[]): void {
    const firstOrdinal = segment.recordCount
    let count = 0
    for (const entry of group) count += entry.count
    segment.outcomes.add({ kind: 'void', firstOrdinal, count })
  }

  #refuse(
    group: readonly Entry[],
    error: DiskError,
    mayBeWritten: boolean,
    code?: 'sync-failed',
  ): readonly Entry[] {
    this.#leave(group)
    const refusal = this.#trouble.begin(error, mayBeWritten, code)
    if (this.trouble?.code === 'disk-full') this.#parts.onFull()
    for (const { transaction } of group) transaction.refused(refusal)
    return []
  }

  /** The next start cannot know what the disk has of its end. */
  #sealUncut(active: ActiveLog): void {
    active.keepUncut()
    this.#leaveActive(active)
  }

  async #openSegment(): Promise<ActiveLog> {
    // Counted up first: a name that may be on the disk is not used again.
    this.#active = await ActiveLog.open(this.#parts, this.#nextNumber++)
    this.#parts.table.add(this.#active.segment)
    return this.#active
  }

  #seal(): void {
    const active = this.#active!
    const { outcomes, recordCount } = active.segment
    outcomes.add({ kind: 'synced', recordCount })
    this.#leaveActive(active)
  }

  #leaveActive(active: ActiveLog): void {
    this.#active = null
    active.seal()
    this.#parts.onSealed(active.segment)
  }
}
