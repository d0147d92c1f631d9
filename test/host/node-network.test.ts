// Requests over real sockets on loopback: every way in which an answer can fail to come.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { isAnswer, type NoAnswer } from '../../src/host/index.ts'
import { NodeNetwork } from '../../src/host/node/index.ts'
import { HandClock } from '../hand-clock.ts'
import { clock, networkOf } from './network-of.ts'
import { portOf } from './tls-and-proxy.ts'

const LONG_MS = 60_000

async function originOf(t: TestContext, server: Server): Promise<string> {
  return `http://127.0.0.1:${await portOf(t, server)}`
}

function httpOrigin(t: TestContext, listener: RequestListener): Promise<string> {
  return originOf(t, createHttpServer(listener))
}

/** A server that says `text` when the first bytes of a request have come, and then `ends`. */
function rawOrigin(t: TestContext, text: string, ends: (socket: Socket) => void): Promise<string> {
  const onConnection = (socket: Socket) => {
    socket.once('data', () => socket.write(text, () => ends(socket)))
  }
  return originOf(t, createServer(onConnection))
}

function post(origin: string, body: Uint8Array = Buffer.from('body')) {
  return { origin, method: 'POST', target: '/path?q=1', headers: ['X-Own', 'v'], body }
}

function send(network: NodeNetwork, origin: string) {
  return network.exchange(post(origin), clock.monotonicMs() + LONG_MS)
}

test('a request arrives with its headers and length, and its answer comes back whole', async (t) => {
  const network = networkOf(t)
  const connections = new Set<Socket>()
  const origin = await httpOrigin(t, (request, response) => {
    connections.add(request.socket)
    const chunks: Buffer[] = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => {
      const seen = `${request.method} ${request.url} ${request.rawHeaders.slice(0, 2).join()}`
      response.setHeader('x-seen', `${seen} ${request.headers['content-length']}`)
      const names = request.rawHeaders.filter((_, i) => i % 2 === 0)
      response.setHeader('x-names', names.join())
      response.end(Buffer.concat(chunks))
    })
  })
  for (const sizeBytes of [0, 1, 100_000, 2_000_000]) {
    const body = Buffer.alloc(sizeBytes, 'abcdefgh')
    const answer = await network.exchange(post(origin, body), clock.monotonicMs() + LONG_MS)
    assert.ok(isAnswer(answer))
    assert.equal(answer.status, 200)
    assert.ok(answer.headers.includes(`POST /path?q=1 X-Own,v ${sizeBytes}`))
    assert.ok(answer.headers.includes('X-Own,host,content-length'), 'and nothing is added')
    assert.ok(body.equals(answer.body as Uint8Array))
  }
  assert.equal(connections.size, 1, 'the connection is kept')
})

test('what HTTP/1.1 needs is not added a second time, however it is spelt', async (t) => {
  const origin = await httpOrigin(t, (request, response) => {
    response.end(request.rawHeaders.join())
  })
  const headers = ['Host', 'own.test', 'Content-Length', '4']
  const request = { ...post(origin), headers }
  const answer = await networkOf(t).exchange(request, clock.monotonicMs() + LONG_MS)
  assert.ok(isAnswer(answer))
  assert.equal(String(answer.body), headers.join())
})

test('a service that is not there cannot have acted', async (t) => {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))

  const ending = await send(networkOf(t), `http://127.0.0.1:${port}`)
  assert.partialDeepStrictEqual(ending, { noAnswer: 'connect-failed', mayBeWritten: false })
})

test('what cannot be sent at all is a value too', async (t) => {
  const network = networkOf(t)
  const origin = 'http://127.0.0.1:9'
  const ftp = post('ftp://127.0.0.1')
  const noOrigin = post('nonsense')
  const badTarget = { ...post(origin), target: '/ blank' }
  const badHeader = { ...post(origin), headers: ['x\n', 'v'] }
  for (const request of [ftp, noOrigin, badTarget, badHeader]) {
    const ending = await network.exchange(request, clock.monotonicMs() + LONG_MS)
    assert.partialDeepStrictEqual(ending, { noAnswer: 'connect-failed', mayBeWritten: false })
  }
  const { message } = (await network.exchange(ftp, LONG_MS)) as NoAnswer
  assert.equal(message, 'ftp://127.0.0.1 is no http: or https: origin')
})

test('no answer by the deadline is timed out, and the connection is not used again', async (t) => {
  const clock = new HandClock()
  const network = new NodeNetwork({ clock })
  t.after(() => network.close())
  let onRequest: (() => void) | null = () => clock.advanceTo(LONG_MS)
  const origin = await httpOrigin(t, (_, response) => {
    if (onRequest === null) response.end('now')
    else onRequest()
  })
  const ending = await network.exchange(post(origin), LONG_MS)
  assert.partialDeepStrictEqual(ending, { noAnswer: 'timed-out', mayBeWritten: true })
  onRequest = null
  const next = await network.exchange(post(origin), 2 * LONG_MS)
  assert.ok(isAnswer(next) && String(next.body) === 'now')
})

