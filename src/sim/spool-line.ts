// A line that takes the spool's records on and settles them in its own time: lanes of different
// speed, failures, and lanes that change.

import assert from 'node:assert'
import type { RecordResult, UserRecord } from '../record/index.ts'
import type { DeadLetter, DeadLetterSink, Spool, SpoolLine } from '../spool/index.ts'
import type { SimProcess } from './machine.ts'
import type { SimRandom } from './sim-random.ts'
import type { BookedRecord, SpoolBook } from './spool-book.ts'
import type { SpoolSettings } from './spool-settings.ts'

export interface SpoolLineParts {
  readonly settings: SpoolSettings
  readonly random: SimRandom
  readonly process: SimProcess
  readonly book: SpoolBook
  readonly life: number
  readonly isAway: () => boolean
  readonly parkedCount: () => number
  readonly isFaulty: () => boolean
  /** Makes the world break with what `look` throws, wherever that is. */
  readonly guard: (look: () => void) => void
}

/** One process on the spool's disk. */
export interface SpoolLife {
  readonly number: number
  readonly startedAtMs: number
  readonly process: SimProcess
  readonly spool: Spool
  readonly line: FakeLine
}

/** What a stream says that refuses everything. */
export const REFUSED_CODE = 'Refused'

const REFUSING_STREAM = 's2'

const CLOSED: RecordResult = {
  isDelivered: false,
  code: 'Closed',
  message: 'The line is closed.',
  mayBeWritten: false,
  attempts: [],
}

export class FakeLine implements SpoolLine {
  readonly #parts: SpoolLineParts
  readonly #freeAtMs = new Map<number, number>()
  /** The last record handed to each lane: order of arrival is the order of the hand-outs. */
  #lastInLane = new Map<number, number>()
  #shift = 0
  #onLanesChanged = () => {}
  #settledCount = 0
  #held = new Set<UserRecord>()
  #isClosed = false
  heldBytes = 0

  constructor(parts: SpoolLineParts) {
    this.#parts = parts
    const { lanesChangeEachMs } = parts.settings
    if (lanesChangeEachMs !== null) this.#changeLater(lanesChangeEachMs)
  }

  /** What was parked goes again, behind what has overtaken it. */
  forgetOrder(): void {
    this.#lastInLane = new Map()
  }

  /** What it holds is not sent any more. */
  close(): void {
    this.#isClosed = true
    const held = this.#held
    this.#held = new Set()
    for (const record of held) {
      this.heldBytes -= record.data.length
      record.settle(CLOSED)
    }
  }

  laneOf({ stream, partitionKey }: UserRecord): number {
    const { laneCount, refusesEachMs } = this.#parts.settings
    let hash = this.#shift
    for (let i = 0; i < partitionKey.length; i++) hash = hash * 31 + partitionKey.charCodeAt(i)
    // Where a stream may refuse all, no lane is of two.
    const isOther = refusesEachMs !== null && stream === REFUSING_STREAM
    return (hash % laneCount) + (isOther ? laneCount : 0)
  }

  onLanesChanged(told: () => void): void {
    this.#onLanesChanged = told
  }

  put(record: UserRecord): void {
    this.#parts.guard(() => this.#take(record))
  }

  #take(record: UserRecord): void {
    const { book, life, process, isAway, settings, parkedCount } = this.#parts
    assert(!this.#isClosed, 'a record was handed to a line that has said that it is closed')
    const { parkedMaxCount } = settings.config.spool
    assert(parkedCount() < parkedMaxCount, 'a record was handed on while too many are parked')
    const booked = book.handed(record, life)
    const lane = this.laneOf(record)
    this.#checkOrder(lane, booked)
    this.heldBytes += record.data.length
    this.#held.add(record)
    if (isAway()) return
    process.schedule(this.#dueAtMs(lane), 'spool line settles', () => {
      if (!this.#held.delete(record)) return
      this.heldBytes -= record.data.length
      record.settle(this.#resultOf(booked, this.laneOf(record)))
    })
  }

  #checkOrder(lane: number, { durableOrder }: BookedRecord): void {
    if (durableOrder === -1 || this.#parts.settings.config.spool.freshSharePercent > 0) return
    const last = this.#lastInLane.get(lane) ?? -1
    assert(durableOrder > last, 'a record of a lane was handed on after a later one')
    this.#lastInLane.set(lane, durableOrder)
  }

  #dueAtMs(lane: number): number {
    const { settings, random, process } = this.#parts
    const nowMs = process.clock.monotonicMs()
    const isSlow = lane < settings.slowLanes && this.#parts.isFaulty()
    if (!isSlow) return nowMs + random.between(0, 20)
    const dueAtMs = Math.max(nowMs, this.#freeAtMs.get(lane) ?? 0) + settings.slowMs
    this.#freeAtMs.set(lane, dueAtMs)
    return dueAtMs
  }

  /** `lane`: where the record belongs by now. */
  #resultOf(booked: BookedRecord, lane: number): RecordResult {
    const { settings, random, book, life, process } = this.#parts
    if (this.#refuses(booked)) {
      booked.mayBeHandedAgain = true
      this.#lastInLane.delete(lane)
      const message = 'Nothing gets in.'
      return {
        isDelivered: false,
        code: REFUSED_CODE,
        message,
        mayBeWritten: false,
        attempts: [],
      }
    }
    if (this.#parts.isFaulty() && random.hits(settings.failPerMille)) {
      const message = 'The line could not deliver it.'
      return { isDelivered: false, code: 'Expired', message, mayBeWritten: false, attempts: [] }
    }
    const sequenceNumber = `${life}${String(this.#settledCount++).padStart(8, '0')}`
    const place = { shardId: 'shardId-000000000000', sequenceNumber, subSequenceNumber: null }
    const nowMs = process.clock.monotonicMs()
    book.settled(booked, { kind: 'delivered', place }, { life, nowMs })
    return { isDelivered: true, place, attempts: [] }
  }

