// Records that could not be delivered, kept durably until somebody sends them again or throws them
// away. Nothing is ever thrown away to make room: when it is full, it says so, and the record stays
// in the spool.
//
// Letters lie in files that are replaced whole. What comes while a file is being written is the
// next group; small groups are added to the newest file until it is large, so that files are few.

import { type Clock, type Host, type Log, SeldomLine, type Timer } from '../host/index.ts'
import type { DeadLetter, DeadLetterSink } from '../spool/index.ts'
import type { DeadLettersConfig } from './config.ts'
import type { Envelope, LetterFilter } from './filter.ts'
import { type KeptLetter, keptLetter } from './letter.ts'
import { type Kept, LetterIndex, type Reference } from './letter-index.ts'
import { type LetterFile, LetterShelf, letterBytes } from './letter-shelf.ts'

/** A file of so many bytes takes no more letters: what is written again for each new one. */
const FILE_BYTES = 256 * 1024
/** Bytes of letters that are written at once; a single one may be larger. */
const GROUP_BYTES = 4 * 1024 * 1024
/** After a failure of the disk somebody may try again so much later. */
const TRY_AGAIN_MS = 1000

export type DeadLettersState = 'ok' | 'full' | 'disk-failed'

export interface DeadLettersStats {
  readonly count: number
  readonly bytes: number
  /** As many as there may be. */
  readonly maxCount: number
  readonly maxBytes: number
  /** Put aside, because it could not be read. */
  readonly damagedBytes: number
  readonly state: DeadLettersState
}

interface Addition {
  readonly letter: KeptLetter
  readonly sizeBytes: number
  readonly done: (kept: boolean) => void
}

interface Removal {
  readonly numbers: Set<number>
  readonly ended: Promise<void>
  readonly end: (error: Error | null) => void
}

export type DeadLettersHost = Pick<Host, 'clock' | 'random' | 'disk'>

export class DeadLetters implements DeadLetterSink {
  readonly #clock: Clock
  readonly #config: DeadLettersConfig
  readonly #log: Log
  readonly #keptLine: SeldomLine<KeptLetter>
  readonly #shelf: LetterShelf
  readonly #index = new LetterIndex()
  readonly #removals = new Map<LetterFile, Removal>()
  readonly #listeners: (() => void)[] = []
  #additions: Addition[] = []
  /** Of additions that wait or are being written. */
  #comingCount = 0
  #comingBytes = 0
  #lastNumber = 0
  #newest: LetterFile | null = null
  #state: DeadLettersState = 'ok'
  /** Writes that failed since one succeeded. */
  #failedCount = 0
  /** It has been said that it is full, and neither room nor a good write came since. */
  #isFullTold = false
  #timer: Timer | null = null
  #isClosed = false
  #working: Promise<void> | null = null

