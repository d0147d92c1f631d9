// TLS and proxies over real sockets on loopback.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { isAnswer } from '../../src/host/index.ts'
import {
  NodeClock,
  NodeNetwork,
  networkOptionsOf,
  type TransportSettings,
} from '../../src/host/node/index.ts'
import { TLS, testProxy, tlsPort } from './tls-and-proxy.ts'

const clock = new NodeClock()

const PLAIN: TransportSettings = {
  connectTimeout: 5000,
  verifyCertificate: true,
  caCertFile: '',
  caCertPath: '',
  proxyHost: '',
  proxyPort: 443,
  proxyUserName: '',
  proxyPassword: '',
}

function networkOf(
  t: TestContext,
  settings: Partial<TransportSettings>,
  env: Record<string, string> = {},
): NodeNetwork {
  const network = new NodeNetwork({ clock, ...networkOptionsOf({ ...PLAIN, ...settings }, env) })
  t.after(() => network.close())
  return network
}

function send(network: NodeNetwork, origin: string, withinMs = 10_000) {
  const request = { origin, method: 'POST', target: '/', headers: [], body: Buffer.from('body') }
  return network.exchange(request, clock.monotonicMs() + withinMs)
}

/** A directory with the authority's certificate, as a file and as a directory of such. */
function certificateFiles(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), 'headgate-'))
  t.after(() => rmSync(directory, { recursive: true }))
  writeFileSync(join(directory, 'ca.pem'), TLS.ca)
  writeFileSync(join(directory, 'README'), 'no certificate')
  return { caCertFile: join(directory, 'ca.pem'), caCertPath: directory, directory }
}

const answered = (_: unknown, response: { end(text: string): void }) => response.end('answered')

test('a certificate of an authority that nobody knows is refused, nothing was sent', async (t) => {
  const port = await tlsPort(t, answered)
  const ending = await send(networkOf(t, {}), `https://localhost:${port}`)
  assert.partialDeepStrictEqual(ending, { noAnswer: 'connect-failed', mayBeWritten: false })
})

test('an authority that is named by file or by directory is trusted', async (t) => {
  const port = await tlsPort(t, answered)
  const { caCertFile, caCertPath } = certificateFiles(t)
  for (const settings of [{ caCertFile }, { caCertPath }]) {
    const answer = await send(networkOf(t, settings), `https://localhost:${port}`)
    assert.ok(isAnswer(answer) && answer.status === 200)
  }
})

test('verifyCertificate: false takes any certificate', async (t) => {
  const port = await tlsPort(t, answered)
  const network = networkOf(t, { verifyCertificate: false })
  assert.ok(isAnswer(await send(network, `https://127.0.0.1:${port}`)))
})

test('certificates that are not there are said at once', (t) => {
  const { directory } = certificateFiles(t)
  const wrong = [
    { caCertFile: join(directory, 'nothing.pem') },
    { caCertFile: join(directory, 'README') },
    { caCertPath: join(directory, 'nowhere') },
  ]
  for (const settings of wrong) {
    assert.throws(() => networkOptionsOf({ ...PLAIN, ...settings }, {}), /ENOENT|no certificate/)
  }
})

test('TLS goes through a proxy, which is told who asks, and its connection is kept', async (t) => {
  const port = await tlsPort(t, answered)
  const proxy = await testProxy(t, port)
  const { caCertFile } = certificateFiles(t)
  const network = networkOf(t, {
    caCertFile,
    proxyHost: '127.0.0.1',
    proxyPort: proxy.port,
    proxyUserName: 'me',
    proxyPassword: 'p@ss:wörd',
  })

  for (let i = 0; i < 3; i++) {
    const answer = await send(network, 'https://kinesis.test:4433')
    assert.ok(isAnswer(answer) && String(answer.body) === 'answered', JSON.stringify(answer))
  }

  const authorization = `Basic ${Buffer.from('me:p@ss:wörd').toString('base64')}`
  assert.deepEqual(proxy.asked, [{ target: 'kinesis.test:4433', authorization }])
})

test('a password in the environment may have a percent sign that is no code', async (t) => {
  const proxy = await testProxy(t, await tlsPort(t, answered))
  const HTTPS_PROXY = `http://me:p%ss%40%C3%B6@127.0.0.1:${proxy.port}`
  const { caCertFile } = certificateFiles(t)
  const network = networkOf(t, { caCertFile }, { HTTPS_PROXY })

  const ending = await send(network, 'https://kinesis.test')

  assert.partialDeepStrictEqual(ending, { status: 200 })
  const authorization = `Basic ${Buffer.from('me:p%ss@ö').toString('base64')}`
  assert.equal(proxy.asked[0]!.authorization, authorization)
})

test('through a proxy the certificate is held against the name of the service', async (t) => {
  const proxy = await testProxy(t, await tlsPort(t, answered))
  const { caCertFile } = certificateFiles(t)
  const network = networkOf(t, { caCertFile, proxyHost: '127.0.0.1', proxyPort: proxy.port })
  const ending = await send(network, 'https://other.test')
  assert.partialDeepStrictEqual(ending, { noAnswer: 'connect-failed', mayBeWritten: false })
  assert.match((ending as { message: string }).message, /other\.test/)
})

