// What we say when it went well, and what we say when delivery failed.

import type { HttpAnswer } from '../host/index.ts'
import type { Place, RecordResult } from '../record/index.ts'
import type { AnyOutcome } from './direct-line.ts'
import { type ProblemCode, problem } from './problem.ts'

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

const RECEIPT = 'headgate-receipt'

/** The same, of a record that is on the disk. */
export function pending(receipt: string): HttpAnswer {
  return { status: 202, headers: [...TEXT, RECEIPT, receipt], body: 'pending' }
}

/** On the disk, synced. */
export function kept(receipt: string): HttpAnswer {
  return { status: 200, headers: [...TEXT, RECEIPT, receipt], body: GOT_IT }
}

export function json(status: number, body: unknown): HttpAnswer {
  return { status, headers: ['content-type', 'application/json'], body: JSON.stringify(body) }
}

export function textAnswer(body: string): HttpAnswer {
  return plain(200, body)
}

/** Whom a result is told, and with what. */
export interface About {
  readonly stream: string
  /** Null where there is no spool. */
  readonly receipt: string | null
  /** For what may work later. */
  readonly retryAfterSeconds: number
}

/** What a request that waited for delivery is told. */
export function outcomeAnswer(outcome: AnyOutcome, about: About): HttpAnswer {
  if (outcome.kind === 'delivered') return delivered(outcome.place, about.receipt)
  if (outcome.kind === 'failed') return notDelivered(outcome.result, about)
  return deadLettered(outcome, about)
}

/** Kinesis has it, and where. */
function delivered(place: Place, receipt: string | null): HttpAnswer {
  const { shardId, sequenceNumber, subSequenceNumber } = place
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
  if (receipt !== null) headers.push(RECEIPT, receipt)
  return { status: 200, headers, body: GOT_IT }
}

/** Some of the service's messages end with a full stop. */
function sentence(message: string): string {
  return message.endsWith('.') ? message : `${message}.`
}

/** What is the client's mistake, and not worth to be tried again. */
const CLIENTS_CODES: ReadonlyMap<string, ProblemCode> = new Map([
  ['ResourceNotFoundException', 'stream-not-found'],
  ['InvalidArgumentException', 'record-refused'],
  ['ValidationException', 'record-refused'],
  ['RecordTooLarge', 'record-too-large'],
])

function detailOf(code: string, message: string, stream: string): string {
  const why = `${code}: ${sentence(message)}`
  return code === 'ResourceNotFoundException' ? `Kinesis has no stream ${stream}: ${why}` : why
}

function deadLettered(
  { code, message }: { readonly code: string; readonly message: string },
  { stream, receipt, retryAfterSeconds }: About,
): HttpAnswer {
  const kept =
    'It is kept among the dead letters, from where it can be replayed; sent again it may be stored twice.'
  const detail = `${detailOf(code, message, stream)} ${kept}`
  const headers = receipt === null ? [] : [RECEIPT, receipt]
  const more = { receipt }
  const clientsCode = CLIENTS_CODES.get(code)
  if (clientsCode !== undefined) return problem(clientsCode, detail, { headers, more })
  return problem('dead-lettered', detail, { retryAfterSeconds, headers, more })
}

/** A result that is no delivery, where nothing keeps the record. */
function notDelivered(
  { code, message, mayBeWritten, attempts }: RecordResult & { isDelivered: false },
  { stream, retryAfterSeconds }: About,
): HttpAnswer {
  const again = mayBeWritten
    ? 'An attempt had no answer: the record may be in the stream, and sent again it may be there twice.'
    : 'It is not in the stream.'
  const detail = `${detailOf(code, message, stream)} ${again}`
  const more = { mayBeWritten, attempts: attempts.map((attempt) => attempt.code) }
  const clientsCode = CLIENTS_CODES.get(code)
  if (clientsCode !== undefined) return problem(clientsCode, detail, { more })
  return problem('delivery-failed', detail, { retryAfterSeconds, more })
}
