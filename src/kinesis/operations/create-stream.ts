import type { TextMapField } from '../field.ts'
import { defineOperation, STREAM_NAME } from '../operation.ts'
import { validation } from '../service-error.ts'

/** What the service gives a new stream in on-demand mode: 4 MB/s of writes. */
const ON_DEMAND_SHARD_COUNT = 4

const MIN_RECORD_SIZE_KIB = 1024
const MAX_RECORD_SIZE_KIB = 10_240

/** Of the API reference, Tag. */
const TAGS = {
  type: 'text-map',
  max: 50,
  keyLength: { min: 1, max: 128 },
  valueLength: { min: 0, max: 256 },
} as const satisfies TextMapField

export const createStream = defineOperation({
  name: 'CreateStream',
  fields: {
    StreamName: { ...STREAM_NAME, required: true },
    ShardCount: { type: 'integer', min: 1, max: 100_000 },
    StreamModeDetails: {
      type: 'structure',
      fields: {
        StreamMode: { type: 'string', required: true, oneOf: ['PROVISIONED', 'ON_DEMAND'] },
      },
    },
    Tags: TAGS,
    WarmThroughputMiBps: { type: 'integer', min: 0 },
    MaxRecordSizeInKiB: { type: 'integer', min: MIN_RECORD_SIZE_KIB, max: MAX_RECORD_SIZE_KIB },
    RecordDistributionStrategy: { type: 'string', oneOf: ['AUTO', 'USER_PARTITION_KEY'] },
  },
  async run(input, { streams }) {
    const isOnDemand = input.StreamModeDetails?.StreamMode === 'ON_DEMAND'
    if (isOnDemand && input.ShardCount !== null) {
      throw validation('ShardCount must not be specified for a stream in ON_DEMAND mode.')
    }
    if (!isOnDemand && input.ShardCount === null) {
      throw validation('ShardCount must be specified for a stream in PROVISIONED mode.')
    }
    if (input.WarmThroughputMiBps !== null) {
      throw validation(
        'WarmThroughputMiBps needs a billing commitment, which there is none of here.',
      )
    }
    if (input.RecordDistributionStrategy === 'AUTO') {
      throw validation('Record distribution strategy AUTO is not supported here.')
    }
    await streams.create({
      name: input.StreamName,
      shardCount: input.ShardCount ?? ON_DEMAND_SHARD_COUNT,
      mode: isOnDemand ? 'ON_DEMAND' : 'PROVISIONED',
      maxRecordSizeKiB: input.MaxRecordSizeInKiB ?? MIN_RECORD_SIZE_KIB,
      tags: input.Tags ?? {},
    })
    return null
  },
})
