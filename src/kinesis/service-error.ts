// What the service answers when it does not do what was asked. Names and words are the service's,
// because clients branch on the first and people search for the second.

/** A request that is refused as a whole. Thrown by operations, answered by the service. */
export class ServiceError extends Error {
  readonly code: string
  readonly status: number

  constructor(code: string, message: string, status = 400) {
    super(message)
    this.name = 'ServiceError'
    this.code = code
    this.status = status
  }
}

/** Why one entry of a PutRecords request was not stored; the others may have been. */
export interface EntryError {
  readonly code: 'ProvisionedThroughputExceededException' | 'InternalFailure'
  readonly message: string
}

/** The disk did not take the record, and nothing of it will ever be read. */
export const INTERNAL_FAILURE: EntryError = {
  code: 'InternalFailure',
  message: 'Internal Service Failure',
}

export function internalFailure(): ServiceError {
  return new ServiceError(INTERNAL_FAILURE.code, INTERNAL_FAILURE.message, 500)
}

export function invalidArgument(message: string): ServiceError {
  return new ServiceError('InvalidArgumentException', message)
}

export function serialization(message: string): ServiceError {
  return new ServiceError('SerializationException', message)
}

export function validation(message: string): ServiceError {
  return new ServiceError('ValidationException', message)
}

export function dryRunSucceeded(): ServiceError {
  const message = 'The request would have succeeded, but the DryRun parameter was specified.'
  return new ServiceError('DryRunOperationException', message)
}

export function streamNotFound(streamName: string, accountId: string): ServiceError {
  const message = `Stream ${streamName} under account ${accountId} not found.`
  return new ServiceError('ResourceNotFoundException', message)
}

export interface ShardPlace {
  readonly shardId: string
  readonly streamName: string
  readonly accountId: string
}

export function shardNotFound({ shardId, streamName, accountId }: ShardPlace): ServiceError {
  const message = `Shard ${shardId} in stream ${streamName} under account ${accountId} does not exist`
  return new ServiceError('ResourceNotFoundException', message)
}

/**
 * The text that the service gives for a throttled read, a throttled PutRecord and a throttled
 * entry.
 */
export function rateExceededText({ shardId, streamName, accountId }: ShardPlace): string {
  return `Rate exceeded for shard ${shardId} in stream ${streamName} under account ${accountId}.`
}

export function rateExceeded(place: ShardPlace): ServiceError {
  return new ServiceError('ProvisionedThroughputExceededException', rateExceededText(place))
}
