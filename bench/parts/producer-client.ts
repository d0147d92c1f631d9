// Sends user records with distinct keys as fast as it can, through our line or the AWS SDK.

import { hash } from 'node:crypto'
import { KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { KinesisProducer, type ProducerConfig } from '../../src/library/producer.ts'
import { type Md5Piece, writeMd5s } from '../../src/wire/index.ts'
import { answerCalls } from '../child.ts'
import { gatherBare } from './bare-gathering.ts'
import { type KeyOrder, orderedKeys } from './ordered-keys.ts'

export interface ProducerPlan {
  readonly way: 'promises' | 'callback' | 'floor' | 'bare' | 'sdk' | 'sdk-http1'
  readonly port: number
  readonly dataBytes: number
  readonly seconds: number
  /** Distinct keys, taken in turns; null: each record has one of its own. */
  readonly keyCount: number | null
  /** Keys of a thousand shards in that order, in the place of the others. */
  readonly keyOrder?: KeyOrder
  /** User records that may be outstanding. */
  readonly windowCount: number
  /** How many are added before the network gets its turn. */
  readonly burstCount: number
  /** Each record has data of its own, as programs have; else all have the same. */
  readonly isDataOwn?: boolean
  /** Of the sink's stream; only `bare` asks. */
  readonly shardCount?: number
  /** How long a record may wait for company. */
  readonly bufferedMs: number
  /** Other settings of the line. A child has one line, made with the first plan. */
  readonly settings?: Partial<ProducerConfig>
}

export interface ProducerDone {
  readonly deliveredCount: number
  /** What they travelled in; 0 where our line is not used. */
  readonly kinesisRecordCount: number
  readonly requestCount: number
  readonly cpuMicros: number
  readonly elapsedMs: number
}

const REGION = 'us-east-1'
const CREDENTIALS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' }
const STREAM = 'bench'
/** With so much of the window left it is filled again. */
const REFILL_BELOW = 0.75
const SDK_CONCURRENCY = 8
/** Records of one call with a callback: as many as are at hand in a program, not a whole window. */
const CALL_COUNT = 500
/** The defaults of aggregation, and how many of those the collector puts into one request. */
const AGGREGATE_BYTES = 51_200
const AGGREGATE_COUNT = 6
const PUT_RECORDS_COUNT = 500

let keysTaken = 0
let keyBound = Number.POSITIVE_INFINITY
let ordered: readonly string[] = []
const ORDERED_SHARDS = 1000

function nextKey(): string {
  if (ordered.length > 0) return ordered[keysTaken++ % ordered.length]!
  return `user-${keysTaken++ % keyBound}`
}

/** Sends until the time is over and everything has settled; answers how many were delivered. */
type Send = (plan: ProducerPlan, endAtMs: number) => Promise<number>

let producer: KinesisProducer | null = null

function producerFor({ port, bufferedMs, settings }: ProducerPlan): KinesisProducer {
  producer ??= new KinesisProducer({
    region: REGION,
    endpoint: `http://127.0.0.1:${port}`,
    credentials: async () => CREDENTIALS,
    // Far beyond what a core can do: the line is measured, not the shard.
    rateLimit: 1_000_000,
    recordMaxBufferedTime: bufferedMs,
    ...settings,
  })
  return producer
}

/** Counts what has settled, and wakes whoever waits for room. */
class Progress {
  deliveredCount = 0
  failure: Error | null = null
  #wake: (() => void) | null = null
  readonly #line: KinesisProducer
  readonly #windowCount: number

  constructor(line: KinesisProducer, windowCount: number) {
    this.#line = line
    this.#windowCount = windowCount
  }

  readonly delivered = () => {
    this.deliveredCount++
    this.#changed()
  }

  readonly failed = (error: Error) => {
    this.failure ??= error
    this.#changed()
  }

  /** A full window waits for records to settle: polling would be counted as the line's work. */
  turn(): Promise<void> {
    const isFull = this.#line.outstandingRecordsCount >= this.#windowCount
    return new Promise((done) => {
      if (isFull) this.#wake = done
      else setImmediate(done)
    })
  }

  #changed(): void {
    const isLow = this.#line.outstandingRecordsCount < REFILL_BELOW * this.#windowCount
    if (!isLow || this.#wake === null) return
    this.#wake()
    this.#wake = null
  }
}

/** The data of a record. */
type NextData = () => Buffer

function dataOf({ dataBytes, isDataOwn = false }: ProducerPlan): NextData {
  const data = Buffer.alloc(dataBytes, 'x')
  return isDataOwn ? () => Buffer.from(data) : () => data
}

/** Adds so many records. */
type Add = (line: KinesisProducer, count: number, nextData: NextData, progress: Progress) => void

const addWithPromises: Add = (line, count, nextData, { delivered, failed }) => {
  for (let i = 0; i < count; i++) {
    const partitionKey = nextKey()
    line.addUserRecord({ stream: STREAM, partitionKey, data: nextData() }).then(delivered, failed)
  }
}

const addWithCallback: Add = (line, count, nextData, progress) => {
  for (let left = count; left > 0; left -= CALL_COUNT) {
    const records = Array.from({ length: Math.min(left, CALL_COUNT) }, () => {
      return { stream: STREAM, partitionKey: nextKey(), data: nextData() }
    })
    line.addUserRecords(records, (result) => {
      if (result.isDelivered) progress.delivered()
      else progress.failed(new Error(`${result.code}: ${result.message}`))
    })
  }
}

function sendThrough(add: Add): Send {
  return async (plan, endAtMs) => {
    const line = producerFor(plan)
    const nextData = dataOf(plan)
    const progress = new Progress(line, plan.windowCount)
    while (performance.now() < endAtMs && progress.failure === null) {
      const roomCount = plan.windowCount - line.outstandingRecordsCount
      if (roomCount > 0) add(line, Math.min(plan.burstCount, roomCount), nextData, progress)
      await progress.turn()
    }
    await line.flush()
    // The promises of the last records are told in the turn after they have settled.
    await new Promise((done) => setImmediate(done))
    if (progress.failure !== null) throw progress.failure
    return progress.deliveredCount
  }
}

/**
 * What no client of aggregates can leave out: one copy of the data, the MD5 of each aggregate and
 * the SHA-256 of each request, with nothing sent. Of requests as one busy shard gets them.
 */
const sendNothing: Send = async ({ dataBytes }, endAtMs) => {
  const data = Buffer.alloc(dataBytes, 'x')
  const pieceCount = Math.floor(AGGREGATE_BYTES / dataBytes)
  const body = Buffer.alloc(AGGREGATE_COUNT * (AGGREGATE_BYTES + 16))
  let count = 0
  while (performance.now() < endAtMs) {
    const pieces: Md5Piece[] = []
    let at = 0
    for (let i = 0; i < AGGREGATE_COUNT; i++) {
      const start = at
      for (let n = 0; n < pieceCount; n++, at += dataBytes) body.set(data, at)
      pieces.push({ bytes: body, start, end: at })
      at += 16
    }
    writeMd5s(pieces)
    hash('sha256', body.subarray(0, at), 'hex')
    count += AGGREGATE_COUNT * pieceCount
  }
  return count
}

const sendBare: Send = async (plan, endAtMs) => {
  const { dataBytes, windowCount, shardCount = 1, settings } = plan
  const nextData = dataOf(plan)
  const groupCount = settings?.aggregationMaxCount ?? Math.floor(AGGREGATE_BYTES / dataBytes)
  const requestCount = settings?.collectionMaxCount ?? AGGREGATE_COUNT
  const records = { nextKey, nextData, dataBytes, callCount: CALL_COUNT }
  return gatherBare({ shardCount, windowCount, groupCount, requestCount, ...records }, endAtMs)
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
        return { Data, PartitionKey: nextKey() }
      })
      const answer = await client.send(new PutRecordsCommand({ StreamName: STREAM, Records }))
      deliveredCount += answer.Records!.filter(({ SequenceNumber }) => SequenceNumber).length
    }
  }
  await Promise.all(Array.from({ length: SDK_CONCURRENCY }, loop))
  return deliveredCount
}