test('a deadline that is over before there is a connection leaves nothing open', async (t) => {
  const clock = new HandClock()
  const network = new NodeNetwork({ clock })
  t.after(() => network.close())
  const origin = await httpOrigin(t, (_, response) => response.end())
  const exchange = network.exchange(post(origin), -1)
  clock.advanceBy(0)
  assert.partialDeepStrictEqual(await exchange, { noAnswer: 'timed-out', mayBeWritten: false })
})

test('a TLS handshake that does not end is no connection', async (t) => {
  const origin = await rawOrigin(t, '', () => {})
  const network = networkOf(t, { connectTimeoutMs: 30 })
  const ending = await send(network, origin.replace('http:', 'https:'))
  assert.partialDeepStrictEqual(ending, { noAnswer: 'connect-failed', mayBeWritten: false })
  assert.match((ending as { message: string }).message, /no connection within 30 ms/)
})

test('what a handshake fails with is told on one line', async (t) => {
  const origin = await rawOrigin(t, 'no TLS\n', (socket) => socket.end())
  const ending = await send(networkOf(t), origin.replace('http:', 'https:'))
  assert.partialDeepStrictEqual(ending, { noAnswer: 'connect-failed', mayBeWritten: false })
  // Node's own ends with a line break.
  assert.match((ending as { message: string }).message, /^write EPROTO .*\S$/)
})

const broken: [string, string][] = [
  ['before the answer', ''],
  ['within its head', 'HTTP/1.1 200 OK\r\ncontent-'],
  ['within its body', 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc'],
  ['within a chunk', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\na\r\nabc'],
]
for (const [when, text] of broken) {
  for (const way of ['end', 'resetAndDestroy'] as const) {
    test(`a connection that breaks ${when} (${way}) leaves open what was done`, async (t) => {
      const origin = await rawOrigin(t, text, (socket) => socket[way]())
      const ending = await send(networkOf(t), origin)
      assert.partialDeepStrictEqual(ending, { noAnswer: 'connection-lost', mayBeWritten: true })
    })
  }
}

test('what is no HTTP is no answer, and nor is a change to another protocol', async (t) => {
  const upgrade = 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'
  for (const text of ['GARBAGE\r\n\r\n', upgrade]) {
    const origin = await rawOrigin(t, text, () => {})
    const ending = await send(networkOf(t), origin)
    assert.partialDeepStrictEqual(ending, { noAnswer: 'connection-lost', mayBeWritten: true })
  }
})

test('a kept connection that the service closes under a request may have carried it', async (t) => {
  const network = networkOf(t)
  let requestCount = 0
  const origin = await httpOrigin(t, (request, response) => {
    if (++requestCount === 1) response.end('first')
    else request.socket.destroy()
  })
  await send(network, origin)
  const ending = await send(network, origin)
  assert.partialDeepStrictEqual(ending, { noAnswer: 'connection-lost', mayBeWritten: true })
  assert.equal(requestCount, 2)
})

test('an answer is read up to the bound, whether it says its length or not', async (t) => {
  const network = networkOf(t, { answerMaxBytes: 100_000 })
  let sizeBytes = 0
  let saysLength = true
  const origin = await httpOrigin(t, (_, response) => {
    if (!saysLength) response.write('x')
    response.end('x'.repeat(saysLength ? sizeBytes : sizeBytes - 1))
  })
  for (saysLength of [true, false]) {
    sizeBytes = 100_000
    const answer = await send(network, origin)
    assert.ok(isAnswer(answer) && answer.body.length === 100_000)
    sizeBytes = 100_001
    const tooLong = await send(network, origin)
    assert.partialDeepStrictEqual(tooLong, { noAnswer: 'connection-lost', mayBeWritten: true })
  }
})

test('an early answer ends the exchange: the rest of the body is not read any more', async (t) => {
  const origin = await httpOrigin(t, (_, response) => {
    response.writeHead(413, { 'content-length': 3 }).end('big')
  })
  const request = post(origin, Buffer.alloc(50_000_000))
  const answer = await networkOf(t).exchange(request, clock.monotonicMs() + LONG_MS)
  assert.ok(isAnswer(answer) && answer.status === 413 && String(answer.body) === 'big')
})

test('a closed network sends nothing', async (t) => {
  const origin = await httpOrigin(t, (_, response) => response.end('x'))
  const network = networkOf(t)
  await send(network, origin)
  network.close()
  const ending = await send(network, origin)
  assert.partialDeepStrictEqual(ending, { noAnswer: 'connect-failed', mayBeWritten: false })
})
