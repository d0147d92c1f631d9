// Writes a new stream full, reads it whole, deletes it; does so little itself that the server is
// what takes the time.

import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { answerCalls } from '../child.ts'

export interface LoadPlan {
  readonly port: number
  readonly stream: string
  /** How long to write; reading takes as long as it takes, at most this. */
  readonly seconds: number
}

export interface LoadDone {
  readonly putMBPerSecond: number
  readonly getMBPerSecond: number
  /** Written and read. */
  readonly movedMB: number
}

const ENTRY_COUNT = 500
const ENTRY_BYTES = 1024
/** Requests under way at once. */
const WRITER_COUNT = 4
const READ_LIMIT = 2000
const MB = 1_000_000

const ENTRIES = Array.from({ length: ENTRY_COUNT }, (_, i) => ({
  Data: Buffer.alloc(ENTRY_BYTES, i).toString('base64'),
  PartitionKey: `key-${i}`,
}))

const agent = new Agent({ keepAlive: true })

async function run(plan: LoadPlan): Promise<LoadDone> {
  await call(plan, 'CreateStream', { StreamName: plan.stream, ShardCount: 1 })
  await untilActive(plan)
  const put = await write(plan)
  const got = await read(plan, put)
  await call(plan, 'DeleteStream', { StreamName: plan.stream })
  return {
    putMBPerSecond: put.perSecond,
    getMBPerSecond: got.perSecond,
    movedMB: put.megabytes + got.megabytes,
  }
}

async function untilActive(plan: LoadPlan): Promise<void> {
  for (;;) {
    const answer = await call(plan, 'DescribeStream', { StreamName: plan.stream })
    if (answer.includes('"StreamStatus":"ACTIVE"')) return
    await sleep(10)
  }
}

async function write(plan: LoadPlan): Promise<Volume> {
  const body = Buffer.from(JSON.stringify({ Records: ENTRIES, StreamName: plan.stream }))
  const startMs = performance.now()
  const endMs = startMs + plan.seconds * 1000
  let callCount = 0
  const writer = async () => {
    while (performance.now() < endMs) {
      const answer = await send(plan, 'PutRecords', body)
      if (answer.indexOf('"FailedRecordCount":0') < 0) throw new Error('entries were refused')
      callCount++
    }
  }
  await Promise.all(Array.from({ length: WRITER_COUNT }, writer))
  return volumeOf(callCount * ENTRY_COUNT, startMs)
}

/** All that was written, or as much of it as the time allows. */
async function read(plan: LoadPlan, written: Volume): Promise<Volume> {
  const start = {
    StreamName: plan.stream,
    ShardId: 'shardId-000000000000',
    ShardIteratorType: 'TRIM_HORIZON',
  }
  let answer = await call(plan, 'GetShardIterator', start)
  let iterator = /"ShardIterator":"([^"]+)"/.exec(answer.toString())![1]
  const startMs = performance.now()
  const endMs = startMs + plan.seconds * 1000
  let recordCount = 0
  for (;;) {
    answer = await call(plan, 'GetRecords', { ShardIterator: iterator, Limit: READ_LIMIT })
    const count = countOf(answer, '"SequenceNumber"')
    recordCount += count
    if (countOf(answer, '"Data":"') !== count || (count > 0 && !hasEntry(answer))) {
      throw new Error('what is read is not what was written')
    }
    if (performance.now() > endMs) break
    if (count === 0) {
      if (recordCount === written.recordCount) break
      throw new Error(`${written.recordCount} records were written, ${recordCount} read`)
    }
    iterator = nextIterator(answer)
  }
  return volumeOf(recordCount, startMs)
}

/** It stands before the records or behind them. */
function nextIterator(answer: Buffer): string {
  const ends = answer.toString('latin1', 0, 1024) + answer.toString('latin1', answer.length - 1024)
  return /"NextShardIterator":"([^"]+)"/.exec(ends)![1]!
}

function countOf(bytes: Buffer, text: string): number {
  let count = 0
  for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + ENTRY_BYTES)) count++
  return count
}

/** Whether one entry's data stands in it as it was written; which one is not known. */
function hasEntry(answer: Buffer): boolean {
  return ENTRIES.some(({ Data }) => answer.indexOf(`"Data":"${Data}"`) >= 0)
}

interface Volume {
  readonly recordCount: number
  readonly megabytes: number
  readonly perSecond: number
}

function volumeOf(recordCount: number, sinceMs: number): Volume {
  const megabytes = (recordCount * ENTRY_BYTES) / MB
  return { recordCount, megabytes, perSecond: megabytes / ((performance.now() - sinceMs) / 1000) }
}

function call(plan: LoadPlan, action: string, input: object): Promise<Buffer> {
  return send(plan, action, Buffer.from(JSON.stringify(input)))
}

function send({ port }: LoadPlan, action: string, body: Buffer): Promise<Buffer> {
  const headers = {
    'content-type': 'application/x-amz-json-1.1',
    'x-amz-target': `Kinesis_20131202.${action}`,
    'x-amz-date': '20260101T000000Z',
    // kinesalite wants one; neither checks it.
    authorization: 'AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=0',
    'content-length': body.length,
  }
  return new Promise((resolve, reject) => {
    const outgoing = request({ agent, port, host: '127.0.0.1', method: 'POST', headers })
    outgoing.on('error', reject)
    outgoing.on('response', (incoming) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('error', reject)
      incoming.on('end', () => {
        const answer = Buffer.concat(chunks)
        if (incoming.statusCode === 200) resolve(answer)
        else reject(new Error(`${action} answered ${incoming.statusCode}: ${answer}`))
      })
    })
    outgoing.end(body)
  })
}

answerCalls({ run })
