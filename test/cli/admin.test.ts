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
