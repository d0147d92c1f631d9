// Looks at each PutRecords on the wire: no limit of the service may be broken, whatever happens.

import assert from 'node:assert'
import { type HttpRequest, headerOf } from '../host/index.ts'
import {
  deaggregateRecord,
  decodeAnswer,
  PARTITION_KEY_MAX_CHARACTERS,
  PUT_RECORDS_MAX_BYTES,
  PUT_RECORDS_MAX_COUNT,
  RECORD_DEFAULT_MAX_BYTES,
  type WireFormat,
} from '../wire/index.ts'
import type { Fate } from './faults.ts'
import type { RecordBook } from './record-book.ts'

const HASH_KEY_MAX = (1n << 128n) - 1n

interface Entry {
  readonly Data: Buffer
  readonly PartitionKey: string
  readonly ExplicitHashKey?: string
}

export class WireChecker {
  readonly #book: RecordBook
  #requestCount = 0
  #userRecordCount = 0

  constructor(book: RecordBook) {
    this.#book = book
  }

  get requestCount(): number {
    return this.#requestCount
  }

  /** User records seen on the wire, each time they were sent. */
  get userRecordCount(): number {
    return this.#userRecordCount
  }

  check(request: HttpRequest, fate: Fate): void {
    const target = headerOf(request.headers, 'x-amz-target') ?? ''
    if (!target.endsWith('.PutRecords')) return
    this.#requestCount++
    const type = headerOf(request.headers, 'content-type') ?? ''
    const format: WireFormat = type.includes('cbor') ? 'cbor' : 'json'
    const call = decodeAnswer(format, request.body) as { StreamName: string; Records: Entry[] }
    const { Records: entries } = call
    assert(entries.length >= 1, 'a request without records')
    assert(entries.length <= PUT_RECORDS_MAX_COUNT, `${entries.length} records in a request`)
    let bytes = 0
    for (const entry of entries) {
      bytes += checkEntry(entry)
      this.#look(entry, call.StreamName, fate)
    }
    assert(bytes <= PUT_RECORDS_MAX_BYTES, `${bytes} bytes in a request`)
  }

  #look(entry: Entry, stream: string, fate: Fate): void {
    const record = { partitionKey: entry.PartitionKey, data: entry.Data }
    for (const user of deaggregateRecord(record)) {
      const booked = this.#book.find(user.data)
      this.#userRecordCount++
      assert(booked.result === null, `record ${booked.id} was sent after it had settled`)
      assert(booked.stream === stream, `record ${booked.id} went to ${stream}`)
      assert(booked.data.equals(user.data), `record ${booked.id} changed on its way`)
      assert(booked.partitionKey === user.partitionKey, `record ${booked.id} lost its key`)
      if (fate === 'twice') booked.isDoubled = true
    }
  }
}

/** The bytes of an entry that count. */
function checkEntry(entry: Entry): number {
  const { PartitionKey: key, ExplicitHashKey: hashKey } = entry
  const characterCount = [...key].length
  assert(characterCount >= 1, 'an empty partition key')
  assert(characterCount <= PARTITION_KEY_MAX_CHARACTERS, `a key of ${characterCount} characters`)
  if (hashKey !== undefined && hashKey !== null) {
    assert(/^(0|[1-9][0-9]{0,38})$/.test(hashKey), `${hashKey} is no explicit hash key`)
    assert(BigInt(hashKey) <= HASH_KEY_MAX, `${hashKey} is no explicit hash key`)
  }
  const bytes = entry.Data.length + Buffer.byteLength(key)
  assert(bytes <= RECORD_DEFAULT_MAX_BYTES, `a record of ${bytes} bytes`)
  return bytes
}
