import { defineOperation, STREAM_CHOICE } from '../operation.ts'
import { streamOf } from '../service.ts'

export const deleteStream = defineOperation({
  name: 'DeleteStream',
  fields: {
    ...STREAM_CHOICE,
    // Nobody can be registered as a consumer here, so it changes nothing.
    EnforceConsumerDeletion: { type: 'boolean' },
  },
  async run(input, call) {
    await call.streams.delete(streamOf(call, input))
    return null
  },
})
