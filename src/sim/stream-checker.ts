// Compares what is in the streams with what was said of every record.

import assert from 'node:assert'
import { ATTEMPTS_KEPT_MAX_COUNT } from '../record/index.ts'
import { deaggregateRecord, hashKeyOf } from '../wire/index.ts'
import type { BookedRecord, RecordBook } from './record-book.ts'
import type { StoredRecord, StoredShard } from './stream-reader.ts'

/** Where one copy of a record is. */
interface Copy {
  readonly shardId: string
  readonly sequenceNumber: string
  readonly subSequenceNumber: number | null
}

export class StreamChecker {
  readonly #book: RecordBook
  readonly #copies = new Map<number, Copy[]>()

  constructor(book: RecordBook) {
    this.#book = book
  }

  /** Takes what was read from a stream; throws when it is not what was put. */
  add(stream: string, shards: readonly StoredShard[]): void {
    for (const shard of shards) {
      let last = -1n
      for (const record of shard.records) {
        const sequenceNumber = BigInt(record.sequenceNumber)
        assert(sequenceNumber > last, `${record.sequenceNumber} is out of order`)
        last = sequenceNumber
        this.#addRecord(stream, shard, record)
      }
    }
  }

  /** Throws when a record's result and the streams contradict each other. */
  check(): void {
    for (const booked of this.#book.records) {
      const copies = this.#copies.get(booked.id) ?? []
      if (booked.result !== null) checkResult(booked, copies)
      else if (!booked.isAbandoned)
        assert(copies.length === 0, `record ${booked.id} is in the stream; nobody sent it`)
    }
  }

  #addRecord(stream: string, shard: StoredShard, record: StoredRecord): void {
    const { shardId, sequenceNumber } = record
    for (const user of deaggregateRecord(record)) {
      const booked = this.#book.find(user.data)
      const { id } = booked
      assert(booked.stream === stream, `record ${id} is in ${stream}`)
      assert(booked.data.equals(user.data), `the data of record ${id} changed`)
      assert(booked.partitionKey === user.partitionKey, `the key of record ${id} changed`)
      const hashKey = (booked.record?.explicitHashKey ?? hashKeyOf(booked.partitionKey)).toBigInt()
      const isInRange = shard.startingHashKey <= hashKey && hashKey <= shard.endingHashKey
      assert(isInRange, `record ${id} is in ${shardId}, where its hash key is not`)
      const copies = this.#copies.get(id)
      const copy = { shardId, sequenceNumber, subSequenceNumber: user.subSequenceNumber }
      if (copies === undefined) this.#copies.set(id, [copy])
      else copies.push(copy)
    }
  }
}

function checkResult(booked: BookedRecord, copies: readonly Copy[]): void {
  const { id, record, isDoubled } = booked
  const result = booked.result!
  if (result.isDelivered) {
    const { shardId, sequenceNumber, subSequenceNumber } = result.place
    const isThere = copies.some(
      (copy) =>
        copy.shardId === shardId &&
        copy.sequenceNumber === sequenceNumber &&
        copy.subSequenceNumber === subSequenceNumber,
    )
    assert(isThere, `record ${id} was delivered and is not at ${shardId} ${sequenceNumber}`)
  } else if (!result.mayBeWritten && !isDoubled) {
    assert(copies.length === 0, `record ${id} was refused for good and is in the stream`)
  }
  const areAttemptsComplete = record!.attemptCount <= ATTEMPTS_KEPT_MAX_COUNT
  if (isDoubled || !areAttemptsComplete) return
  const openCount = result.attempts.filter((attempt) => attempt.mayBeWritten).length
  const allowedCount = openCount + (result.isDelivered ? 1 : 0)
  assert(copies.length <= allowedCount, `record ${id} is there ${copies.length} times`)
}
