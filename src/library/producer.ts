// headgate/producer: the Kinesis producer as a library.

import type { Writable } from 'node:stream'
import { type Log, silentLog } from '../host/index.ts'
import {
  afterPromises,
  awsCredentials,
  environment,
  NodeClock,
  NodeNetwork,
  NodeRandom,
  networkOptionsOf,
} from '../host/node/index.ts'
import {
  type Metric,
  type OwnDimension,
  Producer,
  type ProducerConfig,
  type ProducerDescription,
  Window,
} from '../producer/index.ts'
import type { Attempt, Place, RecordResult, UserRecord, UserRecordFields } from '../record/index.ts'
import { apart } from './apart.ts'
import { checkObject, checkTextIfSaid } from './check.ts'
import { type CredentialsOption, credentialsOf } from './credentials.ts'
import { deadlineOf } from './deadline.ts'
import { Intake } from './intake.ts'
import { checkDimensions, readOptions, type SomeSettings } from './options.ts'
import { keepReach } from './reach.ts'
import {
  type FailedResult,
  IndexedRecord,
  PromisedRecord,
  tellByIndex,
  type UserRecordFailedError,
  type UserRecordInput,
  type UserRecordResult,
  userRecordOf,
} from './user-record.ts'
import {
  type FlushingEntrance,
  UserRecordWritable,
  type WritableOptions,
} from './user-record-writable.ts'

export { ConfigError } from '../config/index.ts'
export { ClosedError, PROMETHEUS_CONTENT_TYPE } from '../producer/index.ts'
export { type KplAttempt, kplAttemptsOf } from './kpl-attempts.ts'
export { producerOptionsFromProperties, producerOptionsFromPropertiesFile } from './options.ts'
export { UserRecordFailedError } from './user-record.ts'
export type {
  Attempt,
  CredentialsOption,
  FailedResult,
  Log,
  Metric,
  OwnDimension,
  Place,
  ProducerConfig,
  ProducerDescription,
  RecordResult,
  UserRecordInput,
  UserRecordResult,
  WritableOptions,
}

