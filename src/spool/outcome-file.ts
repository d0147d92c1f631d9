// What became of a segment's records, beside its log. Written at once, one append after the other;
// synced by the keeper's clock, so that a crash costs duplicates and never records. Whoever is told
// of an outcome is told when it is written: then the end of the process cannot change it any more.

import type { Disk, LogFile } from '../host/index.ts'
import type { Place } from '../record/index.ts'
import type { FailedUpkeep } from './failed-upkeep.ts'
import { frameOf } from './frame.ts'
import { FrameReader } from './frame-reader.ts'
import {
  type DeadLettered,
  type Delivered,
  decodeOutcomes,
  encodeOutcomes,
  type OutcomeEntry,
} from './outcome-code.ts'
import { SharedFile } from './shared-file.ts'
import type { Usage } from './usage.ts'

/** Entries kept for a disk that takes none now; older ones are forgotten: duplicates at worst. */
const PENDING_MAX_COUNT = 10_000
const FINISH_ATTEMPTS = 3
/** Records of one entry: bounds what one frame holds. */
const ENTRY_MAX_COUNT = 10_000

export interface OutcomeFileParts {
  readonly disk: Disk
  readonly usage: Usage
  readonly failed: FailedUpkeep
  /** Something is to be synced, or to be written again, in a while. */
  readonly onWork: () => void
}

export class OutcomeFile {
  readonly #parts: OutcomeFileParts
  readonly #marker: Buffer
  #shared: SharedFile
  #file: Promise<LogFile> | null = null
  #pending: OutcomeEntry[] = []
  #underWay: readonly OutcomeEntry[] = []
  /** Told when all that waits is written. */
  #onWritten: (() => void)[] = []
  #writing: Promise<void> | null = null
  #caring: Promise<void> | null = null
  #isDirty = false
  #isFailing = false
  /** The system may have dropped what it could not write: it is to be written anew, not synced. */
  #isDoubtful = false
  sizeBytes = 0

  constructor(parts: OutcomeFileParts, base: string, marker: Buffer) {
    this.#parts = parts
    this.#marker = marker
    this.#shared = new SharedFile(parts.disk, outcomesName(base))
  }

  /** Something is not synced, or not even written. */
  get needsCare(): boolean {
    const isBusy = this.#writing !== null || this.#caring !== null
    return isBusy || this.#isDirty || this.#pending.length > 0
  }

  delivered(ordinal: number, place: Place): void {
    const { shardId, sequenceNumber, subSequenceNumber } = place
    const last = this.#pending.at(-1)
    if (
      last?.kind === 'delivered' &&
      last.sequenceNumber === sequenceNumber &&
      last.shardId === shardId &&
      last.ordinals.length < ENTRY_MAX_COUNT
    ) {
      last.ordinals.push(ordinal)
      last.subSequenceNumbers.push(subSequenceNumber)
      return
    }
    const subSequenceNumbers = [subSequenceNumber]
    const ordinals = [ordinal]
    this.add({ kind: 'delivered', shardId, sequenceNumber, ordinals, subSequenceNumbers })
  }

  deadLettered(ordinal: number, code: string, message: string): void {
    const last = this.#pending.at(-1)
    if (
      last?.kind === 'dead-lettered' &&
      last.code === code &&
      last.message === message &&
      last.ordinals.length < ENTRY_MAX_COUNT
    ) {
      last.ordinals.push(ordinal)
      return
    }
    this.add({ kind: 'dead-lettered', code, message, ordinals: [ordinal] })
  }

  add(entry: OutcomeEntry): void {
    this.#pending.push(entry)
    if (this.#isFailing && this.#pending.length > PENDING_MAX_COUNT) this.#pending.shift()
    this.#write()
  }

  /**
   * Tells when all that was added is with the system. When the disk takes nothing, at once: what
   * has happened is told all the same.
   */
  whenWritten(tell: () => void): void {
    if (this.#isFailing || (this.#pending.length === 0 && this.#underWay.length === 0)) tell()
    else this.#onWritten.push(tell)
  }

  /** So much of it is there after a start; it may not be synced. With its log went its doubts. */
  recovered(sizeBytes: number, hasLog: boolean): void {
    this.sizeBytes = sizeBytes
    this.#parts.usage.bytes += sizeBytes
    this.#isDirty = sizeBytes > 0
    this.#isDoubtful = hasLog && sizeBytes > 0
  }

  /** Writes what waits and syncs; never rejects. What comes meanwhile needs care again. */
  care(): Promise<void> {
    this.#caring ??= this.#careOnce().finally(() => {
      this.#caring = null
    })
    return this.#caring
  }

  /** Nothing comes any more: all is written and synced, or the disk does not let us. */
  async finish(): Promise<void> {
    for (let attempt = 0; this.needsCare && attempt < FINISH_ATTEMPTS; attempt++) await this.care()
  }

