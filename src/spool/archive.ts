// Segments whose records have all settled. The log goes at once, or is what the next one is made
// of; what became of the records stays for those who ask with a receipt, for a while and within a
// size; then it goes too, and only its totals stay, and its keys for as long as they count.

import type { Clock, Disk, Log } from '../host/index.ts'
import type { SpareLog, SpareLogs } from './active-log.ts'
import type { SpoolConfig } from './config.ts'
import type { FailedUpkeep } from './failed-upkeep.ts'
import type { Keys } from './keys.ts'
import type { LogSizes } from './log-writer.ts'
import type { Replayed } from './replayed.ts'
import type { Counts, Segment } from './segment.ts'
import { saveTotals, type Totals } from './totals.ts'
import type { Usage } from './usage.ts'

/** How short of room the spool is. Asked anew each time: the log that goes may be room enough. */
export interface Shortage {
  isFull(): boolean
  /** The disk had no room since this was last asked, and nothing unsettled will make any. */
  isStuck(): boolean
}

interface Settled {
  readonly segment: Segment
  hasLog: boolean
  /** Whether the next segment's log may be made of it. */
  renewal: 'possible' | 'under way' | 'failed'
  readonly keepUntilMs: number
}

interface Leaving {
  readonly segment: Segment
  /** None of its keys counts any longer than that. */
  readonly keysUntilMs: number
  /** Only its keys are left. */
  hasKeysOnly: boolean
}

export interface ArchiveParts {
  readonly clock: Clock
  readonly disk: Disk
  readonly log: Log
  readonly failed: FailedUpkeep
  readonly config: SpoolConfig
  readonly sizes: LogSizes
  readonly usage: Usage
  readonly keys: Keys
  readonly replayed: Replayed
  /** Bytes of the disk are free again. */
  readonly onRoom: () => void
}

/** A log is kept for the next one only while the spool holds less than this part of its size. */
const SPARE_MAX_SHARE = 0.5
/** Of the spool's size that receipts take at most, and as much again keys that have lost theirs. */
const RECEIPTS_MAX_SHARE = 0.25

