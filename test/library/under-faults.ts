// A producer of the library and an embedded Kinesis with faults, over real sockets; the stream is
// read by the official SDK and taken apart by a foreign library. What must hold in any case is
// checked here.

import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  ListShardsCommand,
} from '@aws-sdk/client-kinesis'
import { deaggregateSync } from 'aws-kinesis-agg'
import { type Fault, type KinesisServer, startKinesis } from '../../src/library/kinesis.ts'
import {
  type Attempt,
  KinesisProducer,
  type KinesisProducerOptions,
  type RecordResult,
} from '../../src/library/producer.ts'

const StreamName = 's'
const KEYS = { accessKeyId: 'any', secretAccessKey: 'any' }

export interface Settled {
  readonly partitionKey: string
  readonly data: Buffer
  result: RecordResult | null
  settledCount: number
}

export interface Setup {
  readonly faults: readonly Fault[]
  readonly faultSeed?: number
  readonly producer?: Partial<KinesisProducerOptions>
}

export class UnderFaults {
  readonly kinesis: KinesisServer
  readonly producer: KinesisProducer
  readonly records: Settled[] = []
  /** How often the producer asked for keys. */
  keysAskedCount = 0

  static async start(context: TestContext, setup: Setup): Promise<UnderFaults> {
    const { faults, faultSeed = 1 } = setup
    const streams = { [StreamName]: 2 }
    const kinesis = await startKinesis({ streams, limits: false, faults, faultSeed })
    const run = new UnderFaults(kinesis, setup.producer ?? {})
    context.after(async () => {
      await run.producer.close({ deadlineMs: 0 })
      await kinesis.close()
    })
    return run
  }

  private constructor(kinesis: KinesisServer, options: Partial<KinesisProducerOptions>) {
    this.kinesis = kinesis
    this.producer = new KinesisProducer({
      endpoint: kinesis.endpoint,
      region: 'us-east-1',
      credentials: () => {
        this.keysAskedCount++
        return Promise.resolve(KEYS)
      },
      recordTtl: 'none',
      recordMaxBufferedTime: 10,
      // Small, so that many entries and requests meet the faults.
      aggregationMaxCount: 10,
      collectionMaxCount: 10,
      ...options,
    })
  }

  /** Adds records that differ in key and bytes, and that any byte is in. */
  add(count: number): void {
    const added = Array.from({ length: count }, (_, i): Settled => {
      const number = this.records.length + i
      const data = Buffer.alloc(4 + 1 + (number % 97), number & 0xff)
      data.writeUInt32BE(number)
      return { partitionKey: `key-${number % 500}`, data, result: null, settledCount: 0 }
    })
    this.records.push(...added)
    const inputs = added.map(({ partitionKey, data }) => ({
      stream: StreamName,
      partitionKey,
      data,
    }))
    this.producer.addUserRecords(inputs, (result, index) => {
      added[index]!.result = result
      added[index]!.settledCount++
    })
  }

