// Requests on one connection that come before the answers to earlier ones.

import assert from 'node:assert/strict'
import diagnostics from 'node:diagnostics_channel'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { PIPELINED_MAX_COUNT } from '../../src/host/node/http1-bounds.ts'
import { dial, type Fixture, start, talk } from './raw-client.ts'
import { LARGE_BYTES, type RecordingService } from './recording-service.ts'

const HOLD = 'POST /hold HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc'
const AT_ONCE = 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nde'
/** As much as is read at once. */
const PIECE_BYTES = 64 * 1024

/** Each in a piece of its own, which the lane for plain requests reads; as many as are begun. */
async function sendApart({ service }: Fixture, socket: Socket, texts: readonly string[]) {
  for (const text of texts) {
    const { beginCount } = service
    socket.write(text)
    await service.until(() => service.beginCount > beginCount)
  }
}

/** What has come so far, and when so many answers of `/hold` are among it. */
function reading(socket: Socket) {
  let text = ''
  let look = () => {}
  socket.on('data', (chunk) => {
    text += chunk
    look()
  })
  const heldCount = () => text.split('held').length - 1
  const untilHeld = (count: number) =>
    new Promise<void>((resolve) => {
      look = () => heldCount() >= count && resolve()
      look()
    })
  return { text: () => text, heldCount, untilHeld }
}

/** Answers what waits, and what is begun then, until so many have come. */
async function answerAll(service: RecordingService, count: number): Promise<void> {
  for (let seen = 0; seen < count; ) {
    await service.until(() => service.requests.length > seen)
    seen = service.requests.length
    service.release('held')
  }
}

/** What was sent before this has been looked at: a request on another connection is answered. */
async function passBy(fixture: Fixture): Promise<void> {
  for (let i = 0; i < 3; i++) {
    await talk(fixture, 'GET /refuse HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')
    fixture.service.beginCount--
  }
}

const COUNTS = [-1, 0, 1, 300].map((more) => PIPELINED_MAX_COUNT + more)

for (const reader of ['the plain lane', 'Node'] as const) {
  for (const count of COUNTS) {
    test(`${count} requests that wait: 128 are begun, all are answered in order, by ${reader}`, async (t) => {
      const fixture = await start(t)
      const { service, listening } = fixture
      const socket = await dial(fixture.listening)
      const { heldCount, untilHeld } = reading(socket)
      const begun = Math.min(count, PIPELINED_MAX_COUNT)
      const texts = Array<string>(count).fill(HOLD)
      if (reader === 'Node') socket.write(texts.join(''))
      else {
        await sendApart(fixture, socket, texts.slice(0, begun))
        socket.write(texts.slice(begun).join(''))
      }
      await service.until(() => service.beginCount === begun)
      await passBy(fixture)
      assert.equal(service.beginCount, begun)
      assert.equal(listening.openRequestCount(), begun)

      service.release('held', 1)
      await untilHeld(1)
      assert.equal(heldCount(), 1)
      // Several in one piece are for Node, when the lane has answered all before them.
      const isBegun = reader === 'Node' ? count > begun : count === begun + 1
      const [more, open] = isBegun ? [1, begun] : [0, begun - 1]
      await service.until(() => service.beginCount === begun + more)
      await passBy(fixture)
      assert.equal(service.beginCount, begun + more)
      assert.equal(listening.openRequestCount(), open)
      await answerAll(service, count)
      await untilHeld(count)

      assert.equal(service.requests.length, count)
      assert.equal(service.abortCount, 0)
      assert.equal(listening.openRequestCount(), 0)
      socket.write(HOLD)
      await service.until(() => service.requests.length === count + 1)
      socket.destroy()
    })
  }
}