export class Archive implements SpareLogs {
  readonly #parts: ArchiveParts
  /** Oldest first. */
  #settled: Settled[] = []
  /** The same: receipts and keys ask for one, and there may be many. */
  readonly #byNumber = new Map<number, Segment>()
  /** Counted in the totals; their outcomes could not be removed yet, or keep keys. Oldest first. */
  #leaving: Leaving[] = []
  #base: Counts
  /** They are not on the disk as they are here. */
  #isBaseUnsaved = false
  #lastNumber: number
  #tidying: Promise<void> | null = null
  /** Its log waits for the next segment; until its outcomes go, at most. */
  #spare: Settled | null = null
  #isClosing = false
  #hasToldOfSize = false

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
      this.#isBaseUnsaved ||
      this.#leaving.some(({ hasKeysOnly }) => !hasKeysOnly) ||
      this.#settled.some(
        (settled) =>
          settled.segment.outcomes.needsCare ||
          (settled.hasLog && settled !== this.#spare && settled.renewal !== 'under way'),
      )
    )
  }

  /** When the next outcomes go, or keys; null when there are none. */
  get nextDueAtMs(): number | null {
    const [settled] = this.#settled
    const atMs = this.#leaving.map(({ keysUntilMs }) => keysUntilMs)
    if (settled !== undefined) atMs.push(settled.keepUntilMs)
    return atMs.length === 0 ? null : Math.min(...atMs)
  }

  /** Turned away while no segment was written to. */
  countExhausted(exhausted: number): void {
    if (exhausted === 0) return
    this.#base = sumOf(this.#base, { successes: 0, failures: 0, exhausted })
    this.#isBaseUnsaved = true
  }

  find(number: number): Segment | undefined {
    return this.#byNumber.get(number)
  }

  /** All of it has settled and nothing is appended any more. */
  add(segment: Segment, hasLog: boolean): void {
    const { clock, config, keys, replayed } = this.#parts
    if (hasLog) {
      for (const key of keys.of(segment.number)) segment.outcomes.add(key)
      for (const entry of replayed.of(segment.number)) segment.outcomes.add(entry)
    }
    const keepUntilMs = clock.monotonicMs() + config.receipts.retentionMs
    this.#settled.push({ segment, hasLog, renewal: 'possible', keepUntilMs })
    this.#byNumber.set(segment.number, segment)
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
    const { clock, config } = this.#parts
    const keysUntilMs = clock.monotonicMs() + config.idempotency.maxAgeMs
    this.#leaving.push({ segment, keysUntilMs, hasKeysOnly: false })
  }

  /** Does what can be done now, one call after the other; never rejects. */
  tidy(shortage: Shortage): Promise<void> {
    this.#tidying ??= this.#tidyAll(shortage).finally(() => {
      this.#tidying = null
    })
    return this.#tidying
  }

  /** Saves the totals, too. */
  async close(): Promise<void> {
    await this.#tidying
    this.#isClosing = true
    await this.tidy({ isFull: () => false, isStuck: () => false })
    await this.#hasSaved(this.#base, this.#leaving)
    // Also those that could not be written: a file that is lost open ends a process some day.
    for (const { segment } of this.#settled) segment.outcomes.close()
  }

  async #tidyAll({ isFull, isStuck }: Shortage): Promise<void> {
    if (this.#isBaseUnsaved) {
      this.#isBaseUnsaved = false
      if (!(await this.#hasSaved(this.#base, this.#leaving))) this.#isBaseUnsaved = true
    }
    let roomBytes = 0
    // Also those that come meanwhile.
    for (let i = 0; i < this.#settled.length; i++) {
      const settled = this.#settled[i]!
      if (settled.segment.outcomes.needsCare) await settled.segment.outcomes.care()
      // Without room nothing more can be written, and removing the log is what makes room.
      const isWritten = !settled.segment.outcomes.needsCare
      const mayGo = settled.hasLog && settled.renewal !== 'under way' && (isWritten || isFull())
      if (mayGo && !this.#staysAsSpare(settled, isFull())) {
        roomBytes += await this.#removeLog(settled)
        // What there was no room for is written as soon as there is.
        if (settled.segment.outcomes.needsCare) await settled.segment.outcomes.care()
      }
      if (!settled.segment.outcomes.needsCare) settled.segment.outcomes.close()
    }
    await this.#expire(isStuck() && roomBytes === 0)
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

  /** Bytes that are free now. */
  async #removeLog(settled: Settled): Promise<number> {
    const { usage, onRoom } = this.#parts
    const { segment } = settled
    try {
      await segment.log.remove()
      settled.hasLog = false
      usage.bytes -= segment.logBytes
      onRoom()
      return segment.logBytes
    } catch (error) {
      this.#parts.failed.add('a segment could not be removed yet', error, { segment: segment.base })
      return 0
    }
  }

  async #expire(isStuck: boolean): Promise<void> {
    const due = this.#due(isStuck)
    if (due.size === 0) return
    const { clock, config } = this.#parts
    const { retentionMs } = config.receipts
    const { maxAgeMs } = config.idempotency
    const leaving = [...due].map(({ segment, keepUntilMs }) => {
      return { segment, keysUntilMs: keepUntilMs - retentionMs + maxAgeMs, hasKeysOnly: false }
    })
    const withLeaving = () =>
      leaving.reduce((sum, { segment }) => sumOf(sum, segment.counts), this.#base)
    if (!(await this.#hasSaved(withLeaving(), [...this.#leaving, ...leaving]))) return
    this.#base = withLeaving() // anew: some may have been turned away meanwhile
    this.#settled = this.#settled.filter((settled) => !due.has(settled))
    for (const { segment } of due) this.#byNumber.delete(segment.number)
    this.#leaving.push(...leaving)
    const nowMs = clock.monotonicMs()
    for (const settled of due) if (nowMs < settled.keepUntilMs) this.#tellOfEarly(settled, isStuck)
  }

  /** Clients may still ask for these receipts, and are told that nobody knows them. */
  #tellOfEarly({ segment, keepUntilMs }: Settled, isStuck: boolean): void {
    const { clock, config, log, usage } = this.#parts
    const { retentionMs } = config.receipts
    const receipts = segment.counts.successes + segment.counts.failures
    if (segment.outcomes.sizeBytes === 0 || receipts === 0) return
    usage.forgottenReceiptCount += receipts
    if (!isStuck && this.#hasToldOfSize) return
    this.#hasToldOfSize ||= !isStuck
    const keptMs = clock.monotonicMs() - (keepUntilMs - retentionMs)
    const why = isStuck ? 'the disk is full' : 'they take all they may'
    log.warn(`receipts go before their time: ${why}`, { receipts, keptMs, retentionMs })
  }

  /** Those whose time has come, and of the oldest as many as are too many. */
  #due(isStuck: boolean): Set<Settled> {
    const nowMs = this.#parts.clock.monotonicMs()
    let overBytes = Math.max(this.#overBytes, isStuck ? 1 : 0)
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
    const { config } = this.#parts
    const maxBytes = Math.min(config.receipts.maxBytes, this.#shareBytes)
    return this.#settled.reduce((sum, { segment }) => sum + segment.outcomes.sizeBytes, -maxBytes)
  }

  get #shareBytes(): number {
    return Math.floor(RECEIPTS_MAX_SHARE * this.#parts.sizes.maxBytes)
  }

  async #removeLeaving(): Promise<void> {
    const left: Leaving[] = []
    let roomBytes = this.#shareBytes
    // The newest keys first: what there is no room for is the oldest.
    for (const leaving of this.#leaving.toReversed()) {
      const { segment } = leaving
      try {
        if (await this.#leaveKeys(leaving, roomBytes)) {
          roomBytes -= segment.outcomes.sizeBytes
          left.push(leaving)
          continue
        }
        await segment.outcomes.remove()
      } catch (error) {
        left.push(leaving)
        this.#parts.failed.add('outcomes could not be removed yet', error, {
          segment: segment.base,
        })
      }
    }
    this.#leaving = left.toReversed()
  }

  /** Whether there are keys that a restart needs, and room for them; then only they are left. */
  async #leaveKeys(leaving: Leaving, roomBytes: number): Promise<boolean> {
    const { clock, keys, usage } = this.#parts
    const { segment, keysUntilMs } = leaving
    if (clock.monotonicMs() >= keysUntilMs) return false
    if (!leaving.hasKeysOnly) {
      const kept = keys.of(segment.number)
      if (kept.length === 0) return false
      await segment.outcomes.keepOnly(kept)
      leaving.hasKeysOnly = true
    }
    if (segment.outcomes.sizeBytes <= roomBytes) return true
    usage.forgottenKeyCount += keys.of(segment.number).length
    return false
  }

  async #hasSaved(counts: Counts, leaving: readonly Leaving[]): Promise<boolean> {
    const numbers = leaving.map(({ segment }) => segment.number)
    const { disk } = this.#parts
    try {
      await saveTotals(disk, { ...counts, leaving: numbers, lastNumber: this.#lastNumber })
      return true
    } catch (error) {
      this.#parts.failed.add('the totals could not be saved yet', error)
      return false
    }
  }
}

export function sumOf(a: Counts, b: Counts): Counts {
  return {
    successes: a.successes + b.successes,
    failures: a.failures + b.failures,
    exhausted: a.exhausted + b.exhausted,
  }
}