  #refuses({ fields }: BookedRecord): boolean {
    const { settings, process, isFaulty } = this.#parts
    const { refusesEachMs } = settings
    if (refusesEachMs === null || !isFaulty() || fields.stream !== REFUSING_STREAM) return false
    return Math.floor(process.clock.monotonicMs() / refusesEachMs) % 2 === 0
  }

  #changeLater(eachMs: number): void {
    const { process } = this.#parts
    process.schedule(process.clock.monotonicMs() + eachMs, 'spool lanes change', () => {
      if (!this.#parts.isFaulty()) return
      this.#shift++
      this.#lastInLane = new Map()
      this.#onLanesChanged()
      this.#changeLater(eachMs)
    })
  }
}

type LettersParts = Omit<SpoolLineParts, 'isAway' | 'parkedCount'>

/** Dead letters that outlive every crash, and are full at times. */
export class FakeDeadLetters implements DeadLetterSink {
  readonly #parts: LettersParts
  readonly #find: (letter: DeadLetter) => BookedRecord
  #told = () => {}
  /** Records that were not kept: they go again. */
  #refused: BookedRecord[] = []
  onRoomCame = () => {}
  readonly #bornAtMs: number

  constructor(parts: LettersParts, find: (letter: DeadLetter) => BookedRecord) {
    this.#parts = parts
    this.#bornAtMs = parts.process.clock.monotonicMs()
    this.#find = find
  }

  add(letter: DeadLetter, done: (isKept: boolean) => void): void {
    this.#parts.guard(() => this.#add(letter, done))
  }

  #add(letter: DeadLetter, done: (isKept: boolean) => void): void {
    const { settings, random, process, book, life } = this.#parts
    const booked = this.#find(letter)
    const { refusedStreamMaxMs } = settings.config.spool
    const aliveMs = process.clock.monotonicMs() - this.#bornAtMs
    const isDue = letter.code !== REFUSED_CODE || aliveMs >= refusedStreamMaxMs
    assert(isDue, `a stream refuses all, and a record of it failed after ${aliveMs} ms`)
    const isKept = !(this.#parts.isFaulty() && random.hits(settings.deadLettersFullPerMille))
    const { receipt, fields, transaction } = booked
    assert(receipt === null || receipt === letter.receipt, 'a dead letter has another receipt')
    const arrivedAtMs = fields.arrivedAtMs ?? transaction.arrivedAtMs
    assert(letter.arrivedAtMs === arrivedAtMs, 'a dead letter came at another time')
    process.schedule(process.clock.monotonicMs() + 1, 'dead letter', () => {
      const nowMs = process.clock.monotonicMs()
      const { code, message } = letter
      if (isKept) book.settled(booked, { kind: 'dead-lettered', code, message }, { life, nowMs })
      else this.#refuse(booked)
      done(isKept)
    })
  }

  onRoom(told: () => void): void {
    this.#told = told
  }

  #refuse(booked: BookedRecord): void {
    const { process, random } = this.#parts
    if (this.#refused.length === 0) {
      process.schedule(process.clock.monotonicMs() + random.between(2, 50), 'room', () => {
        for (const record of this.#refused) record.mayBeHandedAgain = true
        this.#refused = []
        this.onRoomCame()
        this.#told()
      })
    }
    this.#refused.push(booked)
  }
}
