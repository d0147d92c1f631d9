import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UserRecord } from '../../src/record/index.ts'
import { checkStoredOrder, goneWithItsStream, type Position } from '../../src/sim/order-checker.ts'
import { type BookedRecord, RecordBook } from '../../src/sim/record-book.ts'
import { World } from '../../src/sim/world.ts'

interface Told {
  readonly isDelivered?: boolean
  /** Of the one request that carried it. */
  readonly isAnswered?: boolean
}

/** Records 0, 1, … of one key, put into a producer that keeps order. */
function booked(each: readonly Told[]): readonly BookedRecord[] {
  const book = new RecordBook(new World({ seed: 1 }))
  const producer = { put(_record: UserRecord) {} }
  book.watch(producer, true, () => {})
  for (const { isDelivered = true, isAnswered = true } of each) {
    const fields = { stream: 's', partitionKey: 'k', dataBytes: 20, isFromClient: false }
    const one = book.write(fields)
    producer.put(new UserRecord({ ...fields, data: one.data, onSettle() {} }))
    const request = { sentAtMs: 0, entryCount: 1, isDoubled: false, endedAtMs: 0, told: [] }
    one.sendings.push({ request: { ...request, isAnswered }, entry: 0, member: 0, memberCount: 1 })
    const failed = { isDelivered: false, code: 'Expired', message: '', mayBeWritten: true } as const
    const place = { shardId: '', sequenceNumber: '', subSequenceNumber: null }
    const result = isDelivered ? { isDelivered, place } : failed
    one.record!.settle({ ...result, attempts: [] })
  }
  return book.records
}

function check(records: readonly BookedRecord[], copies: readonly (readonly Position[])[]): void {
  checkStoredOrder(records, ({ id }) => copies[id] ?? [])
}

function at(sequenceNumber: number, subSequenceNumber = 0, generation = 0): Position {
  return { generation, sequenceNumber: BigInt(sequenceNumber), subSequenceNumber }
}

test('records in their order are accepted, over generations and within one Kinesis record', () => {
  check(booked([{}, {}, {}]), [[at(5, 0)], [at(5, 1)], [at(1, 0, 1)]])
})

test('a record before an older one is noticed, in a shard, an aggregate, an older shard', () => {
  const says = /record 1 is in the stream before record 0/
  assert.throws(() => check(booked([{}, {}]), [[at(6)], [at(5)]]), says)
  assert.throws(() => check(booked([{}, {}]), [[at(5, 1)], [at(5, 0)]]), says)
  assert.throws(() => check(booked([{}, {}]), [[at(5, 0, 1)], [at(6, 0, 0)]]), says)
})

test('an old record that comes again behind a new one is noticed', () => {
  const copies = [[at(5), at(7)], [at(6)]]
  assert.throws(() => check(booked([{}, {}]), copies), /record 0 is in the stream again behind/)
})

test('a Kinesis record with both may be there twice', () => {
  check(booked([{}, {}]), [
    [at(5, 0), at(7, 0)],
    [at(5, 1), at(7, 1)],
  ])
})

test('what a request without an answer does may come late', () => {
  check(booked([{ isAnswered: false }, {}]), [[at(5), at(7)], [at(6)]])
  check(booked([{ isAnswered: false, isDelivered: false }, {}]), [[at(7)], [at(6)]])
})

test('what went with a deleted stream was first, whatever came late to the next one', () => {
  const records = booked([{ isAnswered: false }, {}, {}])
  const [gone, alsoGone] = records.map(goneWithItsStream)

  check(records, [[gone!, at(7)], [alsoGone!], [at(6)]])

  const says = /record 1 is in the stream before record 0/
  assert.throws(() => check(records, [[at(7)], [alsoGone!]]), says)
  assert.throws(() => check(records, [[at(7)], [at(6)]]), says)
})

test('what failed and was answered is not late', () => {
  const records = booked([{ isDelivered: false }, {}])
  assert.throws(() => check(records, [[at(7)], [at(6)]]), /before record 0/)
})
