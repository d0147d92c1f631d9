// What stands before the embedded Kinesis in the world: looks at the age of signatures, as the
// service does, and makes the service's own mistakes.

import {
  type BodyTaker,
  type HttpAnswer,
  type HttpHead,
  type HttpService,
  headerOf,
} from '../host/index.ts'
import {
  contentTypeOf,
  decodeAnswer,
  encodeRequest,
  shardIdOf,
  type WireFormat,
} from '../wire/index.ts'
import { membersOf } from './aggregates.ts'
import { httpDateOf, wallMsOfAmzDate } from './civil-date.ts'
import type { ServiceFaults } from './faults.ts'
import type { SimProcess } from './machine.ts'
import type { SimRandom } from './sim-random.ts'
import { formatOfAnswer } from './told.ts'
import { type PutRecordsFields, putRecordsOf } from './wire-checker.ts'
import type { World } from './world.ts'

/** A signature that is older or younger is refused: five minutes, as with every AWS service. */
const SKEW_MAX_MS = 300_000
/** Shards that an old map tells of; what was split or merged has lower numbers than what is. */
const OLD_SHARDS_MAX_COUNT = 6
const OLD_SHARDS_FROM = 900

export interface FrontDoorParts {
  readonly world: World
  /** The service's own. */
  readonly process: SimProcess
  readonly service: HttpService
  readonly faults: ServiceFaults
  readonly random: SimRandom
  /** Access keys that are refused; outlives the process. */
  readonly expiredKeys: Set<string>
  /** Whether the service refuses what has this user record in it. */
  readonly isPoison: (data: Buffer) => boolean
}

type Answer = (answer: HttpAnswer) => void

interface Request {
  readonly head: HttpHead
  readonly body: Buffer
  readonly taker: BodyTaker
  readonly answer: Answer
}

export class FrontDoor implements HttpService {
  readonly #parts: FrontDoorParts

  constructor(parts: FrontDoorParts) {
    this.#parts = parts
  }

  begin(head: HttpHead): HttpAnswer | BodyTaker {
    const taker = this.#parts.service.begin(head)
    if ('status' in taker) return taker
    return {
      maxBodyBytes: taker.maxBodyBytes,
      end: (body, answer) => this.#end({ head, body, taker, answer }),
      tooLarge: () => taker.tooLarge(),
      abort: () => taker.abort(),
    }
  }

  #end(request: Request): void {
    const { head, body, taker, answer } = request
    const refusal = this.#refusalOf(head, body)
    if (refusal !== null) {
      taker.abort()
      return answer(refusal)
    }
    const put = putRecordsOf(head.headers, body)
    if (put !== null) return this.#put(request, put.format, put.fields)
    const isListing = headerOf(head.headers, 'x-amz-target')?.endsWith('.ListShards') ?? false
    const isOld = isListing && this.#hits('oldMapPerMille')
    taker.end(body, isOld ? (made) => answer(this.#oldMap(made)) : answer)
  }

  /** Why the whole request is refused, if it is. */
  #refusalOf({ headers }: HttpHead, body: Buffer): HttpAnswer | null {
    const { process, random, world, isPoison, expiredKeys } = this.#parts
    const wallMs = process.clock.wallMs()
    // A consumer of the world's own does not sign.
    const signedAt = headerOf(headers, 'x-amz-date')
    if (signedAt === null) return null
    if (!(Math.abs(wallMsOfAmzDate(signedAt) - wallMs) <= SKEW_MAX_MS)) {
      world.note('service: signature expired')
      const code = random.pick(['InvalidSignatureException', 'RequestExpired'])
      return refusal(code, ['date', httpDateOf(wallMs)])
    }
    // Keys that have expired once stay so: who uses them again is refused again.
    const [, key = ''] = /Credential=([^/]+)/.exec(headerOf(headers, 'authorization') ?? '') ?? []
    if (this.#hits('expiredTokenPerMille')) expiredKeys.add(key)
    if (expiredKeys.has(key)) return refusal('ExpiredTokenException')
    const put = putRecordsOf(headers, body)
    if (put === null) return this.#refusalToTell(headerOf(headers, 'x-amz-target') ?? '')
    if (this.#hits('throttledPerMille')) {
      return refusal(random.pick(['LimitExceededException', 'ThrottlingException']))
    }
    const members = put.fields.Records.flatMap((entry) => membersOf(entry.PartitionKey, entry.Data))
    if (!members.some(({ data }) => isPoison(data))) return null
    world.note('service: poisoned request')
    return refusal('ValidationException')
  }

  #refusalToTell(target: string): HttpAnswer | null {
    if (target.endsWith('.ListShards') && this.#hits('listingRefusedPerMille')) {
      return refusal('LimitExceededException')
    }
    const isDescribing = target.endsWith('.DescribeStreamSummary')
    return isDescribing && this.#hits('describeDeniedPerMille')
      ? refusal('AccessDeniedException')
      : null
  }

