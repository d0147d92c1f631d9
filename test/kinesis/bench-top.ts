// An embedded Kinesis on a memory disk and a clock moved by hand, and a client that speaks to it as
// a host would: through `begin`, in both formats.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readConfig } from '../../src/config/index.ts'
import { type HttpAnswer, headerOf, type Random } from '../../src/host/index.ts'
import { EmbeddedKinesis, type KinesisConfig, kinesisFields } from '../../src/kinesis/index.ts'
import { decodeCbor, EpochMs, encodeCbor } from '../../src/wire/index.ts'
import { HandClock } from '../hand-clock.ts'
import { RecordingLog } from '../recording-log.ts'
import { MemoryDisk } from './memory-disk.ts'

export type Format = 'json' | 'cbor'

export interface Answer {
  readonly status: number
  readonly http: HttpAnswer
  // Answers are looked into field by field by the tests that know them.
  // biome-ignore lint/suspicious/noExplicitAny: a test's view of a protocol without types
  readonly body: any
}

export interface BenchOptions {
  readonly disk?: MemoryDisk
  readonly clock?: HandClock
  readonly config?: Partial<KinesisConfig>
}

export class Bench {
  readonly clock: HandClock
  readonly disk: MemoryDisk
  readonly kinesis: EmbeddedKinesis
  readonly config: KinesisConfig
  readonly log: RecordingLog

  static async open({ disk, clock, config }: BenchOptions = {}): Promise<Bench> {
    const parts = {
      disk: disk ?? new MemoryDisk(),
      clock: clock ?? new HandClock(),
      log: new RecordingLog(),
      config: readConfig(kinesisFields, { overrides: config ?? {} }),
    }
    const host = { clock: parts.clock, disk: parts.disk, random: new CountedRandom() }
    const kinesis = await EmbeddedKinesis.open(host, parts.config, parts.log)
    return new Bench(kinesis, parts)
  }

  private constructor(
    kinesis: EmbeddedKinesis,
    parts: { disk: MemoryDisk; clock: HandClock; config: KinesisConfig; log: RecordingLog },
  ) {
    this.kinesis = kinesis
    this.disk = parts.disk
    this.clock = parts.clock
    this.config = parts.config
    this.log = parts.log
  }

  /** The same disk (or what is left of it) under a new process. */
  reopen(disk = this.disk): Promise<Bench> {
    return Bench.open({ disk, clock: this.clock, config: this.config })
  }

  async call(action: string, input: object, format: Format = 'json'): Promise<Answer> {
    return this.send(action, encode(input, format), format)
  }

  async send(action: string, body: Buffer, format: Format = 'json'): Promise<Answer> {
    const http = await this.exchange(
      'POST',
      ['Content-Type', contentTypes[format], 'X-Amz-Target', `Kinesis_20131202.${action}`],
      body,
    )
    return { status: http.status, http, body: decode(http.body, format) }
  }

  /** The call has to succeed. */
  async ok(action: string, input: object, format: Format = 'json'): Promise<Answer['body']> {
    const answer = await this.call(action, input, format)
    assert.equal(answer.status, 200, JSON.stringify(answer.body))
    return answer.body
  }

  /** The call has to be refused, as `<code>: <message>`. */
  async refused(action: string, input: object, format: Format = 'json'): Promise<string> {
    const { status, body } = await this.call(action, input, format)
    assert.notEqual(status, 200, JSON.stringify(body))
    return `${body.__type}: ${body.message}`
  }

  exchange(method: string, headers: readonly string[], body: Buffer): Promise<HttpAnswer> {
    const all = [...headers, 'Content-Length', `${body.length}`]
    const taker = this.kinesis.begin({ method, target: '/', headers: all })
    if ('status' in taker) return Promise.resolve(taker)
    if (body.length > taker.maxBodyBytes) return Promise.resolve(taker.tooLarge())
    return new Promise((resolve) => taker.end(Buffer.from(body), resolve))
  }

  /** All records of a shard, from its beginning. */
  async readAll(streamName: string, shardNumber = 0): Promise<ReadRecord[]> {
    const ShardId = `shardId-${String(shardNumber).padStart(12, '0')}`
    const start = { StreamName: streamName, ShardId, ShardIteratorType: 'TRIM_HORIZON' }
    let { ShardIterator } = await this.ok('GetShardIterator', start)
    const records: ReadRecord[] = []
    for (;;) {
      const page = await this.ok('GetRecords', { ShardIterator })
      records.push(...page.Records)
      if (page.MillisBehindLatest === 0) return records
      ShardIterator = page.NextShardIterator
    }
  }
}

export interface ReadRecord {
  readonly SequenceNumber: string
  readonly PartitionKey: string
  /** Base64. */
  readonly Data: string
  readonly ApproximateArrivalTimestamp: number
}

/** Lets what is under way go on until the condition holds. */
export async function untilTrue(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 100; turn++) {
    if (await condition()) return
    await new Promise(setImmediate)
  }
  assert.fail('it never came true')
}

/** Tests name data as text; in JSON it travels as base64. */
export function base64(text: string | Uint8Array): string {
  return Buffer.from(text).toString('base64')
}

export function textsOf(records: readonly ReadRecord[]): string[] {
  return records.map(({ Data }) => Buffer.from(Data, 'base64').toString())
}

export function header(answer: HttpAnswer, name: string): string | null {
  return headerOf(answer.headers, name)
}

const contentTypes = {
  json: 'application/x-amz-json-1.1',
  cbor: 'application/x-amz-cbor-1.1',
} as const

function encode(input: object, format: Format): Buffer {
  return format === 'cbor' ? encodeCbor(input) : Buffer.from(JSON.stringify(input))
}

function decode(body: Uint8Array | string, format: Format): unknown {
  const bytes = Buffer.from(body as Uint8Array)
  if (bytes.length === 0) return null
  if (bytes[0] === 0x3c) return bytes.toString()
  return format === 'cbor' ? decodeCbor(bytes) : JSON.parse(bytes.toString())
}

export { EpochMs }

/** Foreseeable and never the same twice in a row. */
class CountedRandom implements Random {
  #count = 0
  readonly #label: string

  constructor(label = '') {
    this.#label = label
  }

  below(bound: number): number {
    const digest = createHash('md5')
      .update(`${this.#label}/${this.#count++}`)
      .digest()
    return digest.readUInt32BE(0) % bound
  }

  fork(label: string): Random {
    return new CountedRandom(`${this.#label}/${label}`)
  }
}
