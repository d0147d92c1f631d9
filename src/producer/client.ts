// Calls to the service: waits for a free connection, then builds, signs and sends. Nothing is
// signed before its connection is free, so that no signature grows old in a queue; unless one asks
// for the KPL's way.

import {
  type Host,
  type HttpAnswer,
  headerOf,
  isAnswer,
  type Log,
  silentLog,
} from '../host/index.ts'
import {
  type Credentials,
  contentTypeOf,
  decodeError,
  type Md5Piece,
  RequestBuffer,
  Signer,
  targetOf,
  type WireFormat,
  writeMd5s,
} from '../wire/index.ts'
import type { CredentialsKeeper } from './credentials.ts'
import { Fifo } from './fifo.ts'
import { FormatChoice } from './format-choice.ts'
import { parseHttpDate } from './http-date.ts'
import { type Flight, InFlight } from './in-flight.ts'
import { verdictOf } from './verdict.ts'

export interface ClientConfig {
  /** Scheme, host and port. */
  readonly endpoint: string
  readonly region: string
  readonly wireFormat: WireFormat
  /** Requests under way at once. */
  readonly maxConnections: number
  /** `early`: with the time of the call; see `signing` in config.ts. */
  readonly signing: 'late' | 'early'
  /** From the moment a connection is free to the end of the answer. */
  readonly requestTimeoutMs: number
}

export interface Call {
  readonly action: string
  /** Of the body, about; none where it is small. */
  readonly sizeBytes?: number
  /** Takes a call of about so many bytes out of this one, which keeps the rest, or gives itself. */
  part?(maxBytes: number): Call
  /**
   * Writes the body when a connection is free; null when the call is no longer worth sending.
   * Called again, in JSON, where the service refuses CBOR.
   */
  encode(buffer: RequestBuffer, format: WireFormat): Buffer | null
  /** Called exactly once, unless `encode` answered null. Never during `call`. */
  done(outcome: Outcome): void
}

/** Why a call failed as a whole. */
export interface Refusal {
  readonly code: string
  readonly message: string
  /** No answer came, or a 5xx did: the service may have acted. */
  readonly mayBeWritten: boolean
}

export interface Answered {
  readonly format: WireFormat
  readonly body: Uint8Array
}

export type Outcome = Answered | Refusal

export function isRefusal(outcome: Outcome): outcome is Refusal {
  return 'code' in outcome
}

export type ClientHost = Pick<Host, 'clock' | 'network'>

export class Client {
  readonly #host: ClientHost
  readonly #config: ClientConfig
  readonly #credentials: CredentialsKeeper
  readonly #signer: Signer
  readonly #formats: FormatChoice
  readonly #hostHeader: string
  /** Bounded by the window: every call that waits carries records that were counted. */
  readonly #waiting = new Fifo<WaitingCall>()
  readonly #freeBuffers: RequestBuffer[] = []
  /** What requests that are being written lack. */
  readonly #lateMd5s: Md5Piece[] = []
  #isDrainDue = false
  readonly #inFlight: InFlight
  #underWayCount = 0
  /** How far the service's clock is ahead of ours, as its answers told. */
  #skewMs = 0

  constructor(
    host: ClientHost,
    config: ClientConfig,
    credentials: CredentialsKeeper,
    log: Log = silentLog,
  ) {
    this.#host = host
    this.#config = config
    this.#credentials = credentials
    this.#signer = new Signer({ region: config.region, service: 'kinesis' })
    this.#formats = new FormatChoice(config.wireFormat, log)
    this.#inFlight = new InFlight(config.signing === 'early' ? null : config.requestTimeoutMs)
    this.#hostHeader = new URL(config.endpoint).host
  }

  get waitingCount(): number {
    return this.#waiting.size
  }

  get underWayCount(): number {
    return this.#underWayCount
  }

  /** What requests have under way, and what they may: see in-flight.ts. */
  get inFlight(): { readonly bytes: number; readonly boundBytes: number } {
    return this.#inFlight
  }