  /** Until every fault has struck so often, or everything has settled in spite of it. */
  async untilStruck(count: number): Promise<void> {
    const isStruck = () => this.kinesis.struckCounts().every((struck) => struck >= count)
    while (!isStruck() && this.producer.outstandingRecordsCount > 0) {
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    assert.ok(isStruck(), `struck were ${this.kinesis.struckCounts()}`)
  }

  /** Ends the faults; answers how often each of them struck. */
  endFaults(): readonly number[] {
    const struck = this.kinesis.struckCounts()
    this.kinesis.setFaults([])
    return struck
  }

  /**
   * Waits until everything has settled, ends the faults, reads the stream, and checks what always
   * holds.
   */
  async check(): Promise<Checked> {
    await this.producer.flush()
    this.endFaults()
    const found = await readBack(this.kinesis.endpoint)
    const copies = new Map<number, number>()
    for (const { data } of found.values()) {
      const number = data.readUInt32BE(0)
      copies.set(number, (copies.get(number) ?? 0) + 1)
    }
    for (const [number, { settledCount, result, data, partitionKey }] of this.records.entries()) {
      assert.equal(settledCount, 1, `record ${number}`)
      checkAttempts(result!)
      if (result!.isDelivered) {
        const { shardId, sequenceNumber, subSequenceNumber } = result!.place
        const stored = found.get(placeOf(shardId, sequenceNumber, subSequenceNumber ?? 0))
        assert.deepEqual(stored, { partitionKey, data }, `record ${number} is in its shard`)
      }
      // Written once for its delivery, and once more at most for each answer that was lost.
      const openCount = result!.attempts.filter(({ mayBeWritten }) => mayBeWritten).length
      const most = openCount + (result!.isDelivered ? 1 : 0)
      const copyCount = copies.get(number) ?? 0
      assert.ok(copyCount <= most, `record ${number}: ${copyCount} copies, at most ${most}`)
    }
    return { results: this.records.map(({ result }) => result!), copies }
  }
}

export interface Checked {
  readonly results: readonly RecordResult[]
  /** How often each record is in the stream, by its number. */
  readonly copies: ReadonlyMap<number, number>
}

/** The attempts that failed, one for each entry or request that told of a failure, by code. */
export function failures(results: readonly RecordResult[]): Map<string, Set<Attempt>> {
  const byCode = new Map<string, Set<Attempt>>()
  for (const attempt of results.flatMap(({ attempts }) => attempts)) {
    if (attempt.code === null) continue
    const known = byCode.get(attempt.code) ?? new Set()
    byCode.set(attempt.code, known.add(attempt))
  }
  return byCode
}

/** What leaves open whether the record was written. */
const OPEN_CODES = new Set([
  'ConnectionLost',
  'RequestTimeout',
  'InternalFailure',
  'ServiceUnavailable',
])

function checkAttempts({ isDelivered, attempts, ...rest }: RecordResult): void {
  for (const [index, { code, mayBeWritten, startAtMs, endAtMs }] of attempts.entries()) {
    assert.equal(mayBeWritten, OPEN_CODES.has(code ?? ''), `${code} says ${mayBeWritten}`)
    assert.equal(code === null, isDelivered && index === attempts.length - 1)
    assert.ok(startAtMs <= endAtMs)
  }
  if (isDelivered) return
  const isOpen = attempts.some(({ mayBeWritten }) => mayBeWritten)
  assert.equal((rest as { mayBeWritten: boolean }).mayBeWritten, isOpen)
}

interface Stored {
  readonly partitionKey: string
  readonly data: Buffer
}

function placeOf(shardId: string, sequenceNumber: string, subSequenceNumber: number): string {
  return `${shardId} ${sequenceNumber} ${subSequenceNumber}`
}

/** Every user record of the stream, by its place. */
async function readBack(endpoint: string): Promise<Map<string, Stored>> {
  const client = new KinesisClient({ endpoint, region: 'us-east-1', credentials: KEYS })
  const found = new Map<string, Stored>()
  const { Shards = [] } = await client.send(new ListShardsCommand({ StreamName }))
  for (const { ShardId } of Shards) {
    const from = { StreamName, ShardId, ShardIteratorType: 'TRIM_HORIZON' } as const
    let { ShardIterator } = await client.send(new GetShardIteratorCommand(from))
    for (;;) {
      const page = await client.send(new GetRecordsCommand({ ShardIterator }))
      for (const { PartitionKey, SequenceNumber, Data } of page.Records ?? []) {
        const record = {
          partitionKey: PartitionKey!,
          sequenceNumber: SequenceNumber!,
          data: Buffer.from(Data!).toString('base64'),
        }
        deaggregateSync({ kinesis: record, ...record } as never, true, (error, members) => {
          assert.equal(error ?? null, null)
          for (const [index, { partitionKey, data }] of members!.entries()) {
            const place = placeOf(ShardId!, SequenceNumber!, index)
            found.set(place, { partitionKey, data: Buffer.from(data, 'base64') })
          }
        })
      }
      if (page.MillisBehindLatest === 0) break
      ShardIterator = page.NextShardIterator
    }
  }
  client.destroy()
  return found
}
