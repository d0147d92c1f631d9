import {
  LIST_SHARDS_DEFAULT_COUNT,
  LIST_SHARDS_MAX_COUNT,
  LIST_SHARDS_TOKEN_LIFE_MS,
  NEXT_TOKEN_MAX_CHARACTERS,
} from '../../wire/index.ts'
import type { Fields, InputOf } from '../field.ts'
import { defineOperation, SHARD_ID, STREAM_CHOICE } from '../operation.ts'
import { expiredNextToken, openToken, type Service, streamOf, type TokenRules } from '../service.ts'
import { invalidArgument, streamNotFound } from '../service-error.ts'
import { describeShard, type Shard } from '../shard.ts'
import { DEFAULT_FILTER, FILTER_TYPES, filterShards, type ShardFilter } from '../shard-filter.ts'
import type { Stream } from '../stream.ts'

const FIELDS = {
  ...STREAM_CHOICE,
  NextToken: { type: 'string', min: 1, max: NEXT_TOKEN_MAX_CHARACTERS },
  ExclusiveStartShardId: SHARD_ID,
  MaxResults: { type: 'integer', min: 1, max: LIST_SHARDS_MAX_COUNT },
  StreamCreationTimestamp: { type: 'timestamp' },
  ShardFilter: {
    type: 'structure',
    fields: {
      Type: { type: 'string', required: true, oneOf: FILTER_TYPES },
      ShardId: SHARD_ID,
      Timestamp: { type: 'timestamp' },
    },
  },
} as const satisfies Fields

type Input = InputOf<typeof FIELDS>

export const listShards = defineOperation({
  name: 'ListShards',
  fields: FIELDS,
  run(input, call) {
    const page = input.NextToken === null ? firstPage(input, call) : nextPage(input, call)
    const { stream, filter, after } = page
    // More may be asked for; 1 000 is what comes.
    const count = Math.min(input.MaxResults ?? LIST_SHARDS_DEFAULT_COUNT, LIST_SHARDS_DEFAULT_COUNT)
    const rest = filterShards(stream, filter, call.clock.wallMs()).filter(({ id }) => id > after)
    const shown = rest.slice(0, count)
    return {
      Shards: shown.map(describeShard),
      ...(rest.length > count && { NextToken: tokenAfter(call, page, shown.at(-1)!) }),
    }
  },
})

/** Everything that the next page needs; so the token alone tells it. */
interface Page {
  readonly stream: Stream
  readonly filter: ShardFilter
  /** Shards with this identifier and below have been shown. */
  readonly after: string
}

const TOKEN_RULES: TokenRules = {
  kind: 'shards',
  lifeMs: LIST_SHARDS_TOKEN_LIFE_MS,
  invalid: () => invalidArgument('NextToken is invalid.'),
  expired: expiredNextToken,
}

function firstPage(input: Input, call: Service): Page {
  const stream = streamOf(call, input)
  const createdAtMs = input.StreamCreationTimestamp
  // Clients keep seconds of it.
  if (createdAtMs !== null && Math.abs(createdAtMs - stream.record.creationAtMs) >= 1000) {
    throw streamNotFound(stream.name, stream.accountId)
  }
  const filter = filterIn(input.ShardFilter)
  return { stream, filter, after: input.ExclusiveStartShardId ?? filter.shardId }
}

function filterIn(given: Input['ShardFilter']): ShardFilter {
  if (given === null) return DEFAULT_FILTER
  const isOfTime = given.Type === 'AT_TIMESTAMP' || given.Type === 'FROM_TIMESTAMP'
  if (isOfTime && given.Timestamp === null) {
    throw invalidArgument(`ShardFilter of type ${given.Type} needs a Timestamp.`)
  }
  if (given.Type === 'AFTER_SHARD_ID' && given.ShardId === null) {
    throw invalidArgument('ShardFilter of type AFTER_SHARD_ID needs a ShardId.')
  }
  const shardId = given.Type === 'AFTER_SHARD_ID' ? given.ShardId! : ''
  return { type: given.Type, shardId, atMs: given.Timestamp ?? 0 }
}

/** The token alone tells these. Clients that page by sending all fields again do not get far. */
const TOLD_BY_TOKEN = [
  'StreamName',
  'StreamARN',
  'ExclusiveStartShardId',
  'StreamCreationTimestamp',
  'ShardFilter',
] as const

function nextPage(input: Input, call: Service): Page {
  for (const name of TOLD_BY_TOKEN) {
    if (input[name] !== null) {
      throw invalidArgument(`NextToken and ${name} cannot be provided together.`)
    }
  }
  const { content } = openToken(call, input.NextToken!, TOKEN_RULES)
  const [, type, atMs, after] = content as [string, string, number, string]
  const stream = listedStreamOf(call, input.NextToken!)
  return { stream, filter: { type, atMs, shardId: '' }, after }
}

/** The stream whose listing a token continues. Throws a `ServiceError`. */
export function listedStreamOf(service: Service, token: string): Stream {
  const [streamId] = openToken(service, token, TOKEN_RULES).content as [string]
  const stream = service.streams.byId(streamId)
  if (stream === null) throw streamNotFound(streamId, service.config.accountId)
  return stream
}

function tokenAfter({ tokens, clock }: Service, page: Page, last: Shard): string {
  const { stream, filter } = page
  return tokens.seal('shards', clock.wallMs(), [stream.id, filter.type, filter.atMs, last.id])
}
