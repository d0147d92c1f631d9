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
  /** Durable bytes that a truncation took away and no sync has confirmed gone. */
  #cutTail: Buffer | null = null
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
    if (sizeBytes < this.#syncedBytes) {
      const tail = this.#content.read(sizeBytes, this.#syncedBytes - sizeBytes)
      // What an earlier cut took is longer away still; the one in front of it comes back first.
      this.#cutTail = this.#cutTail === null ? tail : Buffer.concat([tail, this.#cutTail])
      this.#syncedBytes = sizeBytes
    }
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
      this.#cutTail = null
    }
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
    const base = this.#baseAfterPowerLoss(before, random)
    const survivors = survivingRanges(this.#syncedBytes, before.length, random, keepsPerMille)
    const endAt = survivors.at(-1)?.to ?? 0
    const after = Buffer.alloc(Math.max(base.length, endAt, this.#durableReservedEnd))
    base.copy(after)
    for (const { from, to } of survivors) before.copy(after, from, from, to)
    this.#content = new Content()
    this.#content.append(after)
    // Whatever the machine finds when it starts again has been read from the medium.
    this.#syncedBytes = after.length
    this.#reservedEnd = 0
    this.#durableReservedEnd = 0
    this.#cutTail = null
  }

  #baseAfterPowerLoss(before: Buffer, random: SimRandom): Buffer {
    const durable = before.subarray(0, this.#syncedBytes)
    const isCutUndone = this.#cutTail !== null && random.below(2) === 0
    return isCutUndone ? Buffer.concat([durable, this.#cutTail!]) : durable
  }
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
