// A transaction as the body of a frame.
//
//    kind  flags  first ordinal  count  arrival  [key length  key  hash  ack]  records
//    u8    u8     u32            u32    f64       u16          …    32    u8
//
//    record: flags  [length  stream]  length  key  [hash key]  [length  receipt]  [arrival]
//            u8      u8      …        u16     …     16 bytes    u8      …          f64
//            length  data
//            u32     …
//
// The arrival is the wall clock's, in milliseconds. What is in brackets is there when a flag says
// so; a record without a stream has that of the one before it, one without an arrival came with its
// transaction.

import { HashKey } from '../record/index.ts'
import type { AckLevel, IdempotencyEntry, SpoolRecord, Transaction } from './transaction.ts'

export const TRANSACTION_KIND = 1
const HEAD_BYTES = 18
const HASH_BYTES = 32

const HAS_IDEMPOTENCY = 1
const HAS_RECEIPTS = 2

const HAS_STREAM = 1
const HAS_HASH_KEY = 2
const HAS_RECEIPT = 4
const HAS_ARRIVAL = 8

export const ACK_LEVELS: readonly AckLevel[] = ['accepted', 'durable', 'delivered']

export interface TransactionHead {
  readonly firstOrdinal: number
  readonly count: number
  readonly arrivedAtMs: number
  readonly idempotency: IdempotencyEntry | null
  /** Some of its records have a receipt of their own. */
  readonly hasReceipts: boolean
  /** Where the records begin in the body. */
  readonly recordsAt: number
}

export interface StoredRecord {
  stream: string
  partitionKey: string
  explicitHashKey: HashKey | null
  receipt: string | null
  /** Null when it came with its transaction. */
  arrivedAtMs: number | null
  /** Where the data is in the body. */
  dataAt: number
  dataEnd: number
}

/** Bytes of the body. */
export function bodyBytesOf({ records, idempotency }: Transaction): number {
  let bytes = HEAD_BYTES
  if (idempotency !== null) bytes += 2 + Buffer.byteLength(idempotency.key) + HASH_BYTES + 1
  let stream = ''
  for (const record of records) {
    bytes += 1 + 2 + Buffer.byteLength(record.partitionKey) + 4 + record.data.length
    if (record.stream !== stream) bytes += 1 + Buffer.byteLength(record.stream)
    if (record.explicitHashKey !== null) bytes += 16
    if (record.receipt !== undefined) bytes += 1 + Buffer.byteLength(record.receipt)
    if (record.arrivedAtMs !== undefined) bytes += 8
    stream = record.stream
  }
  return bytes
}

/** Writes the body from `at` on; gives where it ends. */
export function encodeTransaction(
  buffer: Buffer,
  at: number,
  { records, idempotency }: Transaction,
  { firstOrdinal, arrivedAtMs }: { firstOrdinal: number; arrivedAtMs: number },
): number {
  const hasReceipts = records.some((record) => record.receipt !== undefined)
  buffer[at] = TRANSACTION_KIND
  buffer[at + 1] = (idempotency === null ? 0 : HAS_IDEMPOTENCY) | (hasReceipts ? HAS_RECEIPTS : 0)
  buffer.writeUInt32BE(firstOrdinal, at + 2)
  buffer.writeUInt32BE(records.length, at + 6)
  let end = buffer.writeDoubleBE(arrivedAtMs, at + 10)
  if (idempotency !== null) end = encodeIdempotency(buffer, end, idempotency)
  let stream = ''
  for (const record of records) {
    end = encodeRecord(buffer, end, record, record.stream !== stream)
    stream = record.stream
  }
  return end
}

function encodeIdempotency(
  buffer: Buffer,
  at: number,
  { key, bodyHash, ack }: IdempotencyEntry,
): number {
  const keyBytes = buffer.write(key, at + 2)
  buffer.writeUInt16BE(keyBytes, at)
  buffer.set(bodyHash, at + 2 + keyBytes)
  return buffer.writeUInt8(ACK_LEVELS.indexOf(ack), at + 2 + keyBytes + HASH_BYTES)
}

