// One shard: its part of the hash keys, its rates, its numbers and its records.

import { shardIdOf } from '../wire/index.ts'
import type { HashKeyRange } from './hash-key-range.ts'
import { FIRST_COUNTER, SequenceNumbers } from './sequence-number.ts'
import type { ShardLimiter } from './shard-limiter.ts'
import type { ShardLog } from './shard-log.ts'

/**
 * What is kept of a shard in its stream's file. A closed shard takes no records; its children do.
 */
export interface ShardRecord {
  readonly number: number
  readonly startingHashKey: string
  readonly endingHashKey: string
  readonly creationAtMs: number
  /** The shard that it was split or merged from, and the other one when it was merged. */
  readonly parentNumber: number | null
  readonly adjacentParentNumber: number | null
  readonly closed: { readonly atMs: number; readonly endingSequenceNumber: string } | null
}

export class Shard {
  /** Changes when the shard is closed. */
  record: ShardRecord
  readonly id: string
  readonly range: HashKeyRange
  readonly startingSequenceNumber: string
  readonly sequenceNumbers: SequenceNumbers
  /** Null: the shard refuses nothing for its rate. */
  readonly limiter: ShardLimiter | null
  readonly log: ShardLog

  constructor(record: ShardRecord, log: ShardLog, limiter: ShardLimiter | null) {
    this.record = record
    this.id = shardIdOf(record.number)
    this.range = { start: BigInt(record.startingHashKey), end: BigInt(record.endingHashKey) }
    this.sequenceNumbers = new SequenceNumbers(record.number, record.creationAtMs)
    this.startingSequenceNumber = this.sequenceNumbers.textOf(FIRST_COUNTER, record.creationAtMs)
    this.log = log
    this.limiter = limiter
  }

  get isOpen(): boolean {
    return this.record.closed === null
  }

  /** Nothing will be added to what can be read of it. */
  get hasEnded(): boolean {
    return !this.isOpen && this.log.isQuiet
  }

  isChildOf(parentNumber: number): boolean {
    const { parentNumber: parent, adjacentParentNumber: adjacent } = this.record
    return parent === parentNumber || adjacent === parentNumber
  }
}

/** A shard as DescribeStream and ListShards show it. */
export function describeShard({ id, record, startingSequenceNumber }: Shard): object {
  const { parentNumber, adjacentParentNumber, closed } = record
  return {
    ShardId: id,
    ...(parentNumber !== null && { ParentShardId: shardIdOf(parentNumber) }),
    ...(adjacentParentNumber !== null && {
      AdjacentParentShardId: shardIdOf(adjacentParentNumber),
    }),
    HashKeyRange: describeRange(record),
    SequenceNumberRange: {
      StartingSequenceNumber: startingSequenceNumber,
      ...(closed !== null && { EndingSequenceNumber: closed.endingSequenceNumber }),
    },
  }
}

export function describeRange({ startingHashKey, endingHashKey }: ShardRecord): object {
  return { StartingHashKey: startingHashKey, EndingHashKey: endingHashKey }
}
