// Connections read into one piece of memory: no byte of one may ever be seen by another. Bodies are
// kept by the service as it gets them and looked at when all the others have been read over them.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import type { Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import type { ListenOptions } from '../../src/host/node/index.ts'
import { SimRandom } from '../../src/sim/sim-random.ts'
import { dial, type Fixture, readAll, start } from './raw-client.ts'
import { TLS } from './tls-and-proxy.ts'

type Dial = (fixture: Fixture) => Promise<Socket>

const plainly: Dial = ({ listening }) => dial(listening)

const overTls: Dial = async ({ listening: { port } }) => {
  const socket = connectTls({ port, host: '127.0.0.1', ca: TLS.ca, servername: 'localhost' })
  await once(socket, 'secureConnect')
  return socket
}

const PORTS: readonly { what: string; options: Partial<ListenOptions>; open: Dial }[] = [
  { what: 'plain connections', options: {}, open: plainly },
  { what: 'connections beside HTTP/2', options: { http2: true }, open: plainly },
  {
    what: 'connections with TLS',
    options: { tls: { certificate: TLS.certificate, key: TLS.key } },
    open: overTls,
  },
]

/** Bytes that no other number has anywhere: each four say whose they are. */
function bytesOf(number: number, sizeBytes: number): Buffer {
  const bytes = Buffer.alloc(4 * Math.ceil(sizeBytes / 4))
  for (let at = 0; at < bytes.length; at += 4) bytes.writeUInt32LE(number * 2 ** 17 + at / 4, at)
  return bytes.subarray(0, sizeBytes)
}

type Way = 'plain' | 'chunked'

function request(target: string, body: Buffer, way: Way = 'plain'): Buffer {
  const length = way === 'plain' ? `content-length: ${body.length}` : 'transfer-encoding: chunked'
  const head = Buffer.from(`POST ${target} HTTP/1.1\r\nhost: x\r\n${length}\r\n\r\n`)
  if (way === 'plain') return Buffer.concat([head, body])
  const size = Buffer.from(`${body.length.toString(16)}\r\n`)
  return Buffer.concat([head, size, body, Buffer.from('\r\n0\r\n\r\n')])
}

/** Each request's target is its number, and tells how long its body is. */
function assertOwn({ service }: Fixture, count: number): void {
  assert.equal(service.requests.length, count)
  const numbers = new Set<string>()
  for (const { head, body } of service.requests) {
    const { number, bytes } = /^\/(?<number>\d+)-(?<bytes>\d+)$/.exec(head.target)!.groups!
    numbers.add(number!)
    assert.ok(body.equals(bytesOf(Number(number), Number(bytes))), `the body of ${head.target}`)
  }
  assert.equal(numbers.size, count)
}

for (const { what, options, open } of PORTS) {
  test(`a body is its own wherever it is cut, whatever comes meanwhile: ${what}`, async (t) => {
    const fixture = await start(t, options)
    const sizeBytes = 60
    const cutCount = request(`/100-${sizeBytes}`, bytesOf(0, sizeBytes)).length
    const sockets: Socket[] = []
    for (let cut = 1; cut < cutCount; cut++) sockets.push(await open(fixture))
    const texts = sockets.map((_, i) =>
      request(`/${i + 100}-${sizeBytes}`, bytesOf(i + 100, sizeBytes)),
    )
    const ended = sockets.map(readAll)

    // All have sent a part, then all the rest, so that each is read over by every other.
    for (const [i, socket] of sockets.entries()) socket.write(texts[i]!.subarray(0, i + 1))
    for (let i = 0; i < 5; i++) await turn()
    for (const [i, socket] of sockets.entries()) socket.end(texts[i]!.subarray(i + 1))

    for (const answer of await Promise.all(ended)) assert.match(answer, /200 OK.*got 60$/s)
    assertOwn(fixture, cutCount - 1)
  })
}

