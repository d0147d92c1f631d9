import { RECORD_MAX_BYTES } from '../../wire/index.ts'
import { lengthAtMost, problemOf, problemsFound } from '../constraints.ts'
import type { Fields } from '../field.ts'
import { DRY_RUN, defineOperation, STREAM_CHOICE } from '../operation.ts'
import { isStored, PutBatch, placingKeyOf } from '../put-batch.ts'
import { ENTRY_FIELDS, explicitHashKeyOutOfRange } from '../put-entry.ts'
import { parseSequenceNumber } from '../sequence-number.ts'
import { type Call, usableStreamOf } from '../service.ts'
import {
  dryRunSucceeded,
  internalFailure,
  invalidArgument,
  ServiceError,
} from '../service-error.ts'
import type { Stream } from '../stream.ts'

/** Base64 of the largest record, its key in the longest spelling, and room for the names. */
const BODY_MAX_BYTES = Math.ceil((RECORD_MAX_BYTES * 4) / 3) + 64 * 1024

const FIELDS = {
  ...STREAM_CHOICE,
  ...DRY_RUN,
  ...ENTRY_FIELDS,
  SequenceNumberForOrdering: { type: 'string', pattern: '0|([1-9]\\d{0,128})' },
} as const satisfies Fields

export const putRecord = defineOperation({
  name: 'PutRecord',
  maxBodyBytes: BODY_MAX_BYTES,
  fields: FIELDS,
  async run(input, call) {
    const stream = usableStreamOf(call, input)
    const { PartitionKey: partitionKey, Data: data } = input
    checkOrdering(input.SequenceNumberForOrdering, stream, call)
    const hashKey = placingKeyOf(partitionKey, input.ExplicitHashKey)
    if (hashKey === null) throw explicitHashKeyOutOfRange(input.ExplicitHashKey!)
    const keyBytes = Buffer.byteLength(partitionKey)
    if (keyBytes + data.length > stream.maxRecordBytes) {
      throw problemsFound([problemOf('', 'data', lengthAtMost(stream.maxRecordBytes))])
    }
    if (input.DryRun === true) throw dryRunSucceeded()

    const batch = new PutBatch(
      [{ partitionKey, keyBytes, hashKey, data, dataBytes: data.length }],
      call.memory,
    )
    batch.fill()
    const [outcome] = await batch.put(stream, call)
    if (outcome === undefined || !isStored(outcome)) throw refusalOf(outcome)
    const { shard, counter, arrivalAtMs } = outcome
    return {
      ShardId: shard.id,
      SequenceNumber: shard.sequenceNumbers.textOf(counter, arrivalAtMs),
      EncryptionType: 'NONE',
    }
  },
})

/**
 * The numbers of a shard rise in any case: the one given must only be one that we can have made.
 */
function checkOrdering(text: string | null, stream: Stream, { clock }: Call): void {
  if (text === null) return
  const parsed = parseSequenceNumber(text)
  if (parsed !== null && parsed.arrivalSecond * 1000 <= clock.wallMs()) return
  throw invalidArgument(
    `ExclusiveMinimumSequenceNumber ${text} used in PutRecord on stream ${stream.name} ` +
      `under account ${stream.accountId} is invalid.`,
  )
}

function refusalOf(error: { code: string; message: string } | undefined): ServiceError {
  const isThrottled = error?.code === 'ProvisionedThroughputExceededException'
  return isThrottled ? new ServiceError(error!.code, error!.message) : internalFailure()
}
