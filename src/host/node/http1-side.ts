// HTTP/1.1 over Node's parser and connection handling: all that is not for `plain-lane.ts`. No
// framework, no header objects of our own, no promise, one copy of a body at most.

import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type HttpAnswer, type HttpService, headerOf, isCut, isRepeated } from '../network.ts'
import { hasBody, rawAnswer } from './answer-bytes.ts'
import type { AnswerBadRequest, BadRequestStatus } from './bad-request.ts'
import { probe } from './half-closed.ts'
import { PIPELINED_MAX_COUNT, UNREAD_BODY_MAX_BYTES, UNWRITTEN_MAX_BYTES } from './http1-bounds.ts'
import { Linger } from './linger.ts'
import { ServiceExchange } from './service-exchange.ts'

interface Received {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly expects: 'nothing' | 'continue' | 'what we do not know'
}

/** What we remember of a connection. */
interface Connection {
  /** Unanswered, oldest first; at most `PIPELINED_MAX_COUNT`. */
  readonly open: Map<ServiceExchange, ServerResponse>
  /**
   * Came while as many were open as may be, or too much waited to be written, and are not begun
   * yet. Node gives what one piece has in it, and no more is read: at most 64 KiB of them.
   */
  readonly held: Received[]
  /** Of answers that wait for their turn, or for a client that does not read. */
  unwrittenBytes: number
  /** To the one that came last. */
  latest: ServerResponse | null
  /** The last answer of this connection is on its way. */
  isEnding: boolean
  /** No HTTP came behind its last request: no more is read, and it ends with that one's answer. */
  isBroken: boolean
}

export class Http1Side {
  readonly #server: Server
  readonly #service: HttpService
  readonly #answerBadRequest: AnswerBadRequest
  /** Bounded by the server's `maxConnections`. */
  readonly #connections = new Map<Socket, Connection>()
  #openRequestCount = 0
  #isDraining = false

  constructor(server: Server, service: HttpService, answerBadRequest: AnswerBadRequest) {
    this.#server = server
    this.#service = service
    this.#answerBadRequest = answerBadRequest
    // A client that has said all it has to say may still be listening.
    Object.assign(server, { httpAllowHalfOpen: true })
    server.on('request', (request, response) => {
      this.#receive({ request, response, expects: 'nothing' })
    })
    server.on('checkContinue', (request, response) => {
      this.#receive({ request, response, expects: 'continue' })
    })
    server.on('checkExpectation', (request, response) => {
      this.#receive({ request, response, expects: 'what we do not know' })
    })
    server.on('clientError', (error, socket) => this.#refuse(error, socket))
    // Node has let go of the connection then, and of its errors.
    server.on('connect', (_request, socket) => {
      socket.on('error', () => socket.destroy())
      this.#refuse(NO_PROXY, socket)
    })
  }

  get openRequestCount(): number {
    return this.#openRequestCount
  }

  /** From here on every answer is the last one of its connection. */
  drain(): void {
    this.#isDraining = true
    this.#server.closeIdleConnections()
  }

  cut(): void {
    for (const [socket, connection] of this.#connections) {
      this.#lose(connection)
      socket.destroy()
    }
    this.#server.closeAllConnections()
  }

  #receive(received: Received): void {
    const { socket } = received.request
    const connection = this.#connections.get(socket) ?? this.#connect(socket)
    if (connection.isEnding || connection.isBroken) return
    connection.latest = received.response
    if (connection.held.length === 0 && hasRoom(connection)) {
      return this.#begin(received, connection)
    }
    connection.held.push(received)
    socket.pause()
  }

  /** Not at once: its answer may come at once, too, and so on for all that are held. */
  #beginSoon(socket: Socket, connection: Connection): void {
    if (connection.held.length === 0) return
    process.nextTick(() => this.#beginHeld(socket, connection))
  }

