// The service: from an HTTP request to the operation it names, and back. It works in any host, a
// simulated one too: no sockets, no clock of its own. Signatures are not checked.

import {
  type BodyTaker,
  BufferPool,
  CUT,
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
import { type BodyFormat, contentTypeOf, formatOf, JSON_FORMAT } from './body-format.ts'
import {
  callerIdentity,
  QUERY_BODY_MAX_BYTES,
  QUERY_CONTENT_TYPE,
  queryBodyTooLarge,
} from './caller-identity.ts'
import type { KinesisConfig } from './config.ts'
import { Delays } from './faults/delays.ts'
import { type Fault, parseFaults } from './faults/fault.ts'
import {
  FAULTS_BODY_MAX_BYTES,
  FAULTS_TARGET,
  faultsBodyTooLarge,
  faultsMethodUnknown,
  putFaults,
  showFaults,
} from './faults/fault-door.ts'
import { type EntryFaults, type Fate, FaultEngine } from './faults/fault-engine.ts'
import type { Refusal } from './faults/refusal.ts'
import type { Operation } from './operation.ts'
import { createStream } from './operations/create-stream.ts'
import { OPERATIONS } from './operations/table.ts'
import type { Service } from './service.ts'
import { internalFailure, ServiceError, serialization } from './service-error.ts'
import { shardRatesOf } from './shard-limiter.ts'
import { StreamTable } from './stream-table.ts'
import { TokenSealer } from './token.ts'

export interface KinesisHost extends Pick<Host, 'clock' | 'random' | 'disk'> {
  /** What the faults are drawn from; `random` unless told otherwise. */
  readonly faultRandom?: Random | undefined
}

/** What a request is carried out with. */
interface Run {
  readonly maxBodyBytes: number
  readonly end: (body: Buffer) => Promise<HttpAnswer>
  readonly tooLarge: () => HttpAnswer
}

/** A request that an operation is to serve. */
interface Asked {
  readonly operation: Operation
  readonly format: BodyFormat
  readonly head: HttpHead
}

export class EmbeddedKinesis implements HttpService {
  readonly #service: Service
  readonly #answers: AnswerWriter
  readonly #faults: FaultEngine
  readonly #delays: Delays
  readonly #log: Log
  #bodyBytesInFlight = 0

  /**
   * Opens what is on the disk, or begins afresh. Damage is reported and stepped over; it rejects
   * only with a `DiskError`, when the disk can be neither listed nor written at all.
   */
  static async open(
    host: KinesisHost,
    config: KinesisConfig,
    log: Log = silentLog,
  ): Promise<EmbeddedKinesis> {
    const { clock, disk } = host
    const random = host.random.fork('kinesis')
    const tokens = new TokenSealer(await loadTokenKey(disk, random, log))
    const rates = shardRatesOf(config)
    const streams = await StreamTable.open({ clock, random, disk, config, rates, log })
    const faults = new FaultEngine(clock, host.faultRandom ?? random, log)
    faults.set(config.faults)
    const memory = new BufferPool(IDLE_MEMORY_MAX_BYTES)
    return new EmbeddedKinesis({ clock, config, streams, tokens, memory }, random, faults, log)
  }

  private constructor(service: Service, random: Random, faults: FaultEngine, log: Log) {
    this.#service = service
    this.#answers = new AnswerWriter(service.clock, random)
    this.#faults = faults
    this.#delays = new Delays(service.clock)
    this.#log = log
  }

  /** From here on these faults and no others. Throws a `ConfigError` and changes nothing. */
  setFaults(faults: readonly Fault[]): void {
    this.#faults.set(parseFaults({ faults }, 'option'))
  }

  get faults(): readonly Fault[] {
    return this.#faults.faults
  }

  /** How often each of the faults has struck since it was set. */
  get struckCounts(): readonly number[] {
    return this.#faults.struckCounts
  }

  /**
   * Rejects with a `ServiceError` when the name, the number or the limits of the account do not
   * allow it.
   */
  async createStreamIfAbsent(
    name: string,
    shardCount: number,
    MaxRecordSizeInKiB?: number,
  ): Promise<void> {
    if (this.#service.streams.get(name) !== null) return
    const fields = { StreamName: name, ShardCount: shardCount, MaxRecordSizeInKiB }
    const input = Buffer.from(JSON.stringify(fields))
    const call = { ...this.#service, format: JSON_FORMAT, entryFaults: null }
    await createStream.run(input, call)
  }

  begin(head: HttpHead): HttpAnswer | BodyTaker {
    if (head.target === FAULTS_TARGET) return this.#beginFaults(head)
    const contentType = contentTypeOf(headerOf(head.headers, 'content-type'))
    if (contentType === QUERY_CONTENT_TYPE && head.method === 'POST') return this.#beginQuery(head)
    const format = formatOf(contentType)
    const operation = operationOf(head)
    if (head.method !== 'POST' || operation === undefined || format === null) {
      return this.#refuse(head, format)
    }
    const run: Run = {
      maxBodyBytes: operation.maxBodyBytes,
      end: (body) => this.#run({ operation, format, head }, body),
      tooLarge: () => this.#answers.failure(tooLarge(operation), format),
    }
    return this.#take(run, head) ?? this.#answers.failure(overloaded(), format)
  }

  /** Lets writes that are under way end, then closes the files. Later requests fail. */
  close(): Promise<void> {
    this.#delays.close()
    return this.#service.streams.close()
  }

  #beginFaults(head: HttpHead): HttpAnswer | BodyTaker {
    if (head.method === 'DELETE') this.#faults.set([])
    if (head.method === 'GET' || head.method === 'DELETE') return showFaults(this.#faults)
    if (head.method !== 'PUT') return faultsMethodUnknown()
    const run: Run = {
      maxBodyBytes: FAULTS_BODY_MAX_BYTES,
      end: async (body) => putFaults(this.#faults, body),
      tooLarge: faultsBodyTooLarge,
    }
    return this.#take(run, head) ?? this.#answers.plainFailure(overloaded())
  }

  #beginQuery(head: HttpHead): HttpAnswer | BodyTaker {
    const { accountId } = this.#service.config
    const run: Run = {
      maxBodyBytes: QUERY_BODY_MAX_BYTES,
      end: async (body) => callerIdentity(body, accountId),
      tooLarge: queryBodyTooLarge,
    }
    return this.#take(run, head) ?? this.#answers.plainFailure(overloaded())
  }

  /** Null when too many bytes are being worked on already. */
  #take({ maxBodyBytes, end, tooLarge }: Run, head: HttpHead): BodyTaker | null {
    // A longer body is not read: its length is enough to refuse it, however busy we are.
    const bodyBytes = Math.min(bodyBytesOf(head) ?? Number.POSITIVE_INFINITY, maxBodyBytes)
    if (this.#bodyBytesInFlight + bodyBytes > this.#service.config.maxBodyBytesInFlight) return null
    this.#bodyBytesInFlight += bodyBytes
    let isLent = true
    const giveBack = () => {
      if (isLent) this.#bodyBytesInFlight -= bodyBytes
      isLent = false
    }
    let isRunning = false
    return {
      maxBodyBytes,
      memory: this.#service.memory,
      end: (body, answer) => {
        isRunning = true
        end(body).then((made) => {
          giveBack()
          answer(made)
        })
      },
      tooLarge: () => {
        giveBack()
        return tooLarge()
      },
      abort: () => {
        if (!isRunning) giveBack()
      },
    }
  }

  async #run(asked: Asked, body: Buffer): Promise<HttpAnswer> {
    const { operation, format, head } = asked
    const service = this.#service
    const fate = this.#faults.fateOf({ service, action: operation.name, format, head, body })
    return fate === null ? this.#act(asked, body) : this.#actUnder(fate, asked, body)
  }

  async #actUnder(fate: Fate, asked: Asked, body: Buffer): Promise<HttpAnswer> {
    const { skewMs, delayBeforeMs, refusal, entries, delayAfterMs, lostFor } = fate
    const instead = (one: Refusal) =>
      one === 'cut' ? CUT : this.#answers.failure(one, asked.format, skewMs)
    if (!(await this.#delays.wait(delayBeforeMs))) return CUT
    if (refusal !== null) return instead(refusal)
    const made = await this.#act(asked, body, entries, skewMs)
    if (!(await this.#delays.wait(delayAfterMs))) return CUT
    return lostFor === null ? made : instead(lostFor)
  }

  async #act(
    { operation, format }: Asked,
    body: Buffer,
    entryFaults: EntryFaults | null = null,
    skewMs = 0,
  ): Promise<HttpAnswer> {
    try {
      if (body.length === 0) throw serialization('The body is empty.')
      const made = await operation.run(body, { ...this.#service, format, entryFaults })
      return this.#answers.success(made, format, skewMs)
    } catch (error) {
      const problem = this.#asServiceError(error as Error, operation)
      return this.#answers.failure(problem, format, skewMs)
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

/** The largest request, once as it comes and once as it is stored. */
const IDLE_MEMORY_MAX_BYTES = 32 * 1024 * 1024

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
