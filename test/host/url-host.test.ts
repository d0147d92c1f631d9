import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { test } from 'node:test'
import { urlHost } from '../../src/host/index.ts'

test('an address is written as URLs want it, and all addresses as the loopback', () => {
  const written = [
    ['127.0.0.1', '127.0.0.1'],
    ['10.0.0.10', '10.0.0.10'],
    ['localhost', 'localhost'],
    ['gateway.example', 'gateway.example'],
    ['0.0.0.0', '127.0.0.1'],
    ['::', '[::1]'],
    ['0:0:0:0:0:0:0:0', '[::1]'],
    ['::1', '[::1]'],
    ['fe80::10', '[fe80::10]'],
    ['::ffff:10.0.0.1', '[::ffff:10.0.0.1]'],
  ] as const
  for (const [host, expected] of written) {
    assert.equal(urlHost(host), expected)
    assert.equal(new URL(`http://${urlHost(host)}:80`).protocol, 'http:')
  }
})

const addresses = Object.values(networkInterfaces()).flatMap((all) => all ?? [])
const hasIpv6 = addresses.some(({ address }) => address === '::1')

for (const host of ['0.0.0.0', '127.0.0.1', ...(hasIpv6 ? ['::', '::1'] : [])]) {
  test(`what listens on ${host} is reached there`, async (t) => {
    const server = createServer((_, response) => response.end('here'))
    t.after(() => server.close())
    server.listen(0, host)
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const answer = await fetch(`http://${urlHost(host)}:${port}`, {
      headers: { connection: 'close' },
    })
    assert.equal(await answer.text(), 'here')
  })
}
