// Hands records on to the line: straight from memory when nothing of their lane waits before them,
// else from the disk, in passes. One pass at a time reads from the first place of a lane that has
// room on, and hands on what was not yet; a lane that is full leaves the pass and is behind from
// there. So each lane keeps the order of arrival, and none waits for another.

import { type Clock, DiskError, type Log } from '../host/index.ts'
import { type RecordResult, UserRecord } from '../record/index.ts'
import type { SpoolConfig } from './config.ts'
import { type Found, FrameReader, ReadRoom } from './frame-reader.ts'
import type { SpoolLine } from './front.ts'
import { isBefore, type Lane, Lanes, type SpoolPlace } from './lanes.ts'
import type { RefusedStreams } from './refused-streams.ts'
import type { Segment } from './segment.ts'
import type { SegmentTable } from './segment-table.ts'
import type { SpoolRecord } from './transaction.ts'
import { decodeHead, RecordCursor, type TransactionHead } from './transaction-code.ts'

/** What a record in memory takes beside its data. */
const RECORD_OVERHEAD_BYTES = 512
/** Until a file that could not be read is tried again. */
const READ_AGAIN_MS = 1000
/** Reads in a row that fail before what cannot be read counts as damaged. */
const READ_FAILURES_MAX_COUNT = 5

/** A record on its way to the line, or in it: one object, because each record has one. */
export class Handed extends UserRecord {
  readonly origin: Origin
  readonly lane: Lane
  readonly #handOut: HandOut
  /** What it takes of the window, once it is handed on. */
  heldBytes = 0
  /** It overtakes others of its lane. */
  isFresh = false

  constructor(record: SpoolRecord, origin: Origin, handOut: HandOut) {
    const { stream, partitionKey, explicitHashKey, data } = record
    super({ stream, partitionKey, explicitHashKey, data, onSettle: onHandedSettle })
    this.origin = origin
    this.#handOut = handOut
    this.lane = handOut.laneOf(this)
  }

  /** Gives back its room in the window; once. */
  leave(): void {
    this.#handOut.release(this)
  }

  onResult(result: RecordResult): void {
    this.#handOut.settled(this, result)
  }
}

function onHandedSettle(result: RecordResult, record: UserRecord): void {
  ;(record as Handed).onResult(result)
}

export interface HandOutParts {
  readonly clock: Clock
  readonly config: SpoolConfig['spool']
  readonly table: SegmentTable
  readonly line: SpoolLine
  readonly log: Log
  readonly refused: RefusedStreams | null
  readonly onSettled: (handed: Handed, result: RecordResult) => void
  /** What lies there cannot be read back: those of these records are lost that were not taken. */
  readonly onDamage: (segment: Segment, range: Range, ordinals: Ordinals) => void
}

export interface Range {
  readonly position: number
  readonly end: number
}

export interface Ordinals {
  readonly from: number
  readonly to: number
}

/** Where a record is, and since when. */
export interface Origin {
  readonly segment: Segment
  readonly ordinal: number
  readonly position: number
  readonly arrivedAtMs: number
  readonly receipt: string | null
}

export class HandOut {
  readonly #parts: HandOutParts
  readonly #lanes: Lanes
  #pass = 0
  #isPassing = false
  #isStopped = false
  /** Too many records wait for room among the dead letters. */
  #isHeld = false
  #readFailureCount = 0
  /** A read failed, and it is not yet time to try again. */
  #isReadFailing = false
  /** One pass reads at a time. */
  readonly #room = new ReadRoom()
  /** Stepped over, up to a frame that is not read yet. */
  #damage: Range | null = null

  constructor(parts: HandOutParts) {
    this.#parts = parts
    const { config, line, refused, table } = parts
    this.#lanes = new Lanes(config, line, refused, oldestUntaken(table))
    refused?.onTurn(() => this.pump())
    parts.line.onLanesChanged(() => this.startOver())
  }

  get usedBytes(): number {
    return this.#lanes.usedBytes
  }

  get usedCount(): number {
    return this.#lanes.usedCount
  }

