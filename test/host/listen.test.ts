// The listener, over real sockets on loopback: what HTTP/1.1 clients, good and bad, get.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { listen, selfSigned } from '../../src/host/node/index.ts'
import { dial, readAll, start, talk } from './raw-client.ts'
import { FULL_BYTES, MAX_BODY_BYTES } from './recording-service.ts'

for (const http2 of [false, true]) {
  const kind = http2 ? 'a port of two protocols' : 'a port of HTTP/1.1 alone'

  test(`${kind} gives a service what was sent and a client what was answered`, async (t) => {
    const fixture = await start(t, { http2 })
    for (const sizeBytes of [0, 1, 1_600, 65_536, 200_000, MAX_BODY_BYTES]) {
      const body = Buffer.alloc(sizeBytes, 'abcdefgh')
      const response = await fetch(`${fixture.url}/path?q=1`, { method: 'POST', body })
      assert.equal(response.status, 200)
      assert.equal(response.headers.get('x-answer'), 'yes')
      assert.equal(await response.text(), `got ${sizeBytes}`)

      const { head, body: received } = fixture.service.requests.at(-1)!
      assert.equal(head.method, 'POST')
      assert.equal(head.target, '/path?q=1')
      assert.ok(received.equals(body))
      assert.ok(received.buffer.byteLength <= 1.25 * sizeBytes, 'not much more memory is kept')
    }
    assert.equal(fixture.service.abortCount, 0)
  })

  test(`${kind} takes a body of unknown length, up to the bound`, async (t) => {
    const fixture = await start(t, { http2 })
    const chunked = (...sizes: number[]) =>
      `${sizes.map((size) => `${size.toString(16)}\r\n${'x'.repeat(size)}\r\n`).join('')}0\r\n\r\n`
    const head =
      'POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n'

    assert.match(await talk(fixture, head, chunked(3, 5, 100_000)), /200 OK.*got 100008$/s)
    assert.match(await talk(fixture, head, chunked(MAX_BODY_BYTES)), /200 OK.*got 300000$/s)
    const above = await talk(fixture, head, chunked(MAX_BODY_BYTES, 1))
    assert.match(above, /413 Payload Too Large.*connection: close.*too large$/s)
    assert.equal(fixture.service.requests.length, 2)
  })

  test(`${kind} refuses a body that says it is too large before it comes`, async (t) => {
    const fixture = await start(t, { http2 })
    const head = `POST / HTTP/1.1\r\nhost: x\r\ncontent-length: ${MAX_BODY_BYTES + 1}\r\n\r\n`
    const answer = await talk(fixture, head)
    assert.match(answer, /413 Payload Too Large.*connection: close.*too large$/s)
  })
}

test('a client that sends on after a refusal can still read the answer', async (t) => {
  const fixture = await start(t)
  const sizeBytes = 20 * 1024 * 1024
  const response = await fetch(fixture.url, { method: 'POST', body: Buffer.alloc(sizeBytes) })
  assert.equal(response.status, 413)
  assert.equal(await response.text(), 'too large')
})

test('what HTTP/1.1 forbids, or we do not know, is answered in the words of the service', async (t) => {
  const fixture = await start(t)
  const answerTo = (head: string) => talk(fixture, `POST / HTTP/1.1\r\n${head}\r\n\r\n0\r\n\r\n`)
  assert.match(await answerTo('connection: close'), /^HTTP\/1.1 400 .*bad request/s)
  assert.match(await answerTo('host: x\r\nHost: x'), /^HTTP\/1.1 400 .*bad request/s)
  assert.match(
    await answerTo('host: x\r\ntransfer-encoding: gzip, chunked'),
    /^HTTP\/1.1 400 .*bad request/s,
  )
  assert.match(await answerTo('host: x\r\nexpect: tea'), /^HTTP\/1.1 417 .*expectation/s)
  assert.equal(fixture.service.beginCount, 0)
})

test('a service may cut the connection in the place of an answer', async (t) => {
  const fixture = await start(t)
  for (const target of ['/cut', '/cut-late']) {
    const got = await talk(
      fixture,
      `POST ${target} HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc`,
    )
    assert.equal(got, '', target)
    await assert.rejects(fetch(`${fixture.url}${target}`, { method: 'POST', body: 'abc' }))
  }
  assert.equal(fixture.service.requests.length, 2)
  assert.equal(fixture.listening.openRequestCount(), 0)
  assert.equal(fixture.service.abortCount, 0)
})

test('a target may be a whole URL', async (t) => {
  const fixture = await start(t)
  for (const [target, path] of [
    ['http://example.org/a?b=1', '/a?b=1'],
    ['HTTPS://example.org:8080/', '/'],
    ['http://example.org', '/'],
    ['/http://x/', '/http://x/'],
  ]) {
    await talk(fixture, `GET ${target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`)
    assert.equal(fixture.service.requests.at(-1)!.head.target, path)
  }
})

test('an answer to HEAD has the length of its body, and not the body', async (t) => {
  const fixture = await start(t)
  const answer = await talk(fixture, 'HEAD / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')
  assert.match(answer, /content-length: 5\r\n.*\r\n\r\n$/is)
})

