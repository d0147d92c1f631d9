// What every operation works on.

import type { BufferPool, Clock } from '../host/index.ts'
import type { BodyFormat } from './body-format.ts'
import type { KinesisConfig } from './config.ts'
import type { EntryFaults } from './faults/fault-engine.ts'
import { invalidArgument, ServiceError, shardNotFound, streamNotFound } from './service-error.ts'
import type { Shard } from './shard.ts'
import type { Stream } from './stream.ts'
import type { StreamTable } from './stream-table.ts'
import type { OpenedToken, TokenKind, TokenSealer } from './token.ts'

export interface Service {
  readonly clock: Clock
  readonly config: KinesisConfig
  readonly streams: StreamTable
  readonly tokens: TokenSealer
  /** Memory for requests, for as long as they are worked on. */
  readonly memory: BufferPool
}

/** One request, of which the format is known. */
export interface Call extends Service {
  readonly format: BodyFormat
  /** Null when no fault is meant for its entries. */
  readonly entryFaults: EntryFaults | null
}

/** How a request names its stream. */
export interface StreamChoice {
  readonly StreamName?: string | null
  readonly StreamARN?: string | null
  readonly StreamId?: string | null
}

/** The stream that is meant, whatever its status. Throws a `ServiceError`. */
export function streamOf(service: Service, choice: StreamChoice): Stream {
  const { accountId } = service.config
  const name = choice.StreamName ?? nameInArn(choice.StreamARN ?? null)
  const id = choice.StreamId ?? null
  if (name === null && id === null) {
    throw invalidArgument('One of StreamName, StreamARN and StreamId must be provided.')
  }
  const stream = name === null ? service.streams.byId(id!) : service.streams.get(name)
  if (stream === null) throw streamNotFound(name ?? id!, accountId)
  const isContradicted =
    (choice.StreamARN ?? stream.arn) !== stream.arn || (id ?? stream.id) !== stream.id
  if (isContradicted) throw streamNotFound(choice.StreamARN ?? id!, accountId)
  return stream
}

/** The same, but only a stream that takes and gives records. */
export function usableStreamOf(service: Service, choice: StreamChoice): Stream {
  const stream = streamOf(service, choice)
  if (!stream.isUsable) throw streamNotFound(stream.name, service.config.accountId)
  return stream
}

/** The stream's shard, or the error that names both. */
export function shardOf(stream: Stream, shardNumber: number, shardId: string): Shard {
  const shard = stream.shardNumbered(shardNumber)
  if (shard !== null) return shard
  throw shardNotFound({ shardId, streamName: stream.name, accountId: stream.accountId })
}

export interface TokenRules {
  readonly kind: TokenKind
  readonly lifeMs: number
  readonly invalid: () => ServiceError
  readonly expired: (madeAtMs: number, nowMs: number) => ServiceError
}

/** Opens a token of ours that has not expired. Throws a `ServiceError`. */
export function openToken(service: Service, text: string, rules: TokenRules): OpenedToken {
  const opened = service.tokens.open(rules.kind, text)
  if (opened === null) throw rules.invalid()
  const nowMs = service.clock.wallMs()
  if (nowMs - opened.madeAtMs > rules.lifeMs) throw rules.expired(opened.madeAtMs, nowMs)
  return opened
}

export function expiredNextToken(): ServiceError {
  return new ServiceError('ExpiredNextTokenException', 'The pagination token has expired.')
}

function nameInArn(arn: string | null): string | null {
  return arn === null ? null : arn.slice(arn.indexOf('/') + 1)
}
