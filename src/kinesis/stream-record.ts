// Reads a stream's file. What does not hold together is left alone: its records may still be
// wanted.

import { z } from 'zod'
import { STREAM_FORMAT, type StreamRecord } from './stream.ts'

const count = z.number().int().min(0)
const hashKey = z.string().regex(/^[0-9]{1,39}$/)

const shardSchema = z.object({
  number: count,
  startingHashKey: hashKey,
  endingHashKey: hashKey,
  creationAtMs: z.number(),
  parentNumber: count.nullable(),
  adjacentParentNumber: count.nullable(),
  closed: z.object({ atMs: z.number(), endingSequenceNumber: z.string() }).nullable(),
})

const streamSchema = z.object({
  format: z.literal(STREAM_FORMAT),
  id: z.string().regex(/^[0-9a-f]{24}$/),
  name: z.string(),
  status: z.enum(['CREATING', 'ACTIVE', 'DELETING', 'UPDATING']),
  mode: z.enum(['PROVISIONED', 'ON_DEMAND']),
  creationAtMs: z.number(),
  retentionHours: count,
  maxRecordSizeKiB: count,
  tags: z.record(z.string(), z.string()),
  shards: z.array(shardSchema).min(1),
})

/** The record in a `stream.json`, or null when it is none of this layout. */
export function checkedStreamRecord(bytes: Buffer): StreamRecord | null {
  try {
    return streamSchema.parse(JSON.parse(bytes.toString('utf8')))
  } catch {
    return null
  }
}
