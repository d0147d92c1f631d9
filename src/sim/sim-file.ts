// One file of the simulated disk: what a reader sees, and what power loss would leave of it.
//
//   0 ........ syncedBytes ........ dataBytes ........ sizeBytes
//   durable    | each sector       | zeros that were written to be written over; durable or not
//              | of 512 bytes may
//              | survive or not, and the last one may be torn
//
// In a renewed file old bytes stand there instead, which have been on the medium for long, and some
// zeros in front of them.

import { CLEAR_BYTES, Content } from '../host/index.ts'
import type { SimRandom } from './sim-random.ts'

export const SECTOR_BYTES = 512
const NOTHING = Buffer.alloc(0)

export class SimFile {
  #content = new Content()
  #syncedBytes = 0
  /** Zeros behind the data end here, and there when power is lost; less than the data is none. */
  #reservedEnd = 0
  #durableReservedEnd = 0
  /** What the medium holds wherever nothing newer has reached it. */
  #old: Buffer = NOTHING
  /** Whether it can be seen behind the data. */
  #isOldSeen = false
  /** Zeros that were written behind the data reach up to here. */
  #clearEnd = 0
  /** What truncations took away and no sync has confirmed gone, oldest first. */
  #cuts: Cut[] = []
  /** What a failed sync dropped: a later one says that all is well, and it is not on the disk. */
  #dropped: Range[] = []
  /** Truncations since the disk was made: a sync confirms only what it saw. */
  #truncateCount = 0

