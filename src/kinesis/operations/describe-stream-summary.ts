import { defineOperation, STREAM_CHOICE } from '../operation.ts'
import { streamOf } from '../service.ts'
import { describeAlways } from './describe-stream.ts'

export const describeStreamSummary = defineOperation({
  name: 'DescribeStreamSummary',
  fields: STREAM_CHOICE,
  run(input, call) {
    const stream = streamOf(call, input)
    const { mode, maxRecordSizeKiB } = stream.record
    return {
      StreamDescriptionSummary: {
        ...describeAlways(stream),
        StreamId: stream.id,
        OpenShardCount: stream.status === 'CREATING' ? 0 : stream.openShardCount,
        ConsumerCount: 0,
        MaxRecordSizeInKiB: maxRecordSizeKiB,
        ...(mode === 'ON_DEMAND' && { RecordDistributionStrategy: 'USER_PARTITION_KEY' }),
      },
    }
  },
})
