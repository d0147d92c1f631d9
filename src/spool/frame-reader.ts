// Reads a file of frames from a position on. What is no frame is stepped over, up to the next good
// one, and told: one bad block must cost what is in it and no more.

import type { LogFile } from '../host/index.ts'
import { claimedBytes, FRAME_HEAD_BYTES, isWhole, MARKER_BYTES, WRITE_MAX_BYTES } from './frame.ts'

/** Read at once; a longer frame gets a read of its own. */
export const READ_BYTES = 256 * 1024
/** What cannot be read is stepped over in pieces of this size. */
const BLOCK_BYTES = 4096

export interface FoundFrame {
  readonly kind: 'frame'
  readonly position: number
  readonly end: number
  /** Valid until the next `load`. */
  readonly body: Buffer
}

export interface FoundDamage {
  readonly kind: 'damage'
  readonly position: number
  readonly end: number
  /**
   * No good frame follows. What was there to be written over does not belong to it: zeros at the
   * very end, and everything when zeros stand where a frame would begin. When there is nothing
   * else, `end` is `position`.
   */
  readonly isTail: boolean
}

export type Found = FoundFrame | FoundDamage

const EMPTY = Buffer.alloc(0)

/**
 * Memory that one reader after the other reads into. New memory for each read would be there until
 * the collector comes, some 60 MiB of it.
 */
export class ReadRoom {
  #bytes = EMPTY

  /** For one read: what was read into it before is gone. A long frame's is not kept. */
  of(sizeBytes: number): Buffer {
    if (sizeBytes > READ_BYTES) return Buffer.allocUnsafeSlow(sizeBytes)
    if (this.#bytes.length === 0) this.#bytes = Buffer.allocUnsafeSlow(READ_BYTES)
    return this.#bytes
  }
}

export class FrameReader {
  readonly #file: LogFile
  readonly #marker: Buffer
  readonly #room: ReadRoom
  #buffer: Buffer = EMPTY
  #start = 0
  /** Where the next thing begins. */
  #position: number
  /** Where the next good frame is looked for, when none is at `#position`. */
  #searchAt: number | null = null
  #neededBytes = 0
  /** Behind the last byte of what was searched so far that is not zero. */
  #solidEnd = 0
  /** Nothing behind it can belong to what was torn at `#position`. */
  #tornMaxEnd = 0
  /** Nothing behind it is looked at; it may grow. */
  endPosition: number
  /** Bytes that the disk does not give, which count as damage. */
  unreadableBytes = 0

  constructor(
    file: LogFile,
    marker: Buffer,
    range: { from: number; end: number; room?: ReadRoom },
  ) {
    this.#file = file
    this.#marker = marker
    this.#room = range.room ?? new ReadRoom()
    this.#position = range.from
    this.endPosition = range.end
  }

  get position(): number {
    return this.#position
  }

  get isAtEnd(): boolean {
    return this.#position >= this.endPosition
  }

