import {
  GET_RECORDS_MAX_BYTES,
  GET_RECORDS_MAX_COUNT,
  SHARD_ITERATOR_MAX_CHARACTERS,
  shardIdOf,
} from '../../wire/index.ts'
import { JSON_FORMAT } from '../body-format.ts'
import type { Fields } from '../field.ts'
import { type IteratorPlace, openIterator, sealIterator } from '../iterator.ts'
import { type AnswerBody, DRY_RUN, defineOperation, STREAM_CHOICE } from '../operation.ts'
import type { ReadResult } from '../record-collector.ts'
import { recordObjects, writeJsonRecords } from '../record-writer.ts'
import { type Call, streamOf } from '../service.ts'
import { dryRunSucceeded, invalidArgument, rateExceeded } from '../service-error.ts'
import { describeRange } from '../shard.ts'

const { StreamARN, StreamId } = STREAM_CHOICE

const FIELDS = {
  StreamARN,
  StreamId,
  ...DRY_RUN,
  ShardIterator: { type: 'string', required: true, min: 1, max: SHARD_ITERATOR_MAX_CHARACTERS },
  Limit: { type: 'integer', min: 1, max: GET_RECORDS_MAX_COUNT },
} as const satisfies Fields

export const getRecords = defineOperation({
  name: 'GetRecords',
  fields: FIELDS,
  async run(input, call) {
    const place = openIterator(call, input.ShardIterator)
    const { stream, shard, position } = place
    const isNamed = input.StreamARN !== null || input.StreamId !== null
    if (isNamed && streamOf(call, input) !== stream) {
      throw invalidArgument('The shard iterator belongs to another stream.')
    }
    if (input.DryRun === true) throw dryRunSucceeded()
    const { limiter } = shard
    if (limiter !== null && !limiter.tryRead(call.clock.monotonicMs())) {
      const { name: streamName, accountId } = stream
      throw rateExceeded({ shardId: shard.id, streamName, accountId })
    }
    const maxCount = input.Limit ?? GET_RECORDS_MAX_COUNT
    // Asked first: what a shard was given before it was closed may still be on its way to the disk.
    const { hasEnded } = shard
    const result = await shard.log.read(position, { maxCount, maxBytes: GET_RECORDS_MAX_BYTES })
    limiter?.chargeRead(result.sizeBytes)
    return answerOf(place, { ...result, hasEnded: hasEnded && result.isAtEnd }, call)
  },
})

interface Page extends ReadResult {
  /** There is nothing behind it, now or later. */
  readonly hasEnded: boolean
}

function answerOf(place: IteratorPlace, result: Page, call: Call): AnswerBody {
  const { shard } = place
  const rest = {
    ...(result.hasEnded
      ? { NextShardIterator: null, ChildShards: childrenOf(place) }
      : { NextShardIterator: sealIterator(call, { ...place, position: result.next }) }),
    MillisBehindLatest: millisBehind(result, call.clock.wallMs()),
  }
  if (call.format === JSON_FORMAT) return writeJsonRecords(shard, result.records, rest)
  return { Records: recordObjects(shard, result.records), ...rest }
}

/** Zero at the tip; else how long ago the last record of this answer came. */
function millisBehind({ isAtEnd, records }: ReadResult, nowMs: number): number {
  const last = records.at(-1)
  if (isAtEnd || last === undefined) return 0
  return Math.max(0, Math.floor(nowMs - last.arrivalAtMs))
}

function childrenOf({ stream, shard }: IteratorPlace): object[] {
  const { number } = shard.record
  return stream.shards
    .filter((child) => child.isChildOf(number))
    .map(({ id, record }) => ({
      ShardId: id,
      ParentShards: [record.parentNumber, record.adjacentParentNumber]
        .filter((parent) => parent !== null)
        .map(shardIdOf),
      HashKeyRange: describeRange(record),
    }))
}
