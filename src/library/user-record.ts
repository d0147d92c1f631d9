// What a program hands in, what it gets back, and what is refused at once.

import { Buffer } from 'node:buffer'
import { throwApart } from '../host/node/index.ts'
import {
  type Attempt,
  type HashKey,
  hashKeyFromDecimal,
  keyProblem,
  type Place,
  type RecordResult,
  STREAM_NAME_PATTERN,
  UserRecord,
  type UserRecordFields,
} from '../record/index.ts'

export interface UserRecordInput {
  readonly stream: string
  /** 1 to 256 Unicode characters. */
  readonly partitionKey: string
  /** Decimal, 0..2^128-1: where the record belongs, in the place of the partition key's MD5. */
  readonly explicitHashKey?: string | null | undefined
  /**
   * Not copied: leave bytes unchanged until the record has settled, and do not transfer them. Text
   * is sent as UTF-8; null is empty, as in the KPL.
   */
  readonly data: Uint8Array | string | null
}

export interface UserRecordResult extends Place {
  /** When it was added, in whole milliseconds of the clock that the attempts are told by. */
  readonly arrivalAtMs: number
  readonly attempts: readonly Attempt[]
}

/** The result of a record that was not delivered. */
export type FailedResult = RecordResult & { readonly isDelivered: false }

/** A record that was not delivered. `result` tells every attempt. */
export class UserRecordFailedError extends Error {
  /** The last attempt's code: `Expired`, `ResourceNotFoundException`, … */
  readonly code: string
  /** An attempt had no answer: the record may be in the stream all the same. */
  readonly mayBeWritten: boolean
  readonly attempts: readonly Attempt[]
  /** When it was added, in whole milliseconds of the clock that the attempts are told by. */
  readonly arrivalAtMs: number
  readonly result: FailedResult
  /** As it was handed in. */
  readonly record: UserRecordInput

  constructor(result: FailedResult, record: UserRecordInput, arrivalAtMs: number) {
    super(`${result.code}: ${result.message}${causeOf(result)}`)
    this.name = 'UserRecordFailedError'
    this.code = result.code
    this.mayBeWritten = result.mayBeWritten
    this.attempts = result.attempts
    this.arrivalAtMs = arrivalAtMs
    this.result = result
    this.record = record
  }
}

/** Of a record for which time ran out: why it did, as far as the last try tells. */
function causeOf({ code, attempts }: FailedResult): string {
  if (code !== 'Expired' && code !== 'Closed') return ''
  const last = attempts.findLast((attempt) => attempt.code !== 'Expired' && attempt.code !== code)
  return last?.code == null ? '' : `; before that ${last.code}: ${last.message}`
}

/** The record to put; throws `TypeError` or `RangeError` for what no stream would take. */
export function userRecordOf(
  input: UserRecordInput,
  maxUserRecordSize: number,
  onSettle: UserRecordFields['onSettle'],
): UserRecord {
  return new UserRecord(fieldsOf(input, maxUserRecordSize, onSettle))
}

/**
 * A record whose fate a promise tells. It keeps what that needs itself: on the hottest path each
 * object less that lives as long as the record is less to collect.
 */
export class PromisedRecord extends UserRecord {
  readonly #input: UserRecordInput
  #resolve!: (result: UserRecordResult) => void
  #reject!: (error: UserRecordFailedError) => void
  readonly promise: Promise<UserRecordResult>

  /** Throws as `userRecordOf` does. */
  constructor(input: UserRecordInput, maxUserRecordSize: number) {
    super(fieldsOf(input, maxUserRecordSize, tellPromise))
    this.#input = input
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  tell(result: RecordResult): void {
    if (!result.isDelivered) {
      this.#reject(new UserRecordFailedError(result, this.#input, this.arrivalAtMs))
      return
    }
    const { shardId, sequenceNumber, subSequenceNumber } = result.place
    const { attempts } = result
    const { arrivalAtMs } = this
    this.#resolve({ shardId, sequenceNumber, subSequenceNumber, attempts, arrivalAtMs })
  }
}

/** Told of each record of a batch, with its place there. */
export type TellIndexed = (result: RecordResult, index: number) => void

/** One of a batch that shares a callback: as above, nothing else lives as long as it does. */
export class IndexedRecord extends UserRecord {
  readonly index: number

