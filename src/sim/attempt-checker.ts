// Compares what a record's result says of its attempts with the requests that carried it, as they
// were seen on the wire: an account kept by somebody else.

import assert from 'node:assert'
import { type ProducerConfig, recordTtlMsOf } from '../producer/index.ts'
import { ATTEMPTS_KEPT_MAX_COUNT, type Attempt } from '../record/index.ts'
import type { BookedRecord, Sending } from './record-book.ts'
import { isLanded, type Told } from './told.ts'

/** Codes of attempts that were no request. */
const OWN_CODES = new Set([
  'Expired',
  'Closed',
  'TooManyStreams',
  'CredentialsError',
  'RecordTooLarge',
])

/** Throws when the result of a record, which has just settled, says what was not so. */
export function checkAttempts(booked: BookedRecord): void {
  const { id, sendings } = booked
  const result = booked.result!
  const isClosed = !result.isDelivered && result.code === 'Closed'
  const seen = sendings.filter(({ request }) => request.endedAtMs !== null)
  const openCount = sendings.length - seen.length
  assert(openCount === 0 || isClosed, `record ${id} settled while a request still carries it`)
  const attempts = booked.record!.attempts
  const kept = attempts.slice(0, ATTEMPTS_KEPT_MAX_COUNT - 1)
  const areAllKept = booked.record!.attemptCount <= ATTEMPTS_KEPT_MAX_COUNT
  const own = (areAllKept ? attempts : kept).filter(({ code }) => !isOurs(code))
  // Closed while it waited to be judged: it had landed, and no attempt says so.
  const isUnjudged = isClosed && seen.length === own.length + 1 && isLanded(toldOf(seen.at(-1)!))
  const expectedCount = seen.length - (isUnjudged ? 1 : 0)
  const what = `record ${id} tells of ${own.length} requests; ${expectedCount} carried it`
  assert(areAllKept ? own.length === expectedCount : own.length <= expectedCount, what)
  for (const [index, attempt] of own.entries()) checkAttempt(id, attempt, seen[index]!)
  if (result.isDelivered) return checkPlace(booked, seen.at(-1))
  const last = attempts.at(-1)!
  assert(last.code === result.code, `record ${id} ends with ${last.code}, told is ${result.code}`)
  const mayBeWritten = openCount > 0 || seen.some((sending) => leavesOpen(toldOf(sending)))
  const told = `record ${id}: mayBeWritten is ${result.mayBeWritten}`
  assert(result.mayBeWritten === mayBeWritten, told)
}

/** Reasons that time does not mend: the world has no others. */
const FINAL_CODES = new Set([
  'Expired',
  'Closed',
  'TooManyStreams',
  'RecordTooLarge',
  'ResourceNotFoundException',
  'ValidationException',
])
const THROTTLED_CODE = 'ProvisionedThroughputExceededException'

/** Throws when a record was given up that could still have been delivered. */
export function checkReason(booked: BookedRecord, config: ProducerConfig): void {
  const { id, enteredAtMs, settledAtMs } = booked
  const result = booked.result!
  if (result.isDelivered) return
  const isFinal =
    FINAL_CODES.has(result.code) || (config.failIfThrottled && result.code === THROTTLED_CODE)
  assert(isFinal, `record ${id} was given up for ${result.code}`)
  const ageMs = settledAtMs - enteredAtMs
  const isInTime = result.code !== 'Expired' || ageMs > recordTtlMsOf(config)
  assert(isInTime, `record ${id} expired at the age of ${ageMs} ms`)
}

/** Throws when a record was called too large that its stream took all the time. */
export function checkSizeRefusals(
  records: readonly BookedRecord[],
  sizesOf: ReadonlyMap<string, RecordSizes>,
): void {
  for (const { id, result, stream, partitionKey, data } of records) {
    if (result === null || result.isDelivered || result.code !== 'RecordTooLarge') continue
    const bytes = data.length + Buffer.byteLength(partitionKey)
    const { leastBytes } = sizesOf.get(stream)!
    assert(bytes > leastBytes, `record ${id} is called too large with ${bytes} bytes`)
  }
}

/** What the streams of one name take, one after the other: the largest record of each. */
export interface RecordSizes {
  readonly leastBytes: number
  readonly mostBytes: number
}

function isOurs(code: string | null): boolean {
  return code !== null && OWN_CODES.has(code)
}

function checkAttempt(id: number, attempt: Attempt, sending: Sending): void {
  const { sentAtMs, endedAtMs } = sending.request
  const told = toldOf(sending)
  const says = `record ${id} says ${attempt.code} (may be written: ${attempt.mayBeWritten})`
  if (isLanded(told)) {
    const isWrongShard = attempt.code === 'Wrong Shard' && attempt.mayBeWritten
    assert(attempt.code === null || isWrongShard, `${says} where it landed`)
    const canBeWrong = sending.memberCount > 1 || attempt.code === null
    assert(canBeWrong, `${says}; alone it lands where it belongs`)
  } else {
    const wanted = `told was ${told.code} (may be written: ${told.mayBeWritten})`
    const isSame = attempt.code === told.code && attempt.mayBeWritten === told.mayBeWritten
    assert(isSame, `${says}; ${wanted}`)
  }
  assert(attempt.startAtMs <= sentAtMs, `record ${id}: an attempt starts after its request`)
  // What landed in an unknown shard is judged later, but ended when its answer came.
  assert(attempt.endAtMs === endedAtMs, `record ${id}: an attempt ends at another time`)
}

function checkPlace(booked: BookedRecord, last: Sending | undefined): void {
  const { id, result } = booked
  assert(last !== undefined && result?.isDelivered, `record ${id} was delivered by no request`)
  const told = toldOf(last)
  assert(isLanded(told), `record ${id} was delivered; told was ${JSON.stringify(told)}`)
  const { shardId, sequenceNumber, subSequenceNumber } = result.place
  const isPlace = shardId === told.shardId && sequenceNumber === told.sequenceNumber
  const member = last.memberCount === 1 ? null : last.member
  assert(isPlace && subSequenceNumber === member, `record ${id} is told to be elsewhere`)
  assert(booked.record!.attempts.at(-1)!.code === null, `record ${id} ends with a failed attempt`)
}

function leavesOpen(told: Told): boolean {
  return isLanded(told) || told.mayBeWritten
}

function toldOf({ request, entry }: Sending): Told {
  return request.told[entry]!
}
