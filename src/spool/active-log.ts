// The segment that grows, and what its log takes on the disk. A log is made out of one that is no
// longer needed where there is one: writing over bytes costs a sync half of what new ones do.

import { appendDurably, type LogFile, type Random, type Reserve } from '../host/index.ts'
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

export class ActiveLog {
  readonly segment: Segment
  readonly #file: LogFile
  readonly #usage: Usage

  private constructor(segment: Segment, file: LogFile, usage: Usage) {
    this.segment = segment
    this.#file = file
    this.#usage = usage
  }

  /** Rejects with a `DiskError`; the number may have been used then. */
  static async open(
    { random, files, spares }: { random: Random; files: OutcomeFileParts; spares: SpareLogs },
    number: number,
  ): Promise<ActiveLog> {
    const { usage, disk } = files
    const segment = new Segment(files, { number, marker: drawMarker(random) })
    const spare = spares.lend()
    try {
      if (spare === null) return new ActiveLog(segment, await segment.log.acquire(), usage)
      const file = await segment.log.acquireFrom(spare.segment.log)
      usage.reserveBytes = spare.segment.logBytes
      spare.used()
      return new ActiveLog(segment, file, usage)
    } catch (error) {
      // It may have its name already: its folder could not be synced, perhaps.
      await disk.remove(segment.log.name).catch(() => {})
      spare?.failed()
      if (spare !== null) files.onWork()
      throw error
    }
  }

  /** Rejects as `appendDurably` does. */
  async append(bytes: Buffer, reserve: Reserve): Promise<void> {
    await appendDurably(this.#file, [bytes], reserve)
    const usage = this.#usage
    const overBytes = Math.min(bytes.length, usage.reserveBytes)
    usage.reserveBytes -= overBytes
    usage.bytes += bytes.length - overBytes
    this.segment.logBytes += bytes.length
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
