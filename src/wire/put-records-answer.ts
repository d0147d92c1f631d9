// What PutRecords answers: one result for each entry, in the same order.

import { decodeObject, objectOf } from './messages.ts'
import { ProtocolError } from './protocol-error.ts'
import type { WireFormat } from './wire-format.ts'

export type PutRecordsResult =
  | { readonly shardId: string; readonly sequenceNumber: string }
  | { readonly errorCode: string; readonly errorMessage: string }

export interface PutRecordsAnswer {
  readonly entries: readonly PutRecordsResult[]
}

/** Unknown fields are passed over. Throws only `ProtocolError`. */
export function decodePutRecordsAnswer(format: WireFormat, body: Uint8Array): PutRecordsAnswer {
  const { Records: records } = decodeObject(format, body)
  if (!Array.isArray(records)) throw new ProtocolError('the answer has no array Records')
  return { entries: records.map(resultOf) }
}

/** A sequence number is what counts as success: the KPL's rule. */
function resultOf(record: unknown, i: number): PutRecordsResult {
  const fields = objectOf(record, `result ${i}`)
  const sequenceNumber = fields['SequenceNumber']
  const shardId = fields['ShardId']
  if (typeof sequenceNumber === 'string' && sequenceNumber !== '') {
    if (typeof shardId !== 'string') throw new ProtocolError(`result ${i} has no ShardId`)
    return { shardId, sequenceNumber }
  }
  const errorCode = fields['ErrorCode']
  const errorMessage = fields['ErrorMessage']
  if (typeof errorCode !== 'string') {
    throw new ProtocolError(`result ${i} has neither SequenceNumber nor ErrorCode`)
  }
  return { errorCode, errorMessage: typeof errorMessage === 'string' ? errorMessage : '' }
}
