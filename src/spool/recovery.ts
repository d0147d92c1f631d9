// What the disk tells after a start. Every frame of every log is read and checked; what cannot be
// read is stepped over, told and kept aside, and everything else is there. Nothing is ever appended
// to a segment of an earlier life, so a torn end is left as it is and never looked at again.

import type { Clock, Disk, Log, LogFile } from '../host/index.ts'
import { Bits } from './bits.ts'
import { type FoundDamage, type FoundFrame, FrameReader, ReadRoom } from './frame-reader.ts'
import type { Range } from './hand-out.ts'
import type { KeptAside } from './kept-aside.ts'
import type { Keys } from './keys.ts'
import {
  FORMAT_VERSION,
  isOfAnother,
  LOG_HEADER_BYTES,
  NewerFormatError,
  versionIn,
} from './log-header.ts'
import type { OutcomeEntry } from './outcome-code.ts'
import { type OutcomeFileParts, outcomesFrom, outcomesName } from './outcome-file.ts'
import { patientLoad, withPatience } from './patience.ts'
import type { Replayed } from './replayed.ts'
import { rewriteLog } from './rewriting.ts'
import { Segment } from './segment.ts'
import { parseFileName, type SegmentName, TRIAL_NAME } from './segment-name.ts'
import { SharedFile } from './shared-file.ts'
import { decodeHead, RecordCursor, type TransactionHead } from './transaction-code.ts'
import { DAMAGED, keepUnreadable, leaveUnreadable } from './unreadable.ts'
import type { Usage } from './usage.ts'

const PROGRESS_EACH_MS = 5000

export interface RecoveryParts {
  readonly clock: Clock
  readonly disk: Disk
  readonly log: Log
  readonly files: OutcomeFileParts
  readonly usage: Usage
  readonly keys: Keys
  readonly replayed: Replayed
  readonly keptAside: KeptAside
  /** What the disk does not give counts as lost. */
  readonly givesUp: boolean
}

export interface RecoveredSegment {
  readonly segment: Segment
  readonly hasLog: boolean
}

interface Entry extends SegmentName {
  readonly base: string
  hasLog: boolean
  hasOutcomes: boolean
}

/** The segments on the disk, oldest first. Rejects with `NewerFormatError`, and touches nothing. */
export async function recoverSegments(
  parts: RecoveryParts,
  names: readonly string[],
): Promise<RecoveredSegment[]> {
  const entries = entriesOf(names)
  for (const { base, hasLog } of entries) if (hasLog) await checkVersion(parts, base)
  if (names.includes(TRIAL_NAME)) await parts.disk.remove(TRIAL_NAME).catch(() => {})
  const found: RecoveredSegment[] = []
  const room = new ReadRoom()
  let toldAtMs = parts.clock.monotonicMs()
  for (const [index, entry] of entries.entries()) {
    const segment = await new SegmentRecovery(parts, entry, room).run()
    if (segment !== null) found.push({ segment, hasLog: entry.hasLog })
    const nowMs = parts.clock.monotonicMs()
    if (nowMs - toldAtMs < PROGRESS_EACH_MS) continue
    toldAtMs = nowMs
    parts.log.info('reading the spool', { segmentsDone: index + 1, segments: entries.length })
  }
  return found
}

function entriesOf(names: readonly string[]): Entry[] {
  const entries = new Map<string, Entry>()
  for (const name of names) {
    const parsed = parseFileName(name)
    if (parsed === null) continue
    const { base, number, marker, kind } = parsed
    const entry = entries.get(base) ?? { base, number, marker, hasLog: false, hasOutcomes: false }
    if (kind === 'log') entry.hasLog = true
    else entry.hasOutcomes = true
    entries.set(base, entry)
  }
  return [...entries.values()].sort((a, b) => a.number - b.number)
}

async function checkVersion({ disk, clock }: RecoveryParts, base: string): Promise<void> {
  const shared = new SharedFile(disk, `${base}.log`)
  const header = await withPatience(clock, async () => {
    const file = await shared.acquire()
    return file.read(0, LOG_HEADER_BYTES).finally(() => shared.release())
  })
  const version = header === null ? null : versionIn(header)
  if (version !== null && version > FORMAT_VERSION) throw new NewerFormatError(base, version)
}

class SegmentRecovery {
  readonly #parts: RecoveryParts
  readonly #entry: Entry
  readonly #room: ReadRoom
  readonly #segment: Segment
  readonly #damages: Range[] = []
  /** Refused when they were written: their keys are not to be remembered. */
  readonly #voids = new Bits()
  /** Some of the log was not given by the disk: that says nothing of what is there. */
  #isUnreadable = false
  /** Else a refusal may be among what could not be read, and no key is remembered. */
  #areOutcomesKnown = true
  /** An earlier life was told that all of the log is on the disk. */
  #isSynced = false
  /** So many records were in its log once. */
  #knownEnd = 0

