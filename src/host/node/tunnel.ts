// Connections through a proxy: it is asked for one (CONNECT), and from then on hands bytes on both
// ways. Of what goes through it sees nothing but the service's name.

import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { request as requestOverTls } from 'node:https'
import type { Duplex } from 'node:stream'
import { type ConnectionOptions, connect as connectOverTls } from 'node:tls'
import type { Clock } from '../clock.ts'
import { messageOf } from '../message-of.ts'

export interface TunnelOptions {
  /** Scheme, host and port; name and password where the proxy asks for them. */
  readonly proxy: URL
  readonly clock: Clock
  /** For everything until bytes of ours can go through, a TLS handshake included. */
  readonly connectTimeoutMs: number
}

/** As Node's agents name what they want to be connected to. */
export interface TunnelTarget extends ConnectionOptions {
  readonly isTls: boolean
}

type Done = (error: Error | null, socket?: Duplex) => void

export class Tunnels {
  readonly #options: TunnelOptions
  /** Those that do not stand yet. */
  readonly #opening = new Set<Opening>()

  constructor(options: TunnelOptions) {
    this.#options = options
  }

  /** Calls `done` once, with a connection that stands or with why there is none. */
  open(target: TunnelTarget, done: Done): void {
    const opening = new Opening(this.#options, target, (error, socket) => {
      this.#opening.delete(opening)
      if (socket === undefined) done(error)
      else done(null, socket)
    })
    this.#opening.add(opening)
    opening.start()
  }

  /** Gives up those that do not stand yet. */
  close(): void {
    for (const opening of this.#opening) opening.fail(new Error('the network was closed'))
  }
}

class Opening {
  readonly #options: TunnelOptions
  readonly #target: TunnelTarget
  #done: Done | null
  #request: ClientRequest | null = null
  #socket: Duplex | null = null
  #cancelTimer: () => void = () => {}

  constructor(options: TunnelOptions, target: TunnelTarget, done: Done) {
    this.#options = options
    this.#target = target
    this.#done = done
  }

  start(): void {
    const { proxy, clock, connectTimeoutMs } = this.#options
    const { host, port } = this.#target
    const authority = `${host?.includes(':') ? `[${host}]` : host}:${port}`
    const isTls = proxy.protocol === 'https:'
    const timer = clock.schedule(clock.monotonicMs() + connectTimeoutMs, () => {
      this.fail(new Error(`no connection through ${proxy.host} within ${connectTimeoutMs} ms`))
    })
    this.#cancelTimer = () => timer.cancel()
    this.#request = (isTls ? requestOverTls : request)({
      agent: false,
      host: proxy.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: proxy.port === '' ? (isTls ? 443 : 80) : Number(proxy.port),
      method: 'CONNECT',
      path: authority,
      headers: { host: authority, ...authorizationOf(proxy) },
    })
    this.#request.on('connect', (answer, socket) => this.#onConnect(answer, socket))
    this.#request.on('error', (error) => {
      this.fail(new Error(`no connection to the proxy ${proxy.host}: ${messageOf(error)}`))
    })
    this.#request.end()
  }

  fail(error: Error): void {
    this.#request?.destroy()
    this.#socket?.destroy()
    this.#end(error)
  }

  #refuse({ statusCode, statusMessage }: IncomingMessage): void {
    const { host } = this.#options.proxy
    this.fail(new Error(`the proxy ${host} answered ${statusCode} ${statusMessage}`))
  }

  #onConnect(answer: IncomingMessage, socket: Duplex): void {
    this.#socket = socket
    // Given up meanwhile; or refused.
    if (this.#done === null) socket.destroy()
    else if (!isSuccess(answer)) this.#refuse(answer)
    else if (this.#target.isTls) this.#secure(socket)
    else this.#end(null, socket)
  }

  #secure(socket: Duplex): void {
    // With the host: a certificate for an address is held against that.
    const { isTls: _, ...options } = this.#target
    const secured = connectOverTls({ ...options, socket })
    this.#socket = secured
    secured.once('error', (error) => this.fail(error))
    secured.once('secureConnect', () => this.#end(null, secured))
  }

  #end(error: Error | null, socket?: Duplex): void {
    this.#cancelTimer()
    const done = this.#done
    this.#done = null
    done?.(error, socket)
  }
}

/** Any 2xx opens the tunnel (RFC 9110, 9.3.6). */
function isSuccess({ statusCode = 0 }: IncomingMessage): boolean {
  return statusCode >= 200 && statusCode < 300
}

function authorizationOf({ username, password }: URL): Record<string, string> {
  if (username === '' && password === '') return {}
  const pair = Buffer.from(`${decoded(username)}:${decoded(password)}`, 'latin1')
  return { 'proxy-authorization': `Basic ${pair.toString('base64')}` }
}

/** Its bytes, a character each. A `%` that is no code stands for itself, as with curl. */
function decoded(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
}
