// Sends the same PutRecords request again and again, by our own bytes or through the AWS SDK.

import { KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { isAnswer } from '../../src/host/index.ts'
import { NodeClock, NodeNetwork } from '../../src/host/node/index.ts'
import {
  contentTypeOf,
  decodePutRecordsAnswer,
  encodePutRecords,
  RequestBuffer,
  Signer,
  targetOf,
  type WireFormat,
} from '../../src/wire/index.ts'
import { answerCalls } from '../child.ts'

export type Way = 'cbor' | 'json' | 'sdk' | 'sdk-http1'

export interface PutRecordsPlan {
  readonly way: Way
  readonly port: number
  readonly entryCount: number
  readonly entryBytes: number
  readonly seconds: number
}

export interface PutRecordsDone {
  readonly callCount: number
  readonly cpuMicros: number
  readonly elapsedMs: number
}

const REGION = 'us-east-1'
const STREAM = 'bench'
const CREDENTIALS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' }
const TIMEOUT_MS = 30_000
/** Requests under way at once. */
const CONCURRENCY = 4

/** One call, with everything from records to the answer's entries. */
type Call = () => Promise<number>

function ownCalls(format: WireFormat, { port, entryCount, entryBytes }: PutRecordsPlan): Call[] {
  const clock = new NodeClock()
  const network = new NodeNetwork({ clock })
  const signer = new Signer({ region: REGION, service: 'kinesis' })
  const data = Buffer.alloc(entryBytes, 'x')
  const write = (into: Buffer, at: number) => at + data.copy(into, at)
  const entries = Array.from({ length: entryCount }, (_, i) => {
    return { partitionKey: `key-${i}`, explicitHashKey: null, sizeBytes: entryBytes, write }
  })
  const host = `127.0.0.1:${port}`
  const fixed = ['content-type', contentTypeOf(format), 'x-amz-target', targetOf('PutRecords')]
  return Array.from({ length: CONCURRENCY }, () => {
    const buffer = new RequestBuffer()
    return async () => {
      const body = encodePutRecords(format, STREAM, entries, buffer)
      const head = { method: 'POST', target: '/', host, headers: fixed, body }
      const headers = signer.sign(head, CREDENTIALS, clock.wallMs())
      const request = { origin: `http://${host}`, method: 'POST', target: '/', headers, body }
      const answer = await network.exchange(request, clock.monotonicMs() + TIMEOUT_MS)
      if (!isAnswer(answer)) throw new Error(answer.message)
      const bytes = typeof answer.body === 'string' ? Buffer.from(answer.body) : answer.body
      return decodePutRecordsAnswer(format, bytes).entries.length
    }
  })
}

function sdkCalls(isHttp1: boolean, { port, entryCount, entryBytes }: PutRecordsPlan): Call[] {
  const client = new KinesisClient({
    region: REGION,
    endpoint: `http://127.0.0.1:${port}`,
    credentials: CREDENTIALS,
    maxAttempts: 1,
    ...(isHttp1 ? { requestHandler: new NodeHttpHandler() } : {}),
  })
  const Data = Buffer.alloc(entryBytes, 'x')
  const Records = Array.from({ length: entryCount }, (_, i) => ({ Data, PartitionKey: `key-${i}` }))
  const call = async () => {
    const answer = await client.send(new PutRecordsCommand({ StreamName: STREAM, Records }))
    return answer.Records?.length ?? 0
  }
  return Array.from({ length: CONCURRENCY }, () => call)
}

const plans = new Map<string, Call[]>()

function callsOf(plan: PutRecordsPlan): Call[] {
  const key = `${plan.way} ${plan.entryCount} ${plan.entryBytes}`
  let calls = plans.get(key)
  if (calls === undefined) {
    const isOwn = plan.way === 'cbor' || plan.way === 'json'
    calls = isOwn ? ownCalls(plan.way, plan) : sdkCalls(plan.way === 'sdk-http1', plan)
    plans.set(key, calls)
  }
  return calls
}

async function run(plan: PutRecordsPlan): Promise<PutRecordsDone> {
  const calls = callsOf(plan)
  const startAtMs = performance.now()
  const endAtMs = startAtMs + plan.seconds * 1000
  const cpuBefore = process.cpuUsage()
  let callCount = 0
  const loop = async (call: Call) => {
    while (performance.now() < endAtMs) {
      const count = await call()
      if (count !== plan.entryCount) throw new Error(`${count} entries were answered`)
      callCount++
    }
  }
  await Promise.all(calls.map(loop))
  const { user, system } = process.cpuUsage(cpuBefore)
  return { callCount, cpuMicros: user + system, elapsedMs: performance.now() - startAtMs }
}

answerCalls({ run })
