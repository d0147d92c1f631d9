// Compares what clients were told with what became of their records: the answer is true.

import assert from 'node:assert'
import { type HttpAnswer, headerOf, type NoAnswer } from '../host/index.ts'
import { meaningOf } from './http-client.ts'
import { type BookedRecord, passesOf, type RecordBook } from './record-book.ts'

/**
 * Throws when a client was told what is not so. To be called when everything has come to rest.
 * `isDeadLetter` knows what is kept among the dead letters.
 */
export function checkAnswers(book: RecordBook, isDeadLetter: IsDeadLetter): void {
  for (const booked of book.records) {
    for (const answer of booked.answers) checkAnswer(booked, answer, isDeadLetter)
    if (booked.isSpooled) checkKept(booked, isDeadLetter)
  }
}

type IsDeadLetter = (booked: BookedRecord) => boolean

function checkAnswer(
  booked: BookedRecord,
  answer: HttpAnswer | NoAnswer,
  isDeadLetter: IsDeadLetter,
): void {
  const { id, record, result, isAbandoned, isSpooled, mayBeLost } = booked
  switch (meaningOf(answer)) {
    case 'delivered':
      return checkPlace(booked, answer as HttpAnswer)
    case 'durable':
      assert(isSpooled, `record ${id} has a receipt, and its gateway no spool`)
      return assert(isSafe(booked, isDeadLetter), `record ${id} was durable and is gone`)
    case 'accepted':
      assert(record !== null || mayBeLost, `record ${id} was answered accepted and never entered`)
      assert(result !== null || isAbandoned || mayBeLost, `record ${id} was accepted and forgotten`)
      return
    case 'failed':
      return checkFailure(booked, answer as HttpAnswer, isDeadLetter)
    case 'turned away': {
      const isAlways = booked.answers.every((one) => meaningOf(one) === 'turned away')
      const isOut = record === null || (isSpooled && (booked.mayBeWritten || !isAlways))
      assert(isOut, `record ${id} was turned away and entered all the same`)
    }
  }
}

function isSafe(booked: BookedRecord, isDeadLetter: IsDeadLetter): boolean {
  return passesOf(booked).some(({ result }) => result?.isDelivered) || isDeadLetter(booked)
}

/** What a spool has handed on once does not end in nothing. */
function checkKept(booked: BookedRecord, isDeadLetter: IsDeadLetter): void {
  const { id, record, result } = booked
  if (record === null) return
  assert(result !== null, `record ${id} was in the spool and is forgotten`)
  const isKept = result.isDelivered || isDeadLetter(booked)
  assert(isKept, `record ${id} failed with ${result.isDelivered || result.code} and is nowhere`)
}

function checkPlace(booked: BookedRecord, { headers }: HttpAnswer): void {
  const { id } = booked
  const sub = headerOf(headers, 'headgate-sub-sequence-number')
  const told = [
    headerOf(headers, 'headgate-shard-id'),
    headerOf(headers, 'headgate-sequence-number'),
    sub === null ? null : Number(sub),
  ]
  const places = passesOf(booked).flatMap(({ result }) =>
    result?.isDelivered ? [result.place] : [],
  )
  assert(places.length > 0, `record ${id} was answered delivered and is not`)
  const isThere = places.some(({ shardId, sequenceNumber, subSequenceNumber }) => {
    return isDeepEqual(told, [shardId, sequenceNumber, subSequenceNumber])
  })
  assert(isThere, `record ${id}: told ${told}, is at ${JSON.stringify(places)}`)
}

function checkFailure(
  booked: BookedRecord,
  { body }: HttpAnswer,
  isDeadLetter: IsDeadLetter,
): void {
  const { id, result, isReplayed, isSpooled } = booked
  if (isSpooled) {
    // Sent again, it can have been delivered since.
    const isKept = isDeadLetter(booked) || (isReplayed && isSafe(booked, isDeadLetter))
    return assert(isKept, `record ${id} failed and is no dead letter`)
  }
  assert(result?.isDelivered === false, `record ${id} was answered failed and is not`)
  const told = JSON.parse(Buffer.from(body).toString()) as { mayBeWritten?: boolean }
  const isTold = told.mayBeWritten === undefined || told.mayBeWritten === result.mayBeWritten
  assert(isTold, `record ${id}: told that mayBeWritten is ${told.mayBeWritten}`)
}

function isDeepEqual(told: readonly unknown[], is: readonly unknown[]): boolean {
  return told.every((value, index) => value === is[index])
}