  /** What comes next; null when `load` is needed first. Not at the end. */
  take(): Found | null {
    if (this.#searchAt !== null) return this.#search(this.#searchAt)
    const end = this.#goodEnd(this.#position)
    if (end === NEEDS_MORE) return null
    if (end === NO_FRAME) {
      this.#solidEnd = this.#position
      this.#tornMaxEnd = this.#position + this.#tornMaxBytes()
      return this.#search(this.#position)
    }
    const position = this.#position
    const at = position - this.#start
    const body = this.#buffer.subarray(at + FRAME_HEAD_BYTES, end - this.#start)
    this.#position = end
    return { kind: 'frame', position, end, body }
  }

  /** Rejects with a `DiskError`. With `isStubborn` what cannot be read counts as damage instead. */
  async load({ isStubborn = false } = {}): Promise<void> {
    const from = this.#searchAt ?? this.#position
    const wantedBytes = Math.min(this.endPosition - from, Math.max(READ_BYTES, this.#neededBytes))
    this.#buffer = isStubborn
      ? await this.#readAround(from, wantedBytes)
      : await this.#file.read(from, wantedBytes, this.#room.of(wantedBytes))
    // Shorter than it was: what is missing can't be read.
    if (this.#buffer.length < wantedBytes) {
      this.unreadableBytes += wantedBytes - this.#buffer.length
      this.#buffer = Buffer.concat([this.#buffer, Buffer.alloc(wantedBytes - this.#buffer.length)])
    }
    this.#start = from
    this.#neededBytes = 0
  }

  #search(from: number): Found | null {
    let searchAt = from
    for (;;) {
      const index = this.#buffer.indexOf(this.#marker, searchAt - this.#start)
      const bufferEnd = this.#start + this.#buffer.length
      if (index === -1) {
        this.#solidEnd = this.#solidEndFrom(searchAt)
        if (bufferEnd >= this.endPosition) return this.#tail()
        this.#searchAt = Math.max(searchAt, bufferEnd - MARKER_BYTES + 1)
        return null
      }
      const candidate = this.#start + index
      const end = this.#goodEnd(candidate)
      if (end === NEEDS_MORE) {
        this.#searchAt = candidate
        return null
      }
      if (end !== NO_FRAME) return this.#damageUpTo(candidate)
      searchAt = candidate + 1
    }
  }

  #damageUpTo(end: number): Found {
    const position = this.#position
    this.#position = end
    this.#searchAt = null
    return { kind: 'damage', position, end, isTail: false }
  }

  #tail(): Found {
    const position = this.#position
    this.#position = this.endPosition
    this.#searchAt = null
    // What the disk did not give stands here as zeros.
    const tornEnd = Math.min(this.#solidEnd, this.#tornMaxEnd)
    const end = this.unreadableBytes > 0 ? this.endPosition : tornEnd
    return { kind: 'damage', position, end, isTail: true }
  }

  #solidEndFrom(position: number): number {
    const from = Math.max(0, position - this.#start)
    const length = this.#buffer.subarray(from).findLastIndex((byte) => byte !== 0) + 1
    return length === 0 ? this.#solidEnd : this.#start + from + length
  }

  /** Of what a write may have left at `#position`, where no good frame is; 0 when it is clear. */
  #tornMaxBytes(): number {
    const at = this.#position - this.#start
    const head = this.#buffer.subarray(at, at + FRAME_HEAD_BYTES)
    if (head.every((byte) => byte === 0)) return 0
    const isHeadWhole = head.length === FRAME_HEAD_BYTES
    const claimed = isHeadWhole ? claimedBytes(head, 0, this.#marker, this.#position) : 0
    return Math.max(claimed, WRITE_MAX_BYTES)
  }

  /** Where the frame at `position` ends; or that none is there; or that more must be at hand. */
  #goodEnd(position: number): number {
    const at = position - this.#start
    const headBytes = Math.min(FRAME_HEAD_BYTES, this.endPosition - position)
    if (at < 0 || at + headBytes > this.#buffer.length) return NEEDS_MORE
    if (headBytes < FRAME_HEAD_BYTES) return NO_FRAME
    const bytes = claimedBytes(this.#buffer, at, this.#marker, position)
    if (bytes === 0 || position + bytes > this.endPosition) return NO_FRAME
    if (at + bytes > this.#buffer.length) {
      this.#neededBytes = bytes
      return NEEDS_MORE
    }
    return isWhole(this.#buffer, at, at + bytes) ? position + bytes : NO_FRAME
  }

  async #readAround(from: number, wantedBytes: number): Promise<Buffer> {
    const buffer = Buffer.alloc(wantedBytes)
    for (let at = 0; at < wantedBytes; at += BLOCK_BYTES) {
      const lengthBytes = Math.min(BLOCK_BYTES, wantedBytes - at)
      try {
        ;(await this.#file.read(from + at, lengthBytes)).copy(buffer, at)
      } catch {
        this.unreadableBytes += lengthBytes
      }
    }
    return buffer
  }
}

const NEEDS_MORE = -1
const NO_FRAME = -2
