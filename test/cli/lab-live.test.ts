import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { run, temporaryDirectory } from './program.ts'

interface Seen {
  readonly path: string
  readonly bytes: number
  readonly key: string | undefined
}

/** Somebody else's server: answers 200 to everything. */
async function serverOf(context: TestContext, onRequest: (seen: Seen, count: number) => void) {
  let count = 0
  const server = createServer((request, response) => {
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
    })
    request.on('end', () => {
      const key = request.headers['lab-key']
      onRequest({ path: request.url!, bytes, key: key as string | undefined }, ++count)
      response.end('fine')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.after(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function experimentIn(folder: string, name: string, lines: readonly string[]): string {
  const path = join(folder, `${name}.yaml`)
  writeFileSync(path, [`name: ${name}`, ...lines].join('\n'))
  return path
}

test('live, a real gateway and a real Kinesis: every record is accounted for', async (context) => {
  const folder = temporaryDirectory(context)
  const mine = experimentIn(folder, 'mine', [
    'load: { threads: 4, loops: 50 }',
    'payload: { key: random }',
    'world: { shards: 2 }',
    'producer: { recordMaxBufferedTime: 100 }',
  ])

  const { out, err, exitCode } = await run(
    ['lab', 'run', mine, '--live', '--out', folder, '--json'],
    { cwd: folder },
  )

  assert.deepEqual([exitCode, err], [0, ''])
  const said = JSON.parse(out)
  const { attempts, successes, outstanding, imbalance, answeredNotDelivered } = said.counters
  assert.deepEqual(
    { attempts, successes, outstanding, imbalance },
    { attempts: 200, successes: 200, outstanding: 0, imbalance: 0 },
  )
  assert.deepEqual([said.kind, answeredNotDelivered], ['live', 0])
  const jtl = readFileSync(join(folder, 'mine', 'samples.jtl'), 'utf8')
    .trim()
    .split('\n')
  assert.equal(jtl.length, 201)
})

test('live, as Headgate: what is answered is delivered', async (context) => {
  const folder = temporaryDirectory(context)
  const mine = experimentIn(folder, 'mine', ['load: { threads: 4, loops: 10 }'])

  const { out } = await run(
    ['lab', 'run', mine, '--live', '--as', 'headgate', '--out', folder, '--json'],
    { cwd: folder },
  )

  const { counters, aggregate } = JSON.parse(out)
  assert.deepEqual([counters.successes, counters.answeredNotDelivered], [40, 0])
  assert.equal(aggregate.errorPercent, 0)
})

test('--target drives any other server with the same load', async (context) => {
  const folder = temporaryDirectory(context)
  const seen: Seen[] = []
  const url = await serverOf(context, (one) => seen.push(one))
  const mine = experimentIn(folder, 'mine', [
    'load: { threads: 2, loops: 10 }',
    'payload: { bytes: 200, key: random }',
  ])

  const { out } = await run(
    ['lab', 'run', mine, '--target', `${url}/there?x=1`, '--out', folder, '--json'],
    { cwd: folder },
  )

  const said = JSON.parse(out)
  assert.equal(said.aggregate.samples, 20)
  assert.equal(said.counters, null)
  assert.deepEqual([seen.length, seen[0]!.path, seen[0]!.bytes], [20, '/there?x=1', 200])
  assert.equal(new Set(seen.map(({ key }) => key)).size, 20)
})

test('an open loop sends at its rate, and says when its generator was the limit', async (context) => {
  const folder = temporaryDirectory(context)
  const url = await serverOf(context, () => {})
  const steady = experimentIn(folder, 'steady', [
    'load: { loop: open, arrivals: constant, steps: [{ ratePerSecond: 100, forMs: 1000 }] }',
  ])
  const hopeless = experimentIn(folder, 'hopeless', [
    'load: { loop: open, arrivals: constant, steps: [{ ratePerSecond: 60000, forMs: 300 }] }',
  ])

  const to = ['--target', url, '--out', folder, '--json']
  const slow = JSON.parse((await run(['lab', 'run', steady, ...to], { cwd: folder })).out)
  const fast = JSON.parse((await run(['lab', 'run', hopeless, ...to], { cwd: folder })).out)

  assert.equal(slow.aggregate.samples, 100)
  assert.match(fast.warnings.join(), /the load generator was the limit/)
})

test('Ctrl-C ends the load and keeps what was measured', async (context) => {
  const folder = temporaryDirectory(context)
  let pid = 0
  const url = await serverOf(context, (_, count) => {
    if (count === 50) process.kill(pid, 'SIGINT')
  })
  const endless = experimentIn(folder, 'endless', ['load: { threads: 2, loops: 100000000 }'])

  const { out, exitCode } = await run(
    ['lab', 'run', endless, '--target', url, '--out', folder, '--json'],
    {
      cwd: folder,
      onStart: (id) => {
        pid = id
      },
    },
  )

  const said = JSON.parse(out)
  assert.equal(exitCode, 1)
  assert.equal(said.isCutShort, true)
  assert.ok(said.aggregate.samples >= 48)
  assert.match(readFileSync(join(folder, 'endless', 'aggregate.csv'), 'utf8'), /HTTP Request,/)
})

test('a target that is no URL is wrong usage', async () => {
  const { exitCode, err } = await run(['lab', 'run', 'bp-500', '--target', 'nowhere'])

  assert.equal(exitCode, 2)
  assert.match(err, /say http\(s\):\/\/host:port\/path/)
})
