// Requests over kept HTTP/1.1 connections. Every end but a whole answer is a value that says
// whether the service may have acted: only before a connection stands do we know that it has not.

import {
  type ClientRequest,
  type Agent as HttpAgent,
  type IncomingMessage,
  request,
} from 'node:http'
import { request as requestOverTls } from 'node:https'
import type { Socket } from 'node:net'
import type { Clock, Timer } from '../clock.ts'
import { messageOf } from '../message-of.ts'
import {
  type HttpAnswer,
  type HttpRequest,
  headerOf,
  type Network,
  type NoAnswer,
  type RawHeaders,
} from '../network.ts'
import { type Agents, agentsThrough } from './agents.ts'
import { BodyCollector } from './body-collector.ts'
import type { ProxyOf } from './proxy.ts'
import { Tunnels } from './tunnel.ts'

/** Longest wait for a connection to stand, its TLS handshake included. */
export const CONNECT_TIMEOUT_MS = 10_000

/** A longer answer is given up. GetRecords answers at most 10 MB of data, more in base64. */
export const ANSWER_MAX_BYTES = 32 * 1024 * 1024

/** How long an unused connection is kept: less than services do, so that we close first. */
export const IDLE_CONNECTION_MS = 20_000

/** Unused connections kept for each origin. */
export const IDLE_CONNECTIONS_MAX_COUNT = 64

export interface NodeNetworkOptions {
  readonly clock: Clock
  readonly connectTimeoutMs?: number
  readonly answerMaxBytes?: number
  readonly idleConnectionMs?: number
  /** For `https:` origins: certificates and keys in PEM. */
  readonly tls?: {
    /** Certificate authorities to trust in the place of the well-known ones. */
    readonly ca?: string | readonly string[]
    readonly cert?: string
    readonly key?: string
    /** False accepts any certificate: only for tests. */
    readonly rejectUnauthorized?: boolean
  }
  /** The proxy of an origin; without it, and where it is null, connections are direct. */
  readonly proxyOf?: ProxyOf
}

type ExchangeOptions = Required<NodeNetworkOptions>

/** What is not said is as a network has it by itself. */
export function withDefaults(given: NodeNetworkOptions): ExchangeOptions {
  return {
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
    answerMaxBytes: ANSWER_MAX_BYTES,
    idleConnectionMs: IDLE_CONNECTION_MS,
    tls: {},
    proxyOf: () => null,
    ...given,
  }
}

/** Connections to an origin, for a client that is not ours. */
export function agentsTo(origin: URL, given: NodeNetworkOptions): Agents {
  const options = withDefaults(given)
  return agentsVia(options.proxyOf(origin), options)
}

function agentsVia(proxy: URL | null, options: ExchangeOptions): Agents {
  const { clock, connectTimeoutMs, idleConnectionMs, tls } = options
  const tunnels = proxy === null ? null : new Tunnels({ proxy, clock, connectTimeoutMs })
  const { ca, ...otherTls } = tls
  return agentsThrough(tunnels, {
    keepAlive: true,
    // The agent destroys a kept connection after this; one in use is bounded by its deadline.
    timeout: idleConnectionMs,
    maxFreeSockets: IDLE_CONNECTIONS_MAX_COUNT,
    ...otherTls,
    ...(ca === undefined ? {} : { ca: [ca].flat() }),
  })
}

export class NodeNetwork implements Network {
  readonly #options: ExchangeOptions
  /** By the proxy that they go through; nothing: none. */
  readonly #agents = new Map<string, Agents>()
  readonly #origins = new Map<string, Origin>()
  #isClosed = false

  constructor(given: NodeNetworkOptions) {
    this.#options = withDefaults(given)
  }

