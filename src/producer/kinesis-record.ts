// What a shard stores: one user record as it is, or many aggregated. It holds the user records and
// writes their bytes only into the request, so that nothing is copied twice.

import type { HashKey, UserRecord } from '../record/index.ts'
import { NO_SHARD } from '../record/index.ts'
import {
  AggregateSize,
  type Md5Piece,
  type PutRecordsEntry,
  writeAggregate,
} from '../wire/index.ts'
import { hashKeyFor } from './hash-key-for.ts'

/** The partition key of a record with members of several keys, which are inside. As the KPL. */
const AGGREGATE_PARTITION_KEY = 'a'
export const AGGREGATE_KEY_BYTES = AGGREGATE_PARTITION_KEY.length

/** Of no map: where every member belongs has to be looked at. */
const NO_VERSION = -1

export class KinesisRecord implements PutRecordsEntry {
  /** Earliest deadline first; the first one's hash key routes them all. */
  readonly userRecords: readonly UserRecord[]
  readonly predictedShard: number
  readonly partitionKey: string
  readonly sizeBytes: number
  /** Data and partition key: what the service counts. */
  readonly chargedBytes: number
  readonly expiresAtMs: number
  /** When it must leave the buffer in which it is. */
  deadlineAtMs: number
  /** Whoever gathered the members saw that each has a partition key of its own. */
  areKeysDistinct = false

  /** All members have one hash key, so that wherever it lands they belong there. */
  readonly isOneKey: boolean
  /** Of the shard map that predicted the shard of every member; of no meaning with one key. */
  readonly mapVersion: number

  /** `expiresAtMs`: of the first that expires. The members are asked where it is not given. */
  constructor(
    userRecords: readonly UserRecord[],
    sizeBytes: number,
    predictedShard: number,
    {
      isOneKey = userRecords.length === 1,
      mapVersion = NO_VERSION,
      expiresAtMs = firstExpirationOf(userRecords),
    }: { isOneKey?: boolean; mapVersion?: number; expiresAtMs?: number } = {},
  ) {
    const first = userRecords[0]!
    this.userRecords = userRecords
    this.sizeBytes = sizeBytes
    this.predictedShard = predictedShard
    this.isOneKey = isOneKey
    this.mapVersion = mapVersion
    this.partitionKey = isOneKey ? first.partitionKey : AGGREGATE_PARTITION_KEY
    this.chargedBytes = sizeBytes + Buffer.byteLength(this.partitionKey)
    this.deadlineAtMs = first.deadlineAtMs
    this.expiresAtMs = expiresAtMs
  }

  /**
   * Always sent, as the KPL does, so that the whole record lands where its first member belongs.
   */
  get explicitHashKey(): HashKey {
    return hashKeyFor(this.userRecords[0]!)
  }

  write(into: Buffer, at: number, pieces: Md5Piece[]): number {
    if (this.userRecords.length > 1) {
      const { sizeBytes, areKeysDistinct } = this
      return writeAggregate(this.userRecords, into, { at, sizeBytes, areKeysDistinct }, pieces)
    }
    into.set(this.userRecords[0]!.data, at)
    return at + this.sizeBytes
  }
}

export function firstExpirationOf(records: readonly UserRecord[]): number {
  return records.reduce(
    (atMs, { expiresAtMs }) => Math.min(atMs, expiresAtMs),
    Number.POSITIVE_INFINITY,
  )
}

/** A Kinesis record of the first members of one. */
export function firstOf(
  { userRecords, predictedShard, isOneKey, mapVersion }: KinesisRecord,
  count: number,
): KinesisRecord {
  const first = userRecords.slice(0, count)
  const size = new AggregateSize()
  for (const record of first) size.add(record, first)
  const isOne = isOneKey || count === 1
  const sizeBytes = size.accurateBytes()
  return new KinesisRecord(first, sizeBytes, predictedShard, { isOneKey: isOne, mapVersion })
}

/** A Kinesis record of one user record, which nothing may share. */
export function alone(record: UserRecord, shard = NO_SHARD): KinesisRecord {
  record.predictedShard = shard
  return new KinesisRecord([record], record.data.length, shard)
}