test('the 129th request is begun as soon as the first has its answer, piece by piece', async (t) => {
  const fixture = await start(t)
  const { service } = fixture
  const socket = await dial(fixture.listening)
  const { untilHeld } = reading(socket)
  await sendApart(fixture, socket, Array<string>(PIPELINED_MAX_COUNT).fill(HOLD))
  socket.write(HOLD)
  await passBy(fixture)
  assert.equal(service.beginCount, PIPELINED_MAX_COUNT)
  service.release('held', 1)
  await service.until(() => service.beginCount === PIPELINED_MAX_COUNT + 1)
  service.release('held')
  await untilHeld(PIPELINED_MAX_COUNT + 1)
  socket.destroy()
})

test('what waits behind the bound keeps its order, its bodies and its refusals', async (t) => {
  for (const isApart of [true, false]) {
    const fixture = await start(t)
    const { service } = fixture
    const socket = await dial(fixture.listening)
    const { text, untilHeld } = reading(socket)
    const first = Array<string>(PIPELINED_MAX_COUNT).fill(HOLD)
    const large = `POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 200000\r\n\r\n${'x'.repeat(200_000)}`
    const refused = 'POST /refuse HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc'
    const behind = [AT_ONCE, refused, large, HOLD]
    if (isApart) await sendApart(fixture, socket, first)
    else socket.write(first.join(''))
    for (const one of behind) socket.write(one)
    await service.until(() => service.beginCount === PIPELINED_MAX_COUNT)
    await passBy(fixture)
    await answerAll(service, PIPELINED_MAX_COUNT + 3)
    await untilHeld(PIPELINED_MAX_COUNT + 1)
    const bodies = text()
      .split(/HTTP\/1\.1 .*?\r\n\r\n/s)
      .slice(1)
    assert.deepEqual(bodies.slice(PIPELINED_MAX_COUNT - 1), [
      ...['held', 'got 2', 'refused', 'got 200000', 'held'],
    ])
    socket.destroy()
  }
})

test('no more is read than one piece beyond the bound, however much comes', async (t) => {
  let readCount = 0
  const add = () => {
    readCount++
  }
  diagnostics.subscribe('http.server.request.start', add)
  t.after(() => diagnostics.unsubscribe('http.server.request.start', add))
  const fixture = await start(t)
  const { service } = fixture
  const socket = await dial(fixture.listening)
  const { untilHeld } = reading(socket)
  const get = 'GET /hold HTTP/1.1\r\nhost: x\r\n\r\n'
  const count = 12_000

  socket.write(get.repeat(count))
  await service.until(() => service.beginCount === PIPELINED_MAX_COUNT)
  await passBy(fixture)
  const inPieces = Math.ceil(PIECE_BYTES / get.length)
  assert.ok(readCount <= PIPELINED_MAX_COUNT + 2 * inPieces, `${readCount} were read`)
  service.release('held', 5)
  await passBy(fixture)
  assert.ok(readCount <= PIPELINED_MAX_COUNT + 2 * inPieces, `${readCount} were read`)

  await answerAll(service, count)
  await untilHeld(count)
  assert.equal(service.requests.length, count)
  socket.destroy()
})

test('behind the bound, too, what came whole is answered before bytes that are no HTTP end it', async (t) => {
  const fixture = await start(t)
  const { service } = fixture
  const socket = await dial(fixture.listening)
  const { text, untilHeld } = reading(socket)
  const closed = once(socket, 'close')
  const count = PIPELINED_MAX_COUNT + 20
  socket.write(`${HOLD.repeat(count)}no HTTP at all\r\n\r\n`)
  await service.until(() => service.beginCount === PIPELINED_MAX_COUNT)
  await passBy(fixture)
  await answerAll(service, count)
  await untilHeld(count)
  await closed
  assert.equal(text().split(/connection: close/i).length - 1, 1)
  assert.equal(service.beginCount, count)
})

test('a request behind the bound whose body is no HTTP ends the connection', async (t) => {
  const fixture = await start(t)
  const { service } = fixture
  const socket = await dial(fixture.listening)
  const closed = once(socket, 'close')
  const chunked = 'POST /hold HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nno size'
  socket.write(`${HOLD.repeat(PIPELINED_MAX_COUNT)}${chunked}\r\n`)
  await closed
  assert.equal(service.beginCount, PIPELINED_MAX_COUNT)
  await service.until(() => service.abortCount === PIPELINED_MAX_COUNT)
})