function encodeRecord(buffer: Buffer, at: number, record: SpoolRecord, hasStream: boolean): number {
  const { explicitHashKey: hashKey, receipt, arrivedAtMs, data } = record
  let flags = 0
  let end = at + 1
  if (hasStream) {
    flags |= HAS_STREAM
    const bytes = buffer.write(record.stream, end + 1)
    end = buffer.writeUInt8(bytes, end) + bytes
  }
  const keyBytes = buffer.write(record.partitionKey, end + 2)
  end = buffer.writeUInt16BE(keyBytes, end) + keyBytes
  if (hashKey !== null) {
    flags |= HAS_HASH_KEY
    for (const word of [hashKey.w0, hashKey.w1, hashKey.w2, hashKey.w3]) {
      end = buffer.writeUInt32BE(word, end)
    }
  }
  if (receipt !== undefined) {
    flags |= HAS_RECEIPT
    const bytes = buffer.write(receipt, end + 1, 'latin1')
    end = buffer.writeUInt8(bytes, end) + bytes
  }
  if (arrivedAtMs !== undefined) {
    flags |= HAS_ARRIVAL
    end = buffer.writeDoubleBE(arrivedAtMs, end)
  }
  buffer[at] = flags
  end = buffer.writeUInt32BE(data.length, end)
  buffer.set(data, end)
  return end + data.length
}

/** Of a body whose checksum is right; null when it is no transaction. */
export function decodeHead(body: Buffer): TransactionHead | null {
  if (body.length < HEAD_BYTES || body[0] !== TRANSACTION_KIND) return null
  const flags = body[1]!
  const head = {
    firstOrdinal: body.readUInt32BE(2),
    count: body.readUInt32BE(6),
    arrivedAtMs: body.readDoubleBE(10),
    hasReceipts: (flags & HAS_RECEIPTS) !== 0,
  }
  if ((flags & HAS_IDEMPOTENCY) === 0) {
    return { ...head, idempotency: null, recordsAt: HEAD_BYTES }
  }
  const keyEnd = HEAD_BYTES + 2 + body.readUInt16BE(HEAD_BYTES)
  const hashEnd = keyEnd + HASH_BYTES
  const idempotency = {
    key: body.toString('utf8', HEAD_BYTES + 2, keyEnd),
    bodyHash: Buffer.from(body.subarray(keyEnd, hashEnd)),
    ack: ACK_LEVELS[body[hashEnd]!]!,
  }
  return { ...head, idempotency, recordsAt: hashEnd + 1 }
}

/** Steps from record to record; only what is wanted is decoded. */
export class RecordCursor {
  readonly #body: Buffer
  #at: number
  #streamAt = 0
  #streamEnd = 0
  #stream = ''
  #isStreamKnown = true

  constructor(body: Buffer, recordsAt: number) {
    this.#body = body
    this.#at = recordsAt
  }

  skip(): void {
    this.#step(null)
  }

  next(): StoredRecord {
    const record: StoredRecord = {
      stream: '',
      partitionKey: '',
      explicitHashKey: null,
      receipt: null,
      arrivedAtMs: null,
      dataAt: 0,
      dataEnd: 0,
    }
    this.#step(record)
    if (!this.#isStreamKnown) {
      this.#stream = this.#body.toString('utf8', this.#streamAt, this.#streamEnd)
      this.#isStreamKnown = true
    }
    record.stream = this.#stream
    return record
  }

  #step(record: StoredRecord | null): void {
    const body = this.#body
    let at = this.#at
    const flags = body[at++]!
    if ((flags & HAS_STREAM) !== 0) {
      this.#streamAt = at + 1
      this.#streamEnd = at + 1 + body[at]!
      this.#isStreamKnown = false
      at = this.#streamEnd
    }
    const keyEnd = at + 2 + body.readUInt16BE(at)
    if (record !== null) record.partitionKey = body.toString('utf8', at + 2, keyEnd)
    at = keyEnd
    if ((flags & HAS_HASH_KEY) !== 0) {
      if (record !== null) record.explicitHashKey = hashKeyAt(body, at)
      at += 16
    }
    if ((flags & HAS_RECEIPT) !== 0) {
      const end = at + 1 + body[at]!
      if (record !== null) record.receipt = body.toString('latin1', at + 1, end)
      at = end
    }
    if ((flags & HAS_ARRIVAL) !== 0) {
      if (record !== null) record.arrivedAtMs = body.readDoubleBE(at)
      at += 8
    }
    const dataBytes = body.readUInt32BE(at)
    if (record !== null) {
      record.dataAt = at + 4
      record.dataEnd = at + 4 + dataBytes
    }
    this.#at = at + 4 + dataBytes
  }
}

function hashKeyAt(body: Buffer, at: number): HashKey {
  const word = (index: number) => body.readUInt32BE(at + 4 * index)
  return new HashKey(word(0), word(1), word(2), word(3))
}
