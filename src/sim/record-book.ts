// What every record was, and what became of it: the world's memory, kept apart from the line's.

import assert from 'node:assert'
import type { HttpAnswer, NoAnswer } from '../host/index.ts'
import type { RecordResult, UserRecord } from '../record/index.ts'
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

export interface BookedRecord {
  readonly id: number
  readonly stream: string
  readonly partitionKey: string
  readonly data: Buffer
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
  readonly sendings: Sending[]
  /** The process that had it crashed: nobody will say what became of it. */
  isAbandoned: boolean
  /** It came to the gateway over HTTP. */
  readonly isFromClient: boolean
  /** What the client that sent it was told. */
  answer: HttpAnswer | NoAnswer | null
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
      isFromClient,
      answer: null,
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

  #enter(record: UserRecord, shelf: Shelf, onSettle: (booked: BookedRecord) => void): void {
    const booked = this.find(record.data)
    assert(booked.record === null, `record ${booked.id} was put twice`)
    booked.record = record
    booked.enteredAtMs = this.#world.nowMs
    booked.shelf = shelf
    booked.entryNumber = this.#entryCount++
    shelf.enter(booked)
    const settle = record.settle.bind(record)
    record.settle = (result) => {
      this.#world.guard(() => checkSettlement(booked))
      if (booked.result !== null) return
      booked.result = result
      booked.settledAtMs = this.#world.nowMs
      shelf.leave(booked)
      onSettle(booked)
      settle(result)
    }
  }
}

/** The records of one process, and their counts: what its own counts must agree with. */
export class Shelf {
  readonly #isOrdered: boolean
  readonly #outstanding = new Set<BookedRecord>()
  /** Where order is kept: of each key, in the order in which they entered. */
  readonly #unsettled = new Map<string, Set<BookedRecord>>()
  /** Of the outstanding records, those that came over HTTP. */
  fromClientsCount = 0
  /** Of those that came over HTTP. */
  deliveredCount = 0
  failedCount = 0

  constructor(isOrdered: boolean) {
    this.#isOrdered = isOrdered
  }

  get outstandingCount(): number {
    return this.#outstanding.size
  }

  /** The unsettled records of its key, oldest first; always the same set. Null without order. */
  unsettledLike(booked: BookedRecord): ReadonlySet<BookedRecord> | null {
    return this.#isOrdered ? this.#unsettledLike(booked) : null
  }

  #unsettledLike({ stream, partitionKey, record }: BookedRecord): Set<BookedRecord> {
    const key = JSON.stringify([stream, partitionKey, `${record!.explicitHashKey}`])
    let unsettled = this.#unsettled.get(key)
    if (unsettled === undefined) {
      unsettled = new Set()
      this.#unsettled.set(key, unsettled)
    }
    return unsettled
  }

  enter(booked: BookedRecord): void {
    this.#outstanding.add(booked)
    this.#unsettledLike(booked).add(booked)
    if (booked.isFromClient) this.fromClientsCount++
  }

  leave(booked: BookedRecord): void {
    assert(this.#outstanding.delete(booked), `record ${booked.id} settled elsewhere`)
    this.#unsettledLike(booked).delete(booked)
    if (!booked.isFromClient) return
    this.fromClientsCount--
    if (booked.result!.isDelivered) this.deliveredCount++
    else this.failedCount++
  }

  /** The process has crashed with all that it had. */
  abandon(): void {
    for (const booked of this.#outstanding) booked.isAbandoned = true
    this.#outstanding.clear()
  }
}

function checkSettlement({ id, result, isAbandoned }: BookedRecord): void {
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
