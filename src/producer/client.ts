// Calls to the service: waits for a free connection, then builds, signs and sends. Nothing is
// signed before its connection is free, so that no signature grows old in a queue.

import { type Host, type HttpAnswer, headerOf, isAnswer } from '../host/index.ts'
import {
  contentTypeOf,
  decodeError,
  RequestBuffer,
  Signer,
  targetOf,
  type WireFormat,
} from '../wire/index.ts'
import type { CredentialsKeeper } from './credentials.ts'
import { Fifo } from './fifo.ts'

export interface ClientConfig {
  /** Scheme, host and port. */
  readonly endpoint: string
  readonly region: string
  readonly wireFormat: WireFormat
  /** Requests under way at once. */
  readonly maxConnections: number
  /** From the moment a connection is free to the end of the answer. */
  readonly requestTimeoutMs: number
}

export interface Call {
  readonly action: string
  /** Writes the body when a connection is free; null when the call is no longer worth sending. */
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
  readonly #hostHeader: string
  /** Bounded by the window: every call that waits carries records that were counted. */
  readonly #waiting = new Fifo<Call>()
  readonly #freeBuffers: RequestBuffer[] = []
  #underWayCount = 0
  /** How far the service's clock is ahead of ours, as its answers told. */
  #skewMs = 0

  constructor(host: ClientHost, config: ClientConfig, credentials: CredentialsKeeper) {
    this.#host = host
    this.#config = config
    this.#credentials = credentials
    this.#signer = new Signer({ region: config.region, service: 'kinesis' })
    this.#hostHeader = new URL(config.endpoint).host
  }

  get waitingCount(): number {
    return this.#waiting.size
  }

  get underWayCount(): number {
    return this.#underWayCount
  }

  call(call: Call): void {
    this.#waiting.push(call)
    this.#drain()
  }

  /** Drops every call that has not been sent; their `done` is not called. */
  abandon(): void {
    this.#waiting.clear()
  }

  #drain(): void {
    while (this.#underWayCount < this.#config.maxConnections) {
      const call = this.#waiting.shift()
      if (call === undefined) return
      this.#underWayCount++
      this.#send(call).then((outcome) => {
        this.#underWayCount--
        if (outcome !== null) call.done(outcome)
        this.#drain()
      })
    }
  }

  async #send(call: Call): Promise<Outcome | null> {
    const credentials = this.#credentials.current() ?? (await this.#credentials.fetch())
    if ('problem' in credentials) {
      return { code: 'CredentialsError', message: credentials.problem, mayBeWritten: false }
    }
    const { wireFormat: format, endpoint } = this.#config
    const buffer = this.#freeBuffers.pop() ?? new RequestBuffer()
    const body = call.encode(buffer, format)
    if (body === null) {
      this.#freeBuffers.push(buffer)
      return null
    }
    const headers = this.#signer.sign(
      {
        method: 'POST',
        target: '/',
        host: this.#hostHeader,
        headers: ['content-type', contentTypeOf(format), 'x-amz-target', targetOf(call.action)],
        body,
      },
      credentials,
      this.#host.clock.wallMs() + this.#skewMs,
    )
    const deadlineAtMs = this.#host.clock.monotonicMs() + this.#config.requestTimeoutMs
    const answer = await this.#host.network.exchange(
      { origin: endpoint, method: 'POST', target: '/', headers, body },
      deadlineAtMs,
    )
    this.#freeBuffers.push(buffer)
    if (isAnswer(answer)) return this.#read(answer)
    return {
      code: NO_ANSWER_CODES[answer.noAnswer],
      message: answer.message,
      mayBeWritten: answer.mayBeWritten,
    }
  }

  #read(answer: HttpAnswer): Outcome {
    const body = typeof answer.body === 'string' ? Buffer.from(answer.body) : answer.body
    const type = headerOf(answer.headers, 'content-type') ?? ''
    const format: WireFormat = type.includes('cbor') ? 'cbor' : 'json'
    if (answer.status === 200) return { format, body }
    const { code, message } = decodeError(format, answer.status, answer.headers, body)
    this.#learnFrom(code, headerOf(answer.headers, 'date'))
    return { code, message, mayBeWritten: answer.status >= 500 }
  }

  #learnFrom(code: string, date: string | null): void {
    if (CREDENTIALS_ERRORS.has(code)) this.#credentials.forget()
    if (!CLOCK_ERRORS.has(code) || date === null) return
    const serviceMs = parseHttpDate(date)
    if (serviceMs !== null) this.#skewMs = serviceMs - this.#host.clock.wallMs()
  }
}

/** What an attempt's code says when no answer came. */
const NO_ANSWER_CODES = {
  'connect-failed': 'ConnectFailed',
  'timed-out': 'RequestTimeout',
  'connection-lost': 'ConnectionLost',
} as const

const CREDENTIALS_ERRORS = new Set([
  'ExpiredTokenException',
  'UnrecognizedClientException',
  'InvalidClientTokenId',
])

const CLOCK_ERRORS = new Set([
  'InvalidSignatureException',
  'SignatureDoesNotMatch',
  'RequestExpired',
  'RequestTimeTooSkewed',
])

const MONTHS = 'JanFebMarAprMayJunJulAugSepOctNovDec'

/** Milliseconds since the epoch of an IMF-fixdate (RFC 9110 5.6.7), or null. */
function parseHttpDate(text: string): number | null {
  const parts = /^\w{3}, (\d\d) (\w{3}) (\d{4}) (\d\d):(\d\d):(\d\d) GMT$/.exec(text)
  if (parts === null) return null
  const [, day, monthName, year, hour, minute, second] = parts
  const month = MONTHS.indexOf(monthName!) / 3
  if (!Number.isInteger(month) || month < 0) return null
  const days = daysFromEpoch(Number(year), month + 1, Number(day))
  return ((days * 24 + Number(hour)) * 60 + Number(minute)) * 60_000 + Number(second) * 1000
}

/** Days from 1970-01-01 to a date of the Gregorian calendar. */
function daysFromEpoch(year: number, month: number, day: number): number {
  const shifted = month > 2 ? year : year - 1
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1
  const leapDays = Math.floor(shifted / 4) - Math.floor(shifted / 100) + Math.floor(shifted / 400)
  return shifted * 365 + leapDays + dayOfYear - 719_468
}
