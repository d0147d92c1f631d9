// What the producer holds of the spool's records, in all and for each lane: a lane is a shard, or a
// stream whose shards are not known. A lane has a part of the window and no more, so that one that
// is full does not hold up the others. Whatever of it comes then waits on the disk: the lane is
// behind, from a place on.

import type { SpoolLine } from './front.ts'
import type { RefusedStreams } from './refused-streams.ts'

/** A frame of a segment, by the segment's number and the frame's position. */
export interface SpoolPlace {
  readonly number: number
  readonly position: number
}

export function isBefore(a: SpoolPlace, b: SpoolPlace): boolean {
  return a.number < b.number || (a.number === b.number && a.position < b.position)
}

/** A lane's part of the window: at most the first of these, at least the second. */
const PART_MAX_DIVISOR = 16
const PART_MIN_DIVISOR = 256

export interface LanesConfig {
  readonly windowBytes: number
  readonly freshSharePercent: number
}

export class Lane {
  readonly number: number
  readonly stream: string
  heldBytes = 0
  /** Of them those that overtook what waits on the disk. */
  freshBytes = 0
  /** Nothing of the lane waits on the disk before this place; null when nothing does at all. */
  behindAt: SpoolPlace | null
  /** The last pass in which it was full. */
  leftPass = 0

  constructor(number: number, stream: string, behindAt: SpoolPlace | null) {
    this.number = number
    this.stream = stream
    this.behindAt = behindAt
  }
}

export class Lanes {
  readonly #config: LanesConfig
  readonly #line: SpoolLine
  readonly #refused: RefusedStreams | null
  #lanes = new Map<number, Lane>()
  /** Where lanes are behind of which nothing is known yet. */
  strangersAt: SpoolPlace | null
  usedBytes = 0
  usedCount = 0
  /** The window was full, and has not been freed enough since. */
  #isBlocked = false

  constructor(
    config: LanesConfig,
    line: SpoolLine,
    refused: RefusedStreams | null,
    strangersAt: SpoolPlace | null,
  ) {
    this.#config = config
    this.#line = line
    this.#refused = refused
    this.strangersAt = strangersAt
  }

  get partBytes(): number {
    const { windowBytes } = this.#config
    const fair = windowBytes / Math.max(1, this.#lanes.size)
    return Math.max(windowBytes / PART_MIN_DIVISOR, Math.min(windowBytes / PART_MAX_DIVISOR, fair))
  }

  /** The lane of a record that is about to be handed on. */
  of(record: Parameters<SpoolLine['laneOf']>[0]): Lane {
    const number = this.#line.laneOf(record)
    const known = this.#lanes.get(number)
    if (known !== undefined) return known
    const lane = new Lane(number, record.stream, this.strangersAt)
    this.#lanes.set(number, lane)
    return lane
  }

  /** One more record may be handed on; it may go over the edge. */
  hasRoom(lane: Lane): boolean {
    return lane.heldBytes < this.#partOf(lane, this.partBytes) && this.#hasWindow()
  }

  /** As `hasRoom`, for a record that overtakes others of its lane. */
  hasFreshRoom(lane: Lane): boolean {
    if (this.#turnOf(lane) !== null) return false
    const freshBytes = (this.partBytes * this.#config.freshSharePercent) / 100
    return lane.freshBytes < freshBytes && this.#hasWindow()
  }

  get isBlocked(): boolean {
    return this.#isBlocked
  }

  take(lane: Lane, bytes: number, isFresh: boolean): void {
    lane.heldBytes += bytes
    if (isFresh) lane.freshBytes += bytes
    this.usedBytes += bytes
    this.usedCount++
  }

  /** True when what waits on the disk may have room now. */
  release(lane: Lane, bytes: number, isFresh: boolean): boolean {
    lane.heldBytes -= bytes
    if (isFresh) lane.freshBytes -= bytes
    this.usedBytes -= bytes
    this.usedCount--
    if (lane.behindAt === null && lane.heldBytes === 0) this.#forget(lane)
    const wasBlocked = this.#isBlocked
    // An eighth, so that reading goes on for a while.
    if (wasBlocked && this.usedBytes <= (this.#config.windowBytes * 7) / 8) this.#isBlocked = false
    if (wasBlocked) return !this.#isBlocked
    return lane.behindAt !== null && lane.heldBytes <= this.partBytes / 2
  }

  /** The first place from which something can be handed on; null when there is none. */
  startOfPass(): SpoolPlace | null {
    if (this.#isBlocked) return null
    let start = this.strangersAt
    const { partBytes } = this
    for (const lane of this.#lanes.values()) {
      const { behindAt, heldBytes } = lane
      if (behindAt === null) continue
      const mayBytes = this.#partOf(lane, partBytes)
      if (mayBytes === 0 || heldBytes > mayBytes / 2) continue
      if (start === null || isBefore(behindAt, start)) start = behindAt
    }
    return start
  }

  /** Whether a pass that has come to `at` still has somebody to serve. */
  isPassWanted(pass: number, start: SpoolPlace, at: SpoolPlace): boolean {
    if (this.#isBlocked) return false
    const isJoined = (behindAt: SpoolPlace | null) =>
      behindAt !== null && !isBefore(behindAt, start) && !isBefore(at, behindAt)
    if (isJoined(this.strangersAt)) return true
    const { partBytes } = this
    for (const lane of this.#lanes.values()) {
      if (lane.leftPass === pass || !isJoined(lane.behindAt)) continue
      if (lane.heldBytes < this.#partOf(lane, partBytes)) return true
    }
    return false
  }

  /** A pass from `start` has ended before `end`, or (null) with nothing left behind it. */
  endPass(pass: number, start: SpoolPlace, end: SpoolPlace | null): void {
    const moved = (behindAt: SpoolPlace | null) => {
      if (behindAt === null || isBefore(behindAt, start)) return behindAt
      return end === null || isBefore(behindAt, end) ? end : behindAt
    }
    this.strangersAt = moved(this.strangersAt)
    for (const lane of this.#lanes.values()) {
      if (lane.leftPass === pass) continue
      lane.behindAt = moved(lane.behindAt)
      if (lane.behindAt === null && lane.heldBytes === 0) this.#forget(lane)
    }
  }

  /** A record that was handed on waits on the disk again, there; its lane leaves the pass. */
  giveBack(record: Parameters<SpoolLine['laneOf']>[0], place: SpoolPlace, pass: number): void {
    const lane = this.of(record)
    if (lane.behindAt === null || isBefore(place, lane.behindAt)) lane.behindAt = place
    lane.leftPass = pass
  }

  /** Records may belong to other lanes now; from this place on nothing is known of them. */
  reset(strangersAt: SpoolPlace | null): void {
    this.#lanes = new Map()
    this.strangersAt = strangersAt
  }

  /** What a lane may hold; where the stream refuses all, one record or none. */
  #partOf(lane: Lane, partBytes: number): number {
    const turn = this.#turnOf(lane)
    if (turn === null) return partBytes
    return turn === 'try' ? 1 : 0
  }

  #turnOf({ stream }: Lane): 'rest' | 'try' | null {
    return this.#refused?.turnOf(stream) ?? null
  }

  #hasWindow(): boolean {
    if (this.usedBytes >= this.#config.windowBytes) this.#isBlocked = true
    return !this.#isBlocked
  }

  #forget(lane: Lane): void {
    if (this.#lanes.get(lane.number) === lane) this.#lanes.delete(lane.number)
  }
}