const SIZES = [0, 1, 3, 100, 4095, 4097, 5000, 65_000, 65_536, 70_000, 200_000]

/** Sends requests one after another, each in up to five pieces, and waits for each answer. */
async function converse(socket: Socket, random: SimRandom, firstNumber: number): Promise<number> {
  let answers = ''
  socket.on('data', (bytes: Buffer) => {
    answers += bytes
  })
  for (let i = 0; i < 20; i++) {
    const number = firstNumber + i
    const sizeBytes = SIZES[random.below(SIZES.length)]!
    // Most stay with the lane to the end, some go over to Node.
    const way = random.below(60) === 0 ? 'chunked' : 'plain'
    const bytes = request(`/${number}-${sizeBytes}`, bytesOf(number, sizeBytes), way)
    const cuts = Array.from({ length: random.below(5) }, () => random.below(bytes.length))
    let at = 0
    for (const cut of [...cuts.sort((a, b) => a - b), bytes.length]) {
      socket.write(bytes.subarray(at, cut))
      at = cut
      await turn()
    }
    while (!answers.endsWith(`got ${sizeBytes}`)) await once(socket, 'data')
    answers = ''
  }
  socket.destroy()
  return 20
}

for (const { what, options, open } of PORTS) {
  test(`bodies of all sizes in pieces of all sizes are their own: ${what}`, async (t) => {
    const fixture = await start(t, options)
    const random = new SimRandom(11)
    const talks: Promise<number>[] = []
    for (let i = 0; i < 25; i++) {
      talks.push(converse(await open(fixture), random.fork(`${i}`), 1000 * (i + 1)))
    }
    const counts = await Promise.all(talks)
    assertOwn(
      fixture,
      counts.reduce((sum, count) => sum + count, 0),
    )
  })
}

async function streams(t: TestContext, fixture: Fixture, firstNumber: number, count: number) {
  const session = connectHttp2(fixture.url)
  t.after(() => session.destroy())
  const all = Array.from({ length: count }, async (_, i) => {
    const body = bytesOf(firstNumber + i, 3000 + i)
    const path = `/${firstNumber + i}-${body.length}`
    const stream = session.request({ ':method': 'POST', ':path': path })
    for (let at = 0; at < body.length; at += 1000) {
      stream.write(body.subarray(at, at + 1000))
      await turn()
    }
    stream.end()
    stream.resume()
    await once(stream, 'close')
  })
  await Promise.all(all)
  return count
}

test('bodies over HTTP/2 and over HTTP/1.1 on one port are their own', async (t) => {
  const fixture = await start(t, { http2: true })
  const random = new SimRandom(12)
  const counts = await Promise.all([
    streams(t, fixture, 1000, 30),
    streams(t, fixture, 2000, 30),
    converse(await dial(fixture.listening), random.fork('a'), 3000),
    converse(await dial(fixture.listening), random.fork('b'), 4000),
  ])
  assertOwn(
    fixture,
    counts.reduce((sum, count) => sum + count, 0),
  )
})

test('what waits for Node behind an unanswered request is not read over', async (t) => {
  const fixture = await start(t)
  const { service, listening } = fixture
  const waiting: Promise<string>[] = []
  for (let i = 0; i < 20; i++) {
    const socket = await dial(listening)
    waiting.push(readAll(socket))
    const { beginCount } = service
    const held = request('/hold', Buffer.from('ab'))
    socket.write(held.subarray(0, -1))
    await service.until(() => service.beginCount > beginCount)
    const odd = request(`/${i + 100}-50`, bytesOf(i + 100, 50), 'chunked')
    socket.end(Buffer.concat([held.subarray(-1), odd]))
  }
  await service.until(() => service.requests.length === waiting.length)
  await converse(await dial(listening), new SimRandom(13), 3000)

  service.release('held')

  for (const answers of waiting) assert.match(await answers, /held.*got 50$/s)
  service.requests.splice(0, waiting.length)
  assertOwn(fixture, 20 + waiting.length)
})