  call(call: Call): void {
    const { clock } = this.#host
    this.#waiting.push({ call, atMs: clock.wallMs() })
    if (this.#isDrainDue) return
    this.#isDrainDue = true
    // At the end of the turn: the MD5s of requests that are written together are made side by side,
    // and one of a busy shard has six of the twelve that cost as much as six.
    clock.schedule(clock.monotonicMs(), () => {
      this.#isDrainDue = false
      this.#drain()
    })
  }

  /** Drops every call that has not been sent; their `done` is not called. */
  abandon(): void {
    this.#waiting.clear()
  }

  #drain(): void {
    const { format } = this.#formats
    const written: Written[] = []
    while (this.#underWayCount < this.#config.maxConnections) {
      const waiting = this.#next()
      if (waiting === null) break
      this.#underWayCount++
      const flight = this.#inFlight.enter(waiting.call.sizeBytes ?? 0)
      const sending = { ...waiting, flight }
      const credentials = this.#credentials.current()
      if (credentials === null) this.#endWith(sending, this.#sendWhenKnown(sending))
      else {
        const one = this.#write(sending, format, credentials)
        if (one === null) this.#endWith(sending, NOTHING)
        else written.push(one)
      }
    }
    this.#writeMd5s()
    for (const one of written) this.#endWith(one.sending, this.#send(one))
  }

  #writeMd5s(): void {
    writeMd5s(this.#lateMd5s)
    this.#lateMd5s.length = 0
  }

