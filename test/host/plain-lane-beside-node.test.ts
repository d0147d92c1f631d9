// The lane beside Node as the judge: the same bytes go to a listener with the lane and to one
// without, and both must have read the same requests and given the same answers.

import assert from 'node:assert/strict'
import diagnostics from 'node:diagnostics_channel'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { dial, type Fixture, readAll, start } from './raw-client.ts'

const RUNS = 2000

const sometimes = <T>(usual: T, ...others: T[]) =>
  fc.oneof({ weight: 12, arbitrary: fc.constant(usual) }, fc.constantFrom(...others))

const method = sometimes('POST', 'GET', 'HEAD', 'PUT', 'post', 'POSTX', 'CONNECT', 'OPTIONS', '')
const target = sometimes(
  '/a?b=%20',
  ...['/', '/refuse', '/full', '/cut', '/cut-late', '//x/y', '/a#b', '/é', '/a b', '*', ''],
  ...['http://x/y', 'http://x', 'x:80'],
)
const version = sometimes('HTTP/1.1', 'HTTP/1.0', 'HTTP/1.2', 'http/1.1', 'HTTP/1.1 ', '')
const lineEnd = sometimes('\r\n', '\n', '\r', '\r\r\n', '\r\n ', '\n\r\n')
const colon = sometimes(': ', ':', ' : ', ':\t', ' :', '')

const field = fc.constantFrom(
  ...(
    [
      ['host', 'x'],
      ['Host', 'y:1'],
      ['x-a', ''],
      ['X-Two', 'a, b'],
      ['user-agent', 'it/1.0 (me; you)'],
      ['cookie', 'a=b; c=d'],
      ['content-length', '3'],
      ['Content-Length', '+3'],
      ['content-length', '0003'],
      ['content-length', '3, 3'],
      ['content-length', '99999999999999999999'],
      ['transfer-encoding', 'chunked'],
      ['Transfer-Encoding', 'identity'],
      ['transfer-encoding', 'xchunked'],
      ['connection', 'keep-alive'],
      ['Connection', 'close'],
      ['connection', 'keep-alive, x'],
      ['proxy-connection', 'close'],
      ['keep-alive', 'timeout=5'],
      ['expect', '100-continue'],
      ['expect', 'tea'],
      ['upgrade', 'h2c'],
      ['te', 'trailers'],
      ['trailer', 'x-a'],
      ['x-long', 'x'.repeat(5000)],
      ['x-longer', 'x'.repeat(20_000)],
      ['x-odd', 'a\0b'],
      ['x-high', 'é'],
      ['', 'x'],
    ] as const
  ).map(([name, value]) => ({ name, value })),
)