const SENDS: Readonly<Record<ProducerPlan['way'], Send>> = {
  promises: sendThrough(addWithPromises),
  callback: sendThrough(addWithCallback),
  floor: sendNothing,
  bare: sendBare,
  sdk: sendThroughSdk,
  'sdk-http1': sendThroughSdk,
}

/** Requests of the line so far, and Kinesis records in them. */
function travelled(): { kinesisRecordsCount: number; putRecordsCount: number } {
  return producer?.describe().streams[0] ?? { kinesisRecordsCount: 0, putRecordsCount: 0 }
}

async function run(plan: ProducerPlan): Promise<ProducerDone> {
  const send = SENDS[plan.way]
  const before = travelled()
  keyBound = plan.keyCount ?? Number.POSITIVE_INFINITY
  const { keyOrder, settings } = plan
  if (keyOrder !== undefined && ordered.length === 0) {
    ordered = orderedKeys(keyOrder, ORDERED_SHARDS, settings?.aggregationMaxCount ?? 1)
  }
  const startAtMs = performance.now()
  const cpuBefore = process.cpuUsage()
  const deliveredCount = await send(plan, startAtMs + plan.seconds * 1000)
  const { user, system } = process.cpuUsage(cpuBefore)
  const elapsedMs = performance.now() - startAtMs
  const after = travelled()
  return {
    deliveredCount,
    kinesisRecordCount: after.kinesisRecordsCount - before.kinesisRecordsCount,
    requestCount: after.putRecordsCount - before.putRecordsCount,
    cpuMicros: user + system,
    elapsedMs,
  }
}

answerCalls({ run })
