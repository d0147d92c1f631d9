import { defineOperation, SHARD_ID, STREAM_CHOICE } from '../operation.ts'
import { type Call, streamOf } from '../service.ts'
import { invalidArgument } from '../service-error.ts'
import { checkIsOpen, shardToReshape } from '../shard-choice.ts'

export const mergeShards = defineOperation({
  name: 'MergeShards',
  fields: {
    ...STREAM_CHOICE,
    ShardToMerge: { ...SHARD_ID, required: true },
    AdjacentShardToMerge: { ...SHARD_ID, required: true },
  },
  async run(input, call: Call) {
    const stream = streamOf(call, input)
    const left = shardToReshape(stream, input.ShardToMerge)
    const right = shardToReshape(stream, input.AdjacentShardToMerge)
    await call.streams.reshape(stream, (reshape) => {
      checkIsOpen(stream, left)
      checkIsOpen(stream, right)
      // The service takes the two in this order only.
      if (left.range.end + 1n !== right.range.start) {
        throw invalidArgument(
          `Shards ${left.id} and ${right.id} in stream ${stream.name} under account ` +
            `${stream.accountId} are not an adjacent pair of shards eligible for merging`,
        )
      }
      reshape.merge(left.record.number, right.record.number)
    })
    return null
  },
})