  #endWith({ call, flight }: Sending, sent: Promise<Outcome | null>): void {
    sent.then((outcome) => {
      this.#underWayCount--
      this.#inFlight.leave(flight)
      if (outcome !== null) call.done(outcome)
      this.#drain()
    })
  }

  /** What may go now: the call that waits longest, or a part of it. */
  #next(): WaitingCall | null {
    const waiting = this.#waiting.peek()
    if (waiting === undefined) return null
    const { call, atMs } = waiting
    const { sizeBytes = 0 } = call
    const partBytes = this.#inFlight.partBytesOf(sizeBytes)
    if (!this.#inFlight.hasRoom(partBytes)) return null
    const part = partBytes < sizeBytes ? (call.part?.(partBytes) ?? call) : call
    if (part === call) this.#waiting.shift()
    return { call: part, atMs }
  }

  async #sendWhenKnown(sending: Sending): Promise<Outcome | null> {
    const credentials = await this.#credentialsInTime()
    if ('problem' in credentials) {
      return { code: 'CredentialsError', message: credentials.problem, mayBeWritten: false }
    }
    const one = this.#write(sending, this.#formats.format, credentials)
    this.#writeMd5s()
    return one === null ? null : this.#send(one)
  }

  /** A provider that does not answer must not keep records from their expiration. */
  async #credentialsInTime(): Promise<Credentials | { problem: string }> {
    const { clock } = this.#host
    const { requestTimeoutMs } = this.#config
    const silence = `The credentials provider has not answered within ${requestTimeoutMs} ms.`
    const { promise: late, resolve } = Promise.withResolvers<{ problem: string }>()
    const timer = clock.schedule(clock.monotonicMs() + requestTimeoutMs, () => {
      // Where it answered with a problem, it is not asked again within a second.
      resolve({ problem: this.#credentials.problem || silence })
    })
    const credentials = await Promise.race([this.#credentials.fetch(), late])
    timer.cancel()
    return credentials
  }

  async #send(written: Written): Promise<Outcome | null> {
    const { sending, format, credentials } = written
    sending.flight.sentAtMs = this.#host.clock.monotonicMs()
    const { outcome, status } = await this.#exchange(written)
    if (!this.#formats.isWorthJson(format, status, codeOf(outcome))) return outcome
    const again = this.#write(sending, 'json', credentials)
    if (again === null) return null
    const inJson = await this.#exchange(again)
    this.#formats.triedJson(inJson.status, codeOf(inJson.outcome))
    return inJson.outcome
  }

  /** Null when it is no longer worth sending. MD5s may be missing. */
  #write(sending: Sending, format: WireFormat, credentials: Credentials): Written | null {
    const buffer = this.#freeBuffers.pop() ?? new RequestBuffer(this.#lateMd5s)
    const body = sending.call.encode(buffer, format)
    if (body !== null) return { sending, format, credentials, buffer, body }
    this.#freeBuffers.push(buffer)
    return null
  }

  async #exchange({ sending, format, credentials, buffer, body }: Written): Promise<Ending> {
    const { call, atMs, flight } = sending
    const isEarly = this.#config.signing === 'early'
    const signedAtMs = (isEarly ? atMs : this.#host.clock.wallMs()) + this.#skewMs
    const headers = this.#signer.sign(
      {
        method: 'POST',
        target: '/',
        host: this.#hostHeader,
        headers: ['content-type', contentTypeOf(format), 'x-amz-target', targetOf(call.action)],
        body,
      },
      credentials,
      signedAtMs,
    )
    const answer = await this.#host.network.exchange(
      { origin: this.#config.endpoint, method: 'POST', target: '/', headers, body },
      flight.sentAtMs + this.#config.requestTimeoutMs,
    )
    this.#freeBuffers.push(buffer)
    const nowMs = this.#host.clock.monotonicMs()
    if (isAnswer(answer)) {
      this.#inFlight.answered(flight, nowMs)
      return this.#read(answer, signedAtMs, credentials)
    }
    const { noAnswer, message, mayBeWritten } = answer
    if (noAnswer === 'timed-out') this.#inFlight.timedOut(flight, nowMs)
    const outcome = { code: NO_ANSWER_CODES[noAnswer], message, mayBeWritten }
    return { outcome, status: null }
  }

  #read(answer: HttpAnswer, signedAtMs: number, credentials: Credentials): Ending {
    const { status, headers } = answer
    const body = typeof answer.body === 'string' ? Buffer.from(answer.body) : answer.body
    const type = headerOf(headers, 'content-type') ?? ''
    const format: WireFormat = type.includes('cbor') ? 'cbor' : 'json'
    if (status === 200) return { outcome: { format, body }, status }
    const { code, message } = decodeError(format, status, headers, body)
    this.#renew(code, headerOf(headers, 'date'), { signedAtMs, credentials })
    return { outcome: { code, message, mayBeWritten: status >= 500 }, status }
  }

  /** Makes good, for the next call, what the service may have refused this one for. */
  #renew(
    code: string,
    date: string | null,
    { signedAtMs, credentials }: { signedAtMs: number; credentials: Credentials },
  ): void {
    const { remedy } = verdictOf(code)
    if (remedy === null) return
    const serviceMs = remedy === 'keys' || date === null ? null : parseHttpDate(date)
    const isClockOff = serviceMs !== null && Math.abs(serviceMs - signedAtMs) >= CLOCK_OFF_MS
    if (isClockOff) this.#skewMs = serviceMs - this.#host.clock.wallMs()
    else this.#credentials.forget(credentials)
  }
}

/**
 * Signed by a clock that is off by less, a request is not refused for its time (the service allows
 * five minutes), so a bad signature comes from bad keys. The AWS SDKs correct from here on, too.
 */
const CLOCK_OFF_MS = 4 * 60_000

interface WaitingCall {
  readonly call: Call
  /** When it was called, as the wall clock showed. */
  readonly atMs: number
}

interface Sending extends WaitingCall {
  readonly flight: Flight
}

/** A request that lacks its signature, and may lack MD5s. */
interface Written {
  readonly sending: Sending
  readonly format: WireFormat
  readonly credentials: Credentials
  readonly buffer: RequestBuffer
  readonly body: Buffer
}

/** What a call that was not sent ends with. */
const NOTHING = Promise.resolve(null)

interface Ending {
  readonly outcome: Outcome
  /** Of the answer; null when none came. */
  readonly status: number | null
}

function codeOf(outcome: Outcome): string | null {
  return isRefusal(outcome) ? outcome.code : null
}

/** What an attempt's code says when no answer came. */
const NO_ANSWER_CODES = {
  'connect-failed': 'ConnectFailed',
  'timed-out': 'RequestTimeout',
  'connection-lost': 'ConnectionLost',
} as const
