// What a shard's files tell after a start: each frame is checked, the index is built, the torn end
// of the last segment is cut. Damage elsewhere is stepped over and reported: one bad block must
// cost the records in it and no others.

import type { Disk, Log, LogFile } from '../host/index.ts'
import { arrivalAt, CUT, counterAt, DAMAGED, FRAME_HEAD_BYTES, FRAME_MAX_BYTES } from './frame.ts'
import { FrameWindow } from './frame-window.ts'
import { parseSegmentName, Segment } from './segment.ts'

/**
 * A counter that is further ahead of its predecessor is no counter but damage that looks like one.
 */
const COUNTER_GAP_MAX = 2 ** 34

export interface Recovery {
  /** Oldest first. */
  readonly segments: Segment[]
  /** Some bytes could not be read: counters may have been given out that we do not see. */
  readonly isDamaged: boolean
  /** The last segment ends where its readable bytes end, so it can be appended to. */
  readonly canAppend: boolean
}

export interface RecoveryClock {
  readonly monotonicMs: number
  readonly wallMs: number
}

/** Reads all segments on the disk, which is the shard's own part of it. */
export async function recoverSegments(
  disk: Disk,
  names: readonly string[],
  now: RecoveryClock,
  log: Log,
): Promise<Recovery> {
  const places = names
    .map(parseSegmentName)
    .filter((place) => place !== null)
    .sort(([a], [b]) => a - b)
  const segments: Segment[] = []
  let isDamaged = false
  let canAppend = false
  for (const [index, [generation, firstCounter]] of places.entries()) {
    const segment = new Segment(generation, firstCounter, now.monotonicMs)
    const endCounter = places[index + 1]?.[1] ?? Number.POSITIVE_INFINITY
    const scan = new SegmentScan(disk, segment, endCounter, log)
    const outcome = await scan.run(index === places.length - 1)
    isDamaged ||= outcome.isDamaged
    canAppend = outcome.canAppend
    segment.lastAppendAtMs = now.monotonicMs - Math.max(0, now.wallMs - segment.maxArrivalAtMs)
    segments.push(segment)
  }
  return { segments, isDamaged, canAppend }
}

interface ScanOutcome {
  readonly isDamaged: boolean
  readonly canAppend: boolean
}

class SegmentScan {
  readonly #disk: Disk
  readonly #segment: Segment
  readonly #endCounter: number
  readonly #log: Log

  constructor(disk: Disk, segment: Segment, endCounter: number, log: Log) {
    this.#disk = disk
    this.#segment = segment
    this.#endCounter = endCounter
    this.#log = log
  }

  async run(isLast: boolean): Promise<ScanOutcome> {
    const segment = this.#segment
    try {
      return await segment.use(this.#disk, (file) => this.#scan(file, isLast))
    } catch (error) {
      this.#log.error('a segment of a shard cannot be read; what it holds is missing', {
        segment: segment.name,
        reason: (error as Error).message,
      })
      return { isDamaged: true, canAppend: false }
    }
  }

  async #scan(file: LogFile, isLast: boolean): Promise<ScanOutcome> {
    const segment = this.#segment
    const fileBytes = file.sizeBytes()
    const window = new FrameWindow(file, fileBytes)
    let isDamaged = false
    while (segment.sizeBytes < fileBytes) {
      const isGoing = await this.#takeFrames(window)
      if (!isGoing) break
      const next = await this.#findFrame(file, segment.sizeBytes + 1)
      if (next === null) break
      isDamaged = true
      this.#reportHole(segment.sizeBytes, next)
      segment.addHole(next)
    }
    const restBytes = fileBytes - segment.sizeBytes
    if (restBytes === 0) return { isDamaged, canAppend: !isDamaged }
    this.#log.warn('cut the end of a segment, where no whole record stands', {
      segment: segment.name,
      keptBytes: segment.sizeBytes,
      cutBytes: restBytes,
    })
    // Truncated, so that a later start does not take what is appended next for a part of it.
    if (isLast) await file.truncate(segment.sizeBytes)
    return { isDamaged, canAppend: !isDamaged }
  }

  /** Takes frames up to the first bad one; false when what follows is not ours to read. */
  async #takeFrames(window: FrameWindow): Promise<boolean> {
    const segment = this.#segment
    for (;;) {
      const position = segment.sizeBytes
      const end = window.frameEnd(position)
      if (end === DAMAGED) return true
      if (end === CUT) {
        await window.load(position)
        continue
      }
      const at = position - window.start
      const counter = counterAt(window.buffer, at)
      if (counter >= this.#endCounter) return false
      if (counter < segment.endCounter) return true
      segment.add({
        firstCounter: counter,
        lastCounter: counter,
        arrivalAtMs: arrivalAt(window.buffer, at),
        sizeBytes: end - position,
      })
    }
  }

  /** The first place from `from` on where a frame stands that can belong here. */
  async #findFrame(file: LogFile, from: number): Promise<number | null> {
    const fileBytes = file.sizeBytes()
    const window = new FrameWindow(file, fileBytes)
    const candidate = new FrameWindow(file, fileBytes)
    let position = from
    while (position + FRAME_HEAD_BYTES <= fileBytes) {
      await window.load(position)
      const lastStart = window.buffer.length - FRAME_HEAD_BYTES
      for (let at = 0; at <= lastStart; at++, position++) {
        if (!this.#isPlausible(window.buffer, at)) continue
        await candidate.load(position, FRAME_HEAD_BYTES)
        if (candidate.frameEnd(position) === CUT) await candidate.load(position, FRAME_HEAD_BYTES)
        if (candidate.frameEnd(position) > 0) return position
      }
    }
    return null
  }

  /** Cheap, and false for nearly all that is no frame: asked for every byte of a damaged place. */
  #isPlausible(buffer: Buffer, at: number): boolean {
    if (buffer[at] !== 0 || buffer.readUInt32BE(at) > FRAME_MAX_BYTES) return false
    const counter = counterAt(buffer, at)
    const expected = this.#segment.endCounter
    const bound = Math.min(this.#endCounter, expected + COUNTER_GAP_MAX)
    return counter >= expected && counter < bound
  }

  #reportHole(from: number, to: number): void {
    this.#log.error('a segment is damaged; the records in the damaged place are lost', {
      segment: this.#segment.name,
      fromByte: from,
      damagedBytes: to - from,
    })
  }
}
