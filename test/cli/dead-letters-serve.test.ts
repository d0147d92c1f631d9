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

test('a gateway with a token is asked by those who have it', async (context) => {
  const cwd = temporaryDirectory(context)
  const token = { HEADGATE_ADMIN_TOKEN: '0123456789abcdef' }
  const served = await serving(cwd, [], token)
  context.after(() => served.stop('SIGKILL'))

  const without = await run(['dead-letters', 'list'], { cwd })
  const having = await run(['dead-letters', 'list'], { cwd, env: token })

  assert.equal(without.exitCode, 1)
  assert.match(without.err, /says 401: .*admin\.token/)
  assert.deepEqual([having.exitCode, having.out], [0, 'There are none.\n'])
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

test('without --admin the gateway on the data directory is asked, whatever port is configured', async (context) => {
  const cwd = temporaryDirectory(context)
  const other = temporaryDirectory(context)
  const [served, second] = await Promise.all([serving(cwd), serving(other)])
  context.after(() => Promise.all([served.stop('SIGKILL'), second.stop('SIGKILL')]))
  const receipt = await post(served, 'k1')
  await eventually(() => stateOf(served, receipt), 'dead-lettered')
  const { port } = new URL(served.facts['admin']!)

  writeFileSync(`${cwd}/headgate.yaml`, `admin: { port: ${port} }\n`)
  const data = `${other}/.headgate`
  const purged = await run(['dead-letters', 'purge', '--all', '--yes', '--data', data], { cwd })
  const listed = await run(['dead-letters', 'list', '--json'], { cwd })

  assert.equal(purged.out, '0 removed, 0 left.\n')
  assert.equal(JSON.parse(listed.out).receipt, receipt)
})

test('the workers of a gateway are found as one, and where there is no admin address it is said', async (context) => {
  const cwd = temporaryDirectory(context)
  const other = temporaryDirectory(context)
  writeFileSync(`${cwd}/headgate.yaml`, 'workers: 2\n')
  writeFileSync(`${other}/headgate.yaml`, 'admin: { port: off }\n')
  const [served, mute] = await Promise.all([serving(cwd), serving(other)])
  context.after(() => Promise.all([served.stop('SIGKILL'), mute.stop('SIGKILL')]))

  const found = await run(['dead-letters', 'list'], { cwd })
  const unknown = await run(['dead-letters', 'list'], { cwd: other })

  assert.deepEqual([found.exitCode, found.out], [0, 'There are none.\n'])
  assert.equal(unknown.exitCode, 2)
  assert.match(unknown.err, /tells no admin address.*--admin/)
})
