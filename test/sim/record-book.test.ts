import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RecordResult } from '../../src/record/index.ts'
import { UserRecord } from '../../src/record/index.ts'
import { passesOf, RecordBook } from '../../src/sim/record-book.ts'
import { World } from '../../src/sim/world.ts'

const FIELDS = { stream: 's', partitionKey: 'k', dataBytes: 20, isFromClient: true }

/** A record of a spool, of which a producer gets copies. */
function spooled({ mayBeWritten }: { mayBeWritten: boolean }) {
  const world = new World({ seed: 1 })
  const book = new RecordBook(world)
  const producer = { put(_record: UserRecord) {} }
  const shelf = book.watch(producer, true, () => {})
  const booked = book.write(FIELDS)
  Object.assign(booked, { isSpooled: true, mayBeWritten })
  const put = () => {
    const record = new UserRecord({ ...FIELDS, data: booked.data, onSettle() {} })
    producer.put(record)
    return record
  }
  return { world, shelf, booked, put }
}

function deliveredAt(sequenceNumber: string): RecordResult {
  const place = { shardId: 'shardId-000000000000', sequenceNumber, subSequenceNumber: null }
  return { isDelivered: true, place, attempts: [] }
}

test('two copies that a process has at once count twice, and each has its result', () => {
  const { shelf, booked, put } = spooled({ mayBeWritten: true })
  const [first, second] = [put(), put()]
  const counts = () => [shelf.outstandingCount, shelf.fromClientsCount, shelf.deliveredCount]

  assert.deepEqual(counts(), [2, 2, 0])
  assert.equal(shelf.unsettledLike(booked), null, 'of this key order cannot be told')
  second.settle(deliveredAt('2'))
  assert.deepEqual(counts(), [1, 1, 1])
  first.settle(deliveredAt('1'))

  assert.deepEqual(counts(), [0, 0, 2])
  assert.deepEqual(
    passesOf(booked).map(({ result }) => result),
    [deliveredAt('2'), deliveredAt('1')],
  )
})

test('a second copy is noticed where nothing went wrong that makes one', async () => {
  const { world, put } = spooled({ mayBeWritten: false })
  put()
  await world.runFor(1)

  put()

  await assert.rejects(world.runFor(1), /put twice by one process/)
})

test('of two copies in a process that ends neither is outstanding', () => {
  const { shelf, booked, put } = spooled({ mayBeWritten: true })
  put()
  put()

  shelf.abandon()

  assert.equal(shelf.outstandingCount, 0)
  assert.deepEqual(
    passesOf(booked).map(({ isAbandoned }) => isAbandoned),
    [true, true],
  )
})