  /** Throws as `userRecordOf` does. `onSettle`: what `tellByIndex` made for the batch. */
  constructor(
    input: UserRecordInput,
    maxUserRecordSize: number,
    { onSettle, index }: { onSettle: UserRecordFields['onSettle']; index: number },
  ) {
    super(fieldsOf(input, maxUserRecordSize, onSettle))
    this.index = index
  }
}

/** For the records of one batch. */
export function tellByIndex(tell: TellIndexed): UserRecordFields['onSettle'] {
  return (result, record) => {
    try {
      tell(result, (record as IndexedRecord).index)
    } catch (error) {
      // Others travelled with this record, and are yet to be told of.
      throwApart(error)
    }
  }
}

function tellPromise(result: RecordResult, record: UserRecord): void {
  ;(record as PromisedRecord).tell(result)
}

/** Of the last record that passed: most are of the same stream. As it was said, and trimmed. */
let lastStream: string | null = null
let lastName = ''
const NO_BYTES = Buffer.alloc(0)

function fieldsOf(
  input: UserRecordInput,
  maxUserRecordSize: number,
  onSettle: UserRecordFields['onSettle'],
): UserRecordFields {
  if (typeof input !== 'object' || input === null) {
    throw new TypeError('a record is needed: { stream, partitionKey, data }')
  }
  const { stream, partitionKey, explicitHashKey, data } = input
  if (typeof stream !== 'string') throw new TypeError('stream: a string is needed')
  if (typeof partitionKey !== 'string') throw new TypeError('partitionKey: a string is needed')
  if (typeof data !== 'string' && !(data instanceof Uint8Array) && data !== null) {
    throw new TypeError('data: a string or a Uint8Array is needed')
  }
  if (stream !== lastStream) {
    const name = stream.trim()
    if (!STREAM_NAME_PATTERN.test(name)) {
      throw new RangeError('stream: 1 to 128 of a-z A-Z 0-9 _ . - are allowed')
    }
    lastStream = stream
    lastName = name
  }
  const wrong = keyProblem(partitionKey)
  if (wrong !== null) throw new RangeError(`partitionKey: it ${wrong}`)
  const hashKey = explicitHashKey == null ? null : explicitHashKeyOf(explicitHashKey)
  const bytes = typeof data === 'string' ? textBytes(data) : (data ?? NO_BYTES)
  // Counted only where it matters: UTF-8 takes three bytes for a UTF-16 unit at most.
  if (bytes.length + 3 * partitionKey.length > maxUserRecordSize) {
    const chargedBytes = bytes.length + Buffer.byteLength(partitionKey)
    if (chargedBytes > maxUserRecordSize) {
      throw new RangeError(
        `data: with its key ${chargedBytes} bytes; maxUserRecordSize is ${maxUserRecordSize}`,
      )
    }
  }
  return { stream: lastName, partitionKey, explicitHashKey: hashKey, data: bytes, onSettle }
}

/** Java's, which the KPL takes: also that of minus nothing. */
const SIGN = /^(\+|-(?=0+$))/

function explicitHashKeyOf(text: string): HashKey {
  if (typeof text !== 'string') {
    throw new TypeError('explicitHashKey: a decimal number as a string is needed')
  }
  const hashKey = hashKeyFromDecimal(text.trim().replace(SIGN, ''))
  if (hashKey !== null) return hashKey
  throw new RangeError('explicitHashKey: a decimal number in 0..2^128-1 is allowed')
}

/** Half a character would be stored as U+FFFD, and nobody would be told. */
function textBytes(text: string): Buffer {
  if (!text.isWellFormed()) throw new RangeError('data: half a surrogate pair has no UTF-8')
  return Buffer.from(text, 'utf8')
}
