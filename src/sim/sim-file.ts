// One file of the simulated disk: what a reader sees, and what power loss would leave of it.
//
//   0 ........ syncedBytes ........ dataBytes ........ sizeBytes
//   durable    | each sector       | zeros that were written to be written over; durable or not
//              | of 512 bytes may
//              | survive or not, and the last one may be torn

import { Content } from '../host/index.ts'
import type { SimRandom } from './sim-random.ts'

export const SECTOR_BYTES = 512

export class SimFile {
  #content = new Content()
  #syncedBytes = 0
  /** Zeros behind the data end here, and there when power is lost; less than the data is none. */
  #reservedEnd = 0
  #durableReservedEnd = 0
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

  /** Writes zeros behind the data. */
  reserve(bytes: number): void {
    this.#reservedEnd = Math.max(this.#reservedEnd, this.dataBytes + bytes)
  }

  /** Cuts them off; without a sync they may come back. */
  dropReserve(): void {
    this.#reservedEnd = 0
  }

  /** From now on the zeros are data as any other: a new process does not know them apart. */
  forgetReserve(): void {
    this.#content.append(Buffer.alloc(this.sizeBytes - this.dataBytes))
  }

  append(bytes: Uint8Array): void {
    this.#content.append(bytes)
  }

  read(position: number, lengthBytes: number): Buffer {
    return this.#content.read(position, lengthBytes)
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
    this.#reservedEnd = 0
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
    const before = this.#content.read(0, this.dataBytes)
    const uncut = random.below(2) === 0 ? this.#cuts : []
    const ends = uncut.map(({ at, bytes }) => at + bytes.length)
    const survivors = survivingRanges(this.#syncedBytes, before.length, random, keepsPerMille)
    const endAt = survivors.at(-1)?.to ?? 0
    const lengthBytes = Math.max(this.#syncedBytes, endAt, this.#durableReservedEnd, ...ends)
    const after = Buffer.alloc(lengthBytes)
    before.copy(after, 0, 0, this.#syncedBytes)
    for (const { at, bytes, durableBytes } of uncut) {
      bytes.copy(after, at, 0, durableBytes)
      const end = at + bytes.length
      for (const { from, to } of survivingRanges(at + durableBytes, end, random, keepsPerMille)) {
        bytes.copy(after, from, from - at, to - at)
      }
    }
    for (const { from, to } of survivors) before.copy(after, from, from, to)
    for (const { from, to } of this.#dropped)
      loseSectors(after, { from, to }, random, keepsPerMille)
    this.#content = new Content()
    this.#content.append(after)
    // Whatever the machine finds when it starts again has been read from the medium.
    this.#syncedBytes = after.length
    this.#reservedEnd = 0
    this.#durableReservedEnd = 0
    this.#cuts = []
    this.#dropped = []
  }
}

/** Bytes that were cut off at `at`; the first `durableBytes` of them were synced. */
interface Cut {
  readonly at: number
  readonly bytes: Buffer
  readonly durableBytes: number
}

/** Zeros stand where a sector of the range did not reach the medium. */
function loseSectors(
  bytes: Buffer,
  { from, to }: Range,
  random: SimRandom,
  keepsPerMille: number,
): void {
  let kept = Math.min(from, bytes.length)
  const end = Math.min(to, bytes.length)
  for (const range of survivingRanges(from, end, random, keepsPerMille)) {
    bytes.fill(0, kept, range.from)
    kept = range.to
  }
  bytes.fill(0, kept, end)
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
