// The faults over HTTP and through the library, on a real socket.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { KinesisClient, ListStreamsCommand } from '@aws-sdk/client-kinesis'
import { ConfigError } from '../../../src/config/index.ts'
import { FAULTS_BODY_MAX_BYTES } from '../../../src/kinesis/faults/fault-door.ts'
import { type KinesisServerOptions, startKinesis } from '../../../src/library/kinesis.ts'

async function start(context: TestContext, options: KinesisServerOptions = {}) {
  const kinesis = await startKinesis(options)
  context.after(() => kinesis.close())
  const call = async (method: string, body?: string) => {
    const response = await fetch(`${kinesis.endpoint}/headgate/faults`, {
      method,
      body: body ?? null,
    })
    const shown = (await response.json()) as { faults: unknown; problems: string[] }
    return { status: response.status, body: shown }
  }
  return { kinesis, call }
}

test('GET shows the faults and how often they struck, PUT sets them, DELETE ends them', async (context) => {
  const { kinesis, call } = await start(context)
  assert.deepEqual(await call('GET'), { status: 200, body: { faults: [], struck: [] } })

  const faults = [
    { kind: 'access-denied', action: 'ListStreams' },
    { kind: 'cut', stream: 'nobody' },
  ]
  const put = await call('PUT', JSON.stringify({ faults }))
  assert.deepEqual(put, { status: 200, body: { faults, struck: [0, 0] } })
  const client = new KinesisClient({
    endpoint: kinesis.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'any', secretAccessKey: 'any' },
  })
  context.after(() => client.destroy())
  const list = () => client.send(new ListStreamsCommand({}))
  await assert.rejects(list(), { name: 'AccessDeniedException' })
  assert.deepEqual((await call('GET')).body, { faults, struck: [1, 0] })
  assert.deepEqual(kinesis.struckCounts(), [1, 0])

  assert.deepEqual(await call('DELETE'), { status: 200, body: { faults: [], struck: [] } })
  assert.deepEqual((await list()).StreamNames, [])
})

test('what is wrong with a body is said, and the faults stay as they were', async (context) => {
  const faults = [{ kind: 'cut' as const }]
  const { call } = await start(context, { faults })
  const { status, body } = await call('PUT', '{"faults":[{"kind":"cut","odds":2},{"kind":"x"}]}')
  assert.equal(status, 400)
  assert.equal(body.problems.length, 2)
  assert.match(body.problems[0]!, /^body: faults\[0\]\.odds: 2: Too big/)
  assert.match(body.problems[1]!, /^body: faults\[1\]\.kind: "x": allowed are throttle, /)
  for (const [text, problem] of [
    ['', /^body: no JSON/],
    ['{', /^body: no JSON/],
    ['null', /^body: faults: missing/],
    ['[]', /^body: faults: missing/],
    ['{}', /^body: faults: missing/],
    ['{"faults":5}', /^body: faults: 5 is not allowed/],
    ['{"faults":"x"}', /^body: faults: "x" is not allowed/],
    ['{"faults":[],"fault":[]}', /^body: fault: unknown setting; did you mean faults/],
  ] as const) {
    const answer = await call('PUT', text)
    assert.equal(answer.status, 400, text)
    assert.match(answer.body.problems[0]!, problem)
  }
  assert.deepEqual((await call('GET')).body.faults, faults)
})

test('other methods are refused, and a body beyond the bound', async (context) => {
  const { call } = await start(context)
  assert.equal((await call('POST', '{}')).status, 405)
  const padded = (bytes: number) => '{"faults":[]}'.padEnd(bytes)
  assert.equal((await call('PUT', padded(FAULTS_BODY_MAX_BYTES))).status, 200)
  assert.equal((await call('PUT', padded(FAULTS_BODY_MAX_BYTES + 1))).status, 413)
})

test('a program sets faults while it runs; with a seed they strike the same again', async (context) => {
  const strikes = async (faultSeed: number) => {
    const { kinesis } = await start(context, { faultSeed })
    kinesis.setFaults([{ kind: 'server-error', odds: 0.5 }])
    const statuses: number[] = []
    for (let i = 0; i < 40; i++) {
      const headers = {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': 'Kinesis_20131202.ListStreams',
      }
      const response = await fetch(kinesis.endpoint, { method: 'POST', headers, body: '{}' })
      await response.arrayBuffer()
      statuses.push(response.status)
    }
    assert.equal(kinesis.struckCounts()[0], statuses.filter((status) => status === 500).length)
    return statuses.join()
  }
  const first = await strikes(7)
  assert.equal(await strikes(7), first)
  assert.notEqual(await strikes(8), first)
  assert.notEqual(await strikes(0), await strikes(0))
})

test('a program learns of every fault that is wrong', async (context) => {
  const { kinesis } = await start(context)
  assert.throws(() => kinesis.setFaults([{ kind: 'cut', odds: 2 }]), ConfigError)
  await assert.rejects(startKinesis({ faults: [{ kind: 'cut', odds: 2 }] }), ConfigError)
})