  exchange(request: HttpRequest, deadlineAtMs: number): Promise<HttpAnswer | NoAnswer> {
    if (this.#isClosed) return Promise.resolve(notSent('the network was closed'))
    let origin: Origin
    try {
      origin = this.#originOf(request.origin)
    } catch {
      return Promise.resolve(notSent(`${request.origin} is no http: or https: origin`))
    }
    return new Promise((resolve) => {
      new Exchange(this.#options, request, deadlineAtMs, resolve).start(origin)
    })
  }

  /** Closes the kept connections and sends nothing from here on. Requests under way lose theirs. */
  close(): void {
    this.#isClosed = true
    for (const agents of this.#agents.values()) agents.close()
  }

  #originOf(text: string): Origin {
    const known = this.#origins.get(text)
    if (known !== undefined) return known
    const url = new URL(text)
    if (url.protocol !== 'https:' && url.protocol !== 'http:') {
      throw new TypeError(`unknown protocol ${url.protocol}`)
    }
    const agents = this.#agentsOf(this.#options.proxyOf(url))
    const origin = originOf(url, url.protocol === 'https:' ? agents.https : agents.http)
    if (this.#origins.size >= ORIGINS_KEPT_MAX_COUNT) this.#origins.clear()
    this.#origins.set(text, origin)
    return origin
  }

  #agentsOf(proxy: URL | null): Agents {
    const key = proxy?.href ?? ''
    const known = this.#agents.get(key)
    if (known !== undefined) return known
    const agents = agentsVia(proxy, this.#options)
    this.#agents.set(key, agents)
    return agents
  }
}

const ORIGINS_KEPT_MAX_COUNT = 100

interface Origin {
  readonly isTls: boolean
  readonly hostname: string
  readonly port: number
  /** As the `host` header names it. */
  readonly host: string
  readonly agent: HttpAgent
}

function originOf(url: URL, agent: HttpAgent): Origin {
  const isTls = url.protocol === 'https:'
  const hostname = url.hostname.replace(/^\[(.*)\]$/, '$1')
  const port = url.port === '' ? (isTls ? 443 : 80) : Number(url.port)
  return { isTls, hostname, port, host: url.host, agent }
}

type Ending = (ending: HttpAnswer | NoAnswer) => void

class Exchange {
  readonly #options: ExchangeOptions
  readonly #request: HttpRequest
  readonly #deadline: Timer
  #connectDeadline: Timer | null = null
  #resolve: Ending | null
  #outgoing: ClientRequest | null = null
  /** From here on bytes of the request may have left. */
  #isConnected = false

  constructor(
    options: ExchangeOptions,
    request: HttpRequest,
    deadlineAtMs: number,
    resolve: Ending,
  ) {
    this.#options = options
    this.#request = request
    this.#resolve = resolve
    this.#deadline = options.clock.schedule(deadlineAtMs, () => this.#timeOut())
  }

  start(origin: Origin): void {
    const { method, target, headers, body } = this.#request
    try {
      const outgoing = (origin.isTls ? requestOverTls : request)({
        agent: origin.agent,
        hostname: origin.hostname,
        port: origin.port,
        method,
        path: target,
        // An array is sent as it is: nothing is added, and no header object is built.
        headers: withNeeded(headers, origin.host, body.length),
        setDefaultHeaders: false,
      })
      this.#outgoing = outgoing
      outgoing.on('socket', (socket: Socket) => this.#watch(socket, origin.isTls))
      outgoing.on('response', (incoming) => this.#read(incoming))
      outgoing.on('error', (error) => this.#fail(messageOf(error)))
      // Without a response: the connection ended, or another protocol was asked for.
      outgoing.on('close', () => this.#fail('the connection was closed'))
      outgoing.end(body)
    } catch (error) {
      this.#end(notSent(messageOf(error)))
    }
  }

  #watch(socket: Socket, isTls: boolean): void {
    // A kept one, or one through a proxy: given to us when it stands.
    if (!socket.connecting) {
      this.#isConnected = true
      return
    }
    const { clock, connectTimeoutMs } = this.#options
    this.#connectDeadline = clock.schedule(clock.monotonicMs() + connectTimeoutMs, () => {
      this.#fail(`no connection within ${connectTimeoutMs} ms`)
    })
    socket.once(isTls ? 'secureConnect' : 'connect', () => {
      this.#isConnected = true
      this.#connectDeadline?.cancel()
    })
  }

  #read(incoming: IncomingMessage): void {
    const { answerMaxBytes } = this.#options
    const length = incoming.headers['content-length']
    const expectedBytes = length === undefined ? null : Number(length)
    if (expectedBytes !== null && expectedBytes > answerMaxBytes) return this.#answerTooLong()
    const collector = new BodyCollector(answerMaxBytes, expectedBytes)
    incoming.on('data', (chunk: Buffer) => {
      if (!collector.add(chunk)) this.#answerTooLong()
    })
    incoming.on('end', () => {
      if (!incoming.complete) return this.#fail('the connection was closed within the answer')
      const { statusCode: status = 0, rawHeaders: headers } = incoming
      this.#end({ status, headers, body: collector.take() })
      // Answered early: the rest of the body is no longer ours to send.
      if (!this.#outgoing!.writableFinished) this.#outgoing!.destroy()
    })
    incoming.on('error', (error) => this.#fail(messageOf(error)))
  }

  #answerTooLong(): void {
    this.#fail(`the answer is longer than ${this.#options.answerMaxBytes} bytes`)
  }

  #timeOut(): void {
    const message = this.#isConnected
      ? 'no whole answer before the deadline'
      : 'no connection before the deadline'
    this.#end({ noAnswer: 'timed-out', message, mayBeWritten: this.#isConnected })
    this.#outgoing?.destroy()
  }

  #fail(message: string): void {
    const noAnswer = this.#isConnected ? 'connection-lost' : 'connect-failed'
    this.#end({ noAnswer, message, mayBeWritten: this.#isConnected })
    this.#outgoing?.destroy()
  }

  #end(ending: HttpAnswer | NoAnswer): void {
    if (this.#resolve === null) return
    this.#resolve(ending)
    this.#resolve = null
    this.#deadline.cancel()
    this.#connectDeadline?.cancel()
  }
}

function notSent(message: string): NoAnswer {
  return { noAnswer: 'connect-failed', message, mayBeWritten: false }
}

/** The headers with what HTTP/1.1 needs, where the caller did not give it. */
function withNeeded(headers: RawHeaders, host: string, bodyBytes: number): string[] {
  const all = [...headers]
  if (headerOf(headers, 'host') === null) all.push('host', host)
  if (headerOf(headers, 'content-length') === null) all.push('content-length', `${bodyBytes}`)
  return all
}
