// headgate/producer: the Kinesis producer as a library.

import { type Log, silentLog } from '../host/index.ts'
import {
  awsCredentials,
  NodeClock,
  NodeNetwork,
  NodeRandom,
  networkOptionsOf,
} from '../host/node/index.ts'
import {
  type CredentialsProvider,
  type Metric,
  type OwnDimension,
  Producer,
  type ProducerConfig,
  type ProducerDescription,
  Window,
} from '../producer/index.ts'
import {
  type Attempt,
  hashKeyFromDecimal,
  keyProblem,
  type Place,
  type RecordResult,
  STREAM_NAME_PATTERN,
  UserRecord,
} from '../record/index.ts'
import { type ProducerSettings, readOptions } from './options.ts'

export { ConfigError } from '../config/index.ts'
export { PROMETHEUS_CONTENT_TYPE } from '../producer/index.ts'
export { producerOptionsFromProperties, producerOptionsFromPropertiesFile } from './options.ts'
export type {
  Attempt,
  CredentialsProvider,
  Log,
  Metric,
  OwnDimension,
  Place,
  ProducerConfig,
  ProducerDescription,
  RecordResult,
}

export interface KinesisProducerOptions extends Partial<ProducerSettings> {
  /** Where keys come from; the AWS SDK's own chain unless told otherwise. */
  readonly credentials?: CredentialsProvider
  /** Where warnings go; nowhere unless told otherwise. */
  readonly log?: Log
  /** Dimensions of your own for the metrics, as the KPL's additional ones. */
  readonly metricsDimensions?: readonly OwnDimension[]
}

export interface UserRecordInput {
  readonly stream: string
  /** 1 to 256 Unicode characters. */
  readonly partitionKey: string
  /** Decimal, 0..2^128-1: where the record belongs, in the place of the partition key's MD5. */
  readonly explicitHashKey?: string
  /** Not copied: leave bytes unchanged until the record has settled. Text is sent as UTF-8. */
  readonly data: Uint8Array | string
}

export interface UserRecordResult extends Place {
  readonly attempts: readonly Attempt[]
}

/** A record that was not delivered. `result` tells every attempt. */
export class UserRecordFailedError extends Error {
  /** The last attempt's code: `Expired`, `ResourceNotFoundException`, … */
  readonly code: string
  /** An attempt had no answer: the record may be in the stream all the same. */
  readonly mayBeWritten: boolean
  readonly attempts: readonly Attempt[]
  readonly record: UserRecordInput

  constructor(result: RecordResult & { isDelivered: false }, record: UserRecordInput) {
    super(`${result.code}: ${result.message}`)
    this.name = 'UserRecordFailedError'
    this.code = result.code
    this.mayBeWritten = result.mayBeWritten
    this.attempts = result.attempts
    this.record = record
  }
}

/**
 * Sends user records to Kinesis streams: aggregated, collected, rate-limited, retried.
 *
 *     const producer = new KinesisProducer({ region: 'eu-central-1' })
 *     const record = { stream: 'clicks', partitionKey: 'user-7', data: 'any text, or bytes' }
 *     const { shardId, sequenceNumber } = await producer.addUserRecord(record)
 *     await producer.close({ deadlineMs: 10_000 })
 */
export class KinesisProducer {
  readonly #producer: Producer
  readonly #network: NodeNetwork
  readonly #maxUserRecordSize: number
  readonly #window: Window

  /**
   * Throws `ConfigError`, which names every option that is wrong, and what the system says for
   * certificates that cannot be read.
   */
  constructor({
    credentials,
    log = silentLog,
    metricsDimensions,
    ...options
  }: KinesisProducerOptions) {
    const { producer: config, transport, userRecord, window } = readOptions(options, log)
    this.#maxUserRecordSize = userRecord.maxUserRecordSize
    const clock = new NodeClock()
    this.#network = new NodeNetwork({ clock, ...networkOptionsOf({ ...config, ...transport }) })
    const host = { clock, random: new NodeRandom(), network: this.#network }
    const provider = credentials ?? awsCredentials()
    this.#producer = new Producer(host, config, provider, log, metricsDimensions)
    this.#window = new Window(window, this.#producer)
  }

  /** User records that were added and have not settled. */
  get outstandingRecordsCount(): number {
    return this.#producer.outstandingCount
  }

  /** Data bytes of the outstanding records. */
  get outstandingBytes(): number {
    return this.#producer.outstandingBytes
  }

  /** Of the record that is outstanding longest, up to 100 ms too much; 0 when there is none. */
  get oldestRecordAgeMs(): number {
    return this.#producer.oldestRecordAgeMs
  }

  /**
   * Resolves when there is room for one more record: fewer than `maxOutstandingRecords` and
   * `maxOutstandingBytes` are outstanding. First come, first served. Adding never waits and never
   * refuses, so whoever adds without it has no bound but memory.
   */
  ready(): Promise<void> {
    return this.#window.ready()
  }

  /**
   * Adds a record; resolves when it is in the stream, rejects with `UserRecordFailedError` when it
   * was given up. Throws `TypeError` or `RangeError` at once for what no stream would take.
   */
  addUserRecord(input: UserRecordInput): Promise<UserRecordResult> {
    const fields = checked(input, this.#maxUserRecordSize)
    return new Promise((resolve, reject) => {
      this.#put(fields, (result) => {
        if (result.isDelivered) resolve({ ...result.place, attempts: result.attempts })
        else reject(new UserRecordFailedError(result, input))
      })
    })
  }