test('a body that finds no room any more is refused in the middle', async (t) => {
  const fixture = await start(t)
  const head = `POST /full HTTP/1.1\r\nhost: x\r\ncontent-length: ${FULL_BYTES + 1}\r\n\r\n`
  const socket = await dial(fixture.listening)
  socket.write(head + 'x'.repeat(FULL_BYTES))
  const answer = readAll(socket)
  socket.write('x')
  assert.match(await answer, /^HTTP\/1.1 503 .*connection: close.*full$/is)
  assert.equal(fixture.listening.openRequestCount(), 0)
  assert.equal(fixture.service.requests.length, 0)
})

test('a client that asks first sends its body only when it is wanted', async (t) => {
  const fixture = await start(t)
  const head = (target: string, length: number) =>
    `POST ${target} HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: ${length}\r\n`

  const wanted = await talk(fixture, `${head('/', 3)}connection: close\r\n\r\n`, 'abc')
  assert.match(wanted, /^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 OK.*got 3$/s)
  const refused = await talk(fixture, `${head('/refuse', 3)}\r\n`)
  assert.match(refused, /^HTTP\/1.1 429 Too Many Requests.*connection: close.*refused$/s)
  const tooLarge = await talk(fixture, `${head('/', MAX_BODY_BYTES + 1)}\r\n`)
  assert.match(tooLarge, /^HTTP\/1.1 413 /)
})

test('a refusal by the head alone keeps the connection when little is to come', async (t) => {
  const fixture = await start(t)
  const refused = 'POST /refuse HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc'
  const last = 'POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 2\r\n\r\nde'
  const answers = await talk(fixture, refused, last)
  assert.match(answers, /^HTTP\/1.1 429 .*retry-after: 1.*refusedHTTP\/1.1 200 OK.*got 2$/s)
})

test('pipelined requests are answered in their order, whoever is ready first', async (t) => {
  const fixture = await start(t)
  const { service } = fixture
  const socket = await dial(fixture.listening)
  const all = readAll(socket)
  socket.write('POST /hold HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\na')
  socket.write('POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 2\r\n\r\nbb')
  await service.until(() => service.requests.length === 2)
  service.release('held')
  assert.match(await all, /^HTTP\/1.1 200 OK.*heldHTTP\/1.1 200 OK.*got 2$/s)
})

test('a service is told once when its client goes away, and its late answer is dropped', async (t) => {
  const { service, listening } = await start(t)
  const withinBody = await dial(listening)
  withinBody.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc')
  const waiting = await dial(listening)
  waiting.write('POST /hold HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\na')
  await service.until(() => service.beginCount === 2 && service.requests.length === 1)
  assert.equal(listening.openRequestCount(), 2)

  withinBody.destroy()
  waiting.destroy()
  await service.until(() => service.abortCount === 2)

  service.release('late')
  assert.equal(service.abortCount, 2)
  assert.equal(listening.openRequestCount(), 0)
})

test('a service is not told of a client that goes away after its answer', async (t) => {
  const fixture = await start(t)
  const socket = await dial(fixture.listening)
  socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\na')
  await once(socket, 'data')
  socket.destroy()
  await fixture.listening.close(10_000)
  assert.equal(fixture.service.abortCount, 0)
})

test('what is no HTTP is answered 400, in the words of the service', async (t) => {
  const fixture = await start(t, {
    answerBadRequest: (status) => ({ status, headers: ['x-own', '1'], body: `own ${status}` }),
  })
  const answer = await talk(fixture, 'GARBAGE\r\n\r\n')
  assert.match(answer, /^HTTP\/1.1 400 Bad Request\r\nconnection: close\r\nx-own: 1\r\n.*own 400$/s)
  const head = `POST / HTTP/1.1\r\nhost: x\r\nx-long: ${'x'.repeat(20_000)}\r\n\r\n`
  assert.match(await talk(fixture, head), /^HTTP\/1.1 431 .*own 431$/s)
})

test('requests that came before what is no HTTP get their answers, and nothing is said of that', async (t) => {
  for (const plainLane of [false, true]) {
    const fixture = await start(t, { plainLane })
    const { service } = fixture
    // A length that counts characters where bytes are meant.
    const held = 'POST /hold HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\na'
    const other = 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\nb'
    for (const sent of [held, held + held, held + other]) {
      const heldBefore = service.requests.length
      const socket = await dial(fixture.listening)
      const read = readAll(socket)
      socket.write(`${sent}GARBAGE\r\n\r\n`)
      await service.until(
        () => service.requests.length === heldBefore + sent.split('POST').length - 1,
      )
      socket.write('more of it')
      service.release('held')
      const text = await read
      assert.equal(text.split('HTTP/1.1 200 OK').length, sent.split('POST').length)
      assert.equal(text.split('HTTP/1.1').length, sent.split('POST').length)
    }
    assert.equal(service.abortCount, 0)
    assert.equal(fixture.listening.openRequestCount(), 0)
  }
})

