// What becomes of the connections of a network: when they are kept, when they are closed, and which
// proxy they go through.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { createServer, type Server, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { rootCertificates } from 'node:tls'
import { isAnswer, type NoAnswer } from '../../src/host/index.ts'
import { NodeNetwork } from '../../src/host/node/index.ts'
import { ANSWER_MAX_BYTES, IDLE_CONNECTIONS_MAX_COUNT } from '../../src/host/node/node-network.ts'
import { HandClock } from '../hand-clock.ts'
import { clock, networkOf } from './network-of.ts'
import { portOf, TLS, testProxy } from './tls-and-proxy.ts'

const LONG_MS = 600_000

function send(network: NodeNetwork, origin: string, body = Buffer.from('body')) {
  const request = { origin, method: 'POST', target: '/', headers: [], body }
  return network.exchange(request, clock.monotonicMs() + LONG_MS)
}

/** A server that keeps its connections as long as the client does; `opened` are all there were. */
async function serverOf(t: TestContext, server: Server, scheme = 'http') {
  const opened: Socket[] = []
  server.on(scheme === 'https' ? 'secureConnection' : 'connection', (socket: Socket) => {
    opened.push(socket)
    socket.on('error', () => {})
  })
  if ('keepAliveTimeout' in server) server.keepAliveTimeout = 0
  const origin = `${scheme}://127.0.0.1:${await portOf(t, server)}`
  return { origin, opened }
}

const answering: RequestListener = (request, response) => {
  request.resume().on('end', () => response.end('answered'))
}

/** Resolves when the client has closed it. */
function closed(socket: Socket): Promise<void> {
  if (socket.destroyed) return Promise.resolve()
  return new Promise((resolve) => socket.once('close', () => resolve()))
}

test('a network that is closed closes the connections that it kept', async (t) => {
  const plain = await serverOf(t, createHttpServer(answering))
  const identity = { cert: TLS.certificate, key: TLS.key }
  const secure = await serverOf(t, createHttpsServer(identity, answering), 'https')
  const network = networkOf(t, { tls: { ca: TLS.ca } })
  for (const { origin } of [plain, secure]) assert.ok(isAnswer(await send(network, origin)))

  network.close()

  await closed(plain.opened[0]!)
  await closed(secure.opened[0]!)
})

test('a connection that nobody uses is closed after a while', async (t) => {
  const { origin, opened } = await serverOf(t, createHttpServer(answering))
  await send(networkOf(t, { idleConnectionMs: 20 }), origin)
  await closed(opened[0]!)
})

test('of unused connections only so many are kept', async (t) => {
  const { origin, opened } = await serverOf(t, createHttpServer(answering))
  const network = networkOf(t)
  assert.equal(IDLE_CONNECTIONS_MAX_COUNT, 64)
  const count = IDLE_CONNECTIONS_MAX_COUNT + 1
  const all = () => Promise.all(Array.from({ length: count }, () => send(network, origin)))
  assert.ok((await all()).every(isAnswer))
  await Promise.race(opened.map(closed))
  assert.equal(opened.length, count)

  assert.ok((await all()).every(isAnswer))

  assert.equal(opened.length, count + 1)
})

test('the connection of a request that is given up is closed', async (t) => {
  const clock = new HandClock()
  const network = new NodeNetwork({ clock, connectTimeoutMs: 1000 })
  t.after(() => network.close())
  const server = createServer()
  const { origin, opened } = await serverOf(t, server)
  const ending = async (origin: string, givenUpAtMs: number) => {
    const request = { origin, method: 'POST', target: '/', headers: [], body: Buffer.from('body') }
    const exchange = network.exchange(request, 2000)
    await once(server, 'connection')
    await once(opened.at(-1)!, 'readable')
    clock.advanceTo(givenUpAtMs)
    return exchange
  }

  const withoutTls = await ending(origin.replace('http:', 'https:'), 1000)
  const withoutAnswer = await ending(origin, 2000)

  assert.partialDeepStrictEqual(withoutTls, { noAnswer: 'connect-failed', mayBeWritten: false })
  assert.partialDeepStrictEqual(withoutAnswer, { noAnswer: 'timed-out', mayBeWritten: true })
  for (const socket of opened) await closed(socket.resume())
})

test('an answer that says that it will be too long is not waited for', async (t) => {
  const tooLong = await serverOf(
    t,
    createHttpServer((_, response) => {
      response.writeHead(200, { 'content-length': ANSWER_MAX_BYTES + 1 }).flushHeaders()
    }),
  )
  const ending = await send(networkOf(t), tooLong.origin)
  assert.partialDeepStrictEqual(ending, { noAnswer: 'connection-lost', mayBeWritten: true })
  await closed(tooLong.opened[0]!)
  assert.equal(ANSWER_MAX_BYTES, 32 * 1024 * 1024)
})

