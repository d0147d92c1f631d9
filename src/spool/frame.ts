// What the spool's files are made of: frames, each with a checksum. Whole numbers are big-endian.
//
//    0                8          12         16         20              20+length
//    ┌────────────────┬──────────┬──────────┬──────────┬───────────────────┐
//    │ marker         │ length   │ position │ crc-32   │ body              │
//    │ 8 bytes        │ u32      │ u32      │ u32      │ length bytes      │
//    └────────────────┴──────────┴──────────┴──────────┴───────────────────┘
//
// The checksum covers length, position and body. The marker is random and the same for all frames
// of a segment; the position is the frame's own in its file. So bytes that a client sent are never
// taken for a frame when the next good one is looked for behind damage: it does not know the
// marker, and a copy of a frame stands at the wrong position.

import { crc32 } from 'node:zlib'

export const FRAME_HEAD_BYTES = 20
export const MARKER_BYTES = 8
const LENGTH_AT = 8
const POSITION_AT = 12
const CRC_AT = 16

/** Bytes of frames that are written together; one that is longer is written alone. */
export const WRITE_MAX_BYTES = 4 * 1024 * 1024
/** Longer than any frame: a transaction, and what is said about its records. */
export const FRAME_MAX_BYTES = 128 * 1024 * 1024

/** Completes the frame in `buffer` at `at`, whose body is in its place up to `end`. */
export function sealFrame(
  buffer: Buffer,
  { at, end }: { at: number; end: number },
  marker: Buffer,
  position: number,
): void {
  marker.copy(buffer, at)
  buffer.writeUInt32BE(end - at - FRAME_HEAD_BYTES, at + LENGTH_AT)
  buffer.writeUInt32BE(position, at + POSITION_AT)
  buffer.writeUInt32BE(checksumOf(buffer, at, end), at + CRC_AT)
}

/** The whole frame around a body. */
export function frameOf(body: Buffer, marker: Buffer, position: number): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_HEAD_BYTES + body.length)
  body.copy(frame, FRAME_HEAD_BYTES)
  sealFrame(frame, { at: 0, end: frame.length }, marker, position)
  return frame
}

/** The size that the frame at `at` claims, or 0 when no frame begins there. The head is at hand. */
export function claimedBytes(buffer: Buffer, at: number, marker: Buffer, position: number): number {
  if (marker.compare(buffer, at, at + MARKER_BYTES) !== 0) return 0
  if (buffer.readUInt32BE(at + POSITION_AT) !== position) return 0
  const bytes = FRAME_HEAD_BYTES + buffer.readUInt32BE(at + LENGTH_AT)
  return bytes <= FRAME_MAX_BYTES ? bytes : 0
}

/** Whether the frame that is at hand from `at` to `end` is what was written. */
export function isWhole(buffer: Buffer, at: number, end: number): boolean {
  return buffer.readUInt32BE(at + CRC_AT) === checksumOf(buffer, at, end)
}

function checksumOf(buffer: Buffer, at: number, end: number): number {
  const head = crc32(buffer.subarray(at + LENGTH_AT, at + CRC_AT))
  return crc32(buffer.subarray(at + FRAME_HEAD_BYTES, end), head)
}