const plainField = fc.record({
  name: fc.stringMatching(/^x-[A-Za-z0-9!#$%&'*+.^_`|~-]{0,12}$/),
  value: fc.stringMatching(/^[\t -~]{0,30}$/),
})

const request = fc
  .record({
    start: fc.tuple(method, target, version, lineEnd),
    fields: fc.array(
      fc.tuple(fc.oneof({ weight: 5, arbitrary: plainField }, field), colon, lineEnd),
      {
        maxLength: 5,
      },
    ),
    host: sometimes('host: x\r\n', ''),
    body: fc.oneof(fc.constant(''), fc.constant('abc'), fc.stringMatching(/^[\r\n 0-9a-z]{0,40}$/)),
    /** How far the length is from the truth; null leaves it out. */
    lie: sometimes<number | null>(0, null, -1, 1, 300_000),
  })
  .map(({ start: [verb, path, http, end], fields, host, body, lie }) => {
    const lines = fields.map(([{ name, value }, between, eol]) => `${name}${between}${value}${eol}`)
    const length = lie === null ? '' : `content-length: ${Math.max(0, body.length + lie)}\r\n`
    return `${verb} ${path} ${http}${end}${host}${length}${lines.join('')}\r\n${body}`
  })

/** Single bytes put in the place of others. */
const flips = fc.array(
  fc.record({
    at: fc.nat(200),
    byte: fc.constantFrom(0, 9, 10, 11, 13, 32, 43, 44, 48, 58, 65, 127, 128, 255),
  }),
  { maxLength: 2 },
)

const requests = fc.oneof(
  { weight: 3, arbitrary: request.map((one) => [one]) },
  fc.array(request, { minLength: 2, maxLength: 3 }),
)

const conversation = fc
  .record({ requests, flips: fc.oneof(fc.constant([]), flips) })
  .map(({ requests, flips }) => {
    const bytes = Buffer.from(requests.join(''), 'latin1')
    for (const { at, byte } of flips) if (at < bytes.length) bytes[at] = byte
    return bytes
  })

test('bytes of all kinds are read and answered as Node reads and answers them', async (t) => {
  const pair = await startPair(t)
  await fc.assert(
    fc.asyncProperty(conversation, (bytes) => compare(pair, bytes)),
    { numRuns: RUNS, examples: EXAMPLES.map((text) => [Buffer.from(text, 'latin1')]) },
  )
  // The test would hold for a lane that takes nothing.
  assert.ok(pair.laneCount() > RUNS / 10, `the lane read ${pair.laneCount()}`)
  assert.ok(pair.nodeCount() > RUNS / 10, `Node read ${pair.nodeCount()}`)
})

const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n'
const post = (fields: string, body: string) =>
  `POST / HTTP/1.1\r\nhost: x\r\n${fields}\r\n\r\n${body}`

/** What has deceived other readers. */
const EXAMPLES = [
  post(
    `content-length: ${SMUGGLED.length + 5}\r\ntransfer-encoding: chunked`,
    `0\r\n\r\n${SMUGGLED}`,
  ),
  post('transfer-encoding: chunked\r\ncontent-length: 4', `1\r\na\r\n0\r\n\r\n${SMUGGLED}`),
  post('content-length: 0\r\ncontent-length: 37', SMUGGLED),
  post('content-length: 37\r\ncontent-length: 0', SMUGGLED),
  post(' content-length: 37', SMUGGLED),
  post('content-length : 37', SMUGGLED),
  post('content-length: +37', SMUGGLED),
  post('content-length: 3\0', 'abc'),
  post('content-length: 3\x0b', 'abc'),
  post('x: y\ncontent-length: 37', SMUGGLED),
  post('x: y\rcontent-length: 37', SMUGGLED),
  post('x: y\r\n content-length: 37', SMUGGLED),
  post('content-length: 37\r\n\x0btransfer-encoding: chunked', SMUGGLED),
  post('transfer-encoding: chunked\r\nTransfer-encoding: x', `0\r\n\r\n${SMUGGLED}`),
  post('transfer-encoding:\tchunked', `0\r\n\r\n${SMUGGLED}`),
  post('content-length: 3', `abc\r\n\r\n${SMUGGLED}`),
  post('content-length: 3', `abc${SMUGGLED}`),
  post('content-length: 3', 'abc'),
  post('content-length: 3\r\nconnection: keep-alive', 'abcd'),
  post('content-length: 3\r\nconnection: close', 'abc'),
  SMUGGLED,
  `\r\n${SMUGGLED}`,
  `${SMUGGLED}\r\n`,
  SMUGGLED.replaceAll('\r\n', '\n'),
  SMUGGLED.slice(0, -1),
  'GET http://y/ HTTP/1.1\r\nhost: x\r\n\r\n',
  'OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n',
  'CONNECT x:80 HTTP/1.1\r\nhost: x\r\n\r\n',
]

interface Pair {
  readonly lane: Fixture
  readonly node: Fixture
  /** Requests that the lane's listener has had, read by the lane and read by Node. */
  laneCount(): number
  nodeCount(): number
}

/**
 * Ports of two protocols, so that Node gets bytes from both in the same way: how many of several
 * requests it answers before it cuts a connection depends on that.
 */
async function startPair(t: TestContext): Promise<Pair> {
  const lane = await start(t, { http2: true })
  const node = await start(t, { http2: true, plainLane: false })
  let nodeCount = 0
  const count = (message: unknown) => {
    const { socket } = message as { readonly socket: { readonly localPort: number } }
    if (socket.localPort === lane.listening.port) nodeCount++
  }
  diagnostics.subscribe('http.server.request.start', count)
  t.after(() => diagnostics.unsubscribe('http.server.request.start', count))
  return {
    lane,
    node,
    laneCount: () => lane.service.beginCount - nodeCount,
    nodeCount: () => nodeCount,
  }
}

async function compare({ lane, node }: Pair, bytes: Buffer): Promise<void> {
  const [ours, theirs] = await Promise.all([told(lane, bytes), told(node, bytes)])
  assert.deepEqual(ours, theirs)
}

/** All that came of these bytes. */
async function told(fixture: Fixture, bytes: Buffer) {
  const { service } = fixture
  const before = { requests: service.requests.length, aborts: service.abortCount }
  const socket = await dial(fixture.listening)
  socket.end(bytes)
  const text = (await readAll(socket)).replace(/\r\nDate: [^\r]+/g, '\r\nDate: now')
  await service.until(() => fixture.listening.openRequestCount() === 0)
  return {
    text,
    // Sorted, because Node lets one without a body overtake one with a body; answers stay in order.
    requests: service.requests
      .slice(before.requests)
      .map(({ head, body }) => JSON.stringify([head, body.toString('latin1')]))
      .sort(),
    abortCount: service.abortCount - before.aborts,
  }
}