  /** A record that has become durable a moment ago. */
  offer(record: SpoolRecord, origin: Origin): void {
    // A pass may have come by before.
    if (this.#isStopped || origin.segment.taken.has(origin.ordinal)) return
    const handed = new Handed(record, origin, this)
    const { lane } = handed
    const isBehind = lane.behindAt !== null
    const canGo = isBehind ? this.#lanes.hasFreshRoom(lane) : this.#lanes.hasRoom(lane)
    if (canGo && !this.#isHeld) return this.#hand(handed, isBehind)
    if (isBehind) return
    lane.behindAt = { number: origin.segment.number, position: origin.position }
  }

  laneOf(record: UserRecord): Lane {
    return this.#lanes.of(record)
  }

  release({ lane, heldBytes, isFresh }: Handed): void {
    if (this.#lanes.release(lane, heldBytes, isFresh)) this.pump()
  }

  settled(handed: Handed, result: RecordResult): void {
    this.#parts.onSettled(handed, result)
  }

  /** A record that was handed on stays in the spool, and goes again later. */
  giveBack(handed: Handed): void {
    const { segment, ordinal, position } = handed.origin
    segment.taken.clear(ordinal)
    this.#lanes.giveBack(handed, { number: segment.number, position }, this.#pass)
    handed.leave()
  }

  /** Nothing is known of any lane from the oldest record on that is not handed on. */
  startOver(): void {
    this.#pass++
    this.#lanes.reset(oldestUntaken(this.#parts.table))
    this.pump()
  }

  /** Hands nothing on until it is to start over. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld
  }

  /** Hands nothing on any more. */
  stop(): void {
    this.#isStopped = true
    this.#pass++
  }

  /** Reads on where somebody has room. */
  pump(): void {
    if (this.#isPassing || this.#isStopped || this.#isHeld || this.#isReadFailing) return
    const start = this.#lanes.startOfPass()
    if (start === null) return
    this.#isPassing = true
    void this.#run(start)
  }

  async #run(start: SpoolPlace): Promise<void> {
    try {
      await this.#read(++this.#pass, start)
      this.#readFailureCount = 0
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      this.#readLater(error)
    }
    this.#isPassing = false
    this.pump()
  }

  async #read(pass: number, start: SpoolPlace): Promise<void> {
    const { table } = this.#parts
    let at = start
    let isStopped = false
    for (let segment = table.from(at.number); segment; segment = table.from(at.number)) {
      if (segment.number !== at.number) at = { number: segment.number, position: 0 }
      if (segment.untakenCount === 0 || at.position >= segment.endPosition) {
        at = { number: segment.number + 1, position: 0 }
        continue
      }
      const stop = await this.#readSegment(segment, { pass, start, at })
      at = stop.at
      isStopped = stop.isStopped
      if (isStopped) break
    }
    // At once after having seen that nothing more is there.
    if (pass === this.#pass) this.#lanes.endPass(pass, start, isStopped ? at : null)
  }

  async #readSegment(segment: Segment, { pass, start, at }: Stretch): Promise<Stop> {
    const { number } = segment
    const file = await segment.log.acquire()
    try {
      const { position: from, ordinal } = segment.startBefore(at.position)
      const range = { from, end: segment.endPosition, room: this.#room }
      const reader = new FrameReader(file, segment.marker, range)
      let endOrdinal = ordinal
      for (;;) {
        const isOld = reader.position < at.position
        const here = isOld ? at : { number, position: reader.position }
        const stop = (isStopped: boolean) => ({ at: here, isStopped })
        if (!this.#goesOn(pass)) return stop(true)
        reader.endPosition = segment.endPosition
        if (reader.isAtEnd) return stop(false)
        const found = reader.take()
        if (found === null) {
          if (!this.#lanes.isPassWanted(pass, start, here)) return stop(true)
          await reader.load({ isStubborn: this.#isStubborn(segment) })
          if (reader.unreadableBytes > 0) segment.isUnreadable = true
          continue
        }
        const frame = this.#frameOf(segment, found, endOrdinal)
        if (frame === null) continue
        endOrdinal = frame.head.firstOrdinal + frame.head.count
        if (isOld) continue
        if (!this.#handFrame(segment, frame, { pass, start })) return stop(true)
      }
    } finally {
      segment.log.release()
    }
  }

  #goesOn(pass: number): boolean {
    return pass === this.#pass && !this.#isHeld
  }

  #isStubborn({ isUnreadable }: Segment): boolean {
    return isUnreadable || this.#readFailureCount >= READ_FAILURES_MAX_COUNT
  }

  /** Null for damage. `endOrdinal` is where the frame before it ends. */
  #frameOf(segment: Segment, found: Found, endOrdinal: number): Frame | null {
    const { onDamage } = this.#parts
    if (found.kind === 'damage') {
      if (found.isTail) onDamage(segment, found, { from: endOrdinal, to: segment.recordCount })
      else this.#damage = found
      return null
    }
    const { position, body } = found
    const head = decodeHead(body)!
    if (this.#damage !== null) {
      onDamage(segment, this.#damage, { from: endOrdinal, to: head.firstOrdinal })
      this.#damage = null
    }
    return { position, body, head }
  }

  /** False when the pass stops before the frame's end. */
  #handFrame(
    segment: Segment,
    { position, body, head }: Frame,
    { pass, start }: { pass: number; start: SpoolPlace },
  ): boolean {
    const here = { number: segment.number, position }
    const endOrdinal = head.firstOrdinal + head.count
    if (segment.taken.firstClear(head.firstOrdinal) >= endOrdinal) return true
    const cursor = new RecordCursor(body, head.recordsAt)
    for (let ordinal = head.firstOrdinal; ordinal < endOrdinal; ordinal++) {
      if (segment.taken.has(ordinal)) {
        cursor.skip()
        continue
      }
      const { dataAt, dataEnd, receipt, arrivedAtMs, ...fields } = cursor.next()
      // A copy: a record that waits long must not hold on to all that was read with it.
      const record = { ...fields, data: Buffer.from(body.subarray(dataAt, dataEnd)) }
      const cameAtMs = arrivedAtMs ?? head.arrivedAtMs
      const origin = { segment, ordinal, position, arrivedAtMs: cameAtMs, receipt }
      const handed = new Handed(record, origin, this)
      const { lane } = handed
      if (lane.leftPass === pass || (lane.behindAt !== null && isBefore(lane.behindAt, start))) {
        continue
      }
      if (this.#lanes.hasRoom(lane)) {
        this.#hand(handed, false)
        // The line may have failed it at once, or told that lanes have changed.
        if (!this.#goesOn(pass)) return false
        continue
      }
      if (this.#lanes.isBlocked) return false
      lane.leftPass = pass
      lane.behindAt = here
    }
    return true
  }

  #hand(handed: Handed, isFresh: boolean): void {
    const { lane, data, partitionKey, origin } = handed
    handed.heldBytes = data.length + partitionKey.length + RECORD_OVERHEAD_BYTES
    handed.isFresh = isFresh
    origin.segment.taken.set(origin.ordinal)
    this.#lanes.take(lane, handed.heldBytes, isFresh)
    this.#parts.line.put(handed)
  }

  #readLater(error: DiskError): void {
    const { clock, log } = this.#parts
    if (this.#readFailureCount++ === 0) {
      log.error('the spool cannot be read now; it is tried again', { reason: error.message })
    }
    this.#isReadFailing = true
    clock.schedule(clock.monotonicMs() + READ_AGAIN_MS, () => {
      this.#isReadFailing = false
      this.pump()
    })
  }
}

interface Frame {
  readonly position: number
  readonly body: Buffer
  readonly head: TransactionHead
}

interface Stretch {
  readonly pass: number
  readonly start: SpoolPlace
  readonly at: SpoolPlace
}

interface Stop {
  readonly at: SpoolPlace
  readonly isStopped: boolean
}

function oldestUntaken(table: SegmentTable): SpoolPlace | null {
  const segment = table.firstUntaken()
  if (segment === undefined) return null
  return { number: segment.number, position: segment.firstUntakenPosition() }
}
