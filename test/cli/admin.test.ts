import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openAdmin } from '../../src/cli/admin.ts'
import { adminPortOf, readSettings, type SettingsOverrides } from '../../src/cli/settings.ts'
import type { HttpService } from '../../src/host/index.ts'

const HELLO: HttpService = { begin: () => ({ status: 200, headers: [], body: 'hello' }) }

function settingsWith(overrides: object) {
  return readSettings(null, {}, overrides as SettingsOverrides)
}

test('the admin port is the next one, any, the one that is said, or none', () => {
  const portOf = (port: number, admin?: object) =>
    adminPortOf(settingsWith({ port, ...(admin ? { admin } : {}) }))
  assert.equal(portOf(8080), 8081)
  assert.equal(portOf(65_534), 65_535)
  assert.equal(portOf(65_535), 0)
  assert.equal(portOf(0), 0)
  assert.equal(portOf(8080, { port: 0 }), 0)
  assert.equal(portOf(8080, { port: 9000 }), 9000)
  assert.equal(portOf(8080, { port: 'off' }), null)
})

test('it listens on its own address, and not at all when it is off', async (context) => {
  const admin = await openAdmin(HELLO, settingsWith({ port: 0 }))
  context.after(() => admin?.close())
  assert.equal(await (await fetch(admin!.url)).text(), 'hello')
  assert.equal(await openAdmin(HELLO, settingsWith({ admin: { port: 'off' } })), null)
})

test('a port that is taken is said, with the setting to change', async (context) => {
  const admin = await openAdmin(HELLO, settingsWith({ port: 0 }))
  context.after(() => admin?.close())
  const { port } = new URL(admin!.url)
  const second = openAdmin(HELLO, settingsWith({ admin: { port: Number(port) } }))
  await assert.rejects(
    second,
    /admin address cannot be 127\.0\.0\.1:\d+.*EADDRINUSE.*another port \(admin\.port\)/,
  )
})

test('an address that others reach needs a token', () => {
  const outside = (admin: object, more: object = {}) => settingsWith({ admin, ...more })
  for (const host of ['0.0.0.0', '::', '10.1.2.3', '127.example', 'gateway.example']) {
    assert.throws(() => outside({ host }), /admin\.host is .* set admin\.token/, host)
    assert.equal(outside({ host, token: '0123456789abcdef' }).admin.host, host)
  }
  for (const host of ['127.0.0.1', '127.1.2.3', 'localhost', '::1']) outside({ host })
  outside({ host: '0.0.0.0', port: 'off' })
  outside({ host: '0.0.0.0' }, { spool: { enabled: false } })
})

test('a token has 16 to 256 characters', () => {
  const withToken = (length: number) => settingsWith({ admin: { token: 'x'.repeat(length) } })
  for (const length of [0, 16, 17, 255, 256]) withToken(length)
  for (const length of [1, 15, 257]) assert.throws(() => withToken(length), /admin\.token/)
  assert.throws(() => settingsWith({ admin: { token: 'sixteen letters, but' } }), /admin\.token/)
  const fromEnv = readSettings(null, { HEADGATE_ADMIN_TOKEN: 'x'.repeat(16) }, {})
  assert.equal(fromEnv.admin.token, 'x'.repeat(16))
})
