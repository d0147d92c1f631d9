// The plain-request lane over real sockets: what it reads itself, what it leaves to Node, and that
// whatever held for a connection with Node holds with it. Node tells of each request that it reads.

import assert from 'node:assert/strict'
import diagnostics from 'node:diagnostics_channel'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { type TestContext, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { type LentSocket, lending } from '../../src/host/node/lent-reads.ts'
import { LISTEN_DEFAULTS } from '../../src/host/node/listen.ts'
import { PlainLane } from '../../src/host/node/plain-lane.ts'
import { dial, type Fixture, readAll, start, talk } from './raw-client.ts'
import { MAX_BODY_BYTES, RecordingService } from './recording-service.ts'

/** Counts the requests that Node's HTTP server reads from here on. */
function countNode(t: TestContext): () => number {
  let count = 0
  const add = () => {
    count++
  }
  diagnostics.subscribe('http.server.request.start', add)
  t.after(() => diagnostics.unsubscribe('http.server.request.start', add))
  return () => count
}

const post = (target: string, body: string, ...fields: string[]) =>
  [
    `POST ${target} HTTP/1.1`,
    'host: x',
    `content-length: ${body.length}`,
    ...fields,
    '',
    body,
  ].join('\r\n')

/** Sends it and gives back what comes next. */
async function ask(socket: Socket, text: string): Promise<string> {
  socket.write(text)
  const [bytes] = await once(socket, 'data')
  return String(bytes)
}

/** More than the sockets between the two hold. */
const LARGE_BYTES = 16 * 1024 * 1024

async function readUntil(socket: Socket, bytes: number): Promise<void> {
  for (let seen = 0; seen < bytes; ) {
    const [chunk] = await once(socket, 'data')
    seen += (chunk as Buffer).length
  }
}

/** Sends so much that it comes in several pieces, each after the one before was looked at. */
async function sendApart({ service }: Fixture, socket: Socket, ...parts: string[]) {
  for (const part of parts) {
    const { beginCount } = service
    socket.write(part)
    await service.until(() => service.beginCount > beginCount)
  }
}

test('plain requests are not read by Node, one after another, and with a body in pieces', async (t) => {
  const nodeCount = countNode(t)
  for (const http2 of [false, true]) {
    const fixture = await start(t, { http2 })
    const socket = await dial(fixture.listening)
    for (let i = 0; i < 3; i++) {
      assert.match(await ask(socket, post('/', 'abc')), /^HTTP\/1.1 200 OK\r\n.*got 3$/s)
    }
    const get = await ask(socket, 'GET /a HTTP/1.1\r\nhost: x\r\n\r\n')
    const lines = get.replace(/Date: .* GMT/, 'Date: now').split('\r\n')
    assert.deepEqual(lines, [
      ...['HTTP/1.1 200 OK', 'x-answer: yes', 'content-length: 5', 'Date: now'],
      ...['Connection: keep-alive', 'Keep-Alive: timeout=65', '', 'got 0'],
    ])
    for (const sizeBytes of [70_000, MAX_BODY_BYTES]) {
      assert.match(
        await ask(socket, post('/', 'x'.repeat(sizeBytes))),
        new RegExp(`got ${sizeBytes}$`),
      )
    }
    socket.destroy()
  }
  assert.equal(nodeCount(), 0)
})

test('a connection that was odd once stays with Node', async (t) => {
  const nodeCount = countNode(t)
  const fixture = await start(t)
  const socket = await dial(fixture.listening)
  await ask(socket, post('/', 'abc'))
  assert.equal(nodeCount(), 0)
  await ask(socket, 'HEAD / HTTP/1.1\r\nhost: x\r\n\r\n')
  assert.equal(nodeCount(), 1)
  assert.match(await ask(socket, post('/', 'abcd')), /got 4$/)
  assert.equal(nodeCount(), 2)
  socket.destroy()
})

test('a request that comes in pieces is the same wherever it is cut', async (t) => {
  const fixture = await start(t)
  const text = post('/a?b', 'body', 'x-a: b')
  for (let cut = 1; cut < text.length; cut++) {
    const socket = await dial(fixture.listening)
    socket.write(text.slice(0, cut))
    await turn()
    socket.end(text.slice(cut))
    assert.match(await readAll(socket), /^HTTP\/1.1 200 OK\r\n.*got 4$/s)
    const { head, body } = fixture.service.requests.at(-1)!
    assert.equal(head.target, '/a?b')
    assert.deepEqual(head.headers, ['host', 'x', 'content-length', '4', 'x-a', 'b'])
    assert.equal(String(body), 'body')
  }
  assert.equal(fixture.service.requests.length, text.length - 1)
})

test('a body is in memory of its own, and nothing else is', async (t) => {
  const fixture = await start(t)
  const socket = await dial(fixture.listening)
  const sizes = [0, 1, 100, 5000, 100_000]
  for (const sizeBytes of sizes) await ask(socket, post('/', 'x'.repeat(sizeBytes)))
  // Read into the same memory as those before it.
  await ask(socket, post('/', 'y'.repeat(60_000)))
  for (const [index, sizeBytes] of sizes.entries()) {
    const { body } = fixture.service.requests[index]!
    assert.equal(body.buffer.byteLength, sizeBytes)
    assert.ok(body.equals(Buffer.alloc(sizeBytes, 'x')))
  }
  socket.destroy()
})

test('connections read into one piece of memory', async () => {
  const bytes: Buffer[] = []
  const server = createServer((accepted) => {
    const socket = lending(accepted) as LentSocket
    socket.takeLent = (lent) => {
      bytes.push(lent)
      socket.end('got it')
    }
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  for (const text of ['first', 'other']) {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.write(text)
    assert.equal(await readAll(socket), 'got it')
  }
  // Ends only when both connections are at their end for the server, too.
  await new Promise((resolve) => server.close(resolve))
  assert.equal(bytes.length, 2)
  assert.equal(bytes[0]!.buffer, bytes[1]!.buffer)
  assert.equal(String(bytes[0]), 'other')
})

test('where Node lends nothing, connections are read as it reads them', async () => {
  const closed = new Socket()
  assert.equal(lending(closed), closed)

  const service = new RecordingService()
  const unused = () => assert.fail('plain requests are the lane’s')
  const lane = new PlainLane(service, LISTEN_DEFAULTS, unused)
  const server = createServer((accepted) => {
    const socket = lending(accepted)
    // What is read goes to the stream, as it would if Node did not know the option.
    Object.defineProperty(socket, 'takeLent', { get: () => null, set() {} })
    lane.take(socket)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const socket = connect({ port, host: '127.0.0.1' })
  for (const sizeBytes of [1, 5000, 200_000]) {
    const request = post('/', 'x'.repeat(sizeBytes))
    assert.match(await ask(socket, request), new RegExp(`got ${sizeBytes}$`))
  }
  socket.destroy()
  await new Promise((resolve) => server.close(resolve))
  lane.close()
})

test('requests that come before the answers are answered in their order', async (t) => {
  const nodeCount = countNode(t)
  const fixture = await start(t)
  const socket = await dial(fixture.listening)
  const all = readAll(socket)
  await sendApart(fixture, socket, post('/hold', 'a'), post('/refuse', 'bb'), post('/', 'ccc'))
  assert.equal(nodeCount(), 0)
  socket.end()
  fixture.service.release('held')
  const statuses = [...(await all).matchAll(/HTTP\/1.1 (\d+) .*?\r\n\r\n([a-z]+)/gs)]
  assert.deepEqual(
    statuses.filter(([, status]) => status !== '102').map(([, status, body]) => [status, body]),
    [
      ['200', 'held'],
      ['429', 'refused'],
      ['200', 'got'],
    ],
  )
})

test('what is odd waits for the answers before it', async (t) => {
  const nodeCount = countNode(t)
  const fixture = await start(t)
  const socket = await dial(fixture.listening)
  const all = readAll(socket)
  await sendApart(fixture, socket, post('/hold', 'a'))
  socket.write('POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n')
  await turn()
  socket.write('\r\n2\r\nbb\r\n0\r\n\r\n')
  await turn()
  fixture.service.release('held')
  assert.match(await all, /^HTTP\/1.1 200 OK.*heldHTTP\/1.1 200 OK.*connection: close.*got 2$/is)
  assert.equal(nodeCount(), 1)
})

test('what is odd waits for them even when the client takes its time to read them', async (t) => {
  const fixture = await start(t)
  const { service } = fixture
  const socket = await dial(fixture.listening)
  await sendApart(fixture, socket, post('/hold', 'a'), post('/hold', 'bc').slice(0, -1))
  const chunked =
    'POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n'
  socket.write(`c${chunked}`)
  await service.until(() => service.requests.length === 2)

  service.release('x'.repeat(LARGE_BYTES), 1)
  const all = readAll(socket)
  await readUntil(socket, LARGE_BYTES)
  socket.write('2\r\nbb\r\n0\r\n\r\n')
  await turn()
  service.release('held')

  assert.match((await all).slice(LARGE_BYTES), /heldHTTP\/1.1 200 OK.*connection: close.*got 2$/is)
})

test('a refusal reads over the little that is to come, and the connection goes on', async (t) => {
  const nodeCount = countNode(t)
  const fixture = await start(t)
  const socket = await dial(fixture.listening)
  const request = post('/refuse', 'x'.repeat(64 * 1024))
  assert.match(await ask(socket, request.slice(0, 1000)), /^HTTP\/1.1 429 .*keep-alive.*refused$/s)
  // Its rest, and another one behind it.
  assert.match(await ask(socket, request.slice(1000) + post('/', 'abc')), /got 3$/)
  const larger = post('/refuse', 'x'.repeat(64 * 1024 + 1)).slice(0, 100)
  assert.match(await ask(socket, larger), /^HTTP\/1.1 429 .*connection: close.*refused$/s)
  await once(socket, 'close')
  assert.equal(nodeCount(), 0)
})

test('a client that goes on sending after the last answer can still read it', async (t) => {
  const nodeCount = countNode(t)
  const fixture = await start(t)
  const socket = await dial(fixture.listening)
  const request = post('/', 'x'.repeat(20 * 1024 * 1024))
  const all = readAll(socket)
  socket.write(request)
  assert.match(await all, /^HTTP\/1.1 413 .*connection: close.*too large$/s)
  assert.equal(nodeCount(), 0)
})

test('a body that breaks off is answered 400, and no body was promised more than it got', async (t) => {
  const nodeCount = countNode(t)
  const fixture = await start(t)
  const socket = await dial(fixture.listening)
  socket.end(post('/', 'abc').replace('content-length: 3', 'content-length: 299999'))
  assert.match(await readAll(socket), /^HTTP\/1.1 400 .*bad request$/s)
  assert.equal(fixture.service.abortCount, 1)
  assert.equal(nodeCount(), 0)
})

test('after an earlier request that came whole, one that breaks off is not answered', async (t) => {
  const fixture = await start(t)
  const socket = await dial(fixture.listening)
  await sendApart(fixture, socket, post('/hold', 'a'), post('/', 'abc').slice(0, -1))
  socket.end()
  assert.equal(await readAll(socket), '')
  assert.equal(fixture.service.abortCount, 2)
  assert.equal(fixture.listening.openRequestCount(), 0)
})

const timeouts = { headTimeoutMs: 50, requestTimeoutMs: 50, sweepMs: 10 }

test('a body too slow is answered 408 and nothing else of the connection is', async (t) => {
  const nodeCount = countNode(t)
  const fixture = await start(t, timeouts)
  assert.match(await talk(fixture, post('/', 'abc').slice(0, -1)), /^HTTP\/1.1 408 .*too slow$/s)
  assert.equal(fixture.service.abortCount, 1)
  // Answered already, so that what is too slow then is not.
  const refused = await talk(fixture, post('/refuse', 'abc').slice(0, -1))
  assert.match(refused, /^HTTP\/1.1 429 .*refused$/s)
  assert.doesNotMatch(refused, /408/)
  assert.equal(nodeCount(), 0)
})

test('a connection that never says anything is answered 408', async (t) => {
  const fixture = await start(t, timeouts)
  assert.match(await talk(fixture), /^HTTP\/1.1 408 .*too slow$/s)
})

test('a connection is closed when it was not used for long, and not while it is', async (t) => {
  const nodeCount = countNode(t)
  const fixture = await start(t, { keepAliveTimeoutMs: 50, sweepMs: 10 })
  const busy = await dial(fixture.listening)
  const held = readAll(busy)
  await sendApart(fixture, busy, post('/hold', 'a'))
  const idle = await talk(fixture, post('/', 'abc'))
  assert.match(idle, /Keep-Alive: timeout=0\r\n\r\ngot 3$/)
  fixture.service.release('held')
  assert.match(await held, /held$/)
  assert.equal(nodeCount(), 0)
})

test('a request within which nothing moves for too long is cut', async (t) => {
  const fixture = await start(t, { stallTimeoutMs: 30 })
  assert.equal(await talk(fixture, post('/hold', 'a')), '')
  assert.equal(fixture.service.abortCount, 1)
  const idle = await dial(fixture.listening)
  await ask(idle, post('/', 'a'))
  // Longer than the first one had, and open still.
  assert.equal(await talk(fixture, post('/hold', 'a')), '')
  assert.match(await ask(idle, post('/', 'ab')), /got 2$/)
  idle.destroy()
})

test('a stopping listener closes the unused, answers the running, and lets the new one in', async (t) => {
  const nodeCount = countNode(t)
  const fixture = await start(t)
  const { service, listening } = fixture
  const [unused, running, fresh] = [
    await dial(listening),
    await dial(listening),
    await dial(listening),
  ]
  await ask(unused, post('/', 'a'))
  await sendApart(fixture, running, post('/hold', 'a'))
  const ended = once(unused, 'close')
  const answer = readAll(running)

  const closed = listening.close(60_000)

  await ended
  service.release('held')
  assert.match(await answer, /connection: close.*held$/s)
  fresh.write(post('/', 'abc'))
  assert.match(await readAll(fresh), /connection: close.*got 3$/s)
  assert.equal(await closed, 0)
  assert.equal(nodeCount(), 0)
})

test('a client that goes away within its body or before its answer is told of once', async (t) => {
  const nodeCount = countNode(t)
  const fixture = await start(t)
  const { service, listening } = fixture
  const [reading, waiting] = [await dial(listening), await dial(listening)]
  await sendApart(fixture, reading, post('/', 'abc').slice(0, -1))
  await sendApart(fixture, waiting, post('/hold', 'a'))
  assert.equal(listening.openRequestCount(), 2)
  reading.resetAndDestroy()
  waiting.resetAndDestroy()
  await service.until(() => service.abortCount === 2)
  service.release('late')
  assert.equal(listening.openRequestCount(), 0)
  assert.equal(nodeCount(), 0)
})

/** A connection whose client reads nothing until it is told to. */
class DeafSocket extends Duplex {
  readonly written: string[] = []
  #isHeard = false
  #waiting: (() => void) | null = null

  override _read(): void {}

  override _write(bytes: Buffer, _encoding: string, done: () => void): void {
    this.written.push(bytes.toString('latin1'))
    if (this.#isHeard) done()
    else this.#waiting = done
  }

  hear(): void {
    this.#isHeard = true
    this.#waiting?.()
  }
}

test('a client that does not read its answers gets no more of them', async (t) => {
  const service = new RecordingService()
  const unused = () => assert.fail('plain requests are the lane’s')
  const lane = new PlainLane(service, LISTEN_DEFAULTS, unused)
  t.after(() => lane.close())
  const socket = new DeafSocket({ writableHighWaterMark: 1000, allowHalfOpen: true })
  Object.assign(socket, { setTimeout() {} })
  lane.take(socket as unknown as Socket)

  for (let i = 0; i < 100; i++) {
    socket.push(post('/', 'a'))
    await turn()
  }
  const begunCount = service.beginCount
  assert.ok(begunCount > 1 && begunCount < 20, `${begunCount}`)

  socket.hear()
  await service.until(() => service.beginCount >= 100)
  await turn()
  assert.equal(socket.written.join('').split('got 1').length - 1, 100)
})
