// The service: from an HTTP request to the operation it names, and back. It works in any host, a
// simulated one too: no sockets, no clock of its own. Signatures are not checked.

import {
  type BodyTaker,
  type Disk,
  type Host,
  type HttpAnswer,
  type HttpHead,
  type HttpService,
  headerOf,
  type Log,
  type Random,
  silentLog,
} from '../host/index.ts'
import { AnswerWriter } from './answer-writer.ts'
import { type BodyFormat, formatOf, JSON_FORMAT } from './body-format.ts'
import type { KinesisConfig } from './config.ts'
import type { Operation } from './operation.ts'
import { createStream } from './operations/create-stream.ts'
import { OPERATIONS } from './operations/table.ts'
import type { Service } from './service.ts'
import { internalFailure, ServiceError, serialization } from './service-error.ts'
import { shardRatesOf } from './shard-limiter.ts'
import { StreamTable } from './stream-table.ts'
import { TokenSealer } from './token.ts'

export class EmbeddedKinesis implements HttpService {
  readonly #service: Service
  readonly #answers: AnswerWriter
  readonly #log: Log
  #bodyBytesInFlight = 0

  /**
   * Opens what is on the disk, or begins afresh. Damage is reported and stepped over; it rejects
   * only with a `DiskError`, when the disk can be neither listed nor written at all.
   */
  static async open(
    host: Pick<Host, 'clock' | 'random' | 'disk'>,
    config: KinesisConfig,
    log: Log = silentLog,
  ): Promise<EmbeddedKinesis> {
    const { clock, disk } = host
    const random = host.random.fork('kinesis')
    const tokens = new TokenSealer(await loadTokenKey(disk, random, log))
    const rates = shardRatesOf(config)
    const streams = await StreamTable.open({ clock, random, disk, config, rates, log })
    return new EmbeddedKinesis({ clock, config, streams, tokens }, random, log)
  }

  private constructor(service: Service, random: Random, log: Log) {
    this.#service = service
    this.#answers = new AnswerWriter(service.clock, random)
    this.#log = log
  }

  /**
   * Rejects with a `ServiceError` when the name, the number or the limits of the account do not
   * allow it.
   */
  async createStreamIfAbsent(name: string, shardCount: number): Promise<void> {
    if (this.#service.streams.get(name) !== null) return
    const input = Buffer.from(JSON.stringify({ StreamName: name, ShardCount: shardCount }))
    await createStream.run(input, { ...this.#service, format: JSON_FORMAT })
  }

  begin(head: HttpHead): HttpAnswer | BodyTaker {
    const format = formatOf(headerOf(head.headers, 'content-type'))
    const operation = operationOf(head)
    if (head.method !== 'POST' || operation === undefined || format === null) {
      return this.#refuse(head, format)
    }
    // A longer body is not read: its length is enough to refuse it, however busy we are.
    const bodyBytes = Math.min(
      bodyBytesOf(head) ?? Number.POSITIVE_INFINITY,
      operation.maxBodyBytes,
    )
    if (this.#bodyBytesInFlight + bodyBytes > this.#service.config.maxBodyBytesInFlight) {
      return this.#answers.failure(overloaded(), format)
    }
    return this.#take(operation, format, bodyBytes)
  }

  /** Lets writes that are under way end, then closes the files. Later requests fail. */
  close(): Promise<void> {
    return this.#service.streams.close()
  }

  #take(operation: Operation, format: BodyFormat, bodyBytes: number): BodyTaker {
    this.#bodyBytesInFlight += bodyBytes
    let isLent = true
    const giveBack = () => {
      if (isLent) this.#bodyBytesInFlight -= bodyBytes
      isLent = false
    }
    let isRunning = false
    return {
      maxBodyBytes: operation.maxBodyBytes,
      end: (body, answer) => {
        isRunning = true
        this.#run(operation, body, format).then((made) => {
          giveBack()
          answer(made)
        })
      },
      tooLarge: () => {
        giveBack()
        return this.#answers.failure(tooLarge(operation), format)
      },
      abort: () => {
        if (!isRunning) giveBack()
      },
    }
  }

  async #run(operation: Operation, body: Buffer, format: BodyFormat): Promise<HttpAnswer> {
    try {
      if (body.length === 0) throw serialization('The body is empty.')
      const made = await operation.run(body, { ...this.#service, format })
      return this.#answers.success(made, format)
    } catch (error) {
      return this.#answers.failure(this.#asServiceError(error as Error, operation), format)
    }
  }

  #asServiceError(error: Error, operation: Operation): ServiceError {
    if (error instanceof ServiceError) return error
    this.#log.error('an operation failed', { operation: operation.name, reason: error.message })
    return internalFailure()
  }

  /** The service looks at the content type before it looks at what is asked. */
  #refuse(head: HttpHead, format: BodyFormat | null): HttpAnswer {
    if (head.method !== 'POST') return this.#answers.plainFailure(NOT_AUTHORIZABLE)
    return format === null
      ? this.#answers.plainFailure(UNKNOWN_CONTENT)
      : this.#answers.failure(UNKNOWN_OPERATION, format)
  }
}

const TARGET_PREFIX = 'Kinesis_20131202.'

const NOT_AUTHORIZABLE = new ServiceError(
  'AccessDeniedException',
  'Unable to determine service/operation name to be authorized',
  403,
)
const UNKNOWN_CONTENT = new ServiceError(
  'UnknownOperationException',
  'The content type is neither application/x-amz-json-1.1 nor application/x-amz-cbor-1.1',
  404,
)
const UNKNOWN_OPERATION = new ServiceError(
  'UnknownOperationException',
  'The operation is unknown or not supported here.',
)

function operationOf({ headers }: HttpHead): Operation | undefined {
  const target = headerOf(headers, 'x-amz-target') ?? ''
  if (!target.startsWith(TARGET_PREFIX)) return undefined
  return OPERATIONS.get(target.slice(TARGET_PREFIX.length))
}

function bodyBytesOf({ headers }: HttpHead): number | null {
  const length = headerOf(headers, 'content-length') ?? ''
  return /^[0-9]{1,15}$/.test(length) ? Number(length) : null
}

function overloaded(): ServiceError {
  const message = 'Too many bytes of requests are being worked on.'
  return new ServiceError('ServiceUnavailable', message, 503)
}

function tooLarge({ name, maxBodyBytes }: Operation): ServiceError {
  const message = `The body of a ${name} request must have at most ${maxBodyBytes} bytes.`
  return new ServiceError('RequestEntityTooLargeException', message, 413)
}

const SERVICE_FILE = 'service.json'
const TOKEN_KEY_WORD_COUNT = 8

/** The key that tokens are sealed with, made once for a disk. */
async function loadTokenKey(disk: Disk, random: Random, log: Log): Promise<Buffer> {
  const kept = await disk.load(SERVICE_FILE)
  const keyText = /"tokenKey":"([0-9a-f]{64})"/.exec(kept?.toString('latin1') ?? '')?.[1]
  if (keyText !== undefined) return Buffer.from(keyText, 'hex')
  if (kept !== null) log.error('service.json is damaged; iterators from before are invalid', {})
  const key = Buffer.alloc(TOKEN_KEY_WORD_COUNT * 4)
  for (let i = 0; i < TOKEN_KEY_WORD_COUNT; i++) key.writeUInt32BE(random.below(2 ** 32), i * 4)
  const text = JSON.stringify({ format: 1, tokenKey: key.toString('hex') })
  await disk.replace(SERVICE_FILE, Buffer.from(text))
  return key
}
