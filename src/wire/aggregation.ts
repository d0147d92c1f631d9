// Many user records in one Kinesis record, as the KPL writes it:
//
//     F3 89 9A C2 │ protobuf message │ MD5 of the message
//        magic    │                  │     16 bytes
//
//     message AggregatedRecord {                  message Record {
//       repeated string partition_key_table = 1     required uint64 partition_key_index = 1
//       repeated string explicit_hash_key_table=2   optional uint64 explicit_hash_key_index = 2
//       repeated Record records = 3                 required bytes data = 3
//     }                                             repeated Tag tags = 4  (never written)
//                                                 }
//
// Fields in ascending order, each key once in its table, in the order of its first use.

import assert from 'node:assert'
import { type Aggregatable, AggregateSize } from './aggregate-size.ts'
import { decimalOf } from './decimal-of.ts'
import { KeyTable } from './key-table.ts'
import { MD5_BYTES, type Md5Piece, writeMd5s } from './md5-lanes.ts'
import { utf8Bytes, writeUtf8 } from './utf8.ts'
import { varintBytes, writeVarint } from './varint.ts'

/** The first four bytes of every aggregate. */
export const AGGREGATE_MAGIC = [0xf3, 0x89, 0x9a, 0xc2] as const

/** Field number × 8 + wire type. */
export const PARTITION_KEY_TAG = 0x0a
export const EXPLICIT_HASH_KEY_TAG = 0x12
export const RECORD_TAG = 0x1a
export const PARTITION_KEY_INDEX_TAG = 0x08
export const EXPLICIT_HASH_KEY_INDEX_TAG = 0x10
export const DATA_TAG = 0x1a

const NO_INDEX = -1

/** The aggregate of these records (one at least), as the KPL would write it from two on. */
export function encodeAggregate(records: readonly Aggregatable[]): Buffer {
  const size = new AggregateSize()
  for (const record of records) size.add(record, records)
  const aggregate = Buffer.allocUnsafe(size.framedBytes())
  const pieces: Md5Piece[] = []
  const { areKeysDistinct } = size
  const place = { at: 0, sizeBytes: aggregate.length, areKeysDistinct }
  writeAggregate(records, aggregate, place, pieces)
  writeMd5s(pieces)
  return aggregate
}

export interface AggregatePlace {
  readonly at: number
  /** What `AggregateSize` said of the same records in the same order. */
  readonly sizeBytes: number
  /** `AggregateSize` said so; without it the same is written, at a higher price. */
  readonly areKeysDistinct?: boolean
}

/**
 * Writes the aggregate of these records and answers the end. `into` has the room. The MD5 is left
 * to the caller, who may have many to write: what it is of goes into `pieces`.
 */
export function writeAggregate(
  records: readonly Aggregatable[],
  into: Buffer,
  { at, sizeBytes, areKeysDistinct = false }: AggregatePlace,
  pieces: Md5Piece[],
): number {
  assert(records.length > 0, 'an aggregate without records')
  assert(at + sizeBytes <= into.length, 'no room for the aggregate')
  const messageEnd = at + sizeBytes - MD5_BYTES
  into.set(AGGREGATE_MAGIC, at)
  const messageStart = at + AGGREGATE_MAGIC.length
  assert(!areKeysDistinct || leastBytes(records) < sizeBytes, 'more bytes than were counted')
  const end = areKeysDistinct
    ? writeDistinct(records, into, messageStart)
    : writeMessage(records, into, messageStart)
  assert(end === messageEnd, `the aggregate's message ended at ${end}, not at ${messageEnd}`)
  pieces.push({ bytes: into, start: messageStart, end })
  return end + MD5_BYTES
}

function writeMessage(records: readonly Aggregatable[], into: Buffer, at: number): number {
  tables.fill(records)
  let end = writeTable(PARTITION_KEY_TAG, tables.partitionKeys, into, at)
  end = writeTable(EXPLICIT_HASH_KEY_TAG, tables.explicitHashKeys, into, end)
  for (let i = 0; i < records.length; i++) {
    const keyIndex = tables.partitionKeyIndexes[i]!
    const hashKeyIndex = tables.explicitHashKeyIndexes[i]!
    end = writeRecord(records[i]!.data, { keyIndex, hashKeyIndex }, into, end)
  }
  return end
}

