// The segment that grows, and what its log takes on the disk. A log is made out of one that is no
// longer needed where there is one: writing over bytes costs a sync half of what new ones do.

import {
  appendDurably,
  type Clock,
  type Disk,
  DiskError,
  type LogFile,
  type Random,
  type Reserve,
  SyncError,
} from '../host/index.ts'
import type { OutcomeFileParts } from './outcome-file.ts'
import { Segment } from './segment.ts'
import { drawMarker } from './segment-name.ts'
import type { Usage } from './usage.ts'

/** The log of a segment that has settled. Whoever has it says what became of it. */
export interface SpareLog {
  readonly segment: Segment
  /** It is another segment's now. */
  used(): void
  /** It may be there still, and is to be removed. */
  failed(): void
}

export interface SpareLogs {
  lend(): SpareLog | null
}

/** A file that somebody has removed takes bytes as before, and they are nowhere. */
const LOOK_EACH_MS = 1000

interface ActiveLogParts {
  readonly clock: Clock
  readonly random: Random
  readonly files: OutcomeFileParts
  readonly spares: SpareLogs
}

export class ActiveLog {
  readonly segment: Segment
  readonly #file: LogFile
  readonly #usage: Usage
  readonly #disk: Disk
  readonly #clock: Clock
  #lookAtMs: number

  private constructor(
    segment: Segment,
    file: LogFile,
    { files, clock }: Pick<ActiveLogParts, 'files' | 'clock'>,
  ) {
    this.segment = segment
    this.#file = file
    this.#usage = files.usage
    this.#disk = files.disk
    this.#clock = clock
    this.#lookAtMs = clock.monotonicMs() + LOOK_EACH_MS
  }

  /** Rejects with a `DiskError`; the number may have been used then. */
  static async open(parts: ActiveLogParts, number: number): Promise<ActiveLog> {
    const { random, files, spares } = parts
    const { usage, disk } = files
    const segment = new Segment(files, { number, marker: drawMarker(random) })
    const spare = spares.lend()
    try {
      if (spare === null) return new ActiveLog(segment, await segment.log.acquire(), parts)
      const file = await segment.log.acquireFrom(spare.segment.log)
      usage.reserveBytes = spare.segment.logBytes
      spare.used()
      return new ActiveLog(segment, file, parts)
    } catch (error) {
      // It may have its name already: its folder could not be synced, perhaps.
      await disk.remove(segment.log.name).catch(() => {})
      spare?.failed()
      if (spare !== null) files.onWork()
      throw error
    }
  }

  /** Rejects as `appendDurably` does; with a `SyncError`, too, when the file is gone. */
  async append(bytes: Buffer, reserve: Reserve): Promise<void> {
    const looking = this.#isThere()
    await appendDurably(this.#file, [bytes], reserve)
    if (!(await looking)) {
      throw new SyncError(new DiskError('ENOENT', `${this.segment.log.name} was removed`))
    }
    const usage = this.#usage
    const overBytes = Math.min(bytes.length, usage.reserveBytes)
    usage.reserveBytes -= overBytes
    usage.bytes += bytes.length - overBytes
    this.segment.logBytes += bytes.length
  }

  async #isThere(): Promise<boolean> {
    const nowMs = this.#clock.monotonicMs()
    if (this.segment.logBytes === 0 || nowMs < this.#lookAtMs) return true
    this.#lookAtMs = nowMs + LOOK_EACH_MS
    // Who cannot look does not know that it is gone.
    return this.#disk.sizeOf(this.segment.log.name).then(
      (sizeBytes) => sizeBytes > 0,
      () => true,
    )
  }

  /** Whether the file ends again where the last group ended, for good. */
  async cutBack(): Promise<boolean> {
    try {
      await this.#file.truncate(this.segment.logBytes)
      this.#dropReserve()
      await this.#file.sync()
      return true
    } catch {
      return false
    }
  }

  /** What is behind the last group is never looked at, but it is there. */
  keepUncut(): void {
    const { segment } = this
    this.#usage.bytes += this.#file.sizeBytes() - segment.logBytes
    segment.logBytes = this.#file.sizeBytes()
  }

  /** Nothing more is appended. What was not written over goes with the closing of the file. */
  seal(): void {
    this.#dropReserve()
    this.segment.isSealed = true
    this.segment.log.release()
  }

  #dropReserve(): void {
    this.#usage.bytes -= this.#usage.reserveBytes
    this.#usage.reserveBytes = 0
  }
}