  private constructor(host: DeadLettersHost, config: DeadLettersConfig, log: Log) {
    this.#clock = host.clock
    this.#config = config
    this.#log = log
    this.#keptLine = new SeldomLine(host.clock, (kept, { receipt, stream, code, message }) => {
      log.error('records became dead letters; the last of them', {
        kept,
        receipt,
        stream,
        code,
        message,
      })
    })
    this.#shelf = new LetterShelf(host.disk, host.random, log)
  }

  /** On the letters' own part of the disk. Rejects with `NewerVersionError` or a `DiskError`. */
  static async open(
    host: DeadLettersHost,
    config: DeadLettersConfig,
    log: Log,
  ): Promise<DeadLetters> {
    const letters = new DeadLetters(host, config, log)
    await letters.#recover()
    return letters
  }

  get stats(): DeadLettersStats {
    const { damagedBytes } = this.#shelf
    const bytes = this.#index.bytes + damagedBytes
    const { maxCount, maxBytes } = this.#config
    return { count: this.#index.size, bytes, maxCount, maxBytes, damagedBytes, state: this.#state }
  }

  /** The number of the newest letter; all later ones have higher numbers. */
  get lastNumber(): number {
    return this.#lastNumber
  }

  /**
   * Keeps a letter durably, then calls `done`; later, never from within. A letter of the same
   * receipt that is there already gives way. False: it is not kept, and `onRoom` tells when to try
   * again.
   */
  add(letter: DeadLetter, done: (isKept: boolean) => void): void {
    const kept = keptLetter(letter, this.#lastNumber + 1, this.#clock)
    const sizeBytes = letterBytes(kept)
    if (this.#isClosed || !this.#hasRoomFor(sizeBytes)) {
      if (!this.#isClosed) this.#onFull()
      Promise.resolve().then(() => done(false))
      return
    }
    this.#lastNumber++
    this.#comingCount++
    this.#comingBytes += sizeBytes
    this.#additions.push({ letter: kept, sizeBytes, done })
    this.#work()
  }

  /** `told` is called whenever it may be worth to try again after a refusal. */
  onRoom(told: () => void): void {
    this.#listeners.push(told)
  }

  /** The letters that are meant, oldest first. */
  find(filter: LetterFilter): readonly Envelope[] {
    return this.#index.find(filter)
  }

  /**
   * These letters, a file after the other; those that have gone or cannot be read are left out.
   */
  async *read(references: readonly Reference[]): AsyncGenerator<readonly KeptLetter[]> {
    for (const [file, wanted] of this.#index.byFile(references)) {
      const numbers = new Set(wanted.map(({ number }) => number))
      yield (await this.#shelf.read(file)).filter(({ number }) => numbers.has(number))
    }
  }

  /**
   * Removes letters durably; resolves with how many were there. Rejects with a `DiskError`: then
   * some of them may be left.
   */
  async remove(references: readonly Reference[]): Promise<number> {
    const ended: Promise<void>[] = []
    let count = 0
    for (const [file, letters] of this.#index.byFile(references)) {
      count += letters.length
      ended.push(this.#remove(file, letters))
    }
    const failed = (await Promise.allSettled(ended)).find(({ status }) => status === 'rejected')
    if (failed !== undefined) throw (failed as PromiseRejectedResult).reason
    return count
  }

  /** Takes no more letters, and waits for what is being written. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#timer?.cancel()
    await this.#working
    this.#keptLine.flush()
  }

  async #recover(): Promise<void> {
    const older: Kept[] = []
    const files = await this.#shelf.recover(({ letter, file }) => {
      this.#lastNumber = Math.max(this.#lastNumber, letter.number)
      const before = this.#index.add(letter, file)
      if (before !== null) older.push(before)
    })
    this.#newest = files.at(-1) ?? null
    for (const letter of older) this.#removeSuperseded(letter)
    const { count, bytes } = this.stats
    if (count > 0) this.#log.info('dead letters are kept', { count, bytes })
  }

  #hasRoomFor(bytes: number): boolean {
    const { maxCount, maxBytes } = this.#config
    const { count, bytes: keptBytes } = this.#index
    const usedBytes = keptBytes + this.#shelf.damagedBytes + this.#comingBytes
    return count + this.#comingCount < maxCount && usedBytes + bytes <= maxBytes
  }

  #onFull(): void {
    this.#state = 'full'
    // On a disk that fails it is full of what cannot be written, again with each try.
    if (this.#isFullTold) return
    this.#isFullTold = true
    // With those that are being written: they are why there is no room.
    const count = this.#index.size + this.#comingCount
    const bytes = this.stats.bytes + this.#comingBytes
    this.#log.error('dead letters are full; records stay in the spool', { count, bytes })
  }

  #onNotFull(): void {
    if (this.#isFullTold) this.#log.info('dead letters have room again')
    this.#isFullTold = false
  }

  #remove(file: LetterFile, letters: readonly Kept[]): Promise<void> {
    const removal = this.#removals.get(file) ?? newRemoval()
    this.#removals.set(file, removal)
    for (const { number } of letters) removal.numbers.add(number)
    this.#work()
    return removal.ended
  }

  /** Nobody waits for it; when the disk fails, the next start finds it again. */
  #removeSuperseded(letter: Kept): void {
    this.#remove(letter.file, [letter]).catch(() => {})
  }

  #work(): void {
    this.#working ??= this.#workOn()
  }

  /** One operation after the other, additions and removals in turns. */
  async #workOn(): Promise<void> {
    // What is added in the same turn belongs to the same group.
    await Promise.resolve()
    while (this.#additions.length > 0 || this.#removals.size > 0) {
      if (this.#additions.length > 0) await this.#write(this.#fileForMore(), this.#nextGroup())
      const [file] = this.#removals.keys()
      if (file !== undefined) await this.#write(file, [])
    }
    this.#working = null
  }

  #fileForMore(): LetterFile {
    if (this.#newest === null || this.#newest.sizeBytes >= FILE_BYTES) {
      this.#newest = this.#shelf.newFile()
    }
    return this.#newest
  }

  #nextGroup(): readonly Addition[] {
    let bytes = 0
    const isBeyond = ({ sizeBytes }: Addition, index: number) => {
      bytes += sizeBytes
      return index > 0 && bytes > GROUP_BYTES
    }
    const end = this.#additions.findIndex(isBeyond)
    const group = end === -1 ? this.#additions : this.#additions.slice(0, end)
    this.#additions = end === -1 ? [] : this.#additions.slice(end)
    return group
  }

  /** Writes a file with these letters more and without those that are to go. */
  async #write(file: LetterFile, additions: readonly Addition[]): Promise<void> {
    const removal = this.#removals.get(file) ?? newRemoval()
    this.#removals.delete(file)
    try {
      const added = additions.map(({ letter }) => letter)
      const there = await this.#shelf.rewrite(file, { gone: removal.numbers, added })
      const goneCount = this.#index.keepOnly(file, there)
      this.#onWritten(file, additions, goneCount)
      removal.end(null)
    } catch (error) {
      this.#onFailed(error as Error, additions)
      removal.end(error as Error)
    }
  }

  #onWritten(file: LetterFile, additions: readonly Addition[], goneCount: number): void {
    const failed = this.#failedCount
    this.#failedCount = 0
    if (failed > 0) this.#log.info('dead letters can be written again', { failed })
    for (const { letter } of additions) {
      const before = this.#index.add(letter, file)
      if (before !== null) this.#removeSuperseded(before)
      this.#keptLine.add(letter)
    }
    this.#leave(additions)
    const wasFull = this.#state === 'full'
    if (!wasFull) {
      this.#state = 'ok'
      this.#onNotFull()
    }
    for (const { done } of additions) done(true)
    if (wasFull && goneCount > 0) this.#tellRoom()
  }

  #onFailed({ message }: Error, additions: readonly Addition[]): void {
    // Each record that dies tries it anew: on a bad day a hundred times a second.
    if (this.#failedCount++ === 0) {
      this.#log.error('dead letters cannot be written; it is tried again', { reason: message })
    }
    this.#leave(additions)
    this.#state = 'disk-failed'
    for (const { done } of additions) done(false)
    if (this.#isClosed) return
    this.#timer ??= this.#clock.schedule(this.#clock.monotonicMs() + TRY_AGAIN_MS, () => {
      this.#timer = null
      this.#tellRoom()
    })
  }

  #leave(additions: readonly Addition[]): void {
    this.#comingCount -= additions.length
    for (const { sizeBytes } of additions) this.#comingBytes -= sizeBytes
  }

  #tellRoom(): void {
    if (this.#state === 'full') this.#state = 'ok'
    if (this.#failedCount === 0) this.#onNotFull()
    for (const told of this.#listeners) told()
  }
}

function newRemoval(): Removal {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const end = (error: Error | null) => (error === null ? resolve() : reject(error))
  // Most are not waited for; those who wait see the failure.
  promise.catch(() => {})
  return { numbers: new Set(), ended: promise, end }
}