/** What the processor fetches from memory at once. */
const CACHE_LINE_BYTES = 64
/** Of a record's data; what follows is fetched well enough while these are copied. */
const ASKED_AHEAD_BYTES = 512

/**
 * What records with distinct keys take at least. All are asked, and their data touched, before the
 * first is written: by now they are far away in memory, and what waits for nothing else is fetched
 * side by side.
 */
function leastBytes(records: readonly Aggregatable[]): number {
  let bytes = 0
  let touched = 0
  for (let i = 0; i < records.length; i++) {
    const { partitionKey, data } = records[i]!
    bytes += partitionKey.length + data.length
    const end = Math.min(data.length, ASKED_AHEAD_BYTES)
    for (let at = 0; at < end; at += CACHE_LINE_BYTES) touched ^= data[at]!
  }
  // Nothing is taken off, but no compiler may leave the touching out.
  return bytes - (touched >>> 8)
}

/** The same, of records that each have a key of their own: its place is theirs. */
function writeDistinct(records: readonly Aggregatable[], into: Buffer, at: number): number {
  let end = at
  for (let i = 0; i < records.length; i++) {
    end = writeTableEntry(PARTITION_KEY_TAG, records[i]!.partitionKey, into, end)
  }
  // One object for all of them.
  const indexes = { keyIndex: 0, hashKeyIndex: NO_INDEX }
  for (let i = 0; i < records.length; i++) {
    indexes.keyIndex = i
    end = writeRecord(records[i]!.data, indexes, into, end)
  }
  return end
}

/** Each key once, in the order of first use, and for each record the places of its own keys. */
class Tables {
  readonly partitionKeys = new KeyTable()
  readonly explicitHashKeys = new KeyTable()
  readonly partitionKeyIndexes: number[] = []
  readonly explicitHashKeyIndexes: number[] = []

  /** Written over from aggregate to aggregate. */
  fill(records: readonly Aggregatable[]): void {
    this.partitionKeys.clear()
    this.explicitHashKeys.clear()
    for (let i = 0; i < records.length; i++) {
      const { partitionKey, explicitHashKey } = records[i]!
      this.partitionKeyIndexes[i] = this.partitionKeys.placeOf(partitionKey)
      this.explicitHashKeyIndexes[i] =
        explicitHashKey === null
          ? NO_INDEX
          : this.explicitHashKeys.placeOf(decimalOf(explicitHashKey))
    }
  }
}

/** Used by one call at a time, from its beginning to its end. */
const tables = new Tables()

function writeTable(tag: number, table: KeyTable, into: Buffer, at: number): number {
  let end = at
  for (let place = 0; place < table.count; place++) {
    end = writeTableEntry(tag, table.keyAt(place), into, end)
  }
  return end
}

function writeTableEntry(tag: number, key: string, into: Buffer, at: number): number {
  into[at] = tag
  return writeUtf8(key, into, writeVarint(utf8Bytes(key), into, at + 1))
}

function writeRecord(
  data: Uint8Array,
  { keyIndex, hashKeyIndex }: { keyIndex: number; hashKeyIndex: number },
  into: Buffer,
  at: number,
): number {
  const hasHashKey = hashKeyIndex !== NO_INDEX
  const hashKeyBytes = hasHashKey ? 1 + varintBytes(hashKeyIndex) : 0
  const dataBytes = data.length
  const recordBytes = 2 + varintBytes(keyIndex) + hashKeyBytes + varintBytes(dataBytes) + dataBytes
  let end = at
  into[end++] = RECORD_TAG
  end = writeVarint(recordBytes, into, end)
  into[end++] = PARTITION_KEY_INDEX_TAG
  end = writeVarint(keyIndex, into, end)
  if (hasHashKey) {
    into[end++] = EXPLICIT_HASH_KEY_INDEX_TAG
    end = writeVarint(hashKeyIndex, into, end)
  }
  into[end++] = DATA_TAG
  end = writeVarint(dataBytes, into, end)
  into.set(data, end)
  return end + dataBytes
}
