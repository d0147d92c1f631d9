// Sends user records with distinct keys as fast as it can, through our line or the AWS SDK.

import { KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { readConfig } from '../../src/config/index.ts'
import { MemoryDisk, silentLog } from '../../src/host/index.ts'
import { NodeClock, NodeNetwork, NodeRandom } from '../../src/host/node/index.ts'
import { Producer, producerFields } from '../../src/producer/index.ts'
import { type RecordResult, UserRecord } from '../../src/record/index.ts'
import { answerCalls } from '../child.ts'

export interface ProducerPlan {
  readonly way: 'headgate' | 'sdk' | 'sdk-http1'
  readonly port: number
  readonly dataBytes: number
  readonly seconds: number
}

export interface ProducerDone {
  readonly deliveredCount: number
  readonly cpuMicros: number
  readonly elapsedMs: number
}

const REGION = 'us-east-1'
const CREDENTIALS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' }
const STREAM = 'bench'
/** User records that may be outstanding: enough to keep every connection busy. */
const WINDOW_COUNT = 20_000
/** With so many left the window is filled again. */
const REFILL_BELOW_COUNT = 15_000
/** How many are put before the network gets its turn. */
const BURST_COUNT = 500
const SDK_CONCURRENCY = 8
const PUT_RECORDS_COUNT = 500

let keyCount = 0

/** Sends until the time is over and everything has settled; answers how many were delivered. */
type Send = (plan: ProducerPlan, endAtMs: number) => Promise<number>

let producer: Producer | null = null

function producerFor(port: number): Producer {
  if (producer !== null) return producer
  const clock = new NodeClock()
  const disk = new MemoryDisk({ maxBytes: 0 })
  const network = new NodeNetwork({ clock })
  const host = { clock, random: new NodeRandom(), network, disk }
  // The rate limit is far beyond what a core can do: the line is measured, not the shard.
  const overrides = { endpoint: `http://127.0.0.1:${port}`, rateLimit: 1_000_000 }
  const config = readConfig(producerFields, { overrides })
  producer = new Producer(host, config, async () => CREDENTIALS, silentLog)
  return producer
}

const sendOwn: Send = async (plan, endAtMs) => {
  const line = producerFor(plan.port)
  const data = Buffer.alloc(plan.dataBytes, 'x')
  let deliveredCount = 0
  let failure: string | null = null
  let wake: (() => void) | null = null
  const onSettle = (result: RecordResult) => {
    if (result.isDelivered) deliveredCount++
    else failure = `${result.code}: ${result.message}`
    if (line.outstandingCount < REFILL_BELOW_COUNT) wake?.()
  }
  while (performance.now() < endAtMs && failure === null) {
    for (let i = 0; i < BURST_COUNT && line.outstandingCount < WINDOW_COUNT; i++) {
      const partitionKey = `user-${keyCount++}`
      line.put(new UserRecord({ stream: STREAM, partitionKey, data, onSettle }))
    }
    // A full window waits for records to settle: polling would be counted as the line's work.
    if (line.outstandingCount >= WINDOW_COUNT) await new Promise<void>((done) => (wake = done))
    else await new Promise((done) => setImmediate(done))
  }
  await line.flush()
  if (failure !== null) throw new Error(failure)
  return deliveredCount
}

const clients = new Map<string, KinesisClient>()

function clientFor({ way, port }: ProducerPlan): KinesisClient {
  const known = clients.get(way)
  if (known !== undefined) return known
  const client = new KinesisClient({
    region: REGION,
    endpoint: `http://127.0.0.1:${port}`,
    credentials: CREDENTIALS,
    maxAttempts: 1,
    ...(way === 'sdk-http1' ? { requestHandler: new NodeHttpHandler() } : {}),
  })
  clients.set(way, client)
  return client
}

const sendThroughSdk: Send = async (plan, endAtMs) => {
  const client = clientFor(plan)
  const Data = Buffer.alloc(plan.dataBytes, 'x')
  let deliveredCount = 0
  const loop = async () => {
    while (performance.now() < endAtMs) {
      const Records = Array.from({ length: PUT_RECORDS_COUNT }, () => {
        return { Data, PartitionKey: `user-${keyCount++}` }
      })
      const answer = await client.send(new PutRecordsCommand({ StreamName: STREAM, Records }))
      deliveredCount += answer.Records!.filter(({ SequenceNumber }) => SequenceNumber).length
    }
  }
  await Promise.all(Array.from({ length: SDK_CONCURRENCY }, loop))
  return deliveredCount
}

async function run(plan: ProducerPlan): Promise<ProducerDone> {
  const send = plan.way === 'headgate' ? sendOwn : sendThroughSdk
  const startAtMs = performance.now()
  const cpuBefore = process.cpuUsage()
  const deliveredCount = await send(plan, startAtMs + plan.seconds * 1000)
  const { user, system } = process.cpuUsage(cpuBefore)
  return { deliveredCount, cpuMicros: user + system, elapsedMs: performance.now() - startAtMs }
}

answerCalls({ run })