  async #careOnce(): Promise<void> {
    this.#isFailing = false
    this.#write()
    await this.#writing
    await this.#sync()
  }

  /** The entry in which the record's outcome is, and its index there; null when it has none. */
  async find(ordinal: number): Promise<{ entry: Delivered | DeadLettered; index: number } | null> {
    const inMemory = findIn([...this.#underWay, ...this.#pending], ordinal)
    if (inMemory !== null) {
      await new Promise<void>((resolve) => this.whenWritten(resolve))
      return inMemory
    }
    if (this.sizeBytes === 0) return null
    const shared = this.#shared
    const file = await shared.acquire()
    try {
      const reader = new FrameReader(file, this.#marker, { from: 0, end: file.sizeBytes() })
      for await (const entries of outcomesFrom(reader)) {
        const found = findIn(entries, ordinal)
        if (found !== null) return found
      }
      return null
    } finally {
      shared.release()
    }
  }

  close(): void {
    if (this.#file === null) return
    this.#file = null
    this.#shared.release()
  }

  /** All else that is in it goes. */
  async keepOnly(entries: readonly OutcomeEntry[]): Promise<void> {
    this.close()
    const { disk, usage } = this.#parts
    const frame = frameOf(encodeOutcomes(entries), this.#marker, 0)
    await disk.replace(this.#shared.name, frame)
    usage.bytes += frame.length - this.sizeBytes
    this.sizeBytes = frame.length
  }

  /** Gone with all that is in it. */
  async remove(): Promise<void> {
    this.close()
    await this.#shared.remove()
    this.#parts.usage.bytes -= this.sizeBytes
    this.sizeBytes = 0
  }

  #write(): void {
    if (this.#isFailing || this.#pending.length === 0) return
    this.#writing ??= this.#writeAll()
  }

  async #writeAll(): Promise<void> {
    // What settles together is written together.
    await null
    while (this.#pending.length > 0 && !this.#isFailing) {
      this.#underWay = this.#pending
      this.#pending = []
      const written = this.#onWritten
      this.#onWritten = []
      await this.#append(this.#underWay)
      this.#underWay = []
      for (const tell of written) tell()
    }
    this.#writing = null
    // Nothing waits any more, or the disk takes nothing.
    for (const tell of this.#onWritten.splice(0)) tell()
    this.#parts.onWork()
  }

  /** Once for all who want it at a time: it is given back once. */
  #opened(): Promise<LogFile> {
    this.#file ??= this.#shared.acquire().catch((error) => {
      this.#file = null
      throw error
    })
    return this.#file
  }

  async #append(entries: readonly OutcomeEntry[]): Promise<void> {
    let file: LogFile | null = null
    let position = 0
    try {
      file = await this.#opened()
      position = file.sizeBytes()
      await file.append([frameOf(encodeOutcomes(entries), this.#marker, position)])
      this.#isDirty = true
    } catch (error) {
      this.#isFailing = true
      this.#pending = [...entries, ...this.#pending].slice(-PENDING_MAX_COUNT)
      this.#parts.failed.add('outcomes cannot be written now', error, { file: this.#shared.name })
      // What is left there is stepped over when it is read.
      await file?.truncate(position).catch(() => {})
    }
    const sizeBytes = file?.sizeBytes() ?? this.sizeBytes
    this.#parts.usage.bytes += sizeBytes - this.sizeBytes
    this.sizeBytes = sizeBytes
  }

  async #sync(): Promise<void> {
    if (!this.#isDirty) return
    this.#isDirty = false
    try {
      if (this.#isDoubtful) return await this.#rewrite()
      const file = await this.#opened()
      await file.sync()
    } catch (error) {
      this.#isDirty = true
      this.#isDoubtful = true
      this.#parts.onWork()
      const about = { file: this.#shared.name }
      this.#parts.failed.add('outcomes could not be synced; power loss may undo them', error, about)
    }
  }

  /** Nothing is appended meanwhile: it would be to a file that is about to be gone. */
  async #rewrite(): Promise<void> {
    while (this.#writing !== null) await this.#writing
    this.close()
    const { disk } = this.#parts
    const rewriting = disk.rewrite(this.#shared.name)
    this.#writing = rewriting.catch(() => {})
    try {
      await rewriting
      // Whoever reads the old one may go on.
      this.#shared = new SharedFile(disk, this.#shared.name)
      this.#isDoubtful = false
    } finally {
      this.#writing = null
      this.#write()
    }
  }
}

export function outcomesName(base: string): string {
  return `${base}.outcomes`
}

/** Everything readable that a file of outcomes holds, batch by batch. */
export async function* outcomesFrom(
  reader: FrameReader,
  load: () => Promise<void> = () => reader.load(),
): AsyncGenerator<OutcomeEntry[]> {
  while (!reader.isAtEnd) {
    const found = reader.take()
    if (found === null) await load()
    else if (found.kind === 'frame') yield decodeOutcomes(found.body)
  }
}

function findIn(
  entries: readonly OutcomeEntry[],
  ordinal: number,
): { entry: Delivered | DeadLettered; index: number } | null {
  for (const entry of entries) {
    if (entry.kind !== 'delivered' && entry.kind !== 'dead-lettered') continue
    const index = entry.ordinals.indexOf(ordinal)
    if (index !== -1) return { entry, index }
  }
  return null
}
