// What every record was, and what became of it: the world's memory, kept apart from the line's.

import assert from 'node:assert'
import type { HttpAnswer, NoAnswer } from '../host/index.ts'
import type { RecordResult, UserRecord } from '../record/index.ts'
import { Shelf } from './shelf.ts'
import type { Told } from './told.ts'
import type { World } from './world.ts'

/** Records of one world; drawn worlds stay far below. */
const RECORDS_MAX_COUNT = 1_000_000

/** A PutRecords request that a producer sent. */
export interface SentRequest {
  readonly sentAtMs: number
  readonly entryCount: number
  /** The network delivers it twice without being told to. */
  readonly isDoubled: boolean
  /** Null until the producer has been told how it ended. */
  endedAtMs: number | null
  /** The service itself told of each entry. */
  isAnswered: boolean
  /** What it was told then, of each entry. */
  told: readonly Told[]
}

/** One user record in one request. */
export interface Sending {
  readonly request: SentRequest
  readonly entry: number
  /** Its place among the members of its Kinesis record, and how many these are. */
  readonly member: number
  readonly memberCount: number
}

/** One time that a producer took a record over. A spool hands on again what was not settled. */
export interface Pass {
  /** As the producer got it; null before it did, or when it never will. */
  record: UserRecord | null
  /** Of the producer that got it. */
  shelf: Shelf | null
  /** How many records had entered before it. */
  entryNumber: number
  enteredAtMs: number
  settledAtMs: number
  result: RecordResult | null
  /** The requests that carried it, in order. */
  sendings: Sending[]
  /** The process that had it crashed: nobody will say what became of it. */
  isAbandoned: boolean
}

/** A record, with its last pass. */
export interface BookedRecord extends Pass {
  readonly id: number
  readonly stream: string
  readonly partitionKey: string
  readonly data: Buffer
  /** The passes before the last one. */
  readonly earlier: Pass[]
  /** It came to the gateway over HTTP. */
  readonly isFromClient: boolean
  /** What the client that sent it was told, each time that it did. */
  readonly answers: (HttpAnswer | NoAnswer)[]
  /** The gateway has a spool. */
  isSpooled: boolean
  /** What the gateway gave for it; each is a record of its own in the spool. */
  readonly receipts: Set<string>
  /** A disk failed under it, or a process that had only accepted it ended. */
  mayBeLost: boolean
  /** A disk failed while it was written: it may have come to life again. */
  mayBeWritten: boolean
  /** It was a dead letter, and somebody sent it again. */
  isReplayed: boolean
  /** A process had two copies of it at once: which one is in a request, nobody can tell. */
  hasTwin: boolean
}

/** All passes of a record, the last one at the end. */
export function passesOf(booked: BookedRecord): readonly Pass[] {
  return [...booked.earlier, booked]
}

export interface RecordFields {
  readonly stream: string
  readonly partitionKey: string
  /** How long the data should be, if that is enough for what must be in it. */
  readonly dataBytes: number
  readonly isFromClient: boolean
  /** One more member of the object that the data is. */
  readonly member?: string
}

export class RecordBook {
  readonly #records: BookedRecord[] = []
  #entryCount = 0
  readonly #world: World

  constructor(world: World) {
    this.#world = world
  }

  get records(): readonly BookedRecord[] {
    return this.#records
  }

