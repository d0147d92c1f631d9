// Segments whose records have all settled. The log goes at once, or is what the next one is made
// of; what became of the records stays for those who ask with a receipt, for a while and within a
// size; then it goes too, and only its totals stay.

import type { Clock, Disk, Log } from '../host/index.ts'
import type { SpareLog, SpareLogs } from './active-log.ts'
import type { SpoolConfig } from './config.ts'
import type { Keys } from './keys.ts'
import type { LogSizes } from './log-writer.ts'
import type { Replayed } from './replayed.ts'
import type { Counts, Segment } from './segment.ts'
import { saveTotals, type Totals } from './totals.ts'
import type { Usage } from './usage.ts'

interface Settled {
  readonly segment: Segment
  hasLog: boolean
  /** Whether the next segment's log may be made of it. */
  renewal: 'possible' | 'under way' | 'failed'
  readonly keepUntilMs: number
}

export interface ArchiveParts {
  readonly clock: Clock
  readonly disk: Disk
  readonly log: Log
  readonly config: SpoolConfig['receipts']
  readonly sizes: LogSizes
  readonly usage: Usage
  readonly keys: Keys
  readonly replayed: Replayed
  /** Bytes of the disk are free again. */
  readonly onRoom: () => void
}

/** A log is kept for the next one only while the spool holds less than this part of its size. */
const SPARE_MAX_SHARE = 0.5

export class Archive implements SpareLogs {
  readonly #parts: ArchiveParts
  /** Oldest first. */
  #settled: Settled[] = []
  /** Counted in the totals; their outcomes could not be removed yet. */
  #leaving: Segment[] = []
  #base: Counts
  #lastNumber: number
  #tidying: Promise<void> | null = null
  /** Its log waits for the next segment; until its outcomes go, at most. */
  #spare: Settled | null = null
  #isClosing = false

  constructor(parts: ArchiveParts, totals: Totals) {
    this.#parts = parts
    const { successes, failures, exhausted } = totals
    this.#base = { successes, failures, exhausted }
    this.#lastNumber = totals.lastNumber
  }

  /** All that settled segments have counted, gone or not. */
  get counts(): Counts {
    return this.#settled.reduce((sum, { segment }) => sumOf(sum, segment.counts), this.#base)
  }

  /** Something waits to be written, synced or removed. */
  get needsCare(): boolean {
    return (
      this.#leaving.length > 0 ||
      this.#settled.some(
        (settled) =>
          settled.segment.outcomes.needsCare ||
          (settled.hasLog && settled !== this.#spare && settled.renewal !== 'under way'),
      )
    )
  }

  /** When the next outcomes go; null when there are none. */
  get nextDueAtMs(): number | null {
    return this.#settled[0]?.keepUntilMs ?? null
  }

  find(number: number): Segment | undefined {
    return this.#settled.find(({ segment }) => segment.number === number)?.segment
  }

  /** All of it has settled and nothing is appended any more. */
  add(segment: Segment, hasLog: boolean): void {
    const { clock, config, keys, replayed } = this.#parts
    if (hasLog) {
      for (const key of keys.of(segment.number)) segment.outcomes.add(key)
      for (const entry of replayed.of(segment.number)) segment.outcomes.add(entry)
    }
    const keepUntilMs = clock.monotonicMs() + config.retentionMs
    this.#settled.push({ segment, hasLog, renewal: 'possible', keepUntilMs })
    this.#lastNumber = Math.max(this.#lastNumber, segment.number)
  }

  lend(): SpareLog | null {
    const spare = this.#spare
    if (spare === null) return null
    this.#spare = null
    spare.renewal = 'under way'
    return {
      segment: spare.segment,
      used: () => {
        spare.hasLog = false
      },
      failed: () => {
        spare.renewal = 'failed'
      },
    }
  }

  /** Counted in the totals already: what is left of it goes. */
  addLeaving(segment: Segment): void {
    this.#leaving.push(segment)
  }

