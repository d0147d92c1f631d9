// ListShards: which shards a stream has, and the part of the hash key space of each.

import { type HashKey, hashKeyFromDecimal } from '../record/index.ts'
import { LIST_SHARDS_DEFAULT_COUNT } from './limits.ts'
import { decodeObject, encodeRequest, objectOf } from './messages.ts'
import { ProtocolError } from './protocol-error.ts'
import type { WireFormat } from './wire-format.ts'

/** The first page of a stream's open shards, or of all that it has, or the page behind a token. */
export type ListShardsRequest =
  | { readonly streamName: string; readonly hasClosed?: boolean }
  | { readonly nextToken: string }

export interface ShardDescription {
  readonly shardId: string
  readonly parentShardId: string | null
  readonly adjacentParentShardId: string | null
  readonly startingHashKey: HashKey
  /** Inclusive. */
  readonly endingHashKey: HashKey
  /** No record of the shard has a lower one; null when the service does not say. */
  readonly startingSequenceNumber: string | null
  /** It takes records: it has no ending sequence number. */
  readonly isOpen: boolean
}

export interface ListShardsAnswer {
  readonly shards: readonly ShardDescription[]
  /** Of the next page; null on the last. */
  readonly nextToken: string | null
}

export function encodeListShards(format: WireFormat, request: ListShardsRequest): Buffer {
  const payload =
    'nextToken' in request
      ? { NextToken: request.nextToken, MaxResults: LIST_SHARDS_DEFAULT_COUNT }
      : {
          StreamName: request.streamName,
          MaxResults: LIST_SHARDS_DEFAULT_COUNT,
          ...(request.hasClosed !== true && { ShardFilter: { Type: 'AT_LATEST' } }),
        }
  return encodeRequest(format, 'ListShards', payload)
}

/** Unknown fields are passed over. Throws only `ProtocolError`. */
export function decodeListShardsAnswer(format: WireFormat, body: Uint8Array): ListShardsAnswer {
  const answer = decodeObject(format, body)
  const shards = answer['Shards']
  if (!Array.isArray(shards)) throw new ProtocolError('the answer has no array Shards')
  return { shards: shards.map(shardOf), nextToken: textOrNull(answer['NextToken']) }
}

function shardOf(value: unknown, i: number): ShardDescription {
  const shard = objectOf(value, `shard ${i}`)
  const shardId = shard['ShardId']
  if (typeof shardId !== 'string') throw new ProtocolError(`shard ${i} has no ShardId`)
  const range = objectOf(shard['HashKeyRange'], `the HashKeyRange of ${shardId}`)
  const sequence = shard['SequenceNumberRange']
  const numbers = sequence == null ? {} : objectOf(sequence, 'a range')
  return {
    shardId,
    parentShardId: textOrNull(shard['ParentShardId']),
    adjacentParentShardId: textOrNull(shard['AdjacentParentShardId']),
    startingHashKey: hashKeyIn(range, 'StartingHashKey', shardId),
    endingHashKey: hashKeyIn(range, 'EndingHashKey', shardId),
    startingSequenceNumber: textOrNull(numbers['StartingSequenceNumber']),
    isOpen: textOrNull(numbers['EndingSequenceNumber']) === null,
  }
}

function hashKeyIn(range: Record<string, unknown>, name: string, shardId: string): HashKey {
  const text = range[name]
  const hashKey = typeof text === 'string' ? hashKeyFromDecimal(text) : null
  if (hashKey === null) throw new ProtocolError(`the ${name} of ${shardId} is no hash key`)
  return hashKey
}

/** An absent text may come as null or as nothing, from some stand-ins as an empty one. */
function textOrNull(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}
