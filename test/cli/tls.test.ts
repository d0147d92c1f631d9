import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { connect, type PeerCertificate } from 'node:tls'
import { TLS } from '../host/tls-and-proxy.ts'
import { run, running, serving, temporaryDirectory } from './program.ts'

/** The certificate that is shown at an address. */
function shownAt(url: string): Promise<PeerCertificate> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const options = { host: hostname, port: Number(port), rejectUnauthorized: false }
    const socket = connect(options, () => {
      resolve(socket.getPeerCertificate())
      socket.destroy()
    })
    socket.on('error', reject)
  })
}

test('the embedded Kinesis of the gateway has a port for TLS where one asks for it', async (t) => {
  const served = await serving(temporaryDirectory(t), ['--kinesis-tls-port', '0'])

  const url = served.facts['kinesisTls']!

  assert.match(url, /^https:/)
  assert.notEqual(new URL(url).port, new URL(served.facts['kinesis']!).port)
  assert.equal((await shownAt(url)).subject.CN, 'Headgate, self-signed')
  await served.stop('SIGTERM')
})

function files(t: TestContext) {
  const directory = temporaryDirectory(t)
  writeFileSync(join(directory, 'cert.pem'), TLS.certificate)
  writeFileSync(join(directory, 'key.pem'), TLS.key)
  writeFileSync(join(directory, 'other.pem'), TLS.ca)
  const configured = (certificate: string, key: string) => {
    const lines = [`  tlsCertificate: '${certificate}'`, `  tlsKey: '${key}'`]
    writeFileSync(join(directory, 'headgate.yaml'), ['kinesis:', ...lines, ''].join('\n'))
  }
  return { directory, configured }
}

test('it shows the certificate that it is given', async (t) => {
  const { directory, configured } = files(t)
  configured('cert.pem', 'key.pem')
  const kinesis = await running(['kinesis', '--port', '0', '--tls-port', '0'], directory)

  const { subjectaltname } = await shownAt(kinesis.facts['tlsEndpoint']!)

  assert.match(subjectaltname!, /kinesis\.test/)
  await kinesis.stop('SIGTERM')
})

for (const { certificate, key, says } of [
  { certificate: 'cert.pem', key: '', says: /one is missing: say both/ },
  { certificate: '', key: 'key.pem', says: /one is missing: say both/ },
  { certificate: 'none.pem', key: 'key.pem', says: /Cannot read none\.pem/ },
  { certificate: 'other.pem', key: 'key.pem', says: /do not belong together/ },
]) {
  const what = `certificate "${certificate}" with key "${key}"`
  test(`${what} is refused before anything is opened`, async (t) => {
    const { directory, configured } = files(t)
    configured(certificate, key)

    const ended = await run(['kinesis', '--port', '0', '--tls-port', '0'], { cwd: directory })

    assert.equal(ended.exitCode, 2)
    assert.match(ended.err, says)
  })
}

test('a port for TLS that is taken is said to be', async (t) => {
  const directory = temporaryDirectory(t)
  const kinesis = await running(['kinesis', '--port', '0'], directory)
  const { port } = new URL(kinesis.facts['endpoint']!)

  const args = ['kinesis', '--port', '0', '--tls-port', port, '--data', 'other']
  const ended = await run(args, { cwd: directory })

  assert.equal(ended.exitCode, 1)
  assert.match(ended.err, /--kinesis-tls-port; of "headgate kinesis", --tls-port/)
  await kinesis.stop('SIGTERM')
})