  /** There is room, perhaps: begins what was held, and reads on when that was all. */
  #beginHeld(socket: Socket, connection: Connection): void {
    if (socket.destroyed) return
    const { held } = connection
    while (hasRoom(connection) && held.length > 0) {
      this.#begin(held.shift()!, connection)
    }
    if (held.length === 0) socket.resume()
  }

  #begin(received: Received, connection: Connection): void {
    if (connection.isEnding) return
    const { request, response, expects } = received
    const refusedWith = badStatusOf(received)
    const decision =
      (refusedWith === null ? null : this.#answerBadRequest(refusedWith)) ??
      this.#service.begin({
        method: request.method!,
        target: originForm(request.url!),
        headers: request.rawHeaders,
      })
    const bodyBytes = bodyBytesOf(request)
    if ('status' in decision) {
      const isBodyUnread =
        expects !== 'nothing' || bodyBytes === null || bodyBytes > UNREAD_BODY_MAX_BYTES
      return this.#answer(request, response, decision, isBodyUnread)
    }
    if (bodyBytes !== null && bodyBytes > decision.maxBodyBytes) {
      return this.#answer(request, response, decision.tooLarge(), true)
    }
    if (expects === 'continue') response.writeContinue()
    this.#openRequestCount++
    const exchange = new ServiceExchange(decision, bodyBytes, (answer, isBodyUnread) => {
      connection.open.delete(exchange)
      this.#openRequestCount--
      this.#answer(request, response, answer, isBodyUnread)
      this.#beginSoon(request.socket, connection)
    })
    connection.open.set(exchange, response)
    if (bodyBytes === 0) return exchange.end()
    request.on('data', (chunk: Buffer) => exchange.data(chunk))
    request.on('end', () => exchange.end())
  }

  #connect(socket: Socket): Connection {
    const connection: Connection = {
      open: new Map(),
      held: [],
      unwrittenBytes: 0,
      latest: null,
      isEnding: false,
      isBroken: false,
    }
    this.#connections.set(socket, connection)
    // Node reads on after each request, and for each body.
    socket.on('resume', () => {
      if (connection.held.length > 0) socket.pause()
    })
    socket.once('end', () => {
      // Node's parser does not mind where the request has asked for another protocol.
      if (connection.latest?.req.complete === false) return this.#refuse(CUT_OFF, socket)
      if (connection.open.size === 0) return
      probe(socket, () => {
        const [oldest] = connection.open.values()
        if (oldest?.headersSent === false) oldest.writeProcessing()
      })
    })
    socket.once('close', () => {
      this.#connections.delete(socket)
      this.#lose(connection)
    })
    return connection
  }

  #lose({ open }: Connection): void {
    this.#openRequestCount -= open.size
    for (const exchange of open.keys()) exchange.lose()
    open.clear()
  }

  #answer(
    request: IncomingMessage,
    response: ServerResponse,
    answer: HttpAnswer,
    isBodyUnread: boolean,
  ): void {
    if (isCut(answer)) {
      request.socket.destroy()
      return
    }
    const { body } = answer
    const headers = answer.headers.slice()
    const sizeBytes = typeof body === 'string' ? Buffer.byteLength(body) : body.length
    if (hasBody(answer)) headers.push('content-length', String(sizeBytes))
    const { socket } = request
    const connection = this.#connections.get(socket)
    if (connection !== undefined) {
      connection.unwrittenBytes += sizeBytes
      response.once('finish', () => {
        connection.unwrittenBytes -= sizeBytes
        this.#beginSoon(socket, connection)
      })
    }
    if (isBodyUnread || this.#isDraining) {
      if (headerOf(headers, 'connection') === null) headers.push('connection', 'close')
      if (connection !== undefined) connection.isEnding = true
    }
    if (isBodyUnread) linger(request)
    response.writeHead(answer.status, headers)
    response.end(body)
  }

  /** Node gave up on a request: not HTTP, too slow, or too large a head. */
  #refuse(error: NodeJS.ErrnoException, socket: Duplex): void {
    const connection = this.#connections.get(socket as Socket)
    if (!socket.writable || error.code === 'ECONNRESET') {
      socket.destroy()
      return
    }
    // The last answer is on its way, and the end comes with it.
    if (connection?.isEnding || connection?.isBroken) return
    if (connection === undefined || isClear(connection)) {
      const status = STATUS_OF_ERROR.get(error.code ?? '') ?? 400
      const answer = rawAnswer(this.#answerBadRequest(status))
      const end = () => void socket.end(answer, () => socket.destroy())
      const owed = connection === undefined ? null : owedBefore(connection)
      if (owed === null) return end()
      connection!.isBroken = true
      connection!.latest!.once(owed, end)
    } else if (isWhole(connection)) {
      connection.isBroken = true
      endWith(connection.latest!, socket as Socket)
    } else socket.destroy()
  }
}

