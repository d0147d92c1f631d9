// A record on the disk. Whole numbers are big-endian; the checksum covers everything behind it, and
// is seeded with the length, so that a wrong length is a wrong checksum.
//
//    0        4        8                16               24       26         26+k       8+length
//    ┌────────┬────────┬────────────────┬────────────────┬────────┬──────────┬────────────┐
//    │ length │ crc-32 │ counter        │ arrival, ms    │ k      │ key      │ data       │
//    │ u32    │ u32    │ u64            │ u64            │ u16    │ k bytes  │ the rest   │
//    └────────┴────────┴────────────────┴────────────────┴────────┴──────────┴────────────┘
//                      └──────────────────── length bytes ──────────────────────────────┘
//
// The key is UTF-8. The counter is the one in the record's sequence number; it rises from frame to
// frame, through all segments of a shard.

import { crc32 } from 'node:zlib'
import { PARTITION_KEY_MAX_CHARACTERS, RECORD_MAX_BYTES } from '../wire/index.ts'

export const FRAME_HEAD_BYTES = 26
const PREFIX_BYTES = 8
const WORD = 2 ** 32

/** A character takes at most four bytes of UTF-8. */
const KEY_MAX_BYTES = PARTITION_KEY_MAX_CHARACTERS * 4

/**
 * Longer than any frame can be: the key counts in the record's size, but a sentinel may be roomy.
 */
export const FRAME_MAX_BYTES = FRAME_HEAD_BYTES + KEY_MAX_BYTES + RECORD_MAX_BYTES

export interface FrameHead {
  readonly counter: number
  readonly arrivalAtMs: number
  readonly keyBytes: number
}

/** Completes the frame at `at`, whose key and data are already in their places up to `end`. */
export function sealFrame(buffer: Buffer, at: number, end: number, head: FrameHead): void {
  const length = end - at - PREFIX_BYTES
  buffer.writeUInt32BE(length, at)
  writeU64(buffer, head.counter, at + 8)
  writeU64(buffer, head.arrivalAtMs, at + 16)
  buffer.writeUInt16BE(head.keyBytes, at + 24)
  buffer.writeUInt32BE(crc32(buffer.subarray(at + PREFIX_BYTES, end), length), at + 4)
}

/** What `frameEnd` gives when the frame goes on behind the bytes at hand. */
export const CUT = 0
/** What `frameEnd` gives when there is no frame. */
export const DAMAGED = -1

/** Where the frame at `at` ends, checksum verified; or `CUT`, or `DAMAGED`. */
export function frameEnd(buffer: Buffer, at: number): number {
  if (buffer.length - at < FRAME_HEAD_BYTES) return CUT
  const end = at + frameBytesAt(buffer, at)
  if (end - at < FRAME_HEAD_BYTES || end - at > FRAME_MAX_BYTES) return DAMAGED
  if (at + FRAME_HEAD_BYTES + keyBytesAt(buffer, at) > end) return DAMAGED
  if (end > buffer.length) return CUT
  const checksum = crc32(buffer.subarray(at + PREFIX_BYTES, end), end - at - PREFIX_BYTES)
  return checksum === buffer.readUInt32BE(at + 4) ? end : DAMAGED
}

/** The size that the frame at `at` claims; its first four bytes must be at hand. */
export function frameBytesAt(buffer: Buffer, at: number): number {
  return PREFIX_BYTES + buffer.readUInt32BE(at)
}

export function counterAt(buffer: Buffer, at: number): number {
  return readU64(buffer, at + 8)
}

export function arrivalAt(buffer: Buffer, at: number): number {
  return readU64(buffer, at + 16)
}

export function keyBytesAt(buffer: Buffer, at: number): number {
  return buffer.readUInt16BE(at + 24)
}

function writeU64(buffer: Buffer, value: number, at: number): void {
  buffer.writeUInt32BE(Math.floor(value / WORD), at)
  buffer.writeUInt32BE(value % WORD, at + 4)
}

function readU64(buffer: Buffer, at: number): number {
  return buffer.readUInt32BE(at) * WORD + buffer.readUInt32BE(at + 4)
}