test('many that are answered at once wait behind the bound, and then all are', async (t) => {
  const fixture = await start(t)
  const { service } = fixture
  const socket = await dial(fixture.listening)
  const { untilHeld } = reading(socket)
  const get = (target: string) => `GET ${target} HTTP/1.1\r\nhost: x\r\n\r\n`
  const count = 10_000
  socket.write(get('/hold').repeat(PIPELINED_MAX_COUNT) + get('/').repeat(count) + get('/hold'))
  await service.until(() => service.beginCount === PIPELINED_MAX_COUNT)
  await passBy(fixture)
  service.release('held')
  await service.until(() => service.requests.length === PIPELINED_MAX_COUNT + count + 1)
  service.release('held')
  await untilHeld(PIPELINED_MAX_COUNT + 1)
  socket.destroy()
})

test('nothing is begun of a connection that is cut or whose client went away', async (t) => {
  for (const isCut of [true, false]) {
    const fixture = await start(t)
    const { service, listening } = fixture
    const socket = await dial(listening)
    const last = isCut ? HOLD.replace('/hold', '/cut-late') : HOLD
    socket.write(HOLD.repeat(PIPELINED_MAX_COUNT - 1) + last + HOLD.repeat(20))
    await service.until(() => service.requests.length === PIPELINED_MAX_COUNT)
    if (!isCut) {
      socket.resetAndDestroy()
      // Nobody reads, so an answer finds out; it makes room for one.
      service.release('late', 1)
    }
    const openCount = PIPELINED_MAX_COUNT - 1
    await service.until(() => service.abortCount >= openCount)
    assert.ok(service.beginCount <= PIPELINED_MAX_COUNT + (isCut ? 0 : 1))
    assert.equal(listening.openRequestCount(), 0)
  }
})

test('a client that reads nothing is not read from either when there is room again', async (t) => {
  const fixture = await start(t)
  const { service } = fixture
  const socket = await dial(fixture.listening)
  socket.pause()
  await sendApart(fixture, socket, Array<string>(PIPELINED_MAX_COUNT).fill(HOLD))
  socket.write(HOLD)
  await passBy(fixture)
  service.release('held'.repeat(4 * 1024 * 1024), 1)
  await passBy(fixture)
  assert.equal(service.beginCount, PIPELINED_MAX_COUNT)
  socket.resume()
  await service.until(() => service.beginCount === PIPELINED_MAX_COUNT + 1)
  socket.destroy()
})

test('of requests in one piece whose answers nobody reads only the first is begun', async (t) => {
  for (const plainLane of [true, false]) {
    const fixture = await start(t, { plainLane })
    const { service } = fixture
    const socket = await dial(fixture.listening)
    socket.pause()
    const count = 5
    socket.write('GET /large HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(count))
    await service.until(() => service.beginCount > 0)
    await passBy(fixture)
    assert.equal(service.beginCount, 1)
    let bytes = 0
    socket.on('data', (chunk) => {
      bytes += chunk.length
    })
    socket.resume()
    socket.end()
    await once(socket, 'close')
    assert.equal(service.beginCount, count)
    assert.ok(bytes > count * LARGE_BYTES, `${bytes} came`)
  }
})

test('a client that never reads its answers adds no listener with each of them', async (t) => {
  const warnings: string[] = []
  const onWarning = (warning: Error) => warnings.push(String(warning))
  process.on('warning', onWarning)
  t.after(() => process.off('warning', onWarning))
  const fixture = await start(t)
  const { service } = fixture
  const socket = await dial(fixture.listening)
  socket.pause()
  await sendApart(fixture, socket, Array<string>(60).fill(HOLD))
  service.release('held'.repeat(250_000))
  await passBy(fixture)
  assert.deepEqual(warnings, [])
  socket.destroy()
})
