// How an operation that reshards names its shards, and which of them it may change.

import { shardNumberOf } from '../wire/index.ts'
import { invalidArgument, ServiceError, validation } from './service-error.ts'
import type { Shard } from './shard.ts'
import type { Stream } from './stream.ts'

/** The number in a shard's name, or -1: `7` and `shardId-7` mean `shardId-000000000007`. */
export function numberInShardName(given: string): number {
  return shardNumberOf(given.includes('-') ? given : `-${given}`)
}

/** The words for a name that no shard of the stream can have. */
export function couldNotFindShard(given: string, { name, accountId }: Stream): ServiceError {
  const message = `Could not find shard ${given} in stream ${name} under account ${accountId}.`
  return new ServiceError('ResourceNotFoundException', message)
}

/** Throws a `ServiceError` when the stream has no such shard, or none that a caller may change. */
export function shardToReshape(stream: Stream, given: string): Shard {
  checkMayBeReshaped(stream)
  const number = numberInShardName(given)
  const shard = number < 0 ? null : stream.shardNumbered(number)
  if (shard === null) throw couldNotFindShard(given, stream)
  return shard
}

/** On-demand streams are resharded by the service alone. */
export function checkMayBeReshaped({ name, record, accountId }: Stream): void {
  if (record.mode === 'PROVISIONED') return
  throw validation(
    `Stream ${name} under account ${accountId} is in ON_DEMAND mode; this operation needs ` +
      'PROVISIONED mode.',
  )
}

export function checkIsOpen({ name, accountId }: Stream, shard: Shard): void {
  if (shard.isOpen) return
  throw invalidArgument(
    `Shard ${shard.id} in stream ${name} under account ${accountId} has already been merged or ` +
      'split, and thus is not eligible for merging or splitting.',
  )
}
