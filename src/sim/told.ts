// What the answer to a PutRecords request tells its producer about each entry.

import { type HttpAnswer, headerOf, isAnswer, type NoAnswer } from '../host/index.ts'
import { decodeError, decodePutRecordsAnswer, type WireFormat } from '../wire/index.ts'

export type Told =
  | { readonly shardId: string; readonly sequenceNumber: string }
  | { readonly code: string; readonly mayBeWritten: boolean }

export type Landed = Extract<Told, { shardId: string }>

export function isLanded(told: Told): told is Landed {
  return 'shardId' in told
}

const NO_ANSWER_CODES: Readonly<Record<NoAnswer['noAnswer'], string>> = {
  'connect-failed': 'ConnectFailed',
  'timed-out': 'RequestTimeout',
  'connection-lost': 'ConnectionLost',
}

/** One for each entry of the request. */
export function toldBy(ending: HttpAnswer | NoAnswer, entryCount: number): readonly Told[] {
  if (!isAnswer(ending)) {
    const code = NO_ANSWER_CODES[ending.noAnswer]
    return all({ code, mayBeWritten: ending.mayBeWritten }, entryCount)
  }
  const { status, headers } = ending
  const format = formatOfAnswer(ending)
  const body = Buffer.from(ending.body)
  if (status === 200) return toldBy200(format, body, entryCount)
  const { code } = decodeError(format, status, headers, body)
  return all({ code, mayBeWritten: status >= 500 }, entryCount)
}

export function formatOfAnswer({ headers }: HttpAnswer): WireFormat {
  return (headerOf(headers, 'content-type') ?? '').includes('cbor') ? 'cbor' : 'json'
}

function toldBy200(format: WireFormat, body: Buffer, entryCount: number): readonly Told[] {
  try {
    const { entries } = decodePutRecordsAnswer(format, body)
    if (entries.length !== entryCount) {
      return all({ code: 'Record Count Mismatch', mayBeWritten: true }, entryCount)
    }
    return entries.map((entry) => {
      if ('shardId' in entry) return entry
      const { errorCode: code } = entry
      return { code, mayBeWritten: code === 'InternalFailure' }
    })
  } catch {
    return all({ code: 'UnreadableAnswer', mayBeWritten: true }, entryCount)
  }
}

function all(told: Told, count: number): readonly Told[] {
  return Array.from({ length: count }, () => told)
}
