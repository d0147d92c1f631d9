// A running gateway whose records die, and what a person does about it.

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { CreateStreamCommand, KinesisClient } from '@aws-sdk/client-kinesis'
import { type Running, run, serving, temporaryDirectory } from './program.ts'

async function post(served: Running, key: string): Promise<string> {
  const answer = await fetch(`${served.facts['gateway']}/writeToStream`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ streamName: 'later', key, data: `data of ${key}` }),
  })
  assert.equal(answer.status, 200, await answer.clone().text())
  return answer.headers.get('headgate-receipt')!
}

/** Asks until the answer is as wanted; the test's time limit is the bound. */
async function eventually(ask: () => Promise<unknown>, wanted: unknown): Promise<void> {
  for (;;) {
    if ((await ask()) === wanted) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

async function stateOf({ facts }: Running, receipt: string): Promise<unknown> {
  const answer = await fetch(`${facts['gateway']}/receipts/${receipt}`)
  return ((await answer.json()) as { state?: string }).state
}

async function createStream({ facts }: Running): Promise<void> {
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b' }
  const sdk = new KinesisClient({ endpoint: facts['kinesis']!, region: 'us-east-1', credentials })
  await sdk.send(new CreateStreamCommand({ StreamName: 'later', ShardCount: 1 }))
  sdk.destroy()
}

async function ledgerOf({ facts }: Running): Promise<number[]> {
  const answer = await fetch(`${facts['gateway']}/actuator/kinesis`)
  const ledger = (await answer.json()) as Record<string, number>
  const names = ['attempts', 'successes', 'failures', 'outstanding', 'imbalance']
  return names.map((name) => ledger[name]!)
}

test('a record for a missing stream is a dead letter, is sent again when the stream is there', async (context) => {
  const cwd = temporaryDirectory(context)
  const served = await serving(cwd)
  context.after(() => served.stop('SIGKILL'))
  const command = (...args: string[]) =>
    run(['dead-letters', ...args, '--admin', served.facts['admin']!], { cwd })
  const receipt = await post(served, 'k1')
  await eventually(() => stateOf(served, receipt), 'dead-lettered')

  const listed = await command('list', '--json')
  await createStream(served)
  const replayed = await command('replay', '--receipt', receipt, '--json')
  await eventually(() => stateOf(served, receipt), 'delivered')

  const [line] = listed.out.trim().split('\n')
  assert.equal(JSON.parse(line!).receipt, receipt)
  assert.deepEqual(JSON.parse(replayed.out), { replayed: 1, left: 0, refusal: null })
  assert.deepEqual(await ledgerOf(served), [2, 1, 1, 0, 0])
  const endpoint = served.facts['kinesis']!
  const tail = await run(['tail', 'later', '--count', '1', '--endpoint', endpoint])
  assert.equal(JSON.parse(tail.out).data, 'data of k1')
})

test('while no gateway runs the same works on its directory', async (context) => {
  const cwd = temporaryDirectory(context)
  const served = await serving(cwd)
  context.after(() => served.stop('SIGKILL'))
  const receipt = await post(served, 'k1')
  await eventually(() => stateOf(served, receipt), 'dead-lettered')
  await createStream(served)
  await served.stop('SIGTERM')

  const replayed = await run(['dead-letters', 'replay', '--json'], { cwd })
  const listed = await run(['dead-letters', 'list'], { cwd })
  const again = await serving(cwd)
  context.after(() => again.stop('SIGKILL'))
  await eventually(() => stateOf(again, receipt), 'delivered')

  assert.deepEqual(JSON.parse(replayed.out), { replayed: 1, left: 0, refusal: null })
  assert.equal(listed.out, 'There are none.\n')
  assert.deepEqual(await ledgerOf(again), [2, 1, 1, 0, 0])
})

test('without --admin a running gateway is found at the port after its own', async (context) => {
  const cwd = temporaryDirectory(context)
  const served = await serving(cwd)
  context.after(() => served.stop('SIGKILL'))
  const { port } = new URL(served.facts['admin']!)

  writeFileSync(`${cwd}/headgate.yaml`, 'admin: { port: 1 }\n')
  const unknown = await run(['dead-letters', 'list'], { cwd })
  writeFileSync(`${cwd}/headgate.yaml`, `admin: { port: ${port} }\n`)
  const found = await run(['dead-letters', 'list'], { cwd })

  assert.equal(unknown.exitCode, 1)
  assert.match(unknown.err, /No answer from http:\/\/127.0.0.1:1 /)
  assert.deepEqual([found.exitCode, found.out], [0, 'There are none.\n'])
})
