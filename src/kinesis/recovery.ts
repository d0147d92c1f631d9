// What a shard's files tell after a start. Only the last segment is read then, up to its torn end,
// which is cut: so a start takes as long as one segment, however many there are. The others are
// read when somebody first uses them. Each frame is checked. Damage is stepped over and reported:
// one bad block must cost the records in it and no others.

import type { Disk, Log, LogFile } from '../host/index.ts'
import { arrivalAt, CUT, counterAt, DAMAGED, FRAME_HEAD_BYTES, FRAME_MAX_BYTES } from './frame.ts'
import { FrameWindow } from './frame-window.ts'
import { parseSegmentName, Segment } from './segment.ts'

/**
 * A counter that is further ahead of its predecessor is no counter but damage that looks like one.
 */
const COUNTER_GAP_MAX = 2 ** 34

/**
 * More counters than one segment can hold, with the gaps of all starts that were appended to it.
 */
const SEGMENT_COUNTERS_MAX = 2 ** 40

export interface Recovery {
  /** Oldest first. */
  readonly segments: Segment[]
  /**
   * Some bytes of the last one could not be read: counters may have been given out that we do not
   * see.
   */
  readonly isDamaged: boolean
  /** The last segment ends where its readable bytes end, so it can be appended to. */
  readonly canAppend: boolean
}

export interface RecoveryClock {
  readonly monotonicMs: number
  readonly wallMs: number
}

/** Finds the segments on the disk, which is the shard's own part of it. */
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
  const segments = places.map((place) => new Segment(...place, now.monotonicMs))
  const last = segments.pop()
  if (last === undefined) return { segments, isDamaged: false, canAppend: false }
  let maxArrivalAtMs = 0
  for (const [index, segment] of segments.entries()) {
    const next = segments[index + 1] ?? last
    // What came before the next one was begun, came before the next one's first record. The latest
    // of all of them, because the wall clock may have been set back in between.
    const firstArrivalAtMs = (await firstArrivalIn(disk, next)) ?? now.wallMs
    maxArrivalAtMs = Math.max(maxArrivalAtMs, firstArrivalAtMs)
    const endCounter = next.firstCounter
    segment.surveyLater(surveyOf(segment, endCounter, log), { endCounter, maxArrivalAtMs })
  }
  const outcome = await recoverLast(disk, last, now, log)
  segments.push(last)
  for (const segment of segments) {
    segment.lastAppendAtMs = now.monotonicMs - Math.max(0, now.wallMs - segment.maxArrivalAtMs)
  }
  return { segments, ...outcome }
}

async function recoverLast(
  disk: Disk,
  last: Segment,
  now: RecoveryClock,
  log: Log,
): Promise<ScanOutcome> {
  try {
    return await last.use(disk, (file) =>
      new SegmentScan(last, Number.POSITIVE_INFINITY, log).run(file, true),
    )
  } catch (error) {
    const { name: segment } = last
    const { message: reason } = error as Error
    log.error('the last segment of a shard cannot be read now; it is tried again', {
      segment,
      reason,
    })
    // It may be full all the same, and what is put now must come behind all that it holds.
    const endCounter = last.firstCounter + SEGMENT_COUNTERS_MAX
    last.surveyLater(surveyOf(last, endCounter, log), { endCounter, maxArrivalAtMs: now.wallMs })
    return { isDamaged: true, canAppend: false }
  }
}

/** Null when the segment is empty, or cannot be read. */
async function firstArrivalIn(disk: Disk, { name }: Segment): Promise<number | null> {
  try {
    const file = await disk.open(name)
    try {
      const window = new FrameWindow(file, file.sizeBytes())
      await window.load(0, FRAME_HEAD_BYTES)
      if (window.frameEnd(0) === CUT) await window.load(0, FRAME_HEAD_BYTES)
      return window.frameEnd(0) > 0 ? arrivalAt(window.buffer, 0) : null
    } finally {
      await file.close()
    }
  } catch {
    return null
  }
}

function surveyOf(
  { generation, firstCounter, createdAtMs }: Segment,
  endCounter: number,
  log: Log,
) {
  return async (file: LogFile): Promise<Segment> => {
    const found = new Segment(generation, firstCounter, createdAtMs)
    await new SegmentScan(found, endCounter, log).run(file, false)
    return found
  }
}

interface ScanOutcome {
  readonly isDamaged: boolean
  readonly canAppend: boolean
}

/** Reads a whole file and enters what it holds into a segment. */
class SegmentScan {
  readonly #segment: Segment
  readonly #endCounter: number
  readonly #log: Log

  /** Frames from `endCounter` on are not part of the segment. */
  constructor(segment: Segment, endCounter: number, log: Log) {
    this.#segment = segment
    this.#endCounter = endCounter
    this.#log = log
  }

  async run(file: LogFile, isLast: boolean): Promise<ScanOutcome> {
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
