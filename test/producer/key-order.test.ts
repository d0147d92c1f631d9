// The order of one key by itself: what waits, what is gathered, and what comes back.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KeyOrder, SENT } from '../../src/producer/key-order.ts'
import { hashKeyFromBigInt, UserRecord } from '../../src/record/index.ts'
import { HandClock } from '../hand-clock.ts'

/** Records named by numbers, an order, and what it has let go on to one place. */
function ordering() {
  const wentOn: UserRecord[] = []
  const parts = { place: 'a reducer' as unknown }
  const clock = new HandClock()
  const order = new KeyOrder(clock, {
    put: (record) => {
      if (record.keyTurn!.mayJoin(record, parts.place)) wentOn.push(record)
    },
  })
  const put = (name: string, { partitionKey = 'k', hashKey = null as bigint | null } = {}) => {
    const explicitHashKey = hashKey === null ? null : hashKeyFromBigInt(hashKey)
    const data = Buffer.from(name)
    const fields = { stream: 's', partitionKey, explicitHashKey, data, onSettle() {} }
    const record = new UserRecord(fields)
    record.arrival = { ...record.arrival, deadlineAtMs: 60_000 }
    order.put(record)
    return record
  }
  const sendAll = () => {
    for (const { keyTurn } of wentOn) keyTurn!.sent()
  }
  return { order, parts, clock, put, sendAll, wentOn: () => namesOf(wentOn) }
}

function namesOf(records: readonly UserRecord[]): string {
  return records.map(({ data }) => data.toString()).join(' ')
}

test('what comes is behind what came back and could not all go on', () => {
  const { order, parts, put, sendAll, wentOn } = ordering()
  const [first, second] = [put('1'), put('2')]
  sendAll()
  // From now on each goes alone.
  parts.place = SENT
  for (const record of [first, second]) order.put(record)
  assert.equal(wentOn(), '1 2 1')

  put('3')
  first.keyTurn!.settled(first)
  assert.equal(wentOn(), '1 2 1 2')
  second.keyTurn!.settled(second)

  assert.equal(wentOn(), '1 2 1 2 3')
})

test('while some are on their way back nothing joins those that are not', () => {
  const { order, put, wentOn } = ordering()
  const [first, second] = [put('1'), put('2')]
  order.put(first)

  put('3')
  assert.equal(wentOn(), '1 2')
  order.put(second)

  assert.equal(wentOn(), '1 2 1 2 3')
})

test('what came back and what waits is given up in its order, and is has no turn any more', () => {
  const { order, put, sendAll } = ordering()
  const [first, second] = [put('1'), put('2')]
  sendAll()
  order.put(first)
  put('3')

  const left = order.abandon()

  assert.equal(namesOf(left), '1 3')
  assert.ok(left.every(({ keyTurn, nextOfKey }) => keyTurn === null && nextOfKey === null))
  assert.equal(namesOf(order.abandon()), '')
  second.keyTurn!.settled(second)
  assert.equal(second.keyTurn, null)
})

test('keys of one explicit hash key do not wait for each other', () => {
  const { put, sendAll, wentOn } = ordering()
  put('1', { hashKey: 7n })
  sendAll()
  put('2', { hashKey: 7n })
  put('3', { hashKey: 7n, partitionKey: 'other' })
  assert.equal(wentOn(), '1 3')
})

test('a flush hurries all that waits, of explicit hash keys too', () => {
  const { order, clock, put, sendAll } = ordering()
  put('1')
  put('2', { hashKey: 7n })
  sendAll()
  const waiting = [put('3'), put('4'), put('5', { hashKey: 7n })]
  clock.advanceBy(1000)

  order.flush()

  assert.deepEqual(
    waiting.map(({ deadlineAtMs }) => deadlineAtMs),
    [1000, 1000, 1000],
  )
})
