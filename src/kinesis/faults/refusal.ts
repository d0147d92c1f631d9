// What a fault has the service say, in the service's words.

import { headerOf } from '../../host/index.ts'
import { amzDate, parseAmzDate } from '../civil-time.ts'
import { internalFailure, rateExceeded, ServiceError } from '../service-error.ts'
import type { Fault } from './fault.ts'
import type { FaultyRequest } from './fault-engine.ts'
import type { Subject } from './subject.ts'

/** In the place of an answer. */
export type Refusal = 'cut' | ServiceError

/** A signature that is older or younger is refused: five minutes, as with every AWS service. */
const SIGNATURE_LIFE_MS = 300_000

type Refusing = Exclude<Fault, { kind: 'latency' | 'clock-skew' }>

export function refusalOf(
  fault: Refusing,
  request: FaultyRequest,
  subjectOf: () => Subject,
): Refusal {
  switch (fault.kind) {
    case 'cut':
      return 'cut'
    case 'throttle':
      return throttled(request, subjectOf())
    case 'internal-failure':
      return internalFailure()
    case 'server-error':
      return serverError(fault.status ?? 500)
    case 'expired-signature': {
      const signedAtMs = signedAtMsOf(request) ?? request.service.clock.wallMs()
      return signatureExpired(signedAtMs, signedAtMs + SIGNATURE_LIFE_MS + 1000)
    }
    case 'access-denied':
      return accessDenied(request, subjectOf())
  }
}

/** Why a clock that is off by `skewMs` refuses the signature; what is not signed is not judged. */
export function judgeSignature(request: FaultyRequest, skewMs: number): ServiceError | null {
  const signedAtMs = signedAtMsOf(request)
  if (signedAtMs === null) return null
  const nowMs = request.service.clock.wallMs() + skewMs
  if (signedAtMs < nowMs - SIGNATURE_LIFE_MS) return signatureExpired(signedAtMs, nowMs)
  if (signedAtMs <= nowMs + SIGNATURE_LIFE_MS) return null
  const latest = amzDate(nowMs + SIGNATURE_LIFE_MS)
  return invalidSignature(
    `Signature not yet current: ${amzDate(signedAtMs)} is still later than ${latest} ` +
      `(${amzDate(nowMs)} + 5 min.)`,
  )
}

function signedAtMsOf({ head }: FaultyRequest): number | null {
  return parseAmzDate(headerOf(head.headers, 'x-amz-date') ?? '')
}

function signatureExpired(signedAtMs: number, nowMs: number): ServiceError {
  const earliest = amzDate(nowMs - SIGNATURE_LIFE_MS)
  return invalidSignature(
    `Signature expired: ${amzDate(signedAtMs)} is now earlier than ${earliest} ` +
      `(${amzDate(nowMs)} - 5 min.)`,
  )
}

function invalidSignature(message: string): ServiceError {
  return new ServiceError('InvalidSignatureException', message)
}

/** Reads are throttled by their shard, everything else that has no entries by the account. */
function throttled({ action, service }: FaultyRequest, { streamName, shards }: Subject): Refusal {
  const [shardId] = shards
  const { accountId } = service.config
  if (action === 'GetRecords' && streamName !== null && shardId !== undefined) {
    return rateExceeded({ shardId, streamName, accountId })
  }
  const of = streamName === null ? '' : ` for stream ${streamName}`
  return new ServiceError(
    'LimitExceededException',
    `Rate exceeded${of} under account ${accountId}.`,
  )
}

function serverError(status: number): ServiceError {
  if (status === 500) return internalFailure()
  return new ServiceError('ServiceUnavailable', 'The service is unavailable.', status)
}

function accessDenied({ action, service }: FaultyRequest, { streamName }: Subject): ServiceError {
  const { accountId, region } = service.config
  return new ServiceError(
    'AccessDeniedException',
    `User: arn:aws:iam::${accountId}:user/headgate is not authorized to perform: ` +
      `kinesis:${action} on resource: arn:aws:kinesis:${region}:${accountId}:stream/` +
      `${streamName ?? '*'} because no identity-based policy allows the kinesis:${action} action`,
  )
}