test('a request whose body is no HTTP hears of it once those before it are not waited for', async (t) => {
  const fixture = await start(t)
  const held = 'POST /hold HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\na'
  const chunked = 'POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nGARBAGE\r\n'
  assert.equal(await talk(fixture, held + chunked), '')
  assert.equal(fixture.service.abortCount, 2)
  assert.match(await talk(fixture, chunked), /^HTTP\/1.1 400 /)
})

test('a request that was answered gets no second answer when its body breaks off', async (t) => {
  for (const plainLane of [false, true]) {
    const fixture = await start(t, { plainLane })
    const socket = await dial(fixture.listening)
    socket.end('POST /refuse HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nab')
    const text = await readAll(socket)
    assert.match(text, /^HTTP\/1.1 429 .*refused$/s)
    assert.equal(text.split('HTTP/1.1').length, 2)
  }
})

const slow: [string, string][] = [
  ['a head', 'POST / HTTP/1.1\r\nhost:'],
  ['a body', 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc'],
]
for (const [what, sent] of slow) {
  test(`${what} that does not come to its end is answered 408`, async (t) => {
    const timeouts = { headTimeoutMs: 50, requestTimeoutMs: 50, sweepMs: 10 }
    const fixture = await start(t, { ...timeouts, http2: true })
    assert.match(await talk(fixture, sent), /^HTTP\/1.1 408 Request Timeout.*request too slow$/s)
    assert.equal(fixture.service.abortCount, fixture.service.beginCount)
  })
}

test('a connection that says nothing is closed', async (t) => {
  const fixture = await start(t, { headTimeoutMs: 50, http2: true })
  assert.equal(await talk(fixture), '')
  assert.equal(await talk(fixture, 'PRI * HTTP/2'), '')
})

test('a client that does not read its answers is not kept for ever', async (t) => {
  for (const plainLane of [false, true]) {
    const fixture = await start(t, {
      plainLane,
      stallTimeoutMs: 0,
      keepAliveTimeoutMs: 50,
      sweepMs: 10,
    })
    const socket = await dial(fixture.listening)
    socket.write('POST /hold HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\na')
    await fixture.service.until(() => fixture.service.requests.length === 1)
    fixture.service.release('x'.repeat(30_000_000))
    let isClosed = false
    socket.once('close', () => {
      isClosed = true
    })
    // Who does not read learns from writing that nobody is there.
    while (!isClosed) {
      if (socket.writable && socket.writableLength === 0) socket.write('x')
      await turn()
    }
  }
})

test('more connections than the bound are closed as they come', async (t) => {
  const fixture = await start(t, { maxConnections: 2 })
  const first = await dial(fixture.listening)
  await dial(fixture.listening)
  assert.equal(await talk(fixture), '')
  first.destroy()
  await once(first, 'close')
})

test('closing finishes what was begun and says that it was the last', async (t) => {
  const { service, listening, url } = await start(t)
  const idle = await fetch(url, { method: 'POST', body: 'a' })
  await idle.text()
  const held = fetch(`${url}/hold`, { method: 'POST', body: 'a' })
  await service.until(() => service.requests.length === 2)

  const closed = listening.close(60_000)
  service.release('held')

  const response = await held
  assert.equal(response.headers.get('connection'), 'close')
  assert.equal(await response.text(), 'held')
  assert.equal(await closed, 0)
  await assert.rejects(fetch(url))
})

test('closing cuts what is not finished in time, and counts it', async (t) => {
  const { service, listening, url } = await start(t)
  const held = fetch(`${url}/hold`, { method: 'POST', body: 'a' })
  held.catch(() => {})
  await service.until(() => service.requests.length === 1)

  assert.equal(await listening.close(20), 1)
  assert.equal(service.abortCount, 1)
  await assert.rejects(held)
})

for (const tls of [null, selfSigned([])]) {
  const over = tls === null ? '' : ' over TLS'
  test(`closing cuts connections that have said nothing${over}`, async (t) => {
    const { listening } = await start(t, { http2: true, tls })
    const silent = await dial(listening)
    t.after(() => silent.destroy())

    assert.equal(await listening.close(20), 0)
  })
}

test('a port that is taken is said to be', async (t) => {
  const { listening, service } = await start(t)
  const again = listen(service, { host: '127.0.0.1', port: listening.port })
  await assert.rejects(again, { code: 'EADDRINUSE' })
})

test('a client that sends no more and listens still gets its answer', async (t) => {
  const fixture = await start(t)
  const socket = await dial(fixture.listening)
  socket.end('POST /hold HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc')
  const read = readAll(socket)
  // Asked whether anybody is there.
  await once(socket, 'data')
  fixture.service.release('held')
  const text = await read
  assert.match(text, /^(HTTP\/1.1 102 Processing\r\n\r\n)+HTTP\/1.1 200 OK/)
  assert.match(text, /held$/)
  assert.equal(fixture.service.abortCount, 0)
  assert.equal(fixture.listening.openRequestCount(), 0)
})
