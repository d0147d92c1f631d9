// A piece of a segment in memory, moved along as frames are taken from it.

import { DiskError, type LogFile } from '../host/index.ts'
import { CUT, DAMAGED, FRAME_HEAD_BYTES, frameBytesAt, frameEnd } from './frame.ts'

/** Bytes read at once; a longer frame gets a read of its own. */
export const WINDOW_BYTES = 1024 * 1024

const EMPTY = Buffer.alloc(0)

export class FrameWindow {
  /** The bytes at hand; every load makes a new buffer, so views of it stay as they are. */
  buffer: Buffer = EMPTY
  /** The position of the first byte at hand. */
  start = 0
  readonly #file: LogFile
  readonly #endPosition: number

  /** Nothing behind `endPosition` is looked at. */
  constructor(file: LogFile, endPosition: number) {
    this.#file = file
    this.#endPosition = endPosition
  }

  /** Where the frame at `position` ends; `CUT` when `load` would tell, or `DAMAGED`. */
  frameEnd(position: number): number {
    const at = position - this.start
    if (at < 0 || at > this.buffer.length) return CUT
    const end = frameEnd(this.buffer, at)
    if (end > 0) return this.start + end
    return end === CUT && this.#reachesEnd ? DAMAGED : end
  }

  /**
   * Moves the window to `position`, with the whole frame that is said to be there. Rejects with a
   * `DiskError`, also when the file is not as long as it was.
   */
  async load(position: number, atLeastBytes = WINDOW_BYTES): Promise<void> {
    const available = this.#endPosition - position
    const claimed = Math.max(atLeastBytes, this.#claimedBytesAt(position))
    const wantedBytes = Math.min(available, claimed)
    this.buffer = await this.#file.read(position, wantedBytes)
    if (this.buffer.length < wantedBytes) {
      throw new DiskError('EIO', `${this.#file.name} is shorter than it was`)
    }
    this.start = position
  }

  get #reachesEnd(): boolean {
    return this.start + this.buffer.length >= this.#endPosition
  }

  /** The claim has passed `frameEnd`'s check of its range when its head is at hand. */
  #claimedBytesAt(position: number): number {
    const at = position - this.start
    const hasHead = at >= 0 && at + FRAME_HEAD_BYTES <= this.buffer.length
    return hasHead ? frameBytesAt(this.buffer, at) : 0
  }
}
