// A service that does not read CBOR: nothing is lost, nothing is told twice, one line in the log.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HttpAnswer } from '../../src/host/index.ts'
import { FormatChoice } from '../../src/producer/format-choice.ts'
import { RecordingLog } from '../recording-log.ts'
import { line } from './line.ts'

const SAID = 'warn the service does not read CBOR; from here on requests are written in JSON'

function refusal(status: number, name: string): HttpAnswer {
  return { status, headers: ['x-amzn-errortype', name], body: '{}' }
}

const REFUSALS: [string, HttpAnswer][] = [
  ['415', { status: 415, headers: [], body: 'Unsupported Media Type' }],
  ['SerializationException', refusal(400, 'SerializationException')],
  ['UnknownOperationException', refusal(400, 'UnknownOperationException')],
  ['a 404 that names UnknownOperationException', refusal(404, 'UnknownOperationException')],
]

for (const [name, answer] of REFUSALS) {
  test(`a service that answers CBOR with ${name} gets JSON from then on`, async () => {
    const log = new RecordingLog()
    const running = line({ settings: { wireFormat: 'cbor', maxConnections: 4 }, log })
    running.service.cborAnswer = answer
    for (let i = 0; i < 30; i++) running.put(`k${i}`, 'v')
    await running.runFor(2000)
    const { cborCount } = running.service
    for (let i = 30; i < 60; i++) running.put(`k${i}`, 'v')
    await running.runFor(2000)

    assert.equal(running.results.length, 60)
    assert.ok(
      running.results.every(({ isDelivered, attempts }) => isDelivered && attempts.length === 1),
    )
    assert.equal(new Set(running.service.stored).size, 60)
    assert.equal(running.service.stored.length, 60)
    assert.ok(cborCount >= 1 && cborCount <= 4, `${cborCount} in CBOR`)
    assert.equal(running.service.cborCount, cborCount)
    assert.deepEqual(log.lines, [SAID])
  })
}

test('several requests that are refused at once each go again once', async () => {
  const log = new RecordingLog()
  const settings = { wireFormat: 'cbor', aggregationEnabled: false, collectionMaxCount: 1 } as const
  const running = line({ settings, log })
  running.service.listShardsError = 'AccessDeniedException'
  for (let i = 0; i < 10; i++) running.put(`k${i}`, 'v')

  await running.runFor(2000)

  assert.ok(running.service.cborCount > 1)
  assert.equal(running.results.filter(({ isDelivered }) => isDelivered).length, 10)
  assert.equal(running.service.stored.length, 10)
  assert.deepEqual(
    log.lines.filter((said) => said.includes('CBOR')),
    [SAID],
  )
})

test('a record that is refused in both formats is refused for what it is', async () => {
  const running = line({ settings: { wireFormat: 'cbor' } })
  running.service.cborAnswer = refusal(400, 'SerializationException')
  running.service.listShardsError = 'SerializationException'
  running.service.script = () => ({ requestError: 'SerializationException', status: 400 })
  running.put('k', 'v')

  await running.runFor(1000)

  const result = running.results[0]!
  assert.ok(!result.isDelivered && result.code === 'SerializationException')
})

test('a service that has read CBOR means the request when it refuses one', () => {
  const log = new RecordingLog()
  const choice = new FormatChoice('cbor', log)
  assert.equal(choice.isWorthJson('cbor', 400, 'ValidationException'), false)
  assert.equal(choice.isWorthJson('cbor', 499, 'SerializationException'), true)
  assert.equal(choice.isWorthJson('cbor', 500, 'SerializationException'), false, 'it is ill')
  assert.equal(choice.isWorthJson('json', 415, 'Http415'), false, 'it was in JSON')
  choice.triedJson(400, 'SerializationException')
  choice.triedJson(null, 'ConnectionLost')
  assert.equal(choice.isWorthJson('cbor', 200, null), false)
  assert.equal(choice.isWorthJson('cbor', 400, 'SerializationException'), false)
  assert.equal(choice.isWorthJson('cbor', 500, 'InternalFailure'), false)
  assert.equal(choice.format, 'cbor')
  assert.deepEqual(log.lines, [])

  assert.equal(choice.isWorthJson('cbor', 415, 'Http415'), true)
  choice.triedJson(200, null)
  choice.triedJson(200, null)
  assert.equal(choice.format, 'json')
  assert.deepEqual(log.lines, [SAID])
})