for (const status of [403, 407, 502]) {
  test(`a proxy that answers ${status} is no answer of the service`, async (t) => {
    const proxy = await testProxy(t, 1, status)
    const network = networkOf(t, { proxyHost: '127.0.0.1', proxyPort: proxy.port })
    const ending = await send(network, 'https://kinesis.test')
    assert.partialDeepStrictEqual(ending, { noAnswer: 'connect-failed', mayBeWritten: false })
    assert.match((ending as { message: string }).message, new RegExp(`answered ${status}`))
  })
}

test('a proxy that says nothing is given up after connectTimeout, connection and all', async (t) => {
  const proxy = await testProxy(t, 1, 0)
  const settings = { proxyHost: '127.0.0.1', proxyPort: proxy.port, connectTimeout: 50 }
  const network = networkOf(t, settings)
  const ending = await send(network, 'https://kinesis.test')
  assert.partialDeepStrictEqual(ending, { noAnswer: 'connect-failed', mayBeWritten: false })
  assert.match((ending as { message: string }).message, /within 50 ms/)
  while (proxy.clients.size > 0) await new Promise(setImmediate)
})

test('a proxy that is not there, and a network that closes meanwhile', async (t) => {
  const gone = networkOf(t, { proxyHost: '127.0.0.1', proxyPort: 1 })
  const ending = await send(gone, 'https://kinesis.test')
  assert.partialDeepStrictEqual(ending, { noAnswer: 'connect-failed', mayBeWritten: false })

  const proxy = await testProxy(t, 1, 0)
  const network = networkOf(t, { proxyHost: '127.0.0.1', proxyPort: proxy.port })
  const exchange = send(network, 'https://kinesis.test')
  while (proxy.asked.length === 0) await new Promise(setImmediate)
  network.close()
  assert.partialDeepStrictEqual(await exchange, { noAnswer: 'connect-failed', mayBeWritten: false })
  while (proxy.clients.size > 0) await new Promise(setImmediate)
})

test('the deadline of a request counts while its proxy is asked', async (t) => {
  const proxy = await testProxy(t, 1, 0)
  const settings = { proxyHost: '127.0.0.1', proxyPort: proxy.port, connectTimeout: 200 }
  const ending = await send(networkOf(t, settings), 'https://kinesis.test', 40)
  assert.partialDeepStrictEqual(ending, { noAnswer: 'timed-out', mayBeWritten: false })
})

const SECURE = 'https://kinesis.eu-central-1.amazonaws.com'
const CHOICES: [env: Record<string, string>, origin: string, proxy: string | null][] = [
  [{}, SECURE, null],
  [{ HTTPS_PROXY: 'http://p:3128' }, SECURE, 'http://p:3128/'],
  [{ HTTPS_PROXY: 'p:3128' }, SECURE, 'http://p:3128/'],
  [{ https_proxy: 'http://low:1', HTTPS_PROXY: 'http://up:1' }, SECURE, 'http://low:1/'],
  [{ HTTP_PROXY: 'http://p:3128' }, SECURE, null],
  [{ HTTP_PROXY: 'http://p:3128' }, 'http://stand-in:4567', 'http://p:3128/'],
  [{ HTTPS_PROXY: 'http://p:1', NO_PROXY: '*' }, SECURE, null],
  [{ HTTPS_PROXY: 'http://p:1', NO_PROXY: 'a.b, amazonaws.com' }, SECURE, null],
  [{ HTTPS_PROXY: 'http://p:1', NO_PROXY: '.amazonaws.com' }, SECURE, null],
  [{ HTTPS_PROXY: 'http://p:1', no_proxy: '*.AMAZONAWS.com:443' }, SECURE, null],
  [{ HTTPS_PROXY: 'http://p:1', NO_PROXY: 'amazonaws.com:444' }, SECURE, 'http://p:1/'],
  [{ HTTPS_PROXY: 'http://p:1', NO_PROXY: 'naws.com' }, SECURE, 'http://p:1/'],
  [{ HTTP_PROXY: 'http://p:1', HTTPS_PROXY: 'http://p:1' }, 'http://127.0.0.1:4567', null],
  [{ HTTPS_PROXY: 'http://p:1' }, 'https://localhost:4567', null],
  [{ HTTPS_PROXY: 'http://p:1' }, 'https://[::1]:4567', null],
]

test('the environment names proxies and exceptions in the way of curl', () => {
  for (const [env, origin, proxy] of CHOICES) {
    const { proxyOf } = networkOptionsOf(PLAIN, env)
    assert.equal(proxyOf!(new URL(origin))?.href ?? null, proxy, JSON.stringify([env, origin]))
  }
})

test('a proxy that is set comes before the environment', () => {
  const { proxyOf } = networkOptionsOf(
    { ...PLAIN, proxyHost: 'own', proxyPort: 8080 },
    { HTTPS_PROXY: 'http://p:1', NO_PROXY: '*' },
  )
  assert.equal(proxyOf!(new URL(SECURE))!.href, 'http://own:8080/')
})

test('a proxy of another kind is said at once', () => {
  assert.throws(() => networkOptionsOf(PLAIN, { HTTPS_PROXY: 'socks5://p:1' }), /HTTPS_PROXY/)
  assert.throws(() => networkOptionsOf(PLAIN, { HTTP_PROXY: 'http://' }), /HTTP_PROXY/)
})
