// Where the system cannot share a port out, one process opens it and hands it to the others.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readSettings } from '../../src/cli/settings.ts'
import { superviseOn } from '../../src/cli/supervise.ts'
import { nodeHost } from '../../src/host/node/index.ts'
import { RecordingLog } from '../recording-log.ts'
import { temporaryDirectory } from './program.ts'

test('a port that is handed over is answered on by each process', async (context) => {
  const data = temporaryDirectory(context)
  const world = await nodeHost({ dataDirectory: data })
  context.after(() => world.close())
  const settings = readSettings(
    null,
    {},
    {
      data,
      port: 0,
      workers: 2,
      logLevel: 'silent',
      admin: { port: 0 },
      producer: { endpoint: 'http://127.0.0.1:9' },
      shutdownTimeoutMs: 100,
    },
  )
  const plan = { settings, embedded: null, processCount: 2, isPortHanded: true }

  const served = await superviseOn(world, plan, new RecordingLog())
  const spools = new Set<string>()
  while (spools.size < 2) {
    const answer = await fetch(`${served.facts.gateway}/mappedIngest/s2`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', connection: 'close' },
      body: '{"foo":{"foopart1":1}}',
    })
    assert.equal(answer.status, 200, await answer.text())
    spools.add(answer.headers.get('headgate-receipt')!.split('-')[2]!)
  }
  const { records, areKept } = await served.stop()

  assert.ok(records >= 2)
  assert.equal(areKept, true)
})