  constructor(parts: RecoveryParts, entry: Entry, room: ReadRoom) {
    this.#parts = parts
    this.#entry = entry
    this.#room = room
    this.#segment = new Segment(parts.files, entry)
    this.#segment.isSealed = true
  }

  /** Null when its log cannot be read at all now; then it is left for the next start. */
  async run(): Promise<Segment | null> {
    const segment = this.#segment
    if (this.#entry.hasOutcomes) await this.#readOutcomes()
    if (!this.#entry.hasLog) {
      segment.recordCount = this.#knownEnd
      for (let i = 0; i < segment.recordCount; i++) segment.giveUp(i)
      return segment
    }
    segment.isSynced = this.#isSynced || (await rewriteLog(this.#parts, segment))
    if (!(await this.#readLog())) return null
    // The end of the log is gone: what was told of it is all that is known.
    if (this.#knownEnd > segment.recordCount) this.#loseEnd()
    if (segment.isSynced && !this.#isSynced) {
      segment.outcomes.add({ kind: 'synced', recordCount: segment.recordCount })
    }
    this.#parts.usage.unsettledCount += segment.unsettledCount
    for (const damage of this.#damages) await this.#parts.keptAside.keep(segment.log, damage)
    return segment
  }

  async #readOutcomes(): Promise<void> {
    const { disk, clock, log } = this.#parts
    const { base, marker } = this.#segment
    const shared = new SharedFile(disk, outcomesName(base))
    const file = await withPatience(clock, () => shared.acquire())
    const end = file?.sizeBytes() ?? (await this.#sizeUnopened(shared.name))
    this.#segment.outcomes.recovered(end, this.#entry.hasLog)
    if (file === null) {
      this.#areOutcomesKnown = false
      return log.error('outcomes cannot be read', { segment: base })
    }
    const reader = new FrameReader(file, marker, { from: 0, end, room: this.#room })
    for await (const entries of outcomesFrom(reader, () => patientLoad(clock, reader))) {
      for (const entry of entries) this.#enter(entry)
    }
    shared.release()
    if (reader.unreadableBytes > 0) this.#areOutcomesKnown = false
  }

  /** What it takes counts, whether it can be read or not. */
  async #sizeUnopened(name: string): Promise<number> {
    const { disk, clock } = this.#parts
    return (await withPatience(clock, () => disk.sizeOf(name))) ?? 0
  }

  #enter(entry: OutcomeEntry): void {
    const segment = this.#segment
    const { counts, number, marker } = segment
    switch (entry.kind) {
      case 'delivered':
        for (const ordinal of entry.ordinals) if (this.#settle(ordinal)) counts.successes++
        return
      case 'dead-lettered':
        for (const ordinal of entry.ordinals) if (this.#settle(ordinal)) counts.failures++
        return
      case 'void':
        for (let i = 0; i < entry.count; i++) {
          this.#settle(entry.firstOrdinal + i)
          this.#voids.set(entry.firstOrdinal + i)
        }
        return
      case 'key':
        return this.#parts.keys.remember(entry, { ...entry, segment: { number, marker } })
      case 'replayed':
        return this.#parts.replayed.remember(entry.receipt, { number, ordinal: entry.ordinal })
      case 'exhausted':
        counts.exhausted += entry.count
        return
      case 'synced':
        this.#isSynced = true
        this.#knownEnd = Math.max(this.#knownEnd, entry.recordCount)
    }
  }

  #settle(ordinal: number): boolean {
    this.#knownEnd = Math.max(this.#knownEnd, ordinal + 1)
    return this.#segment.giveUp(ordinal)
  }

  async #readLog(): Promise<boolean> {
    const { clock, usage } = this.#parts
    const segment = this.#segment
    const file = await withPatience(clock, () => segment.log.acquire())
    if (file === null) {
      segment.logBytes = await this.#sizeUnopened(segment.log.name)
      usage.bytes += segment.logBytes
      return this.#onNoLog()
    }
    try {
      segment.logBytes = file.sizeBytes()
      usage.bytes += segment.logBytes
      await this.#readFrames(file)
      return true
    } finally {
      segment.log.release()
    }
  }

  /** True when it is given up: then what is known of it is what its outcomes say. */
  #onNoLog(): boolean {
    const { givesUp, usage, log } = this.#parts
    const { base: segment } = this.#segment
    if (!givesUp) leaveUnreadable({ usage, log }, segment)
    else {
      this.#lose(this.#knownEnd)
      log.warn('a segment cannot be read and is given up', { segment })
    }
    return givesUp
  }

  async #readFrames(file: LogFile): Promise<void> {
    const { clock } = this.#parts
    const segment = this.#segment
    const head = await withPatience(clock, () => file.read(0, LOG_HEADER_BYTES))
    const hasHeader = head !== null && versionIn(head) !== null
    const isOld = head !== null && isOfAnother(head, segment.marker)
    const from = hasHeader ? LOG_HEADER_BYTES : 0
    const range = { from, end: segment.logBytes, room: this.#room }
    const reader = new FrameReader(file, segment.marker, range)
    while (!reader.isAtEnd) {
      const found = reader.take()
      this.#isUnreadable = reader.unreadableBytes > 0
      if (found === null) await patientLoad(clock, reader)
      else if (found.kind === 'frame') this.#takeFrame(found)
      else if (isOld && found.isTail && found.position === LOG_HEADER_BYTES && !this.#isUnreadable)
        await this.#giveBack(file, 0)
      else await this.#onDamage(found, file)
    }
    segment.isUnreadable = this.#isUnreadable
  }

  #takeFrame(found: FoundFrame): void {
    const segment = this.#segment
    const head = decodeHead(found.body)
    // A whole frame that does not go on from the one before was cut off once.
    if (head === null || head.firstOrdinal < segment.recordCount) return
    if (head.firstOrdinal > segment.recordCount) this.#lose(head.firstOrdinal)
    segment.addFrame({ ...found, ...head })
    // Refused when they were written: what they say of themselves does not hold.
    if (this.#voids.has(head.firstOrdinal)) return
    if (this.#areOutcomesKnown) this.#rememberKey(head)
    // What is handed on now is where its receipt leads, whether a power loss may take it or not.
    if (head.hasReceipts) this.#rememberReceipts(found.body, head)
  }

  #rememberKey({ idempotency, firstOrdinal, count, arrivedAtMs }: TransactionHead): void {
    if (idempotency === null) return
    const { number, marker } = this.#segment
    const origin = { segment: { number, marker }, firstOrdinal, count, arrivedAtMs }
    this.#parts.keys.remember(idempotency, origin)
  }

  #rememberReceipts(body: Buffer, { firstOrdinal, count, recordsAt }: TransactionHead): void {
    const { replayed } = this.#parts
    const { number } = this.#segment
    const cursor = new RecordCursor(body, recordsAt)
    for (let i = 0; i < count; i++) {
      const { receipt } = cursor.next()
      if (receipt !== null) replayed.remember(receipt, { number, ordinal: firstOrdinal + i })
    }
  }

  async #onDamage(range: FoundDamage, file: LogFile): Promise<void> {
    const { log, usage, givesUp } = this.#parts
    const { base: segment } = this.#segment
    const { position, end, isTail } = range
    const bytes = end - position
    const isGivenUp = givesUp && this.#isUnreadable
    if (isTail) await this.#giveBack(file, isGivenUp ? position : end)
    if (bytes === 0) return
    if (isTail && this.#isUnreadable) {
      // How many records are in it nobody knows.
      if (!isGivenUp) return keepUnreadable({ usage, log }, this.#segment, 0)
      return log.warn('the end of a segment cannot be read and is cut off', { segment })
    }
    this.#damages.push(range)
    if (isTail) return log.warn('the end of a segment is torn', { segment, position, bytes })
    usage.damagedBytes += bytes
    log.error('a segment is damaged; what follows was recovered', { segment, position, bytes })
  }

  /** What was there to be written over, and was not. Where it cannot be cut off it counts. */
  async #giveBack(file: LogFile, end: number): Promise<void> {
    const segment = this.#segment
    if (end === segment.logBytes) return
    await file.truncate(end).catch(() => {})
    this.#parts.usage.bytes += file.sizeBytes() - segment.logBytes
    segment.logBytes = file.sizeBytes()
  }

  #loseEnd(): void {
    const { usage, log } = this.#parts
    const { damagedCount } = usage
    this.#lose(this.#knownEnd)
    const records = usage.damagedCount - damagedCount
    if (records > 0)
      log.error('the end of a segment is gone', { segment: this.#entry.base, records })
  }

  /**
   * The records before `endOrdinal` that were not found are lost, unless they had settled. Where
   * the disk did not give all, they are not handed on now and stay unsettled, for the next start.
   */
  #lose(endOrdinal: number): void {
    const { usage, givesUp } = this.#parts
    const segment = this.#segment
    let lostCount = 0
    let keptCount = 0
    for (let ordinal = segment.recordCount; ordinal < endOrdinal; ordinal++) {
      if (this.#isUnreadable && !givesUp) {
        if (segment.taken.set(ordinal)) keptCount++
        continue
      }
      if (!segment.giveUp(ordinal)) continue
      lostCount++
      segment.outcomes.deadLettered(ordinal, DAMAGED.code, DAMAGED.message)
    }
    if (keptCount > 0) keepUnreadable(this.#parts, segment, keptCount)
    segment.recordCount = Math.max(segment.recordCount, endOrdinal)
    segment.counts.failures += lostCount
    usage.damagedCount += lostCount
  }
}
