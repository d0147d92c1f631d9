// All operations by their names. A new one is a file of its own and a line here.

import type { Operation } from '../operation.ts'
import { createStream } from './create-stream.ts'
import { deleteStream } from './delete-stream.ts'
import { describeStream } from './describe-stream.ts'
import { describeStreamSummary } from './describe-stream-summary.ts'
import { getRecords } from './get-records.ts'
import { getShardIterator } from './get-shard-iterator.ts'
import { listShards } from './list-shards.ts'
import { listStreams } from './list-streams.ts'
import { mergeShards } from './merge-shards.ts'
import { putRecord } from './put-record.ts'
import { putRecords } from './put-records.ts'
import { splitShard } from './split-shard.ts'
import { updateShardCount } from './update-shard-count.ts'

export const OPERATIONS: ReadonlyMap<string, Operation> = new Map(
  [
    createStream,
    deleteStream,
    describeStream,
    describeStreamSummary,
    getRecords,
    getShardIterator,
    listShards,
    listStreams,
    mergeShards,
    putRecord,
    putRecords,
    splitShard,
    updateShardCount,
  ].map((operation) => [operation.name, operation]),
)
