import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readConfig } from '../../src/config/index.ts'
import { producerFields } from '../../src/producer/index.ts'
import { line } from './line.ts'

const HOUR_MS = 3_600_000

for (const recordTtl of ['none', Number.MAX_SAFE_INTEGER] as const) {
  test(`a record with a recordTtl of ${recordTtl} outlives a service that is away for an hour`, async () => {
    const running = line({ settings: { recordTtl } })
    running.service.script = () => ({ noAnswer: 'connect-failed', isStored: false })
    running.put('k', 'v')
    await running.runFor(HOUR_MS)
    assert.equal(running.results.length, 0)

    running.service.script = () => 'store'
    await running.runFor(10_000)

    assert.ok(running.results[0]!.isDelivered)
  })
}

test('a record that nobody keeps waits half a minute, unless told otherwise', async () => {
  const running = line({})
  running.service.script = () => ({ noAnswer: 'connect-failed', isStored: false })
  running.put('k', 'v')

  await running.runFor(29_900)
  assert.equal(running.results.length, 0)
  await running.runFor(200)

  assert.equal(running.results[0]!.isDelivered, false)
})

test('what expired while its request waited for a connection is not sent', async () => {
  const settings = { recordTtl: 200, maxConnections: 1, aggregationEnabled: false }
  const running = line({ settings: { ...settings, collectionMaxCount: 1 } })
  running.service.latencyMs = 150
  for (const key of ['a', 'b', 'c']) running.put(key, 'v')

  await running.runFor(2000)

  assert.equal(running.results.length, 3)
  const delivered = running.results.filter((result) => result.isDelivered)
  assert.equal(running.service.sent.length, delivered.length)
  const late = running.results.filter((result) => !result.isDelivered)
  assert.ok(late.length > 0 && late.every(({ mayBeWritten }) => !mayBeWritten))
})

test('the environment can say none, or any number that a long of Java holds', () => {
  const ttlOf = (text: string) =>
    readConfig(producerFields, { env: { RECORD_TTL: text } }).recordTtl
  assert.equal(ttlOf('none'), 'none')
  assert.equal(ttlOf('60000'), 60_000)
  assert.equal(ttlOf('9223372036854775807'), Number.MAX_SAFE_INTEGER)
  assert.throws(() => ttlOf('never'), /allowed is none \| 100\.\.9223372036854775807 ms/)
})
