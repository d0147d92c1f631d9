import { defineOperation, STREAM_CHOICE } from '../operation.ts'
import { type Call, streamOf } from '../service.ts'
import { invalidArgument, ServiceError } from '../service-error.ts'
import { checkMayBeReshaped } from '../shard-choice.ts'

/** A call may double the shards or halve them. API reference, UpdateShardCount. */
const FACTOR_MAX = 2

export const updateShardCount = defineOperation({
  name: 'UpdateShardCount',
  fields: {
    ...STREAM_CHOICE,
    TargetShardCount: { type: 'integer', required: true, min: 1 },
    ScalingType: { type: 'string', required: true, oneOf: ['UNIFORM_SCALING'] },
  },
  async run(input, call: Call) {
    const stream = streamOf(call, input)
    checkMayBeReshaped(stream)
    const { TargetShardCount: target } = input
    const current = stream.openShardCount
    await call.streams.reshape(stream, (reshape) => {
      if (target > current * FACTOR_MAX) throw tooFar(`above double of ${current}`, target)
      if (target * FACTOR_MAX < current) throw tooFar(`below half of ${current}`, target)
      if (target === current) {
        throw invalidArgument(`The stream ${stream.name} has ${current} open shards already.`)
      }
      reshape.makeEven(target)
    })
    return {
      StreamName: stream.name,
      StreamARN: stream.arn,
      CurrentShardCount: current,
      TargetShardCount: target,
    }
  },
})

function tooFar(what: string, target: number): ServiceError {
  const message = `UpdateShardCount cannot set ${target} shards: that is ${what} open ones.`
  return new ServiceError('LimitExceededException', message)
}
