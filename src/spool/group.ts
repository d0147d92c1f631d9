// Transactions that go to the disk together: their frames, one behind the other in one buffer.

import { FRAME_HEAD_BYTES, sealFrame } from './frame.ts'
import type { Kept } from './kept.ts'
import { LOG_HEADER_BYTES, logHeaderOf } from './log-header.ts'
import type { Segment } from './segment.ts'
import type { Transaction } from './transaction.ts'
import { encodeTransaction } from './transaction-code.ts'

/** Bytes of one group; a transaction that is larger goes alone. */
export const GROUP_MAX_BYTES = 4 * 1024 * 1024
const BUFFER_MAX_BYTES = GROUP_MAX_BYTES + LOG_HEADER_BYTES

/** A transaction that waits for the disk. */
export interface Waiting {
  readonly transaction: Transaction
  readonly frameBytes: number
  readonly arrivedAtMs: number
}

export class GroupEncoder {
  /** It grows with the groups, and each is put together in it: one at a time. */
  #buffer: Buffer = Buffer.alloc(0)

  /** The bytes to append to the segment; they are good until the next call. */
  encode(
    group: readonly Waiting[],
    segment: Segment,
    nowMs: number,
  ): { bytes: Buffer; kept: Kept[] } {
    const { marker } = segment
    const start = segment.logBytes
    const headerBytes = start === 0 ? LOG_HEADER_BYTES : 0
    let totalBytes = headerBytes
    for (const { frameBytes } of group) totalBytes += frameBytes
    const buffer = this.#bufferOf(totalBytes)
    if (headerBytes > 0) logHeaderOf(marker, nowMs).copy(buffer)
    const kept: Kept[] = []
    let at = headerBytes
    let firstOrdinal = segment.recordCount
    for (const { transaction, arrivedAtMs } of group) {
      const origin = { firstOrdinal, arrivedAtMs }
      const end = encodeTransaction(buffer, at + FRAME_HEAD_BYTES, transaction, origin)
      const position = start + at
      sealFrame(buffer, { at, end }, marker, position)
      const { records } = transaction
      kept.push({ transaction, records, segment, position, firstOrdinal, arrivedAtMs })
      firstOrdinal += records.length
      at = end
    }
    return { bytes: buffer.subarray(0, totalBytes), kept }
  }

  #bufferOf(bytes: number): Buffer {
    if (bytes <= this.#buffer.length) return this.#buffer
    // What is larger than a group goes alone, and is rare.
    if (bytes > BUFFER_MAX_BYTES) return Buffer.allocUnsafeSlow(bytes)
    this.#buffer = Buffer.allocUnsafeSlow(Math.min(2 * bytes, BUFFER_MAX_BYTES))
    return this.#buffer
  }
}