  /**
   * Does what can be done now, one call after the other; never rejects. `isFull` is asked anew each
   * time: the log that goes may be room enough, and what clients may ask for is kept.
   */
  tidy(isFull: () => boolean): Promise<void> {
    this.#tidying ??= this.#tidyAll(isFull).finally(() => {
      this.#tidying = null
    })
    return this.#tidying
  }

  /** Saves the totals with what is counted beside the segments. */
  async close(exhausted: number): Promise<void> {
    await this.#tidying
    this.#isClosing = true
    for (const { segment } of this.#settled) await segment.outcomes.finish()
    await this.tidy(() => false)
    this.#base = sumOf(this.#base, { successes: 0, failures: 0, exhausted })
    await this.#save(this.#base, this.#leaving).catch((error: Error) =>
      this.#parts.log.warn('the totals could not be saved', { reason: error.message }),
    )
    for (const { segment } of this.#settled) segment.outcomes.close()
  }

  async #tidyAll(isFull: () => boolean): Promise<void> {
    // Also those that come meanwhile.
    for (let i = 0; i < this.#settled.length; i++) {
      const settled = this.#settled[i]!
      if (settled.segment.outcomes.needsCare) await settled.segment.outcomes.care()
      // Without room nothing more can be written, and removing the log is what makes room.
      const isWritten = !settled.segment.outcomes.needsCare
      const mayGo = settled.hasLog && settled.renewal !== 'under way' && (isWritten || isFull())
      if (mayGo && !this.#staysAsSpare(settled, isFull())) await this.#removeLog(settled)
      if (!settled.segment.outcomes.needsCare) settled.segment.outcomes.close()
    }
    await this.#expire(isFull())
    await this.#removeLeaving()
  }

  #staysAsSpare(settled: Settled, isFull: boolean): boolean {
    const { disk, clock, usage, sizes } = this.#parts
    const { segment, renewal, keepUntilMs } = settled
    if (this.#spare !== null && this.#spare !== settled) return false
    const isOfUse =
      disk.renew !== undefined &&
      renewal === 'possible' &&
      segment.logBytes >= sizes.segmentBytes &&
      usage.claimedBytes <= SPARE_MAX_SHARE * sizes.maxBytes &&
      // Its outcomes stay as long as the log does: without them it would be replayed.
      clock.monotonicMs() < keepUntilMs &&
      this.#overBytes <= 0 &&
      !(isFull || this.#isClosing)
    this.#spare = isOfUse ? settled : null
    return isOfUse
  }

  async #removeLog(settled: Settled): Promise<void> {
    const { usage, log, onRoom } = this.#parts
    const { segment } = settled
    try {
      await segment.log.remove()
      settled.hasLog = false
      usage.bytes -= segment.logBytes
      onRoom()
    } catch (error) {
      const { message: reason } = error as Error
      log.warn('a segment could not be removed yet', { segment: segment.base, reason })
    }
  }

  async #expire(isFull: boolean): Promise<void> {
    const due = this.#due(isFull)
    if (due.size === 0) return
    const segments = [...due].map(({ segment }) => segment)
    const base = segments.reduce((sum, { counts }) => sumOf(sum, counts), this.#base)
    try {
      await this.#save(base, [...this.#leaving, ...segments])
    } catch (error) {
      const { message: reason } = error as Error
      return this.#parts.log.warn('the totals could not be saved yet', { reason })
    }
    this.#base = base
    this.#settled = this.#settled.filter((settled) => !due.has(settled))
    this.#leaving.push(...segments)
  }

  /** Those whose time has come, and of the oldest as many as are too many. */
  #due(isFull: boolean): Set<Settled> {
    const nowMs = this.#parts.clock.monotonicMs()
    let overBytes = isFull ? 1 : this.#overBytes
    const due = new Set<Settled>()
    for (const settled of this.#settled) {
      const { outcomes } = settled.segment
      if (settled.hasLog || outcomes.needsCare) continue
      if (outcomes.sizeBytes > 0 && overBytes <= 0 && nowMs < settled.keepUntilMs) continue
      overBytes -= outcomes.sizeBytes
      due.add(settled)
    }
    return due
  }

  /** How much more the outcomes take than they may; negative when there is room. */
  get #overBytes(): number {
    const { maxBytes } = this.#parts.config
    return this.#settled.reduce((sum, { segment }) => sum + segment.outcomes.sizeBytes, -maxBytes)
  }

  async #removeLeaving(): Promise<void> {
    const { log, onRoom } = this.#parts
    const left: Segment[] = []
    for (const segment of this.#leaving) {
      try {
        await segment.outcomes.remove()
        onRoom()
      } catch (error) {
        left.push(segment)
        const { message: reason } = error as Error
        log.warn('outcomes could not be removed yet', { segment: segment.base, reason })
      }
    }
    this.#leaving = left
  }

  #save(counts: Counts, leaving: readonly Segment[]): Promise<void> {
    const numbers = leaving.map(({ number }) => number)
    const { disk } = this.#parts
    return saveTotals(disk, { ...counts, leaving: numbers, lastNumber: this.#lastNumber })
  }
}

export function sumOf(a: Counts, b: Counts): Counts {
  return {
    successes: a.successes + b.successes,
    failures: a.failures + b.failures,
    exhausted: a.exhausted + b.exhausted,
  }
}
