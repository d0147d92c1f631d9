// What is owed to a client for requests that came before something that ends its connection.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dial, readAll, start, talk } from './raw-client.ts'

const REFUSED = 'GET /refuse HTTP/1.1\r\nhost: x\r\n\r\n'
const PLAIN = 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\na'
const CHUNKED = 'POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n'
const REFUSED_CHUNKED = CHUNKED.replace('/', '/refuse')
const TEA = 'POST / HTTP/1.1\r\nhost: x\r\nexpect: tea\r\ncontent-length: 1\r\n\r\na'
const CONNECT = 'CONNECT x:80 HTTP/1.1\r\nhost: x\r\n\r\n'

/** Sent in one piece, and the statuses of all answers. */
const cases: [string, string, string][] = [
  ['no HTTP behind refusals', `${REFUSED.repeat(3)}\0\r\n\r\n`, '429 429 429 400'],
  ['a body that is no HTTP behind refusals', `${REFUSED.repeat(2)}${CHUNKED}x\r\n`, '429 429 400'],
  ['a body that nobody wants and is no HTTP', `${PLAIN}${REFUSED_CHUNKED}x\r\n`, '200 429'],
  ['no HTTP behind the last answer', `${PLAIN}${TEA}\0`, '200 417'],
  ['what came behind the last answer', `${TEA}${PLAIN}`, '417'],
  ['a proxy that is asked for', CONNECT, '400'],
  ['a proxy that is asked for behind others', `${PLAIN}${REFUSED}${CONNECT}`, '200 429'],
  ['the same behind refusals', `${REFUSED.repeat(2)}${CONNECT}`, '429 429 400'],
]

for (const [what, sent, statuses] of cases) {
  test(`${what}: answers are written in their order before the connection ends`, async (t) => {
    for (const plainLane of [true, false]) {
      const fixture = await start(t, { plainLane })
      const text = await talk(fixture, sent)
      const found = [...text.matchAll(/HTTP\/1.1 (\d+)/g)].map(([, status]) => status)
      assert.equal(found.join(' '), statuses)
      assert.equal(fixture.service.requests.length, statuses.split('200').length - 1)
      assert.equal(fixture.listening.openRequestCount(), 0)
    }
  })
}

test('a request that asks for another protocol and is cut off is answered at once', async (t) => {
  for (const plainLane of [true, false]) {
    const fixture = await start(t, { plainLane })
    const socket = await dial(fixture.listening)
    const asked = 'host: x\r\nconnection: upgrade\r\nupgrade: h2c\r\ncontent-length: 3\r\n\r\nab'
    socket.end(`POST / HTTP/1.1\r\n${asked}`)
    assert.match(await readAll(socket), /^HTTP\/1.1 400 /)
  }
})

test('answers that wait for a client that does not read are written before no HTTP ends them', async (t) => {
  for (const plainLane of [true, false]) {
    const fixture = await start(t, { plainLane })
    const text = await talk(fixture, `${REFUSED.replace('refuse', 'large').repeat(3)}\0\r\n\r\n`)
    assert.equal(text.split('HTTP/1.1 200').length - 1, 3)
    assert.equal(text.split('HTTP/1.1').length - 1, 3)
  }
})
