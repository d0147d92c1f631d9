// Transactions that go to the disk together: their frames, one behind the other in one buffer.

import { FRAME_HEAD_BYTES, sealFrame, WRITE_MAX_BYTES } from './frame.ts'
import { LOG_HEADER_BYTES, logHeaderOf } from './log-header.ts'
import type { Segment } from './segment.ts'
import type { SpoolRecord, Transaction } from './transaction.ts'
import { encodeTransaction } from './transaction-code.ts'

const BUFFER_MAX_BYTES = WRITE_MAX_BYTES + LOG_HEADER_BYTES

/** A transaction on its way to the disk, and where it is once it belongs to a group. */
export class Entry {
  readonly transaction: Transaction
  /** For the time after it is told: then the transaction may let go of them. */
  readonly records: readonly SpoolRecord[]
  readonly frameBytes: number
  readonly arrivedAtMs: number
  /** With what follows: written by `encode`. */
  segment!: Segment
  position = 0
  firstOrdinal = 0

  get end(): number {
    return this.position + this.frameBytes
  }

  get count(): number {
    return this.records.length
  }

  constructor(transaction: Transaction, frameBytes: number, arrivedAtMs: number) {
    this.transaction = transaction
    this.records = transaction.records
    this.frameBytes = frameBytes
    this.arrivedAtMs = arrivedAtMs
  }
}

export class GroupEncoder {
  /** It grows with the groups, and each is put together in it: one at a time. */
  #buffer: Buffer = Buffer.alloc(0)

  /** The bytes to append to the segment; they are good until the next call. */
  encode(group: readonly Entry[], segment: Segment, nowMs: number): Buffer {
    const { marker } = segment
    const start = segment.logBytes
    const headerBytes = start === 0 ? LOG_HEADER_BYTES : 0
    let totalBytes = headerBytes
    for (const { frameBytes } of group) totalBytes += frameBytes
    const buffer = this.#bufferOf(totalBytes)
    if (headerBytes > 0) logHeaderOf(marker, nowMs).copy(buffer)
    let at = headerBytes
    let firstOrdinal = segment.recordCount
    for (const entry of group) {
      entry.segment = segment
      entry.position = start + at
      entry.firstOrdinal = firstOrdinal
      const end = encodeTransaction(buffer, at + FRAME_HEAD_BYTES, entry.transaction, entry)
      sealFrame(buffer, { at, end }, marker, entry.position)
      firstOrdinal += entry.records.length
      at = end
    }
    return buffer.subarray(0, totalBytes)
  }

  #bufferOf(bytes: number): Buffer {
    if (bytes <= this.#buffer.length) return this.#buffer
    // What is larger than a group goes alone, and is rare.
    if (bytes > BUFFER_MAX_BYTES) return Buffer.allocUnsafeSlow(bytes)
    this.#buffer = Buffer.allocUnsafeSlow(Math.min(2 * bytes, BUFFER_MAX_BYTES))
    return this.#buffer
  }
}