test('after an early answer what is left of the body is not sent', async (t) => {
  const body = Buffer.alloc(50_000_000)
  const { origin, opened } = await serverOf(
    t,
    createHttpServer((request, response) => {
      request.on('error', () => {})
      response.writeHead(413, { 'content-length': 3 }).end('big')
    }),
  )
  const answer = await send(networkOf(t), origin, body)
  assert.ok(isAnswer(answer) && answer.status === 413)
  await closed(opened[0]!)
  assert.ok(opened[0]!.bytesRead < body.length)
})

test('no timer is left behind, however a request ends', async (t) => {
  const clock = new HandClock()
  const network = new NodeNetwork({ clock, tls: { ca: TLS.ca } })
  t.after(() => network.close())
  const answers = await serverOf(t, createHttpServer(answering))
  const breaks = await serverOf(
    t,
    createServer((socket) => socket.destroy()),
  )
  for (const origin of [
    answers.origin,
    answers.origin,
    breaks.origin,
    breaks.origin.replace('http:', 'https:'),
    'http://127.0.0.1:1',
    'nonsense',
  ]) {
    const request = { origin, method: 'POST', target: '/', headers: [], body: Buffer.alloc(0) }
    await network.exchange(request, LONG_MS)
    assert.equal(clock.scheduledCount, 0, origin)
  }
})

test('no timer is left behind by a proxy either', async (t) => {
  const service = await serverOf(t, createHttpServer(answering))
  for (const status of [200, 403]) {
    const clock = new HandClock()
    const proxy = await testProxy(t, Number(new URL(service.origin).port), status)
    const proxyOf = () => new URL(`http://127.0.0.1:${proxy.port}`)
    const network = new NodeNetwork({ clock, proxyOf })
    t.after(() => network.close())
    const origin = 'http://stand-in.test'
    const request = { origin, method: 'POST', target: '/', headers: [], body: Buffer.alloc(0) }
    await network.exchange(request, LONG_MS)
    assert.equal(clock.scheduledCount, 0, `${status}`)
  }
})

test('each of several authorities is trusted', async (t) => {
  const identity = { cert: TLS.certificate, key: TLS.key }
  const { origin } = await serverOf(t, createHttpsServer(identity, answering), 'https')
  const ca = [rootCertificates[0]!, TLS.ca, rootCertificates[1]!]
  assert.ok(isAnswer(await send(networkOf(t, { tls: { ca } }), origin)))
})

test('a service that asks for a certificate gets the one that is set', async (t) => {
  const identity = { cert: TLS.certificate, key: TLS.key }
  const asking = createHttpsServer({ ...identity, ca: TLS.ca, requestCert: true }, answering)
  const { origin } = await serverOf(t, asking, 'https')
  assert.ok(!isAnswer(await send(networkOf(t, { tls: { ca: TLS.ca } }), origin)))
  assert.ok(isAnswer(await send(networkOf(t, { tls: { ca: TLS.ca, ...identity } }), origin)))
})

test('a service or a proxy with an IPv6 address is reached', async (t) => {
  const server = createHttpServer(answering)
  t.after(() => server.close())
  server.listen(0, '::1')
  const hasIpv6 = await Promise.race([
    once(server, 'listening').then(() => true),
    once(server, 'error').then(() => false),
  ])
  if (!hasIpv6) return
  const { port } = server.address() as { port: number }
  const network = networkOf(t)
  assert.ok(isAnswer(await send(network, `http://[::1]:${port}`)))
  network.close()

  // The same as a proxy.
  server.on('connect', (_, client) => client.end('HTTP/1.1 403 Forbidden\r\n\r\n'))
  const through = networkOf(t, { proxyOf: () => new URL(`http://[::1]:${port}`) })
  const refused = await send(through, 'http://stand-in.test')
  assert.equal((refused as NoAnswer).message, `the proxy [::1]:${port} answered 403 Forbidden`)
})

test('plain requests go through a tunnel too, to the port of their scheme', async (t) => {
  const service = await serverOf(t, createHttpServer(answering))
  const proxy = await testProxy(t, Number(new URL(service.origin).port))
  const network = networkOf(t, { proxyOf: () => new URL(`http://127.0.0.1:${proxy.port}`) })

  for (const origin of ['http://stand-in.test', 'http://stand-in.test:4567', 'http://[::1]:4567']) {
    const answer = await send(network, origin)
    assert.ok(isAnswer(answer) && String(answer.body) === 'answered', JSON.stringify(answer))
  }

  assert.deepEqual(
    proxy.asked.map(({ target }) => target),
    ['stand-in.test:80', 'stand-in.test:4567', '[::1]:4567'],
  )
})

test('which proxy an origin has is asked once, for as many origins as are remembered', async (t) => {
  let askedCount = 0
  const network = networkOf(t, {
    proxyOf: () => {
      askedCount++
      return null
    },
  })
  const ask = async (i: number) => {
    const ending = await send(network, `http://127.0.0.${i}:1`)
    assert.equal((ending as NoAnswer).noAnswer, 'connect-failed')
    return askedCount
  }
  for (let i = 1; i <= 100; i++) assert.equal(await ask(i), i)
  assert.equal(await ask(1), 100)
  assert.equal(await ask(101), 101)
  assert.equal(await ask(1), 102, 'all were forgotten')
})