  /**
   * Adds many records without a promise for each. `onSettle` is called once for each, with its
   * place in `inputs`, when its fate is decided. Throws as `addUserRecord` does; then none was
   * added.
   */
  addUserRecords(
    inputs: readonly UserRecordInput[],
    onSettle: (result: RecordResult, index: number) => void,
  ): void {
    const all = inputs.map((input) => checked(input, this.#maxUserRecordSize))
    for (const [index, fields] of all.entries()) {
      this.#put(fields, (result) => onSettle(result, index))
    }
  }

  /**
   * Adds all records of a source as fast as there is room for them, and resolves when they have all
   * settled. What is given up is told to `onFailed` and counted. Rejects with what the source
   * throws, or with what no stream would take; what was added before is delivered all the same.
   *
   *     await pipeline(source, (records) => producer.addAll(records))
   */
  async addAll(
    source: AsyncIterable<UserRecordInput> | Iterable<UserRecordInput>,
    onFailed: (error: UserRecordFailedError) => void = () => {},
  ): Promise<{ delivered: number; failed: number }> {
    const counts = { delivered: 0, failed: 0 }
    const open = { count: 0, onEmpty: () => {} }
    for await (const input of source) {
      await this.ready()
      const fields = checked(input, this.#maxUserRecordSize)
      open.count++
      this.#put(fields, (result) => {
        if (result.isDelivered) counts.delivered++
        else {
          counts.failed++
          onFailed(new UserRecordFailedError(result, input))
        }
        if (--open.count === 0) open.onEmpty()
      })
    }
    if (open.count > 0) {
      await new Promise<void>((resolve) => {
        open.onEmpty = resolve
      })
    }
    return counts
  }

  /** Sends what waits for company; resolves when every record added before has settled. */
  flush(): Promise<void> {
    return this.#producer.flush()
  }

  /**
   * Takes no more records and delivers what it has, for at most `deadlineMs`. What is left is
   * rejected with the code `Closed`; resolves with the number of those records.
   */
  async close({ deadlineMs }: { deadlineMs: number }): Promise<number> {
    const left = await this.#producer.close(deadlineMs)
    this.#window.close()
    this.#network.close()
    return left
  }

  #put(fields: ReturnType<typeof checked>, settle: (result: RecordResult) => void): void {
    const onSettle = (result: RecordResult) => {
      settle(result)
      this.#window.changed()
    }
    this.#producer.put(new UserRecord({ ...fields, onSettle }))
  }

  /**
   * The KPL's metrics, or those of one name, in every combination of their dimensions: since the
   * start, or over the last 1 to 60 seconds, the running one included. Levels and granularity
   * choose what is uploaded, not what this tells.
   */
  getMetrics(name?: string | null, seconds?: number): Metric[] {
    return this.#producer.getMetrics(name, seconds)
  }

  /** For the one who uploads them, as `headgate/cloudwatch`: what nobody has taken yet. */
  takeMetrics(options?: { isLast?: boolean }): Metric[] {
    return this.#producer.takeMetrics(options)
  }

  /** The metrics as Prometheus scrapes them; serve it as `PROMETHEUS_CONTENT_TYPE`. */
  prometheusText(): string {
    return this.#producer.prometheusText()
  }

  /** The configuration in force and the state of each stream's line. */
  describe(): ProducerDescription {
    return this.#producer.describe()
  }
}

function checked(
  { stream, partitionKey, explicitHashKey, data }: UserRecordInput,
  maxUserRecordSize: number,
) {
  if (typeof stream !== 'string') throw new TypeError('stream: a string is needed')
  if (typeof partitionKey !== 'string') throw new TypeError('partitionKey: a string is needed')
  if (typeof data !== 'string' && !(data instanceof Uint8Array)) {
    throw new TypeError('data: a string or a Uint8Array is needed')
  }
  if (!STREAM_NAME_PATTERN.test(stream)) {
    throw new RangeError('stream: 1 to 128 of a-z A-Z 0-9 _ . - are allowed')
  }
  const wrong = keyProblem(partitionKey)
  if (wrong !== null) throw new RangeError(`partitionKey: it ${wrong}`)
  if (explicitHashKey !== undefined && typeof explicitHashKey !== 'string') {
    throw new TypeError('explicitHashKey: a decimal number as a string is needed')
  }
  const hashKey = explicitHashKey === undefined ? null : hashKeyFromDecimal(explicitHashKey)
  if (explicitHashKey !== undefined && hashKey === null) {
    throw new RangeError('explicitHashKey: a decimal number in 0..2^128-1 is allowed')
  }
  const bytes = typeof data === 'string' ? Buffer.from(data, 'utf8') : data
  const chargedBytes = bytes.length + Buffer.byteLength(partitionKey)
  if (chargedBytes > maxUserRecordSize) {
    throw new RangeError(
      `data: with its key ${chargedBytes} bytes; maxUserRecordSize is ${maxUserRecordSize}`,
    )
  }
  return { stream, partitionKey, explicitHashKey: hashKey, data: bytes }
}
