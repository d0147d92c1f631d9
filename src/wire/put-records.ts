// PutRecords requests, written straight into one kept buffer. A request has up to 500 entries and
// 10 MiB; building objects and strings of it first costs two to ten times as much in JSON,
// and more in CBOR (bench/wire.ts). Fields are in the order of the service's model, as the official
// SDKs write them.

import assert from 'node:assert'
import type { HashKey } from '../record/index.ts'
import { CBOR_ARRAY, CBOR_BYTES, CBOR_MAP, writeCborHead, writeCborText } from './cbor-writer.ts'
import { decimalOf } from './decimal-of.ts'
import { type Md5Piece, writeMd5s } from './md5-lanes.ts'
import type { RequestBuffer } from './request-buffer.ts'
import { utf8Bytes } from './utf8.ts'
import type { WireFormat } from './wire-format.ts'

/** One Kinesis record of a request. */
export interface PutRecordsEntry {
  readonly partitionKey: string
  readonly explicitHashKey: HashKey | null
  /** Bytes of the data. */
  readonly sizeBytes: number
  /**
   * Writes exactly `sizeBytes` of data at `at` and answers the end. MD5s that it has to write there
   * it leaves to us: what they are of goes into `pieces`.
   */
  write(into: Buffer, at: number, pieces: Md5Piece[]): number
}

/** A body's bytes beside its entries and the stream's name. */
const REQUEST_FRAME_BYTES = 64
/** An entry's bytes beside data and partition key: field names, marks, 39 digits of a hash key. */
const ENTRY_FRAME_BYTES = 128
/** UTF-8 takes three bytes for a UTF-16 unit at most, a JSON escape takes six. */
const UTF8_BYTES_PER_UNIT = 3
const JSON_BYTES_PER_UNIT = 6

/** The body of a PutRecords request: a view of `buffer`, valid until its next use. */
export function encodePutRecords(
  format: WireFormat,
  streamName: string,
  entries: readonly PutRecordsEntry[],
  buffer: RequestBuffer,
): Buffer {
  return format === 'json'
    ? encodeJson(streamName, entries, buffer)
    : encodeCborBody(streamName, entries, buffer)
}

function encodeJson(
  streamName: string,
  entries: readonly PutRecordsEntry[],
  buffer: RequestBuffer,
): Buffer {
  let boundBytes = REQUEST_FRAME_BYTES + JSON_BYTES_PER_UNIT * streamName.length
  let largestBytes = 0
  for (const { partitionKey, sizeBytes } of entries) {
    const base64Bytes = 4 * Math.ceil(sizeBytes / 3)
    boundBytes += ENTRY_FRAME_BYTES + JSON_BYTES_PER_UNIT * partitionKey.length + base64Bytes
    if (sizeBytes > largestBytes) largestBytes = sizeBytes
  }
  const body = buffer.body(boundBytes)
  const scratch = buffer.scratch(largestBytes)
  let end = body.write('{"Records":[', 0, 'latin1')
  let opening = '{"Data":"'
  for (const entry of entries) {
    const pieces: Md5Piece[] = []
    writeData(entry, scratch, 0, pieces)
    writeMd5s(pieces)
    end += body.write(opening, end, 'latin1')
    // Through a string that lives for a moment: Node encodes base64 only into strings.
    end += body.write(scratch.toString('base64', 0, entry.sizeBytes), end, 'latin1')
    end += body.write(jsonKeys(entry), end, 'utf8')
    opening = ',{"Data":"'
  }
  end += body.write(`],"StreamName":${jsonText(streamName)}}`, end, 'utf8')
  return body.subarray(0, end)
}

/** What follows an entry's data. */
function jsonKeys({ partitionKey, explicitHashKey }: PutRecordsEntry): string {
  const hashKey =
    explicitHashKey === null ? '' : `,"ExplicitHashKey":"${decimalOf(explicitHashKey)}"`
  return `"${hashKey},"PartitionKey":${jsonText(partitionKey)}}`
}

/** Text that JSON takes as it is: no quote, backslash, control character or surrogate. */
const PLAIN = /^[ !#-[\]-\ud7ff\ue000-\uffff]*$/

function jsonText(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text)
}

function encodeCborBody(
  streamName: string,
  entries: readonly PutRecordsEntry[],
  buffer: RequestBuffer,
): Buffer {
  let boundBytes = REQUEST_FRAME_BYTES + UTF8_BYTES_PER_UNIT * streamName.length
  for (const { partitionKey, sizeBytes } of entries) {
    boundBytes += ENTRY_FRAME_BYTES + UTF8_BYTES_PER_UNIT * partitionKey.length + sizeBytes
  }
  const body = buffer.body(boundBytes)
  let end = writeCborHead(CBOR_MAP, 2, body, 0)
  end = writeText('Records', body, end)
  end = writeCborHead(CBOR_ARRAY, entries.length, body, end)
  const pieces = buffer.lateMd5s ?? []
  for (const entry of entries) end = writeCborEntry(entry, body, end, pieces)
  // All at once: side by side they cost a third of what they cost one after the other.
  if (buffer.lateMd5s === null) writeMd5s(pieces)
  end = writeText('StreamName', body, end)
  end = writeText(streamName, body, end)
  return body.subarray(0, end)
}

function writeCborEntry(
  entry: PutRecordsEntry,
  body: Buffer,
  at: number,
  pieces: Md5Piece[],
): number {
  const { partitionKey, explicitHashKey, sizeBytes } = entry
  let end = writeCborHead(CBOR_MAP, explicitHashKey === null ? 2 : 3, body, at)
  end = writeText('Data', body, end)
  end = writeData(entry, body, writeCborHead(CBOR_BYTES, sizeBytes, body, end), pieces)
  if (explicitHashKey !== null) {
    end = writeText('ExplicitHashKey', body, end)
    end = writeText(decimalOf(explicitHashKey), body, end)
  }
  end = writeText('PartitionKey', body, end)
  return writeText(partitionKey, body, end)
}

function writeText(text: string, body: Buffer, at: number): number {
  return writeCborText(text, utf8Bytes(text), body, at)
}

function writeData(entry: PutRecordsEntry, into: Buffer, at: number, pieces: Md5Piece[]): number {
  const end = entry.write(into, at, pieces)
  assert(end === at + entry.sizeBytes, `an entry of ${entry.sizeBytes} bytes wrote ${end - at}`)
  return end
}