  #put(request: Request, format: WireFormat, fields: PutRecordsFields): void {
    const { body, taker, answer } = request
    const mishaps = fields.Records.map(() => this.#entryMishap())
    const isGarbled = this.#hits('garbledPerMille')
    const pass = isGarbled ? (made: HttpAnswer) => answer(garbled(made)) : answer
    if (mishaps.every((mishap) => mishap === null)) return taker.end(body, pass)
    const isKept = (index: number) => mishaps[index]?.isStored !== false
    const kept = fields.Records.filter((_, index) => isKept(index))
    if (kept.length === 0) {
      taker.abort()
      return pass(
        answerOf(
          format,
          mishaps.map((mishap) => mishap!.result),
        ),
      )
    }
    const payload = { StreamName: fields.StreamName, Records: kept }
    taker.end(encodeRequest(format, 'PutRecords', payload), (made) => {
      if (made.status !== 200) return pass(made)
      const results = recordsOf(format, made)[Symbol.iterator]()
      const merged = mishaps.map((mishap, index) => {
        const result = isKept(index) ? results.next().value : null
        // An entry that the service itself refused has its own reason.
        const isRefused = result !== null && result?.['SequenceNumber'] == null
        return mishap === null || isRefused ? result! : mishap.result
      })
      pass({ ...made, body: answerOf(format, merged).body })
    })
  }

  #entryMishap(): EntryMishap | null {
    if (this.#hits('entryThrottledPerMille')) return THROTTLED
    if (this.#hits('entryFailsPerMille')) return { isStored: false, result: FAILED }
    if (this.#hits('entryFailsAfterPerMille')) return { isStored: true, result: FAILED }
    return null
  }

  /** The listing of a stream as it was cut before. */
  #oldMap(made: HttpAnswer): HttpAnswer {
    if (made.status !== 200) return made
    const count = this.#parts.random.between(1, OLD_SHARDS_MAX_COUNT)
    const width = (1n << 128n) / BigInt(count)
    const shards = Array.from({ length: count }, (_, index) => {
      const end = index === count - 1 ? (1n << 128n) - 1n : width * BigInt(index + 1) - 1n
      return {
        ShardId: shardIdOf(OLD_SHARDS_FROM + index),
        HashKeyRange: { StartingHashKey: `${width * BigInt(index)}`, EndingHashKey: `${end}` },
        SequenceNumberRange: { StartingSequenceNumber: '1' },
      }
    })
    const format = formatOfAnswer(made)
    return { ...made, body: encodeRequest(format, 'ListShards', { Shards: shards }) }
  }

  #hits(fault: keyof ServiceFaults): boolean {
    const { world, faults, random } = this.#parts
    if (!world.areFaultsOn || !random.hits(faults[fault])) return false
    world.note(`service: ${FAULT_NAMES[fault]}`)
    return true
  }
}

const FAULT_NAMES: Readonly<Record<keyof ServiceFaults, string>> = {
  throttledPerMille: 'request throttled',
  expiredTokenPerMille: 'token expired',
  entryThrottledPerMille: 'entry throttled',
  entryFailsPerMille: 'entry fails',
  entryFailsAfterPerMille: 'entry fails after it was stored',
  garbledPerMille: 'answer garbled',
  oldMapPerMille: 'old shard map',
  listingRefusedPerMille: 'listing refused',
  describeDeniedPerMille: 'describing denied',
  poisonPerMille: 'poisoned request',
}

interface EntryMishap {
  readonly isStored: boolean
  readonly result: Readonly<Record<string, string>>
}

const FAILED = { ErrorCode: 'InternalFailure', ErrorMessage: 'Internal service failure.' }
const THROTTLED: EntryMishap = {
  isStored: false,
  result: {
    ErrorCode: 'ProvisionedThroughputExceededException',
    ErrorMessage: 'Rate exceeded, says the world.',
  },
}

function refusal(code: string, more: readonly string[] = []): HttpAnswer {
  const headers = ['content-type', contentTypeOf('json'), ...more]
  return { status: 400, headers, body: JSON.stringify({ __type: code, message: 'says the world' }) }
}

function answerOf(format: WireFormat, results: readonly object[]): HttpAnswer {
  const headers = ['content-type', contentTypeOf(format)]
  const payload = { FailedRecordCount: 0, Records: results }
  return { status: 200, headers, body: encodeRequest(format, 'PutRecords', payload) }
}

function recordsOf(format: WireFormat, made: HttpAnswer): Record<string, string>[] {
  const fields = decodeAnswer(format, Buffer.from(made.body)) as Record<string, unknown>
  return fields['Records'] as Record<string, string>[]
}

function garbled(made: HttpAnswer): HttpAnswer {
  const body = Buffer.from(made.body)
  return { ...made, body: body.subarray(0, body.length >> 1) }
}