function hasRoom({ open, unwrittenBytes }: Connection): boolean {
  return open.size < PIPELINED_MAX_COUNT && unwrittenBytes < UNWRITTEN_MAX_BYTES
}

const CUT_OFF: NodeJS.ErrnoException = new Error('the request is cut off')
const NO_PROXY: NodeJS.ErrnoException = new Error('CONNECT is for proxies')

/**
 * What Node's last response tells when all answers before are written, of which several may wait
 * for one another; null when they are.
 */
function owedBefore({ latest }: Connection): 'finish' | 'socket' | null {
  if (latest?.writableEnded) return latest.writableFinished ? null : 'finish'
  return latest?.socket === null ? 'socket' : null
}

/** Otherwise an answer now would be a second one, or be taken for that of an earlier request. */
function isClear({ open, held, latest }: Connection): boolean {
  if (held.length > 0 || [...open.values()].some(({ req }) => req.complete)) return false
  return open.size > 0 || latest?.req.complete !== false
}

/**
 * Some wait for their answer, and all of them came whole: a client that counts characters where
 * bytes are meant sends the end of its body behind it.
 */
function isWhole({ open, held }: Connection): boolean {
  if (open.size === 0 && held.length === 0) return false
  const requests = [...open.values(), ...held.map(({ response }) => response)]
  return requests.every(({ req }) => req.complete)
}

function endWith(last: ServerResponse, socket: Socket): void {
  // Node writes `connection: close` and ends with it, unless it waits in line already.
  last.shouldKeepAlive = false
  if (last.headersSent) last.once('finish', () => socket.destroySoon())
}

const STATUS_OF_ERROR = new Map<string, BadRequestStatus>([
  ['ERR_HTTP_REQUEST_TIMEOUT', 408],
  ['HPE_HEADER_OVERFLOW', 431],
])

function badStatusOf({ request, expects }: Received): BadRequestStatus | null {
  if (expects === 'what we do not know') return 417
  return isWellFormed(request) ? null : 400
}

/** HTTP/1.1 asks for one Host (RFC 9112, 3.2), and we know no coding but `chunked` (6.1). */
function isWellFormed({ headers, httpVersion, rawHeaders }: IncomingMessage): boolean {
  if (headers.host === undefined && httpVersion === '1.1') return false
  if (isRepeated(rawHeaders, 'host')) return false
  const coding = headers['transfer-encoding']
  return coding === undefined || coding.toLowerCase() === 'chunked'
}

/** Path and query; clients that speak to a proxy send the whole URL (RFC 9112, 3.2.2). */
function originForm(target: string): string {
  if (target.startsWith('/')) return target
  const path = /^https?:\/\/[^/?#]*(\/.*)?$/i.exec(target)
  return path === null ? target : (path[1] ?? '/')
}

/** The length of the body that is to come, or null when only its end will tell. */
function bodyBytesOf(request: IncomingMessage): number | null {
  const { headers } = request
  if (headers['transfer-encoding'] !== undefined) return null
  const length = headers['content-length']
  return length === undefined ? 0 : Number(length)
}

/** Ends the connection so that the client can still read the answer while it is sending. */
function linger(request: IncomingMessage): void {
  const { socket } = request
  // Node calls this when the answer has been handed over, to destroy the socket thereafter.
  socket.destroySoon = () => {
    const linger = new Linger(socket)
    request.once('end', () => socket.destroy())
    request.on('data', () => linger.moved())
    request.resume()
  }
}
