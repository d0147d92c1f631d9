// TLS and proxies over real sockets on loopback.

import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Duplex } from 'node:stream'
import { type TestContext, test } from 'node:test'
import { isAnswer } from '../../src/host/index.ts'
import {
  type NodeNetwork,
  networkOptionsOf,
  type TransportSettings,
} from '../../src/host/node/index.ts'
import { Tunnels } from '../../src/host/node/tunnel.ts'
import { clock, networkOf as networkWith } from './network-of.ts'
import { portOf, TLS, testProxy, tlsPort } from './tls-and-proxy.ts'

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
  return networkWith(t, networkOptionsOf({ ...PLAIN, ...settings }, env))
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
  const linked = mkdtempSync(join(tmpdir(), 'headgate-'))
  t.after(() => rmSync(linked, { recursive: true }))
  symlinkSync(caCertFile, join(linked, '5ed36f99.0'))
  mkdirSync(join(linked, 'a folder'))
  for (const settings of [{ caCertFile }, { caCertPath }, { caCertPath: linked }]) {
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
  mkdirSync(join(directory, 'empty'))
  const wrong = [
    { caCertPath: join(directory, 'empty') },
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
    proxyUserName: 'me%41',
    proxyPassword: 'p@ss:wörd%41',
  })

  for (let i = 0; i < 3; i++) {
    const answer = await send(network, 'https://kinesis.test:4433')
    assert.ok(isAnswer(answer) && String(answer.body) === 'answered', JSON.stringify(answer))
  }

  const authorization = `Basic ${Buffer.from('me%41:p@ss:wörd%41').toString('base64')}`
  assert.deepEqual(proxy.asked, [{ target: 'kinesis.test:4433', authorization }])
})

test('a password in the environment may have a percent sign that is no code, and no name', async (t) => {
  const { caCertFile } = certificateFiles(t)
  for (const [written, sent] of [
    ['me:p%ss%40%C3%B6', 'me:p%ss@ö'],
    [':secret', ':secret'],
  ]) {
    const proxy = await testProxy(t, await tlsPort(t, answered))
    const HTTPS_PROXY = `http://${written}@127.0.0.1:${proxy.port}`
    const network = networkOf(t, { caCertFile }, { HTTPS_PROXY })

    const ending = await send(network, 'https://kinesis.test')

    assert.partialDeepStrictEqual(ending, { status: 200 })
    const authorization = `Basic ${Buffer.from(sent!).toString('base64')}`
    assert.equal(proxy.asked[0]!.authorization, authorization)
  }
})

test('through a proxy the certificate is held against the name or address of the service', async (t) => {
  const proxy = await testProxy(t, await tlsPort(t, answered))
  const { caCertFile } = certificateFiles(t)
  const network = networkOf(t, { caCertFile, proxyHost: '127.0.0.1', proxyPort: proxy.port })
  for (const host of ['kinesis.test', '127.0.0.1']) {
    assert.partialDeepStrictEqual(await send(network, `https://${host}`), { status: 200 }, host)
  }
  for (const host of ['other.test', '10.0.0.1']) {
    const ending = await send(network, `https://${host}`)
    assert.partialDeepStrictEqual(ending, { noAnswer: 'connect-failed', mayBeWritten: false }, host)
    assert.ok((ending as { message: string }).message.includes(host))
  }
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

test('a proxy may say yes with any 2xx, and break off after it', async (t) => {
  const { caCertFile } = certificateFiles(t)
  const proxy = await testProxy(t, await tlsPort(t, answered), 202)
  const network = networkOf(t, { caCertFile, proxyHost: '127.0.0.1', proxyPort: proxy.port })
  assert.partialDeepStrictEqual(await send(network, 'https://kinesis.test'), { status: 200 })

  const breaking = createServer()
  breaking.on('connect', (_, client) => {
    client.write('HTTP/1.1 200 OK\r\n\r\n', () => client.destroy())
  })
  const port = await portOf(t, breaking)
  const broken = networkOf(t, { caCertFile, proxyHost: '127.0.0.1', proxyPort: port })
  const ending = await send(broken, 'https://kinesis.test')
  assert.partialDeepStrictEqual(ending, { noAnswer: 'connect-failed', mayBeWritten: false })
})

test('tunnels that are closed give up what does not stand yet, and nothing else', async (t) => {
  const proxy = await testProxy(t, await tlsPort(t, answered))
  const url = new URL(`http://127.0.0.1:${proxy.port}`)
  const tunnels = new Tunnels({ proxy: url, clock, connectTimeoutMs: 5000 })
  const target = { isTls: true, host: 'kinesis.test', port: 443, ca: TLS.ca }
  let toldCount = 0
  const open = () =>
    new Promise<Duplex | string>((resolve) => {
      const options = { ...target, servername: target.host }
      tunnels.open(options, (error, socket) => {
        toldCount++
        resolve(socket ?? error!.message)
      })
    })
  const socket = await open()
  assert.ok(socket instanceof Duplex)
  const opening = open()

  tunnels.close()

  assert.equal(await opening, 'the network was closed')
  assert.equal(socket.destroyed, false)
  // Whoever has it is told of its end, and not whoever waited for it.
  const broken = new Promise((resolve) => socket.on('error', resolve))
  socket.destroy(new Error('broken'))
  await broken
  assert.equal(toldCount, 2)
})

test('a TLS handshake that does not end is given up with its tunnel', async (t) => {
  const silent = createServer()
  const ended = new Promise<void>((resolve) => {
    silent.on('connect', (_, client) => {
      for (const way of ['end', 'close', 'error']) client.on(way, () => resolve())
      client.resume().write('HTTP/1.1 200 OK\r\n\r\n')
    })
  })
  const proxyPort = await portOf(t, silent)
  const network = networkOf(t, { proxyHost: '127.0.0.1', proxyPort, connectTimeout: 50 })
  const ending = await send(network, 'https://kinesis.test')
  assert.partialDeepStrictEqual(ending, { noAnswer: 'connect-failed', mayBeWritten: false })
  await ended
})

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
  const unreached = await send(gone, 'https://kinesis.test')
  assert.partialDeepStrictEqual(unreached, { noAnswer: 'connect-failed', mayBeWritten: false })

  const proxy = await testProxy(t, 1, 0)
  const network = networkOf(t, { proxyHost: '127.0.0.1', proxyPort: proxy.port })
  const exchange = send(network, 'https://kinesis.test')
  while (proxy.asked.length === 0) await new Promise(setImmediate)
  network.close()
  const ending = await exchange
  assert.partialDeepStrictEqual(ending, { noAnswer: 'connect-failed', mayBeWritten: false })
  assert.equal((ending as { message: string }).message, 'the network was closed')
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
  [{ HTTPS_PROXY: 'http://p:1', NO_PROXY: ' , ' }, `${SECURE}.`, 'http://p:1/'],
  [{ HTTP_PROXY: 'http://p:1', NO_PROXY: 'stand-in:80' }, 'http://stand-in', null],
  [{ HTTP_PROXY: 'http://p:1', NO_PROXY: 'stand-in:443' }, 'http://stand-in', 'http://p:1/'],
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
