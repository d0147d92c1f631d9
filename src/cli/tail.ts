// headgate tail: reads a stream, takes aggregated records apart, prints a JSON line for each.

import { isUtf8 } from 'node:buffer'
import { deaggregateRecord } from '../wire/index.ts'
import type { Service } from './service.ts'

export interface TailOptions {
  readonly stream: string
  /** Where to begin in every shard. */
  readonly from: TailStart
  /** Stop after so many records; null goes on until stopped. */
  readonly count: number | null
}

export type TailStart =
  | { readonly type: 'LATEST' }
  | { readonly type: 'TRIM_HORIZON' }
  | { readonly type: 'AT_TIMESTAMP'; readonly epochSeconds: number }

/** A shard without news is asked again after this; the service allows five reads a second. */
const IDLE_WAIT_MS = 500

/** What `--from` says, or null when it says nothing that we know. */
export function parseStart(text: string): TailStart | null {
  if (/^latest$/i.test(text)) return { type: 'LATEST' }
  if (/^trim[-_]horizon$/i.test(text)) return { type: 'TRIM_HORIZON' }
  const epochSeconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Date.parse(text) / 1000
  return Number.isFinite(epochSeconds) ? { type: 'AT_TIMESTAMP', epochSeconds } : null
}

/** Prints until `count` is reached or `signal` aborts. Throws `ServiceError`. */
export async function tail(
  service: Service,
  options: TailOptions,
  out: { print(line: string): void; signal: AbortSignal },
): Promise<void> {
  const shards = await listShards(service, options.stream)
  let left = options.count ?? Number.POSITIVE_INFINITY
  const isOver = () => left <= 0 || out.signal.aborted
  const print = (line: string) => {
    if (left-- > 0) out.print(line)
  }
  await Promise.all(shards.map((shardId) => follow(service, options, shardId, { print, isOver })))
}

async function listShards(service: Service, stream: string): Promise<string[]> {
  const shardIds: string[] = []
  let input: object = { StreamName: stream }
  for (;;) {
    const page = await service.call('ListShards', input)
    for (const shard of page['Shards'] as { ShardId: string }[]) shardIds.push(shard.ShardId)
    if (typeof page['NextToken'] !== 'string') return shardIds
    input = { NextToken: page['NextToken'] }
  }
}

interface Output {
  print(line: string): void
  isOver(): boolean
}

async function follow(
  service: Service,
  options: TailOptions,
  shardId: string,
  output: Output,
): Promise<void> {
  let iterator = await iteratorOf(service, options, shardId)
  while (iterator !== null && !output.isOver()) {
    const answer = await service.call('GetRecords', { ShardIterator: iterator })
    const records = answer['Records'] as KinesisRecordRead[]
    for (const record of records) printRecord(record, shardId, output)
    const next = answer['NextShardIterator']
    iterator = typeof next === 'string' ? next : null
    if (records.length === 0 && !output.isOver()) await service.sleep(IDLE_WAIT_MS)
  }
}

async function iteratorOf(
  service: Service,
  { stream, from }: TailOptions,
  shardId: string,
): Promise<string | null> {
  const answer = await service.call('GetShardIterator', {
    StreamName: stream,
    ShardId: shardId,
    ShardIteratorType: from.type,
    ...(from.type === 'AT_TIMESTAMP' ? { Timestamp: from.epochSeconds } : {}),
  })
  return answer['ShardIterator'] as string | null
}

interface KinesisRecordRead {
  readonly PartitionKey: string
  readonly Data: Buffer
  readonly SequenceNumber: string
}

function printRecord(record: KinesisRecordRead, shardId: string, output: Output): void {
  const members = deaggregateRecord({ partitionKey: record.PartitionKey, data: record.Data })
  for (const { partitionKey, data, subSequenceNumber } of members) {
    output.print(
      JSON.stringify({
        partitionKey,
        ...textOf(data),
        sequenceNumber: record.SequenceNumber,
        subSequenceNumber,
        shardId,
      }),
    )
  }
}

/** Data that is text as text; other bytes in base64, and said so. */
function textOf(data: Uint8Array): { data: string; encoding?: 'base64' } {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  if (isUtf8(bytes)) return { data: bytes.toString('utf8') }
  return { data: bytes.toString('base64'), encoding: 'base64' }
}
