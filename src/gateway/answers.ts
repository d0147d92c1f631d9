// What we say when it went well, and what we say when delivery failed.

import type { HttpAnswer } from '../host/index.ts'
import type { Place, RecordResult } from '../record/index.ts'
import { problem } from './problem.ts'

const TEXT = ['content-type', 'text/plain; charset=utf-8'] as const

function plain(status: number, body: string): HttpAnswer {
  return { status, headers: TEXT, body }
}

// The three texts that existing clients test for.
const GOT_IT = 'got it'
export const NO_STREAM_NAME = plain(400, 'stream name not specified')
export const NO_PARTITION_KEY = plain(400, 'partition key not specified')

/** In memory, admitted; no more than that. */
export const ACCEPTED = plain(202, GOT_IT)
/** The time ran out while the record was still on its way; sending it again would duplicate it. */
export const PENDING = plain(202, 'pending')

export function json(status: number, body: unknown): HttpAnswer {
  return { status, headers: ['content-type', 'application/json'], body: JSON.stringify(body) }
}

export function textAnswer(body: string): HttpAnswer {
  return plain(200, body)
}

/** Kinesis has it, and where. */
export function delivered({ shardId, sequenceNumber, subSequenceNumber }: Place): HttpAnswer {
  const headers = [
    ...TEXT,
    'headgate-shard-id',
    shardId,
    'headgate-sequence-number',
    sequenceNumber,
  ]
  if (subSequenceNumber !== null) {
    headers.push('headgate-sub-sequence-number', String(subSequenceNumber))
  }
  return { status: 200, headers, body: GOT_IT }
}

/** What Kinesis says of a record that it will never take. */
const INVALID_CODES = new Set(['InvalidArgumentException', 'ValidationException'])

/** A result that is no delivery. `retryAfterSeconds` is for what may work later. */
export function notDelivered(
  stream: string,
  result: RecordResult & { isDelivered: false },
  retryAfterSeconds: number,
): HttpAnswer {
  if (result.code === 'ResourceNotFoundException') {
    return problem('stream-not-found', `Kinesis has no stream ${stream}: ${result.message}`)
  }
  const again = result.mayBeWritten
    ? 'An attempt had no answer: the record may be in the stream, and sent again it may be there twice.'
    : 'It is not in the stream.'
  const detail = `${result.code}: ${result.message}. ${again}`
  if (INVALID_CODES.has(result.code)) return problem('record-refused', detail)
  if (result.code === 'RecordTooLarge') return problem('record-too-large', detail)
  return problem('delivery-failed', detail, {
    retryAfterSeconds,
    more: {
      mayBeWritten: result.mayBeWritten,
      attempts: result.attempts.map((attempt) => attempt.code),
    },
  })
}
