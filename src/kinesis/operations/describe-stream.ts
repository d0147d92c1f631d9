import {
  DESCRIBE_STREAM_DEFAULT_COUNT,
  DESCRIBE_STREAM_MAX_COUNT,
  EpochMs,
} from '../../wire/index.ts'
import { defineOperation, SHARD_ID, STREAM_CHOICE } from '../operation.ts'
import { streamOf } from '../service.ts'
import { describeShard } from '../shard.ts'
import type { Stream } from '../stream.ts'

export const describeStream = defineOperation({
  name: 'DescribeStream',
  fields: {
    ...STREAM_CHOICE,
    Limit: { type: 'integer', min: 1, max: DESCRIBE_STREAM_MAX_COUNT },
    ExclusiveStartShardId: SHARD_ID,
  },
  run(input, call) {
    const stream = streamOf(call, input)
    // More may be asked for; 100 is what comes.
    const count = Math.min(
      input.Limit ?? DESCRIBE_STREAM_DEFAULT_COUNT,
      DESCRIBE_STREAM_DEFAULT_COUNT,
    )
    const after = input.ExclusiveStartShardId ?? ''
    const shown = stream.status === 'CREATING' ? [] : stream.shards
    const rest = shown.filter((shard) => shard.id > after)
    return {
      StreamDescription: {
        ...describeAlways(stream),
        Shards: rest.slice(0, count).map(describeShard),
        HasMoreShards: rest.length > count,
      },
    }
  },
})

/** What both descriptions of a stream tell. */
export function describeAlways(stream: Stream): object {
  return {
    StreamName: stream.name,
    StreamARN: stream.arn,
    StreamStatus: stream.status,
    StreamModeDetails: { StreamMode: stream.record.mode },
    RetentionPeriodHours: stream.record.retentionHours,
    StreamCreationTimestamp: new EpochMs(stream.record.creationAtMs),
    EnhancedMonitoring: [{ ShardLevelMetrics: [] }],
    EncryptionType: 'NONE',
  }
}
