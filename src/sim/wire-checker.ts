// Looks at each PutRecords on the wire: no limit of the service may be broken, whatever happens,
// and no record may be in two requests at once. Books which request carried which record.

import assert from 'node:assert'
import {
  type HttpAnswer,
  type HttpRequest,
  headerOf,
  isAnswer,
  type NoAnswer,
} from '../host/index.ts'
import {
  decodeAnswer,
  EXPLICIT_HASH_KEY_PATTERN,
  PARTITION_KEY_MAX_CHARACTERS,
  PUT_RECORDS_MAX_BYTES,
  PUT_RECORDS_MAX_COUNT,
  RECORD_MAX_BYTES,
  type WireFormat,
} from '../wire/index.ts'
import { membersOf } from './aggregates.ts'
import type { RecordSizes } from './attempt-checker.ts'
import type { Fate } from './faults.ts'
import { checkSendingOrder } from './order-checker.ts'
import type { BookedRecord, RecordBook, SentRequest } from './record-book.ts'
import { toldBy } from './told.ts'

const HASH_KEY_MAX = (1n << 128n) - 1n

export interface PutRecordsEntryFields {
  readonly Data: Buffer
  readonly PartitionKey: string
  readonly ExplicitHashKey?: string
}

export interface PutRecordsFields {
  readonly StreamName: string
  readonly Records: readonly PutRecordsEntryFields[]
}

/** The fields of a PutRecords request, or null when it is another one. */
export function putRecordsOf(
  headers: readonly string[],
  body: Uint8Array,
): { format: WireFormat; fields: PutRecordsFields } | null {
  const target = headerOf(headers, 'x-amz-target') ?? ''
  if (!target.endsWith('.PutRecords')) return null
  const type = headerOf(headers, 'content-type') ?? ''
  const format = type.includes('cbor') ? 'cbor' : 'json'
  return { format, fields: decodeAnswer(format, body) as PutRecordsFields }
}

export class WireChecker {
  readonly #book: RecordBook
  readonly #nowMs: () => number
  readonly #recordSizes: ReadonlyMap<string, RecordSizes>
  #requestCount = 0

  constructor(
    book: RecordBook,
    nowMs: () => number,
    recordSizes: ReadonlyMap<string, RecordSizes>,
  ) {
    this.#book = book
    this.#nowMs = nowMs
    this.#recordSizes = recordSizes
  }

  get requestCount(): number {
    return this.#requestCount
  }

  /** Takes a request that begins; the answer wants to be told how it ended for the producer. */
  begin(request: HttpRequest, fate: Fate): ((ending: HttpAnswer | NoAnswer) => void) | null {
    const put = putRecordsOf(request.headers, request.body)
    if (put === null) return null
    this.#requestCount++
    const { StreamName: stream, Records: entries } = put.fields
    assert(entries.length >= 1, 'a request without records')
    assert(entries.length <= PUT_RECORDS_MAX_COUNT, `${entries.length} records in a request`)
    const sent: SentRequest = {
      sentAtMs: this.#nowMs(),
      entryCount: entries.length,
      isDoubled: fate === 'twice',
      endedAtMs: null,
      isAnswered: false,
      told: [],
    }
    let bytes = 0
    for (const [index, entry] of entries.entries()) {
      const members = membersOf(entry.PartitionKey, entry.Data)
      // Who may not ask what the stream takes lets the service decide on a large record.
      const isAlone = members.length === 1
      const { mostBytes } = this.#recordSizes.get(stream)!
      bytes += checkEntry(entry, isAlone ? RECORD_MAX_BYTES : mostBytes)
      const bookedMembers = members.map(({ data }) => this.#book.find(data))
      for (const [member, { partitionKey, data }] of members.entries()) {
        const booked = bookedMembers[member]!
        checkMember(booked, { stream, partitionKey, data })
        const memberCount = members.length
        booked.sendings.push({ request: sent, entry: index, member, memberCount })
      }
      checkSendingOrder(bookedMembers)
    }
    assert(bytes <= PUT_RECORDS_MAX_BYTES, `${bytes} bytes in a request`)
    return (ending) => {
      sent.told = toldBy(ending, entries.length)
      sent.isAnswered = isAnswer(ending) && ending.status === 200
      sent.endedAtMs = this.#nowMs()
    }
  }
}

interface Seen {
  readonly stream: string
  readonly partitionKey: string
  readonly data: Buffer
}

function checkMember(booked: BookedRecord, { stream, partitionKey, data }: Seen): void {
  const { id, result, sendings, hasTwin } = booked
  assert(result === null || hasTwin, `record ${id} was sent after it had settled`)
  assert(booked.record !== null, `record ${id} was sent before it entered`)
  assert(booked.stream === stream, `record ${id} went to ${stream}`)
  assert(booked.data.equals(data), `record ${id} changed on its way`)
  assert(booked.partitionKey === partitionKey, `record ${id} lost its key`)
  const before = sendings.at(-1)
  const isFree = hasTwin || before === undefined || before.request.endedAtMs !== null
  assert(isFree, `record ${id} is in two requests at once`)
}

/** The bytes of an entry that count. */
function checkEntry(entry: PutRecordsEntryFields, mostBytes: number): number {
  const { PartitionKey: key, ExplicitHashKey: hashKey } = entry
  const characterCount = [...key].length
  assert(characterCount >= 1, 'an empty partition key')
  assert(characterCount <= PARTITION_KEY_MAX_CHARACTERS, `a key of ${characterCount} characters`)
  if (hashKey !== undefined && hashKey !== null) {
    const isHashKey = EXPLICIT_HASH_KEY_PATTERN.test(hashKey) && BigInt(hashKey) <= HASH_KEY_MAX
    assert(isHashKey, `${hashKey} is no explicit hash key`)
  }
  const bytes = entry.Data.length + Buffer.byteLength(key)
  assert(bytes <= mostBytes, `a record of ${bytes} bytes`)
  return bytes
}
