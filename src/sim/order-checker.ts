// Where a producer promises it, the records of one key are in their stream in the order in which
// they were added to it. Looked at twice: on the wire, request by request, and in the streams.

import assert from 'node:assert'
import type { BookedRecord, Sending } from './record-book.ts'

/** Where a reader comes upon a copy, who reads from shard to shard, parents first. */
export interface Position {
  /** Of the shard: how many generations came before it. */
  readonly generation: number
  readonly sequenceNumber: bigint
  readonly subSequenceNumber: number
}

/**
 * The copy of a record that went with a stream that was deleted: before all that is in the next
 * one. Nobody can read any more how those that went lay among each other.
 */
export function goneWithItsStream({ entryNumber }: BookedRecord): Position {
  return { generation: -1, sequenceNumber: BigInt(entryNumber), subSequenceNumber: 0 }
}

/**
 * Throws unless the members of a Kinesis record that is about to be sent are, of each key, the
 * oldest that have not settled, in their order.
 */
export function checkSendingOrder(members: readonly BookedRecord[]): void {
  const oldest = new Map<ReadonlySet<BookedRecord>, Iterator<BookedRecord>>()
  for (const booked of members) {
    const unsettled = booked.shelf!.unsettledLike(booked)
    if (unsettled === null) continue
    const next = oldest.get(unsettled) ?? unsettled.values()
    oldest.set(unsettled, next)
    const first = next.next().value as BookedRecord | undefined
    assert(first === booked, `record ${booked.id} is sent before record ${first?.id}`)
  }
}

/**
 * Throws unless of each key
 *
 * - the first copies of its records are in the order in which they were added: each one's lies
 *   behind those of what was added before it and delivered;
 * - no old record comes back behind a new one, unless as a part of a Kinesis record that had both
 *   and was stored twice.
 *
 * A request without an answer may be carried out later than anybody waits for it: a copy more of
 * what was in it, or the only one of what was given up, may come at any time.
 */
export function checkStoredOrder(
  records: readonly BookedRecord[],
  positionsOf: (booked: BookedRecord) => readonly Position[],
): void {
  const storedByKey = new Map<ReadonlySet<BookedRecord>, Stored[]>()
  // What a spool handed on more than once has copies from before: no order is promised to these.
  const entered = records.filter(({ shelf, earlier }) => shelf !== null && earlier.length === 0)
  for (const booked of entered.sort((a, b) => a.entryNumber - b.entryNumber)) {
    const key = booked.shelf!.unsettledLike(booked)
    const copies = [...positionsOf(booked)].sort(compare)
    if (key === null || copies.length === 0) continue
    const isTold = booked.sendings.every(isAnswered)
    const stored = { id: booked.id, copies, isTold }
    const older = storedByKey.get(key) ?? []
    storedByKey.set(key, older)
    for (const one of older) checkPair(one, stored)
    if (isTold || booked.result?.isDelivered) older.push(stored)
  }
}

interface Stored {
  readonly id: number
  /** As a reader comes upon them. */
  readonly copies: readonly Position[]
  /** The service told its fate each time that it was sent. */
  readonly isTold: boolean
}

function checkPair(older: Stored, newer: Stored): void {
  const isInOrder = compare(older.copies[0]!, newer.copies[0]!) < 0
  assert(isInOrder, `record ${newer.id} is in the stream before record ${older.id}`)
  if (!older.isTold || older.copies.length === 1) return
  const isShared = (copy: Position) => older.copies.some((one) => isSameRecord(one, copy))
  const alone = newer.copies.find((copy) => !isShared(copy))
  const isBehind = alone === undefined || compare(older.copies.at(-1)!, alone) < 0
  assert(isBehind, `record ${older.id} is in the stream again behind record ${newer.id}`)
}

function isSameRecord(a: Position, b: Position): boolean {
  return a.generation === b.generation && a.sequenceNumber === b.sequenceNumber
}

function isAnswered({ request }: Sending): boolean {
  return request.isAnswered && !request.isDoubled
}

function compare(a: Position, b: Position): number {
  if (a.generation !== b.generation) return a.generation - b.generation
  if (a.sequenceNumber !== b.sequenceNumber) return a.sequenceNumber < b.sequenceNumber ? -1 : 1
  return a.subSequenceNumber - b.subSequenceNumber
}
