// Compares what clients were told with what became of their records: the answer is true.

import assert from 'node:assert'
import { type HttpAnswer, headerOf } from '../host/index.ts'
import { meaningOf } from './http-client.ts'
import type { BookedRecord, RecordBook } from './record-book.ts'

/** Throws when a client was told what is not so. To be called when everything has come to rest. */
export function checkAnswers(book: RecordBook): void {
  for (const booked of book.records) if (booked.answer !== null) checkAnswer(booked)
}

function checkAnswer(booked: BookedRecord): void {
  const { id, record, result, isAbandoned } = booked
  switch (meaningOf(booked)) {
    case 'delivered':
      assert(result?.isDelivered, `record ${id} was answered delivered and is not`)
      return checkPlace(booked, booked.answer as HttpAnswer)
    case 'accepted':
      assert(record !== null, `record ${id} was answered accepted and never entered`)
      assert(result !== null || isAbandoned, `record ${id} was accepted and forgotten`)
      return
    case 'failed':
      assert(result?.isDelivered === false, `record ${id} was answered failed and is not`)
      return checkFailure(booked, booked.answer as HttpAnswer)
    case 'turned away':
      assert(record === null, `record ${id} was turned away and entered all the same`)
  }
}

function checkPlace({ id, result }: BookedRecord, { headers }: HttpAnswer): void {
  assert(result?.isDelivered)
  const { shardId, sequenceNumber, subSequenceNumber } = result.place
  assert(headerOf(headers, 'headgate-shard-id') === shardId, `${id}: wrong shard`)
  const told = headerOf(headers, 'headgate-sequence-number')
  assert(told === sequenceNumber, `record ${id}: told ${told}, is at ${sequenceNumber}`)
  const toldSub = headerOf(headers, 'headgate-sub-sequence-number')
  const sub = subSequenceNumber === null ? null : `${subSequenceNumber}`
  assert(toldSub === sub, `record ${id}: told part ${toldSub}, is part ${sub}`)
}

function checkFailure({ id, result }: BookedRecord, { body }: HttpAnswer): void {
  assert(result?.isDelivered === false)
  const told = JSON.parse(Buffer.from(body).toString()) as { mayBeWritten?: boolean }
  const isTold = told.mayBeWritten === undefined || told.mayBeWritten === result.mayBeWritten
  assert(isTold, `record ${id}: told that mayBeWritten is ${told.mayBeWritten}`)
}
