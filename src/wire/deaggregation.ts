// Aggregates back to user records. What comes from a stream was written by anybody: every length is
// checked against the bytes that are left before anything is made of it, data are views, and there
// is at most one table entry or record for every two bytes.

import { hash } from 'node:crypto'
import { FRAME_BYTES } from './aggregate-size.ts'
import {
  AGGREGATE_MAGIC,
  DATA_TAG,
  EXPLICIT_HASH_KEY_INDEX_TAG,
  EXPLICIT_HASH_KEY_TAG,
  PARTITION_KEY_INDEX_TAG,
  PARTITION_KEY_TAG,
  RECORD_TAG,
} from './aggregation.ts'
import { AggregationError } from './aggregation-error.ts'
import { MD5_BYTES } from './md5-lanes.ts'
import { ProtobufReader } from './protobuf-reader.ts'

export interface AggregatedUserRecord {
  readonly partitionKey: string
  /** As it was written; canonical decimal when a KPL wrote it. */
  readonly explicitHashKey: string | null
  /** A view of the aggregate's bytes, not a copy. */
  readonly data: Buffer
}

export interface DeaggregatedRecord extends AggregatedUserRecord {
  /** The place within the aggregate; null for a record that travelled alone. */
  readonly subSequenceNumber: number | null
}

/** Whether these bytes begin with the magic and end with the MD5 of what is between. */
export function isAggregated(data: Uint8Array): boolean {
  return hasMagic(data) && hasRightMd5(data)
}

/**
 * The user records of an aggregate, in order. Throws only `AggregationError`. The tables may have
 * an entry for each key or for each record; unknown fields and tags are passed over.
 */
export function deaggregate(data: Uint8Array): AggregatedUserRecord[] {
  if (!hasMagic(data)) {
    throw new AggregationError('not-aggregated', 'it does not begin as an aggregate does')
  }
  if (!hasRightMd5(data)) {
    throw new AggregationError('wrong-md5', 'the MD5 at the end is not that of the message')
  }
  return readMessage(viewOf(data), AGGREGATE_MAGIC.length, data.length - MD5_BYTES)
}

/**
 * The user records in a Kinesis record. What is no readable aggregate comes out as it is, as from
 * the KCL: without magic, with a wrong MD5, or with a message that cannot be read. Never throws.
 */
export function deaggregateRecord(record: {
  readonly partitionKey: string
  readonly data: Uint8Array
}): DeaggregatedRecord[] {
  const { partitionKey, data } = record
  try {
    return deaggregate(data).map((member, i) => ({ ...member, subSequenceNumber: i }))
  } catch (error) {
    if (!(error instanceof AggregationError)) throw error
    return [{ partitionKey, explicitHashKey: null, data: viewOf(data), subSequenceNumber: null }]
  }
}

function hasMagic(data: Uint8Array): boolean {
  // As the KCL has it: an empty message, 20 bytes in all, is no aggregate.
  return data.length > FRAME_BYTES && AGGREGATE_MAGIC.every((byte, i) => data[i] === byte)
}

function hasRightMd5(data: Uint8Array): boolean {
  const messageEnd = data.length - MD5_BYTES
  const message = data.subarray(AGGREGATE_MAGIC.length, messageEnd)
  return hash('md5', message, 'buffer').equals(data.subarray(messageEnd))
}

/** Protobuf lets the fields come in any order: records are read when the tables are known. */
function readMessage(bytes: Buffer, start: number, end: number): AggregatedUserRecord[] {
  const partitionKeys: string[] = []
  const explicitHashKeys: string[] = []
  const bounds: number[] = []
  const reader = new ProtobufReader(bytes, start, end)
  while (!reader.isAtEnd) {
    const tag = reader.tag()
    if (tag !== PARTITION_KEY_TAG && tag !== EXPLICIT_HASH_KEY_TAG && tag !== RECORD_TAG) {
      reader.skip(tag)
      continue
    }
    const fieldEnd = reader.lengthDelimitedEnd()
    if (tag === RECORD_TAG) bounds.push(reader.at, fieldEnd)
    else {
      const table = tag === PARTITION_KEY_TAG ? partitionKeys : explicitHashKeys
      table.push(bytes.toString('utf8', reader.at, fieldEnd))
    }
    reader.moveTo(fieldEnd)
  }
  const records: AggregatedUserRecord[] = []
  for (let i = 0; i < bounds.length; i += 2) {
    const record = readRecord(bytes, bounds[i]!, bounds[i + 1]!)
    records.push({
      partitionKey: entryOf(partitionKeys, record.keyIndex),
      explicitHashKey:
        record.hashKeyIndex === null ? null : entryOf(explicitHashKeys, record.hashKeyIndex),
      data: record.data,
    })
  }
  return records
}

interface RawRecord {
  readonly keyIndex: number
  readonly hashKeyIndex: number | null
  readonly data: Buffer
}

/** A field that comes twice counts as it came last: protobuf's rule. */
function readRecord(bytes: Buffer, start: number, end: number): RawRecord {
  let keyIndex: number | null = null
  let hashKeyIndex: number | null = null
  let data: Buffer | null = null
  const reader = new ProtobufReader(bytes, start, end)
  while (!reader.isAtEnd) {
    const tag = reader.tag()
    if (tag === PARTITION_KEY_INDEX_TAG) keyIndex = reader.varint()
    else if (tag === EXPLICIT_HASH_KEY_INDEX_TAG) hashKeyIndex = reader.varint()
    else if (tag === DATA_TAG) {
      const dataEnd = reader.lengthDelimitedEnd()
      data = bytes.subarray(reader.at, dataEnd)
      reader.moveTo(dataEnd)
    } else reader.skip(tag)
  }
  if (keyIndex === null || data === null) {
    const what = data === null ? 'data' : 'a partition key index'
    throw new AggregationError('missing-field', `a record without ${what}`)
  }
  return { keyIndex, hashKeyIndex, data }
}

function entryOf(table: readonly string[], index: number): string {
  const entry = table[index]
  if (entry !== undefined) return entry
  const message = `entry ${index} of a table of ${table.length}`
  throw new AggregationError('index-out-of-range', message)
}

function viewOf(data: Uint8Array): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.length)
}
