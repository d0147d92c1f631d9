// Several real processes that are one gateway.

import assert from 'node:assert/strict'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { childrenOf } from '../../tools/children-of.ts'
import { isAlive, until } from '../processes.ts'
import { type Running, run, running, serving, temporaryDirectory } from './program.ts'

interface Answered {
  readonly status: number
  readonly receipt: string | undefined
  readonly body: string
}

/** On a connection of its own, so that any of the processes may get it. */
function ask(
  url: string,
  body: string | null = null,
  headers: Record<string, string> = {},
): Promise<Answered> {
  const all = { 'content-type': 'application/json', connection: 'close', ...headers }
  const method = body === null ? 'GET' : 'POST'
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent: false, method, headers: all }, async (answer) => {
      let text = ''
      for await (const chunk of answer) text += chunk
      const receipt = answer.headers['headgate-receipt'] as string | undefined
      resolve({ status: answer.statusCode!, receipt, body: text })
    })
    sent.on('error', reject)
    sent.end(body ?? undefined)
  })
}

const post = (served: Running, key: number, headers = {}) =>
  ask(
    `${served.facts['gateway']}/mappedIngest/s2`,
    JSON.stringify({ foo: { foopart1: key } }),
    headers,
  )

async function ledgerOf(served: Running): Promise<Record<string, number>> {
  const { body } = await ask(`${served.facts['gateway']}/actuator/kinesis`)
  return JSON.parse(body) as Record<string, number>
}

async function stateOf(served: Running, receipt: string): Promise<string> {
  const { body } = await ask(`${served.facts['gateway']}/receipts/${receipt}`)
  return (JSON.parse(body) as { state: string }).state
}

/** The spool in which a receipt's record was kept: each process has one of its own. */
const spoolOf = (receipt: string | undefined) => receipt!.split('-')[2]!

/** Posts until each of two processes has kept something, and answers all receipts. */
async function postToBoth(served: Running): Promise<string[]> {
  const receipts: string[] = []
  while (new Set(receipts.map(spoolOf)).size < 2) {
    const { status, receipt, body } = await post(served, receipts.length)
    assert.equal(status, 200, body)
    receipts.push(receipt!)
  }
  return receipts
}

function stopAfter(context: TestContext, served: Running): void {
  context.after(() => served.stop('SIGKILL'))
}

test('two processes are one gateway: port, ledger, receipts, keys', async (context) => {
  const served = await serving(temporaryDirectory(context), ['--workers', '2'])
  stopAfter(context, served)
  const receipts = await postToBoth(served)

  await until(async () => (await ledgerOf(served))['successes'] === receipts.length)
  const ledger = await ledgerOf(served)
  assert.deepEqual(
    [ledger['attempts'], ledger['outstanding'], ledger['imbalance'], ledger['processes']],
    [receipts.length, 0, 0, 2],
  )
  for (const receipt of receipts) {
    for (let times = 0; times < 3; times++) {
      assert.equal(await stateOf(served, receipt), 'delivered')
    }
  }
  const { body: metrics } = await ask(`${served.facts['gateway']}/metrics`)
  assert.match(metrics, new RegExp(`^headgate_ledger_successes_total ${receipts.length}$`, 'm'))
  assert.match(metrics, /^headgate_processes 2$/m)

  const repeated = []
  for (let times = 0; times < 8; times++) {
    repeated.push(await post(served, 7, { 'idempotency-key': 'the-same' }))
  }
  assert.deepEqual(new Set(repeated.map(({ status }) => status)), new Set([200]))
  assert.equal(new Set(repeated.map(({ receipt }) => receipt!)).size, 1)
  assert.equal((await post(served, 8, { 'idempotency-key': 'the-same' })).status, 422)

  const { exitCode } = await served.stop('SIGTERM')
  assert.equal(exitCode, 0)
})

test('two processes know the ids of the records that the other has kept', async (context) => {
  const cwd = temporaryDirectory(context)
  const mapping = 'resource: s2, stream: s2, location: body, specification: /foo/foopart1'
  const recordId = 'recordId: { location: header, specification: X-Event-Id }'
  writeFileSync(`${cwd}/headgate.yaml`, `mappings:\n  - { ${mapping}, ${recordId} }\n`)
  const served = await serving(cwd, ['--workers', '2'])
  stopAfter(context, served)
  const named = (id: string) => ({ 'x-event-id': Buffer.from(id).toString('latin1') })
  const spools = new Set<string>()
  for (let id = 0; spools.size < 2; id++) {
    const { receipt } = await post(served, id, named(`ключ ${id}`))
    spools.add(spoolOf(receipt))
    const again = []
    for (let times = 0; times < 4; times++) again.push(await post(served, id, named(`ключ ${id}`)))
    assert.deepEqual(new Set(again.map((answer) => answer.receipt)), new Set([receipt]))
    assert.equal((await post(served, id + 1, named(`ключ ${id}`))).status, 422)
  }
  assert.equal((await post(served, 1)).status, 422)
  assert.equal((await served.stop('SIGTERM')).exitCode, 0)
})

test('a process that is killed is replaced and takes its spool over', async (context) => {
  const served = await serving(temporaryDirectory(context), ['--workers', '2'])
  stopAfter(context, served)
  const receipts = await postToBoth(served)
  const [victim] = childrenOf(served.pid)

  process.kill(victim!, 'SIGKILL')
  // The kernel may still hand a connection to the one that has just died.
  await until(async () =>
    post(served, 1).then(
      () => true,
      () => false,
    ),
  )
  await until(async () => {
    const children = childrenOf(served.pid)
    return children.length === 2 && !children.includes(victim!)
  })

  for (const receipt of receipts) {
    await until(async () => (await stateOf(served, receipt)) === 'delivered')
  }
  const { attempts, successes, outstanding, imbalance } = await ledgerOf(served)
  assert.equal(attempts! - outstanding!, successes)
  assert.equal(imbalance, 0)
  const { err } = await served.stop('SIGTERM')
  assert.match(err, /a worker ended and is replaced/)
})