  /** The next record. Its data is JSON that begins with its number. */
  write({ stream, partitionKey, dataBytes, isFromClient, member }: RecordFields): BookedRecord {
    assert(this.#records.length < RECORDS_MAX_COUNT, 'the book is full')
    const id = this.#records.length
    const booked: BookedRecord = {
      id,
      stream,
      partitionKey,
      data: dataOf(id, dataBytes, member ?? ''),
      record: null,
      shelf: null,
      entryNumber: 0,
      enteredAtMs: 0,
      settledAtMs: 0,
      result: null,
      sendings: [],
      isAbandoned: false,
      earlier: [],
      isFromClient,
      answers: [],
      isSpooled: false,
      receipts: new Set(),
      mayBeLost: false,
      mayBeWritten: false,
      isReplayed: false,
      hasTwin: false,
    }
    this.#records.push(booked)
    return booked
  }

  /** The booked record that begins with this number; throws when none does. */
  find(data: Uint8Array): BookedRecord {
    const head = Buffer.from(data.buffer, data.byteOffset, Math.min(20, data.length))
    const number = /^\{"id":([0-9]+)/.exec(head.toString('latin1'))?.[1]
    const booked = this.#records[Number(number)]
    assert(booked !== undefined, 'there is a record that nobody wrote')
    return booked
  }

  /**
   * Looks over the shoulder of a producer: from here on every record that it takes is followed, and
   * `onSettle` is told of each once it has its result. `isOrdered`: the producer keeps the records
   * of a key in order.
   */
  watch(
    producer: { put(record: UserRecord): void },
    isOrdered: boolean,
    onSettle: (booked: BookedRecord) => void,
  ): Shelf {
    const shelf = new Shelf(isOrdered)
    const put = producer.put.bind(producer)
    producer.put = (record) => {
      this.#enter(record, shelf, onSettle)
      put(record)
    }
    return shelf
  }

  /** Its first copy stays the last pass; of this one is written down what becomes of it. */
  #enterTwin(booked: BookedRecord, record: UserRecord, shelf: Shelf): void {
    const pass: Pass = {
      record,
      shelf,
      entryNumber: this.#entryCount++,
      enteredAtMs: this.#world.nowMs,
      settledAtMs: 0,
      result: null,
      sendings: [],
      isAbandoned: false,
    }
    booked.earlier.push(pass)
    booked.hasTwin = true
    shelf.enterTwin(booked, pass)
    const settle = record.settle.bind(record)
    record.settle = (result) => {
      this.#world.guard(() => checkPass(booked.id, pass))
      if (pass.result !== null) return
      pass.result = result
      pass.settledAtMs = this.#world.nowMs
      shelf.leaveTwin(booked, pass)
      settle(result)
    }
  }

  #enter(record: UserRecord, shelf: Shelf, onSettle: (booked: BookedRecord) => void): void {
    const booked = this.find(record.data)
    if (booked.record !== null) {
      assert(booked.isSpooled, `record ${booked.id} was put twice`)
      // With two receipts it is in the spool twice, and that is looked at where they are given.
      const mayBeTwice = booked.receipts.size >= 2 || booked.mayBeWritten || mayGoAgain(booked)
      const isTwice = shelf.has(booked) && !mayBeTwice
      this.#world.guard(() => {
        assert(!isTwice, `record ${booked.id} was put twice by one process`)
      })
      if (shelf.isOutstanding(booked)) return this.#enterTwin(booked, record, shelf)
      beginPass(booked)
    }
    booked.record = record
    booked.enteredAtMs = this.#world.nowMs
    booked.shelf = shelf
    booked.entryNumber = this.#entryCount++
    shelf.enter(booked)
    const settle = record.settle.bind(record)
    record.settle = (result) => {
      this.#world.guard(() => checkSettlement(booked, record))
      if (booked.result !== null || booked.record !== record) return
      booked.result = result
      booked.settledAtMs = this.#world.nowMs
      shelf.leave(booked)
      onSettle(booked)
      settle(result)
    }
  }
}

/** It failed and waited in the spool for room among the dead letters, or was one of them. */
function mayGoAgain({ isReplayed, result }: BookedRecord): boolean {
  return isReplayed || result?.isDelivered === false
}

function beginPass(booked: BookedRecord): void {
  const { record, shelf, entryNumber, enteredAtMs, settledAtMs, result, sendings, isAbandoned } =
    booked
  const instants = { entryNumber, enteredAtMs, settledAtMs }
  booked.earlier.push({ record, shelf, ...instants, result, sendings, isAbandoned })
  booked.result = null
  booked.settledAtMs = 0
  booked.sendings = []
  booked.isAbandoned = false
}

function checkSettlement(booked: BookedRecord, record: UserRecord): void {
  const { id } = booked
  assert(booked.record === record, `record ${id} settled, and was put again since`)
  checkPass(id, booked)
}

function checkPass(id: number, { result, isAbandoned }: Pass): void {
  assert(result === null, `record ${id} settled twice`)
  assert(!isAbandoned, `record ${id} settled after its process had ended`)
}

function dataOf(id: number, dataBytes: number, member: string): Buffer {
  const head = `{"id":${id},"text":"`
  const tail = member === '' ? '"}' : `",${member}}`
  const restBytes = Math.max(0, dataBytes - head.length - Buffer.byteLength(tail))
  // No two records have the same text, and none is the same all through.
  return Buffer.from(
    head + 'abcdefghijklmnopq'.repeat(restBytes / 17 + 1).slice(0, restBytes) + tail,
  )
}
