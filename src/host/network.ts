// HTTP, both ways, without sockets: a request that we send is a value, a service that we offer is
// an object. Node's sockets or a simulated network carry them.

import type { BufferPool } from './buffer-pool.ts'

/** Names and values in turn, as Node's `rawHeaders`; names in any case. */
export type RawHeaders = readonly string[]

export interface HttpRequest {
  /** Scheme, host and port, such as `http://127.0.0.1:4567`. */
  readonly origin: string
  readonly method: string
  /** Path and query. */
  readonly target: string
  readonly headers: RawHeaders
  /** The sender leaves these bytes unchanged until the exchange has ended. */
  readonly body: Uint8Array
}

export interface HttpAnswer {
  readonly status: number
  readonly headers: RawHeaders
  readonly body: Uint8Array | string
}

/**
 * In the place of an answer: none, and the connection is cut. Over HTTP/2 the request's own stream
 * is reset, because the others on its connection are not meant.
 */
export const CUT: HttpAnswer = Object.freeze({ status: 0, headers: [], body: '' })

/** What a request ends in when no whole answer came. */
export interface NoAnswer {
  readonly noAnswer: 'connect-failed' | 'timed-out' | 'connection-lost'
  readonly message: string
  /** False only when not one byte of the request can have reached the service. */
  readonly mayBeWritten: boolean
}

export interface Network {
  /**
   * Sends a request and waits for the whole answer, at most until `deadlineAtMs` (monotonic).
   * Never rejects: whatever goes wrong is a `NoAnswer`. Connections are kept and used again; how
   * many requests are under way at once is for the caller to bound.
   */
  exchange(request: HttpRequest, deadlineAtMs: number): Promise<HttpAnswer | NoAnswer>
}

/** What a service knows before the body has come. */
export interface HttpHead {
  readonly method: string
  /** Path and query. */
  readonly target: string
  readonly headers: RawHeaders
}

/** Something that answers HTTP requests: the gateway, the embedded Kinesis. */
export interface HttpService {
  /**
   * Decides on the head alone. An `HttpAnswer` refuses before the body is read; a `BodyTaker` wants
   * the body. Called once for each request, synchronously.
   */
  begin(head: HttpHead): HttpAnswer | BodyTaker
  /** A connection was closed as it came: as many are open as may be. */
  connectionClosed?(): void
}

export interface BodyTaker {
  /** A longer body is not read to its end: `tooLarge` answers instead. */
  readonly maxBodyBytes: number
  /**
   * Where memory for the body is taken from. It goes back there with the answer: from then on the
   * bytes are not the taker's. Without it they are the taker's for good.
   */
  readonly memory?: BufferPool
  /**
   * So many more bytes of memory are held for the body, now that more of it has come; an answer
   * refuses the rest. A taker without it takes whatever comes up to `maxBodyBytes`.
   */
  more?(bytes: number): HttpAnswer | null
  /**
   * The whole body. The bytes belong to the taker from here on: nobody else writes to them, and
   * the memory that they keep is at most a quarter more, or twice as much with `memory`. `answer`
   * must be called exactly once, now or later.
   */
  end(body: Buffer, answer: (answer: HttpAnswer) => void): void
  tooLarge(): HttpAnswer
  /** The client went away before its answer: the answer, when it comes, is thrown away. */
  abort(): void
}

/** The first header of that name (`lowerCaseName` is written in lower case), or null. */
export function headerOf(headers: RawHeaders, lowerCaseName: string): string | null {
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i]!
    if (name.length === lowerCaseName.length && name.toLowerCase() === lowerCaseName) {
      return headers[i + 1]!
    }
  }
  return null
}

/** Whether there are several headers of that name, of which nobody can say which one counts. */
export function isRepeated(headers: RawHeaders, lowerCaseName: string): boolean {
  const isIt = (text: string, at: number) => at % 2 === 0 && text.toLowerCase() === lowerCaseName
  return headers.filter(isIt).length > 1
}

export function isCut({ status }: HttpAnswer): boolean {
  return status === CUT.status
}

export function isAnswer(value: HttpAnswer | NoAnswer): value is HttpAnswer {
  return 'status' in value
}