test('a process that is stopped is ended and replaced, and its spool is taken over', async (context) => {
  const env = { HEADGATE_WORKER_TIMEOUT_MS: '5000' }
  const served = await serving(temporaryDirectory(context), ['--workers', '2'], env)
  stopAfter(context, served)
  const receipts = await postToBoth(served)
  const [victim, other] = childrenOf(served.pid)

  process.kill(victim!, 'SIGSTOP')
  await until(async () => {
    const children = childrenOf(served.pid)
    return children.length === 2 && !children.includes(victim!)
  })

  assert.ok(childrenOf(served.pid).includes(other!))
  for (const receipt of receipts) {
    await until(async () => (await stateOf(served, receipt)) === 'delivered')
  }
  const { body } = await ask(`${served.facts['gateway']}/metrics`)
  assert.match(body, /^headgate_workers_hung_total 1$/m)
  assert.match(body, /^headgate_workers_replaced_total 1$/m)
  const { err } = await served.stop('SIGTERM')
  assert.match(err, /a worker does not answer and is ended/)
})

test('a process that cannot start again is missing in the metrics, and ends as one that failed', async (context) => {
  const cwd = temporaryDirectory(context)
  const served = await serving(cwd, ['--workers', '2'])
  stopAfter(context, served)
  const metrics = async () => (await ask(`${served.facts['gateway']}/metrics`)).body
  assert.match(await metrics(), /^headgate_workers_ready 2$/m)
  const folder = join(cwd, '.headgate', '1')
  renameSync(folder, `${folder}-away`)
  writeFileSync(folder, '')

  const children = childrenOf(served.pid)
  for (const child of children) process.kill(child, 'SIGKILL')
  await until(async () => {
    const now = await metrics().catch(() => '')
    const replaced = /^headgate_workers_replaced_total (\d+)$/m.exec(now)?.[1]
    return /^headgate_workers_ready 1$/m.test(now) && Number(replaced) > 2
  })
  assert.match(await metrics(), /^headgate_workers_wanted 2$/m)
  rmSync(folder)
  renameSync(`${folder}-away`, folder)
  await until(async () => /^headgate_workers_ready 2$/m.test(await metrics()))

  const { err } = await served.stop('SIGTERM')
  assert.match(err, /"reason":"The data directory .*a worker cannot start/)
  assert.match(err, /"how":"exit code 1"/)
  assert.doesNotMatch(err, /"how":"exit code 0"/)
})

test('with fewer processes what the others had kept is delivered all the same', async (context) => {
  const cwd = temporaryDirectory(context)
  const away = ['--endpoint', 'http://127.0.0.1:9']
  const keys = { AWS_ACCESS_KEY_ID: 'any', AWS_SECRET_ACCESS_KEY: 'any' }
  const first = await serving(cwd, ['--workers', '2', ...away], {
    ...keys,
    SHUTDOWN_TIMEOUT_MS: '100',
  })
  stopAfter(context, first)
  const receipts = await postToBoth(first)
  assert.equal((await first.stop('SIGTERM')).exitCode, 0)

  const second = await serving(cwd)
  stopAfter(context, second)
  for (const receipt of receipts) {
    await until(async () => (await stateOf(second, receipt)) === 'delivered')
  }
  const { successes, attempts, processes } = await ledgerOf(second)
  assert.deepEqual([successes, attempts, processes], [receipts.length, receipts.length, 2])
  assert.equal(second.facts['workers'], 1)
})

test('a signal while it starts ends it with 0, and it says so', async (context) => {
  const cwd = temporaryDirectory(context)
  // The first worker waits for the folder that another gateway has.
  const other = await serving(cwd, ['--data', join('.headgate', '0')])
  stopAfter(context, other)
  const ports = ['--port', '0', '--kinesis-port', '0']
  const ended = await run(['serve', '--workers', '2', ...ports], {
    cwd,
    onStart: (pid) => {
      void until(async () => childrenOf(pid).length > 0).then(() => process.kill(pid, 'SIGTERM'))
    },
  })
  assert.deepEqual([ended.exitCode, ended.out], [0, ''])
  assert.match(ended.err, /"signal":"SIGTERM".*stopped while it started/)
})

test('all processes end with the one that launched them', async (context) => {
  const served = await serving(temporaryDirectory(context), ['--workers', '2'])
  const children = childrenOf(served.pid)
  assert.equal(children.length, 2)

  await served.stop('SIGKILL')

  await until(() => !children.some(isAlive))
})

test('a taken port and a number that is none are said in one line', async (context) => {
  const cwd = temporaryDirectory(context)
  const served = await running(['serve', '--port', '0', '--kinesis-port', '0'], cwd)
  stopAfter(context, served)
  const { port } = new URL(served.facts['gateway']!)
  const args = ['serve', '--port', port, '--kinesis-port', '0', '--data', 'other']

  const taken = await run([...args, '--workers', '2'], { cwd })
  assert.equal(taken.exitCode, 1)
  assert.match(taken.err, /headgate: The gateway cannot listen on 127\.0\.0\.1:\d+: .*--port/)

  for (const workers of ['0', '65', 'two']) {
    const wrong = await run([...args, '--workers', workers], { cwd })
    assert.equal(wrong.exitCode, 2, workers)
    assert.match(wrong.err, /workers/)
  }
})
