import { PUT_RECORDS_MAX_BYTES, PUT_RECORDS_MAX_COUNT } from '../../wire/index.ts'
import { base64DecodedBytes, JSON_FORMAT } from '../body-format.ts'
import { lengthAtMost, problemOf, problemsFound } from '../constraints.ts'
import type { Fields, InputOf } from '../field.ts'
import { checkInput } from '../input.ts'
import { type AnswerBody, DRY_RUN, type Operation, STREAM_CHOICE } from '../operation.ts'
import { isStored, PutBatch, type PutEntry, type PutOutcome, placingKeyOf } from '../put-batch.ts'
import { ENTRY_FIELDS, explicitHashKeyOutOfRange } from '../put-entry.ts'
import { scanPutRecords } from '../put-scan.ts'
import { type Call, usableStreamOf } from '../service.ts'
import { dryRunSucceeded, invalidArgument } from '../service-error.ts'
import type { Stream } from '../stream.ts'

/**
 * Of an entry beside its data: names, quotes, a hash key, and a key of 256 characters, all escaped.
 */
const ENTRY_OVERHEAD_MAX_BYTES = 4096

/** Base64 of the largest request with the longest spelling of everything else. */
const BODY_MAX_BYTES =
  Math.ceil((PUT_RECORDS_MAX_BYTES * 4) / 3) + PUT_RECORDS_MAX_COUNT * ENTRY_OVERHEAD_MAX_BYTES

const FIELDS = {
  ...STREAM_CHOICE,
  ...DRY_RUN,
  Records: {
    type: 'list',
    required: true,
    min: 1,
    max: PUT_RECORDS_MAX_COUNT,
    memberName: 'com.amazonaws.kinesis.v20131202.PutRecordsRequestEntry',
    member: { type: 'structure', fields: ENTRY_FIELDS },
  },
} as const satisfies Fields

export const putRecords: Operation = {
  name: 'PutRecords',
  maxBodyBytes: BODY_MAX_BYTES,
  async run(body, call) {
    const scanned = call.format === JSON_FORMAT ? batchFromScan(body, call) : null
    const { stream, batch } = scanned ?? batchFromParsed(body, call)
    return answerOf(await batch.put(stream, call), call)
  },
}

interface ReadyBatch {
  readonly stream: Stream
  readonly batch: PutBatch
}

/**
 * Only what is in order comes this way: null sends the body through the checks that name what is
 * not.
 */
function batchFromScan(body: Buffer, call: Call): ReadyBatch | null {
  const scanned = scanPutRecords(body)
  if (scanned === null || scanned.streamArn !== null || scanned.streamName === null) return null
  const stream = call.streams.get(scanned.streamName)
  if (stream === null || !stream.isUsable) return null
  const entries: PutEntry[] = []
  let sizeBytes = 0
  for (const { partitionKey, explicitHashKey, base64 } of scanned.entries) {
    const hashKey = placingKeyOf(partitionKey, explicitHashKey)
    const keyBytes = Buffer.byteLength(partitionKey)
    const dataBytes = base64DecodedBytes(base64)
    if (hashKey === null || !Number.isInteger(dataBytes)) return null
    if (keyBytes + dataBytes > stream.maxRecordBytes) return null
    sizeBytes += keyBytes + dataBytes
    entries.push({ partitionKey, keyBytes, hashKey, dataBytes, data: base64 })
  }
  if (sizeBytes > PUT_RECORDS_MAX_BYTES) return null
  const batch = new PutBatch(entries, call.memory)
  return batch.fill() ? { stream, batch } : null
}

function batchFromParsed(body: Buffer, call: Call): ReadyBatch {
  const { format } = call
  const input = checkInput(FIELDS, format.decode(body), format)
  const stream = usableStreamOf(call, input)
  const entries = entriesOf(input, stream)
  if (input.DryRun === true) throw dryRunSucceeded()
  const batch = new PutBatch(entries, call.memory)
  batch.fill()
  return { stream, batch }
}

function entriesOf(input: InputOf<typeof FIELDS>, stream: Stream): PutEntry[] {
  const problems: string[] = []
  let sizeBytes = 0
  const entries = input.Records.map((record, index) => {
    const { PartitionKey: partitionKey, Data: data, ExplicitHashKey: explicit } = record
    const hashKey = placingKeyOf(partitionKey, explicit)
    if (hashKey === null) throw explicitHashKeyOutOfRange(explicit!)
    const keyBytes = Buffer.byteLength(partitionKey)
    sizeBytes += keyBytes + data.length
    if (keyBytes + data.length > stream.maxRecordBytes) {
      const path = `records.${index + 1}.member.data`
      problems.push(problemOf('', path, lengthAtMost(stream.maxRecordBytes)))
    }
    return { partitionKey, keyBytes, hashKey, data, dataBytes: data.length }
  })
  if (problems.length > 0) throw problemsFound(problems)
  if (sizeBytes > PUT_RECORDS_MAX_BYTES) {
    throw invalidArgument(`Records size exceeds ${PUT_RECORDS_MAX_BYTES / 1024 / 1024} MB limit`)
  }
  return entries
}

function answerOf(outcomes: readonly PutOutcome[], { format }: Call): AnswerBody {
  const failedCount = outcomes.reduce((count, outcome) => count + (isStored(outcome) ? 0 : 1), 0)
  if (format !== JSON_FORMAT) {
    const records = outcomes.map((outcome) => resultOf(outcome))
    return { FailedRecordCount: failedCount, Records: records, EncryptionType: 'NONE' }
  }
  // Five hundred results are put together several times faster than JSON.stringify does it.
  const records = outcomes.map((outcome) =>
    isStored(outcome)
      ? `{"SequenceNumber":"${numberOf(outcome)}","ShardId":"${outcome.shard.id}"}`
      : JSON.stringify(resultOf(outcome)),
  )
  return `{"FailedRecordCount":${failedCount},"Records":[${records.join(',')}],"EncryptionType":"NONE"}`
}

function resultOf(outcome: PutOutcome): object {
  return isStored(outcome)
    ? { SequenceNumber: numberOf(outcome), ShardId: outcome.shard.id }
    : { ErrorCode: outcome.code, ErrorMessage: outcome.message }
}

function numberOf({
  shard,
  counter,
  arrivalAtMs,
}: Extract<PutOutcome, { shard: unknown }>): string {
  return shard.sequenceNumbers.textOf(counter, arrivalAtMs)
}
