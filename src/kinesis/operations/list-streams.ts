import {
  EpochMs,
  LIST_SHARDS_TOKEN_LIFE_MS,
  LIST_STREAMS_DEFAULT_COUNT,
  LIST_STREAMS_MAX_COUNT,
  NEXT_TOKEN_MAX_CHARACTERS,
} from '../../wire/index.ts'
import { defineOperation, STREAM_NAME } from '../operation.ts'
import { expiredNextToken, openToken, type Service, type TokenRules } from '../service.ts'
import { invalidArgument } from '../service-error.ts'
import type { Stream } from '../stream.ts'

export const listStreams = defineOperation({
  name: 'ListStreams',
  fields: {
    Limit: { type: 'integer', min: 1, max: LIST_STREAMS_MAX_COUNT },
    ExclusiveStartStreamName: STREAM_NAME,
    NextToken: { type: 'string', min: 1, max: NEXT_TOKEN_MAX_CHARACTERS },
  },
  run(input, call) {
    const count = Math.min(input.Limit ?? LIST_STREAMS_DEFAULT_COUNT, LIST_STREAMS_DEFAULT_COUNT)
    const after = input.ExclusiveStartStreamName ?? nameIn(call, input.NextToken) ?? ''
    const rest = call.streams.all().filter((stream) => stream.name > after)
    const page = rest.slice(0, count)
    const hasMore = rest.length > count
    return {
      StreamNames: page.map((stream) => stream.name),
      HasMoreStreams: hasMore,
      StreamSummaries: page.map(summaryOf),
      ...(hasMore && { NextToken: tokenAfter(call, page.at(-1)!) }),
    }
  },
})

const TOKEN_RULES: TokenRules = {
  kind: 'streams',
  lifeMs: LIST_SHARDS_TOKEN_LIFE_MS,
  invalid: () => invalidArgument('NextToken is invalid.'),
  expired: expiredNextToken,
}

function nameIn(service: Service, token: string | null): string | null {
  if (token === null) return null
  const [name] = openToken(service, token, TOKEN_RULES).content as [string]
  return name
}

function tokenAfter({ tokens, clock }: Service, stream: Stream): string {
  return tokens.seal('streams', clock.wallMs(), [stream.name])
}

function summaryOf(stream: Stream): object {
  return {
    StreamName: stream.name,
    StreamARN: stream.arn,
    StreamStatus: stream.status,
    StreamModeDetails: { StreamMode: stream.record.mode },
    StreamCreationTimestamp: new EpochMs(stream.record.creationAtMs),
  }
}
