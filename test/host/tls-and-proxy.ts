// Servers of tests: HTTPS with a certificate of its own authority, and a proxy that knows CONNECT.

import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, connect, type Server, type Socket } from 'node:net'
import type { TestContext } from 'node:test'

const vectorUrl = new URL('../vectors/tls.json', import.meta.url)

/** PEM, of `localhost`, `kinesis.test` and `127.0.0.1`. */
export const TLS: { ca: string; certificate: string; key: string } = JSON.parse(
  readFileSync(vectorUrl, 'utf8'),
)

/** Listens on a free port of the loopback until the test ends. */
export async function portOf(t: TestContext, server: Server): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return (server.address() as AddressInfo).port
}

export function tlsPort(t: TestContext, listener: RequestListener): Promise<number> {
  return portOf(t, createHttpsServer({ cert: TLS.certificate, key: TLS.key }, listener))
}

export interface TestProxy {
  readonly port: number
  /** What it was asked for: host and port, and how the client said who it is. */
  readonly asked: { readonly target: string; readonly authorization: string | undefined }[]
  /** Clients that are connected. */
  readonly clients: Set<Socket>
}

/** Leads all to `toPort` of the loopback; a `status` but 2xx refuses, 0 says nothing. */
export async function testProxy(t: TestContext, toPort: number, status = 200): Promise<TestProxy> {
  const asked: TestProxy['asked'] = []
  const clients = new Set<Socket>()
  const server = createHttpServer((_, response) => response.writeHead(405).end())
  server.on('connect', (request, client: Socket, head) => {
    asked.push({ target: request.url!, authorization: request.headers['proxy-authorization'] })
    if (status === 0) {
      client.resume().on('end', () => client.destroy())
      return
    }
    if (status >= 300) {
      client.end(`HTTP/1.1 ${status} Refused\r\n\r\n`)
      return
    }
    const upstream = connect(toPort, '127.0.0.1', () => {
      client.write(`HTTP/1.1 ${status} Connection established\r\n\r\n`)
      upstream.write(head)
      upstream.pipe(client).pipe(upstream)
    })
    upstream.on('error', () => client.destroy())
    client.on('close', () => upstream.destroy())
  })
  server.on('connection', (socket: Socket) => {
    clients.add(socket)
    socket.on('close', () => clients.delete(socket))
  })
  return { port: await portOf(t, server), asked, clients }
}
