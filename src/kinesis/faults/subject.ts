// Which stream and shards a request is about, for faults that strike only there. Looks at input
// that nobody has checked yet: what it cannot make sense of concerns no stream and no shard.

import { EXPLICIT_HASH_KEY_PATTERN, shardIdOf } from '../../wire/index.ts'
import type { Action } from '../action.ts'
import type { BodyFormat } from '../body-format.ts'
import { openIterator } from '../iterator.ts'
import { listedStreamOf } from '../operations/list-shards.ts'
import { placingKeyOf } from '../put-batch.ts'
import { type Service, streamOf } from '../service.ts'
import { ServiceError } from '../service-error.ts'
import { numberInShardName } from '../shard-choice.ts'
import type { Stream } from '../stream.ts'

export interface Subject {
  /** Null when the request names none. */
  readonly streamName: string | null
  /** By their names. */
  readonly shards: ReadonlySet<string>
}

const NOTHING: Subject = { streamName: null, shards: new Set() }

export interface SubjectOptions {
  readonly service: Service
  readonly action: Action
  readonly body: Buffer
  readonly format: BodyFormat
}

export function subjectOf({ service, action, body, format }: SubjectOptions): Subject {
  const input = orNull(() => format.decode(body))
  if (!isObject(input)) return NOTHING
  if (action === 'GetRecords') return readSubjectOf(service, input)
  const stream = orNull(() => streamNamedIn(service, input))
  const streamName = textIn(input, 'StreamName') ?? stream?.name ?? null
  const placed = stream?.isUsable ? placedShards(stream, action, input) : []
  const named = SHARD_NAMES.map((name) => textIn(input, name))
    .filter((name) => name !== null)
    .map((name) => shardIdOf(Math.max(0, numberInShardName(name))))
  return { streamName, shards: new Set([...placed, ...named]) }
}

/** Fields that name a shard which the request reads or changes. */
const SHARD_NAMES = ['ShardId', 'ShardToSplit', 'ShardToMerge', 'AdjacentShardToMerge'] as const

function readSubjectOf(service: Service, input: Input): Subject {
  const place = orNull(() => openIterator(service, textIn(input, 'ShardIterator') ?? ''))
  if (place === null) return NOTHING
  return { streamName: place.stream.name, shards: new Set([place.shard.id]) }
}

function streamNamedIn(service: Service, input: Input): Stream {
  const token = textIn(input, 'NextToken')
  if (token !== null) return listedStreamOf(service, token)
  return streamOf(service, {
    StreamName: textIn(input, 'StreamName'),
    StreamARN: textIn(input, 'StreamARN'),
    StreamId: textIn(input, 'StreamId'),
  })
}

/** Where the entries of a request belong. */
function placedShards(stream: Stream, action: Action, input: Input): string[] {
  const records = input['Records']
  const entries = action === 'PutRecord' ? [input] : Array.isArray(records) ? records : []
  return entries.flatMap((entry: unknown) => {
    const key = isObject(entry) ? textIn(entry, 'PartitionKey') : null
    if (key === null) return []
    const explicit = textIn(entry as Input, 'ExplicitHashKey')
    if (explicit !== null && !EXPLICIT_HASH_KEY_PATTERN.test(explicit)) return []
    const hashKey = placingKeyOf(key, explicit)
    return hashKey === null ? [] : [stream.shardOf(hashKey).id]
  })
}

type Input = Readonly<Record<string, unknown>>

function isObject(value: unknown): value is Input {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function textIn(input: Input, name: string): string | null {
  const value = input[name]
  return typeof value === 'string' ? value : null
}

/** Null for what the operation will refuse in its own words. */
function orNull<T>(look: () => T): T | null {
  try {
    return look()
  } catch (error) {
    if (error instanceof ServiceError) return null
    throw error
  }
}
