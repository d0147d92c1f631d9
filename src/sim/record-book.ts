// What every record was, and what became of it: the world's memory, kept apart from the line's.

import assert from 'node:assert'
import type { HttpAnswer, NoAnswer } from '../host/index.ts'
import type { RecordResult, UserRecord } from '../record/index.ts'

/** Records of one world; drawn worlds stay far below. */
const RECORDS_MAX_COUNT = 1_000_000

export interface BookedRecord {
  readonly id: number
  readonly stream: string
  readonly partitionKey: string
  readonly data: Buffer
  /** As the producer got it; null before it did, or when it never will. */
  record: UserRecord | null
  result: RecordResult | null
  /** The network carried it twice without being told to: one more may be in the stream. */
  isDoubled: boolean
  /** The process that had it crashed: nobody will say what became of it. */
  isAbandoned: boolean
  /** What the client that sent it was told. */
  answer: HttpAnswer | NoAnswer | null
}

export class RecordBook {
  readonly #records: BookedRecord[] = []
  readonly #onSettle: (booked: BookedRecord) => void
  #settledCount = 0
  #deliveredCount = 0
  #enteredCount = 0

  /** `onSettle` is told of each record once it has its result. */
  constructor(onSettle: (booked: BookedRecord) => void) {
    this.#onSettle = onSettle
  }

  get records(): readonly BookedRecord[] {
    return this.#records
  }

  /** Records that the producer got and has not settled. */
  get outstandingCount(): number {
    return this.#enteredCount - this.#settledCount
  }

  /** Of those that the present process was given. */
  get enteredCount(): number {
    return this.#enteredCount
  }

  get deliveredCount(): number {
    return this.#deliveredCount
  }

  /**
   * The next record. Its data is JSON that begins with its number and is `dataBytes` long, if that
   * is enough; `member` is one more member of the object.
   */
  write(stream: string, partitionKey: string, dataBytes: number, member = ''): BookedRecord {
    assert(this.#records.length < RECORDS_MAX_COUNT, 'the book is full')
    const id = this.#records.length
    const booked: BookedRecord = {
      id,
      stream,
      partitionKey,
      data: dataOf(id, dataBytes, member),
      record: null,
      result: null,
      isDoubled: false,
      isAbandoned: false,
      answer: null,
    }
    this.#records.push(booked)
    return booked
  }

  /** The booked record that begins with this number; throws when none does. */
  find(data: Uint8Array): BookedRecord {
    const number = /^\{"id":([0-9]+)/.exec(
      Buffer.from(data.subarray(0, 20)).toString('latin1'),
    )?.[1]
    const booked = this.#records[Number(number)]
    assert(booked !== undefined, 'a record that nobody put is on the wire')
    return booked
  }

  /** The producer's process has crashed with all that it had. */
  abandon(): void {
    for (const booked of this.#records) {
      if (booked.record !== null && booked.result === null) booked.isAbandoned = true
    }
    this.#enteredCount = 0
    this.#settledCount = 0
    this.#deliveredCount = 0
  }

  /** Looks over the shoulder of a producer: from here on every record that it takes is followed. */
  watch(producer: { put(record: UserRecord): void }): void {
    const put = producer.put.bind(producer)
    producer.put = (record) => {
      this.#enter(record)
      put(record)
    }
  }

  #enter(record: UserRecord): void {
    const booked = this.find(record.data)
    assert(booked.record === null, `record ${booked.id} was put twice`)
    booked.record = record
    this.#enteredCount++
    const settle = record.settle.bind(record)
    record.settle = (result) => {
      assert(booked.result === null, `record ${booked.id} settled twice`)
      booked.result = result
      this.#settledCount++
      if (result.isDelivered) this.#deliveredCount++
      this.#onSettle(booked)
      settle(result)
    }
  }
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