export interface KinesisProducerOptions extends SomeSettings {
  /**
   * Keys, or where they come from: any credentials provider of the AWS SDK. Its own chain unless
   * told otherwise.
   */
  readonly credentials?: CredentialsOption | undefined
  /** Where warnings go; nowhere unless told otherwise. */
  readonly log?: Log | undefined
  /** Dimensions of your own for the metrics, as the KPL's additional ones. */
  readonly metricsDimensions?: readonly OwnDimension[] | undefined
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
  readonly #entrance: FlushingEntrance = {
    ready: () => this.ready(),
    flush: () => this.flush(),
    add: (input, onSettle) => this.#put(this.#recordOf(input, onSettle)),
  }

  /**
   * Throws `ConfigError`, which names every option that is wrong, `TypeError` without a region and
   * for credentials or dimensions that are none, and what the system says for certificates that
   * cannot be read.
   */
  constructor(given: KinesisProducerOptions = {}) {
    if (typeof given !== 'object' || given === null) {
      throw new TypeError('KinesisProducer needs its options as an object')
    }
    const { credentials, log: ownLog = silentLog, metricsDimensions = [], ...options } = given
    checkDimensions(metricsDimensions)
    const log = apart(ownLog)
    const {
      producer: config,
      transport,
      userRecord,
      window,
    } = readOptions(options, log, environment)
    this.#maxUserRecordSize = userRecord.maxUserRecordSize
    const clock = new NodeClock()
    const connections = networkOptionsOf({ ...config, ...transport })
    this.#network = new NodeNetwork({ clock, ...connections })
    // Records that wait keep the process alive; lines for the log that are due do not.
    const idleClock = new NodeClock({ keepsProcessAlive: false })
    const host = { clock, idleClock, random: new NodeRandom(), network: this.#network }
    const provider = credentials === undefined ? awsCredentials() : credentialsOf(credentials)
    this.#producer = new Producer(host, config, provider, log, metricsDimensions)
    keepReach(this, { credentials: provider, connections })
    this.#window = new Window(window, this.#producer)
    this.#producer.onLeft = () => this.#window.changed()
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
   * `maxOutstandingBytes` are outstanding. First come, first served: one record for each call,
   * added as soon as it resolves. Adding never waits and never refuses, so whoever adds without it
   * has no bound but memory. Rejects with `ClosedError` when `close` was called.
   */
  ready(): Promise<void> {
    return this.#window.ready()
  }

  /**
   * Adds a record; resolves when it is in the stream, rejects with `UserRecordFailedError` when it
   * was given up. Throws `TypeError` or `RangeError` at once for what no stream would take.
   */
  addUserRecord(input: UserRecordInput): Promise<UserRecordResult> {
    const record = new PromisedRecord(input, this.#maxUserRecordSize)
    this.#put(record)
    return record.promise
  }

  /**
   * Adds many records without a promise for each. `onSettle` is called once for each, with its
   * place in `inputs`, when its fate is decided; what it throws is an uncaught exception, and the
   * others are told of all the same. Throws as `addUserRecord` does; then none was added.
   */
  addUserRecords(
    inputs: readonly UserRecordInput[],
    onSettle: (result: RecordResult, index: number) => void,
  ): void {
    if (!Array.isArray(inputs)) throw new TypeError('inputs: an array is needed')
    if (typeof onSettle !== 'function') throw new TypeError('onSettle: a function is needed')
    const tell = tellByIndex(onSettle)
    const all = inputs.map((input, index) => {
      return new IndexedRecord(input, this.#maxUserRecordSize, { onSettle: tell, index })
    })
    for (const record of all) this.#put(record)
  }

  /**
   * Adds all records of a source as fast as there is room for them, and resolves when they have all
   * settled; the last ones wait for company as others do, up to `recordMaxBufferedTime`, unless
   * `flush` is called. What is given up is told to `onFailed` and counted. Rejects with what the
   * source or `onFailed` throws, with what no stream would take, and with `ClosedError` when
   * `close` was called; what was added before is delivered all the same.
   *
   *     await pipeline(source, (records) => producer.addAll(records))
   */
  async addAll(
    source: AsyncIterable<UserRecordInput> | Iterable<UserRecordInput>,
    onFailed: (error: UserRecordFailedError) => void = () => {},
  ): Promise<{ delivered: number; failed: number }> {
    const intake = new Intake(this.#entrance, onFailed)
    if (!isSource(source)) throw new TypeError('addAll: an iterable or async iterable is needed')
    for await (const input of source) {
      await intake.ready()
      intake.add(input)
    }
    await intake.empty()
    return intake.counts
  }

  /**
   * A stream of Node's that takes records as fast as there is room for them. It finishes when all
   * that was written to it has settled; `end` hurries that, as `flush` does. What no stream would
   * take destroys it, and so does a record that is given up, unless `onFailed` is told of those.
   * What was written before is delivered all the same.
   *
   *     await pipeline(source, producer.writable())
   */
  writable(options: WritableOptions = {}): Writable {
    checkObject('writable', options)
    return new UserRecordWritable(this.#entrance, options)
  }

  /**
   * Sends what waits for company, or only what is of that stream; resolves when every record of it
   * that was added before has settled, and what hangs on the promises of those has run.
   */
  async flush(stream?: string): Promise<void> {
    checkTextIfSaid('flush: stream', stream)
    await this.#producer.flush(stream)
    // Whoever counts there would miss the last records otherwise.
    await afterPromises()
  }

  /**
   * Takes no more records and delivers what it has, for at most `deadlineMs`; with `Infinity` until
   * all have settled. What is left is rejected with the code `Closed`; resolves with the number of
   * those records.
   */
  async close(options: { deadlineMs: number }): Promise<number> {
    const deadlineMs = deadlineOf(options)
    this.#window.close()
    const left = await this.#producer.close(deadlineMs)
    this.#network.close()
    await afterPromises()
    return left
  }

  #put(record: UserRecord): void {
    this.#producer.put(record)
    this.#window.added()
  }

  #recordOf(input: UserRecordInput, onSettle: UserRecordFields['onSettle']): UserRecord {
    return userRecordOf(input, this.#maxUserRecordSize, onSettle)
  }

  /**
   * The KPL's metrics, or those of one name, in every combination of their dimensions: since the
   * start, or over the last 1 to 60 seconds, the running one included. Levels and granularity
   * choose what is uploaded, not what this tells.
   */
  getMetrics(name?: string | null, seconds?: number): Metric[] {
    checkTextIfSaid('getMetrics: name', name ?? undefined)
    return this.#producer.getMetrics(name, seconds)
  }

  /** For the one who uploads them, as `headgate/cloudwatch`: what nobody has taken yet. */
  takeMetrics(options: { isLast?: boolean } = {}): Metric[] {
    checkObject('takeMetrics', options)
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

function isSource(source: object | null | undefined): boolean {
  return (
    source != null && (Symbol.asyncIterator in Object(source) || Symbol.iterator in Object(source))
  )
}
