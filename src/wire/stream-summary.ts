// DescribeStreamSummary: what a stream allows.

import { decodeObject, encodeRequest, objectOf } from './messages.ts'
import type { WireFormat } from './wire-format.ts'

export interface StreamSummary {
  /** Of data and partition key; null when the service does not say, as older ones do not. */
  readonly maxRecordSizeKiB: number | null
  /** `PROVISIONED` or `ON_DEMAND`; null when the service does not say. */
  readonly mode: string | null
  /** `USER_PARTITION_KEY` or `AUTO`; null when the service does not say. */
  readonly recordDistribution: string | null
}

export function encodeDescribeStreamSummary(format: WireFormat, streamName: string): Buffer {
  return encodeRequest(format, 'DescribeStreamSummary', { StreamName: streamName })
}

/** Unknown fields are passed over. Throws only `ProtocolError`. */
export function decodeStreamSummary(format: WireFormat, body: Uint8Array): StreamSummary {
  const answer = decodeObject(format, body)
  const summary = objectOf(answer['StreamDescriptionSummary'], 'the StreamDescriptionSummary')
  const details = summary['StreamModeDetails']
  const size = summary['MaxRecordSizeInKiB']
  return {
    maxRecordSizeKiB: typeof size === 'number' && size > 0 ? size : null,
    mode: details == null ? null : textOrNull(objectOf(details, 'a mode')['StreamMode']),
    recordDistribution: textOrNull(summary['RecordDistributionStrategy']),
  }
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}