  get sizeBytes(): number {
    return Math.max(this.#content.sizeBytes, this.#reservedEnd)
  }

  /** Without the zeros. */
  get dataBytes(): number {
    return this.#content.sizeBytes
  }

  /** Without zeros that were reserved, with old bytes that are to be written over. */
  get nonZeroBytes(): number {
    return Math.max(this.dataBytes, this.#isOldSeen ? this.#old.length : 0)
  }

  /** Writes zeros behind the data. */
  reserve(bytes: number): void {
    this.#reservedEnd = Math.max(this.#reservedEnd, this.dataBytes + bytes)
  }

  /** An empty file, in which what was in this one is to be written over. */
  renewed(): SimFile {
    const file = new SimFile()
    file.#old = this.#all()
    file.#isOldSeen = true
    file.#reservedEnd = file.#old.length
    file.#durableReservedEnd = file.#old.length
    return file
  }

  /** Another file in which all that can be read of this one is durable. */
  rewritten(): SimFile {
    const file = new SimFile()
    file.append(this.#all())
    file.beginSync()()
    return file
  }

  /** Cuts them off; without a sync they may come back. */
  dropReserve(): void {
    this.#reservedEnd = 0
    this.#isOldSeen = false
  }

  /** From now on that is data as any other: a new process does not know it apart. */
  forgetReserve(): void {
    this.#content.append(this.#all().subarray(this.dataBytes))
  }

  append(bytes: Uint8Array): void {
    this.#content.append(bytes)
    if (this.#isOldSeen) this.#clearEnd = this.dataBytes + CLEAR_BYTES
  }

  /** Of a write that did not end: the zeros behind it are not there. */
  appendPart(bytes: Uint8Array): void {
    this.#content.append(bytes)
  }

  read(position: number, lengthBytes: number, room?: Buffer): Buffer {
    return this.#content.read(position, lengthBytes, room)
  }

  truncate(sizeBytes: number): void {
    if (sizeBytes < this.dataBytes) {
      const bytes = this.#content.read(sizeBytes, this.dataBytes - sizeBytes)
      const durableBytes = Math.max(0, this.#syncedBytes - sizeBytes)
      this.#cuts.push({ at: sizeBytes, bytes, durableBytes })
    }
    this.#syncedBytes = Math.min(this.#syncedBytes, sizeBytes)
    this.#dropped = this.#dropped
      .map(({ from, to }) => ({ from, to: Math.min(to, sizeBytes) }))
      .filter(({ from, to }) => from < to)
    this.#truncateCount++
    this.dropReserve()
    this.#content.truncate(sizeBytes)
  }

  /** What a sync that begins now will have made durable when it ends. */
  beginSync(): () => void {
    const { dataBytes } = this
    const reservedEnd = this.#reservedEnd
    const truncateCount = this.#truncateCount
    return () => {
      if (truncateCount !== this.#truncateCount) return
      this.#syncedBytes = Math.max(this.#syncedBytes, dataBytes)
      this.#durableReservedEnd = reservedEnd
      if (!this.#isOldSeen) this.#old = NOTHING
      this.#cuts = []
    }
  }

  /** A sync failed: what it did not write counts as written from now on. */
  failSync(): void {
    const { dataBytes } = this
    if (this.#syncedBytes < dataBytes)
      this.#dropped.push({ from: this.#syncedBytes, to: dataBytes })
  }

  flip(position: number, bit: number): void {
    const bytes = this.#content.read(0, this.dataBytes)
    bytes[position]! ^= 1 << bit
    this.#content = new Content()
    this.#content.append(bytes)
  }

  /** Forgets what was not synced: each sector survives in `keepsPerMille` of 1000 cases. */
  losePower(random: SimRandom, keepsPerMille: number): void {
    const before = this.#all().subarray(0, Math.max(this.dataBytes, this.#clearEnd))
    const uncut = random.below(2) === 0 ? this.#cuts : []
    const ends = uncut.map(({ at, bytes }) => at + bytes.length)
    const survivors = survivingRanges(this.#syncedBytes, before.length, random, keepsPerMille)
    const endAt = survivors.at(-1)?.to ?? 0
    const lengthBytes = Math.max(this.#syncedBytes, endAt, this.#durableReservedEnd, ...ends)
    const under = Buffer.alloc(lengthBytes)
    this.#old.copy(under)
    const after = Buffer.from(under)
    before.copy(after, 0, 0, this.#syncedBytes)
    // Written with what was synced.
    if (this.#syncedBytes > 0 && this.#old.length > 0) {
      clear(after, this.#syncedBytes, this.#syncedBytes + CLEAR_BYTES)
    }
    for (const { at, bytes, durableBytes } of uncut) {
      bytes.copy(after, at, 0, durableBytes)
      const end = at + bytes.length
      for (const { from, to } of survivingRanges(at + durableBytes, end, random, keepsPerMille)) {
        bytes.copy(after, from, from - at, to - at)
      }
    }
    for (const { from, to } of survivors) before.copy(after, from, from, to)
    for (const { from, to } of this.#dropped) {
      loseSectors(after, under, { from, to }, random, keepsPerMille)
    }
    this.#content = new Content()
    this.#content.append(after)
    // Whatever the machine finds when it starts again has been read from the medium.
    this.#syncedBytes = after.length
    this.dropReserve()
    this.#old = NOTHING
    this.#clearEnd = 0
    this.#durableReservedEnd = 0
    this.#cuts = []
    this.#dropped = []
  }

  /** What a new process reads. */
  #all(): Buffer {
    const bytes = Buffer.alloc(this.sizeBytes)
    if (this.#isOldSeen) this.#old.copy(bytes)
    clear(bytes, this.dataBytes, this.#clearEnd)
    this.#content.read(0, this.dataBytes).copy(bytes)
    return bytes
  }
}

function clear(bytes: Buffer, from: number, to: number): void {
  bytes.subarray(from, to).fill(0)
}

/** Bytes that were cut off at `at`; the first `durableBytes` of them were synced. */
interface Cut {
  readonly at: number
  readonly bytes: Buffer
  readonly durableBytes: number
}

/** What was there before stands where a sector of the range did not reach the medium. */
function loseSectors(
  bytes: Buffer,
  under: Buffer,
  { from, to }: Range,
  random: SimRandom,
  keepsPerMille: number,
): void {
  let kept = Math.min(from, bytes.length)
  const end = Math.min(to, bytes.length)
  for (const range of survivingRanges(from, end, random, keepsPerMille)) {
    under.copy(bytes, kept, kept, range.from)
    kept = range.to
  }
  if (kept < end) under.copy(bytes, kept, kept, end)
}

interface Range {
  readonly from: number
  readonly to: number
}

function survivingRanges(
  fromByte: number,
  toByte: number,
  random: SimRandom,
  keepsPerMille: number,
): Range[] {
  const ranges: Range[] = []
  for (let from = fromByte; from < toByte; ) {
    const to = Math.min(toByte, from + SECTOR_BYTES - (from % SECTOR_BYTES))
    if (random.hits(keepsPerMille)) ranges.push({ from, to })
    from = to
  }
  const last = ranges.pop()
  if (last !== undefined) ranges.push({ from: last.from, to: random.between(last.from, last.to) })
  return ranges
}
