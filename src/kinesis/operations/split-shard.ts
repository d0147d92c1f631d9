import { defineOperation, HASH_KEY, SHARD_ID, STREAM_CHOICE } from '../operation.ts'
import { type Call, streamOf } from '../service.ts'
import { invalidArgument } from '../service-error.ts'
import { checkIsOpen, shardToReshape } from '../shard-choice.ts'

export const splitShard = defineOperation({
  name: 'SplitShard',
  fields: {
    ...STREAM_CHOICE,
    ShardToSplit: { ...SHARD_ID, required: true },
    NewStartingHashKey: { ...HASH_KEY, required: true },
  },
  async run(input, call: Call) {
    const stream = streamOf(call, input)
    const shard = shardToReshape(stream, input.ShardToSplit)
    const { NewStartingHashKey: text } = input
    const at = BigInt(text)
    await call.streams.reshape(stream, (reshape) => {
      checkIsOpen(stream, shard)
      const { start, end } = shard.range
      if (at <= start + 1n || at >= end) {
        throw invalidArgument(
          `NewStartingHashKey ${text} used in SplitShard() on shard ${shard.id} in stream ` +
            `${stream.name} under account ${stream.accountId} is not both greater than one plus ` +
            `the shard's StartingHashKey ${start} and less than the shard's EndingHashKey ${end}.`,
        )
      }
      reshape.split(shard.record.number, at)
    })
    return null
  },
})
