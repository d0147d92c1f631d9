// Shard iterators: where a reader stands, sealed.

import { SHARD_ITERATOR_LIFE_MS, shardIdOf } from '../wire/index.ts'
import { messageDate } from './civil-time.ts'
import type { ReadPosition } from './record-collector.ts'
import { openToken, type Service, shardOf, type TokenRules } from './service.ts'
import { invalidArgument, ServiceError, shardNotFound } from './service-error.ts'
import type { Shard } from './shard.ts'
import type { Stream } from './stream.ts'

export interface IteratorPlace {
  readonly stream: Stream
  readonly shard: Shard
  readonly position: ReadPosition
}

/** A position that is known by its counter alone. */
export function atCounter(counter: number): ReadPosition {
  return { counter, generation: 0, offset: 0 }
}

export function sealIterator({ tokens, clock }: Service, place: IteratorPlace): string {
  const { stream, shard, position } = place
  const { counter, generation, offset } = position
  const content = [stream.id, shard.record.number, counter, generation, offset]
  return tokens.seal('iterator', clock.wallMs(), content)
}

/** Throws a `ServiceError` for what is no iterator of ours, has expired or lost its stream. */
export function openIterator(service: Service, text: string): IteratorPlace {
  const { content } = openToken(service, text, RULES)
  const [streamId, shardNumber, counter, generation, offset] = content as [
    string,
    number,
    number,
    number,
    number,
  ]
  const stream = service.streams.byId(streamId)
  const shardId = shardIdOf(shardNumber)
  if (stream === null || !stream.isUsable) {
    throw shardNotFound({ shardId, streamName: streamId, accountId: service.config.accountId })
  }
  const shard = shardOf(stream, shardNumber, shardId)
  return { stream, shard, position: { counter, generation, offset } }
}

const RULES: TokenRules = {
  kind: 'iterator',
  lifeMs: SHARD_ITERATOR_LIFE_MS,
  invalid: () => invalidArgument('Invalid ShardIterator.'),
  expired: (madeAtMs, nowMs) =>
    new ServiceError(
      'ExpiredIteratorException',
      `Iterator expired. The iterator was created at time ${messageDate(madeAtMs)} while right now ` +
        `it is ${messageDate(nowMs)} which is further in the future than the tolerated delay of ` +
        `${SHARD_ITERATOR_LIFE_MS} milliseconds.`,
    ),
}
