// What a shard stores: one user record as it is, or many aggregated. It holds the user records and
// writes their bytes only into the request, so that nothing is copied twice.

import type { HashKey, UserRecord } from '../record/index.ts'
import { NO_SHARD } from '../record/index.ts'
import { type PutRecordsEntry, writeAggregate } from '../wire/index.ts'

/** The partition key of every aggregated record: its members' own keys are inside. As the KPL. */
const AGGREGATE_PARTITION_KEY = 'a'

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

  constructor(userRecords: readonly UserRecord[], sizeBytes: number, predictedShard: number) {
    const first = userRecords[0]!
    this.userRecords = userRecords
    this.sizeBytes = sizeBytes
    this.predictedShard = predictedShard
    this.partitionKey = userRecords.length === 1 ? first.partitionKey : AGGREGATE_PARTITION_KEY
    this.chargedBytes = sizeBytes + Buffer.byteLength(this.partitionKey)
    let deadlineAtMs = first.deadlineAtMs
    let expiresAtMs = first.expiresAtMs
    for (const record of userRecords) {
      if (record.deadlineAtMs < deadlineAtMs) deadlineAtMs = record.deadlineAtMs
      if (record.expiresAtMs < expiresAtMs) expiresAtMs = record.expiresAtMs
    }
    this.deadlineAtMs = deadlineAtMs
    this.expiresAtMs = expiresAtMs
  }

  /**
   * Always sent, as the KPL does, so that the whole record lands where its first member belongs.
   */
  get explicitHashKey(): HashKey {
    return this.userRecords[0]!.hashKey!
  }

  write(into: Buffer, at: number): number {
    if (this.userRecords.length > 1) {
      return writeAggregate(this.userRecords, this.sizeBytes, into, at)
    }
    into.set(this.userRecords[0]!.data, at)
    return at + this.sizeBytes
  }
}

/** A Kinesis record of one user record whose shard is not predicted: nothing may share it. */
export function aloneWithoutShard(record: UserRecord): KinesisRecord {
  record.predictedShard = NO_SHARD
  return new KinesisRecord([record], record.data.length, NO_SHARD)
}
