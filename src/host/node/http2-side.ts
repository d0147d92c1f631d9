// HTTP/2 without TLS: what the official JavaScript SDK speaks to Kinesis unless told otherwise.

import {
  constants,
  createServer,
  type OutgoingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { Socket } from 'node:net'
import { type HttpAnswer, type HttpHead, type HttpService, headerOf, isCut } from '../network.ts'
import type { AnswerBadRequest } from './bad-request.ts'
import { ServiceExchange } from './service-exchange.ts'

/** Requests at once on one connection. */
export const STREAMS_MAX_COUNT = 256

/** What a client may send ahead of our reading it, for one request and for the connection. */
const STREAM_WINDOW_BYTES = 1024 * 1024
const SESSION_WINDOW_BYTES = 16 * 1024 * 1024

/** Memory of one connection beyond which Node takes no new requests on it. */
const SESSION_MEMORY_MAX_MIB = 64

export interface Http2Config {
  readonly keepAliveTimeoutMs: number
  readonly stallTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly answerBadRequest: AnswerBadRequest
}

export class Http2Side {
  readonly #service: HttpService
  readonly #config: Http2Config
  readonly #server = createServer({
    maxSessionMemory: SESSION_MEMORY_MAX_MIB,
    settings: { initialWindowSize: STREAM_WINDOW_BYTES, maxConcurrentStreams: STREAMS_MAX_COUNT },
  })
  /** These two are bounded by the server's `maxConnections`. */
  readonly #sockets = new Set<Socket>()
  readonly #sessions = new Set<ServerHttp2Session>()
  #openRequestCount = 0
  #isDraining = false

  constructor(service: HttpService, config: Http2Config) {
    this.#service = service
    this.#config = config
    this.#server.on('session', (session) => this.#connect(session))
    this.#server.on('stream', (stream, _headers, _flags, rawHeaders) => {
      this.#begin(stream, rawHeaders as unknown as readonly string[])
    })
  }

  get openRequestCount(): number {
    return this.#openRequestCount
  }

  /** Takes over a connection of which nothing was read yet, or whose bytes were put back. */
  take(socket: Socket): void {
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    this.#server.emit('connection', socket)
  }

  drain(): void {
    this.#isDraining = true
    for (const session of this.#sessions) session.close()
  }

  cut(): void {
    for (const session of this.#sessions) session.destroy()
    // A session that has said goodbye still waits for the client to close the connection.
    for (const socket of this.#sockets) socket.destroy()
  }

  #connect(session: ServerHttp2Session): void {
    this.#sessions.add(session)
    session.setLocalWindowSize(SESSION_WINDOW_BYTES)
    session.setTimeout(this.#config.keepAliveTimeoutMs, () => session.close())
    session.on('error', () => session.destroy())
    session.once('close', () => this.#sessions.delete(session))
    if (this.#isDraining) session.close()
  }

  #begin(stream: ServerHttp2Stream, rawHeaders: readonly string[]): void {
    stream.on('error', () => stream.destroy())
    const { requestTimeoutMs, stallTimeoutMs } = this.#config
    // A client may open no window for its answer, whatever the answer is.
    stream.setTimeout(stallTimeoutMs, () => stream.close(constants.NGHTTP2_CANCEL))
    const { head, bodyBytes } = headOf(rawHeaders, stream.endAfterHeaders)
    const decision = this.#service.begin(head)
    if ('status' in decision) return answerOn(stream, decision, !stream.endAfterHeaders)
    if (bodyBytes !== null && bodyBytes > decision.maxBodyBytes) {
      return answerOn(stream, decision.tooLarge(), true)
    }
    this.#openRequestCount++
    const exchange = new ServiceExchange(decision, bodyBytes, (answer, isBodyUnread) => {
      this.#openRequestCount--
      answerOn(stream, answer, isBodyUnread)
    })
    const slowBody = setTimeout(() => this.#refuseSlow(stream, exchange), requestTimeoutMs)
    stream.on('data', (chunk: Buffer) => exchange.data(chunk))
    stream.on('end', () => {
      clearTimeout(slowBody)
      exchange.end()
    })
    stream.once('close', () => {
      clearTimeout(slowBody)
      if (!exchange.isOver) this.#openRequestCount--
      exchange.lose()
    })
  }

  #refuseSlow(stream: ServerHttp2Stream, exchange: ServiceExchange): void {
    if (exchange.isOver) return
    this.#openRequestCount--
    exchange.lose()
    answerOn(stream, this.#config.answerBadRequest(408), true)
  }
}

/** The head without HTTP/2's own pseudo-headers, and the body's length where it is known. */
function headOf(
  rawHeaders: readonly string[],
  isBodyless: boolean,
): { head: HttpHead; bodyBytes: number | null } {
  const pseudo = new Map<string, string>()
  const headers: string[] = []
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!
    if (name.startsWith(':')) pseudo.set(name, rawHeaders[i + 1]!)
    else headers.push(name, rawHeaders[i + 1]!)
  }
  const authority = pseudo.get(':authority')
  if (authority !== undefined && headerOf(headers, 'host') === null) headers.push('host', authority)
  const length = headerOf(headers, 'content-length')
  return {
    head: { method: pseudo.get(':method') ?? '', target: pseudo.get(':path') ?? '', headers },
    bodyBytes: isBodyless ? 0 : length === null ? null : Number(length),
  }
}

/** Headers of HTTP/1.1's connections; HTTP/2 forbids them. */
const CONNECTION_HEADERS = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade'])

function answerOn(stream: ServerHttp2Stream, answer: HttpAnswer, isBodyUnread: boolean): void {
  if (stream.destroyed || stream.closed) return
  if (isCut(answer)) return stream.close(constants.NGHTTP2_INTERNAL_ERROR)
  const body = typeof answer.body === 'string' ? Buffer.from(answer.body) : answer.body
  const headers = new Map<string, string[]>()
  for (let i = 0; i + 1 < answer.headers.length; i += 2) {
    const name = answer.headers[i]!.toLowerCase()
    if (CONNECTION_HEADERS.has(name)) continue
    const values = headers.get(name)
    if (values === undefined) headers.set(name, [answer.headers[i + 1]!])
    else values.push(answer.headers[i + 1]!)
  }
  headers.set('content-length', [`${body.length}`])
  const all: OutgoingHttpHeaders = { ...Object.fromEntries(headers), ':status': answer.status }
  for (const [name, values] of headers) if (values.length === 1) all[name] = values[0]
  stream.respond(all)
  // NO_ERROR after the answer: "stop sending, all is said" (RFC 9113, 8.1).
  stream.end(body, () => {
    if (isBodyUnread) stream.close(constants.NGHTTP2_NO_ERROR)
  })
}
