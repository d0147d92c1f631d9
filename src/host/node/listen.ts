// Offers a service on a port: HTTP/1.1, and HTTP/2 on the same port where asked for.

import { createServer, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { HttpService } from '../network.ts'
import { type AnswerBadRequest, answerPlainly } from './bad-request.ts'
import { Http1Side } from './http1-side.ts'
import { Http2Side } from './http2-side.ts'
import { lending } from './lent-reads.ts'
import { PlainLane } from './plain-lane.ts'
import { sortConnection } from './protocol-sorter.ts'
import type { TlsIdentity } from './self-signed.ts'
import { UnreadAnswers } from './unread-answers.ts'

export interface ListenOptions {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  /**
   * Other processes listen on the same port, and the system shares connections out among them.
   * Rejects where the system cannot (`canSharePort`). Default false.
   */
  readonly isShared?: boolean
  /** Also takes HTTP/2, from clients that begin with it. Default false. */
  readonly http2?: boolean
  /** Speaks TLS, and nothing else. Default null. */
  readonly tls?: TlsIdentity | null
  /**
   * Plain requests over HTTP/1.1 are read by ourselves, at half the cost, and all others by Node;
   * without it all are read by Node. Services see no difference. Default true.
   */
  readonly plainLane?: boolean
  /** Connections open at once; one more is closed as soon as it comes. */
  readonly maxConnections?: number
  /** From the first byte of a request to the end of its head. */
  readonly headTimeoutMs?: number
  /** From the first byte of a request to the end of its body; checked every `sweepMs`. */
  readonly requestTimeoutMs?: number
  readonly sweepMs?: number
  /** How long an unused connection is kept. */
  readonly keepAliveTimeoutMs?: number
  /**
   * A connection within a request on which nothing moves for that long is closed; 0 for never. A
   * timer is set anew for each request: what has small answers only can do without, because its
   * requests have their own deadlines and an answer that fits the socket's buffer waits for nobody.
   * Then a client that takes nothing of its answers is cut after `keepAliveTimeoutMs`.
   */
  readonly stallTimeoutMs?: number
  /** Answers what is no HTTP, came too slowly or has too large a head. */
  readonly answerBadRequest?: AnswerBadRequest
}

export const LISTEN_DEFAULTS = {
  isShared: false,
  http2: false,
  tls: null,
  plainLane: true,
  maxConnections: 10_000,
  headTimeoutMs: 20_000,
  requestTimeoutMs: 60_000,
  sweepMs: 5_000,
  // Longer than the 60 s after which load balancers close theirs, so that they close first.
  keepAliveTimeoutMs: 65_000,
  stallTimeoutMs: 120_000,
  answerBadRequest: answerPlainly,
} as const satisfies Partial<ListenOptions>

export interface Listening {
  readonly port: number
  /** Requests begun and not answered yet. */
  openRequestCount(): number
  /**
   * Takes no more connections, closes the unused ones, and waits at most `graceMs` for the open
   * requests; the last answers say `connection: close`. Then whatever is left is cut. Resolves with
   * the number of requests that were cut without an answer.
   */
  close(graceMs: number): Promise<number>
}

/** Rejects with Node's error when the port cannot be had: EADDRINUSE, EACCES, … */
export async function listen(service: HttpService, options: ListenOptions): Promise<Listening> {
  const config = { ...LISTEN_DEFAULTS, ...options }
  const server = serverOf(config)
  const connected = config.tls === null ? 'connection' : 'secureConnection'
  server.timeout = config.stallTimeoutMs
  server.maxConnections = config.maxConnections
  server.on('drop', () => service.connectionClosed?.())
  const http1 = new Http1Side(server, service, config.answerBadRequest)
  const http2 = config.http2 ? new Http2Side(service, config) : null
  const nodeListeners = server.listeners(connected)
  const giveToNode = (socket: Socket) => {
    for (const listener of nodeListeners) listener.call(server, socket)
  }
  const lane = config.plainLane ? new PlainLane(service, config, giveToNode) : null
  const takeHttp1 = (socket: Socket) => (lane === null ? giveToNode(socket) : lane.take(socket))
  server.removeAllListeners(connected)
  const sockets = openSocketsOf(server)
  // With a timeout for those that stall, Node cuts them.
  const unread =
    config.stallTimeoutMs === 0
      ? new UnreadAnswers(config.keepAliveTimeoutMs, config.sweepMs)
      : null
  server.on(connected, (accepted: Socket) => {
    const socket = lane !== null && config.tls === null ? lending(accepted) : accepted
    unread?.watch(socket)
    if (http2 === null) return takeHttp1(socket)
    sortConnection(socket, config.headTimeoutMs, (isHttp2) => {
      if (isHttp2) http2.take(socket)
      else takeHttp1(socket)
    })
  })

  await new Promise<void>((resolve, reject) => {
    const fail = (error: Error) => {
      lane?.close()
      unread?.close()
      reject(error)
    }
    server.once('error', fail)
    const { port, host, isShared } = config
    server.listen({ port, host, reusePort: isShared }, () => {
      server.off('error', fail)
      resolve()
    })
  })

  const sides = [http1, lane, http2].filter((side) => side !== null)
  const openRequestCount = () => sides.reduce((sum, side) => sum + side.openRequestCount, 0)
  return {
    port: (server.address() as AddressInfo).port,
    openRequestCount,
    async close(graceMs) {
      for (const side of sides) side.drain()
      let cutCount = 0
      const grace = setTimeout(() => {
        cutCount = openRequestCount()
        for (const side of sides) side.cut()
        // Those that have not said yet what they speak belong to no side.
        for (const socket of sockets) socket.destroy()
      }, graceMs)
      // Node counts every socket that the server accepted, HTTP/2's too.
      await new Promise<void>((resolve) => server.close(() => resolve()))
      clearTimeout(grace)
      lane?.close()
      unread?.close()
      return cutCount
    },
  }
}

/** Below TLS, where there is any. Bounded by the server's `maxConnections`. */
function openSocketsOf(server: Server): ReadonlySet<Socket> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  return sockets
}

function serverOf(config: Required<ListenOptions>): Server {
  const { tls } = config
  const httpOptions = {
    headersTimeout: Math.min(config.headTimeoutMs, config.requestTimeoutMs),
    requestTimeout: config.requestTimeoutMs,
    connectionsCheckingInterval: config.sweepMs,
    keepAliveTimeout: config.keepAliveTimeoutMs,
    noDelay: true,
    // Checked by ourselves, to answer in the words of the service.
    requireHostHeader: false,
    highWaterMark: 64 * 1024,
  }
  if (tls === null) return createServer(httpOptions)
  return createTlsServer({
    ...httpOptions,
    cert: tls.certificate,
    key: tls.key,
    ALPNProtocols: config.http2 ? ['h2', 'http/1.1'] : ['http/1.1'],
    handshakeTimeout: config.headTimeoutMs,
  })
}
