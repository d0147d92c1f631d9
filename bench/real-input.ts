// The whole line on real input, judged by others: an independent load generator (autocannon) sends
// 100 000 requests of 1 612 bytes over 50 connections to a real `headgate serve`; the official SDK
// reads every shard back, the npm package aws-kinesis-agg takes the records apart, and what comes
// out is compared with what went in, one to one, byte for byte.
//
//   npm run real-input [-- --amount 100000] [--only NAME]

import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import {
  CreateStreamCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  ListShardsCommand,
} from '@aws-sdk/client-kinesis'

const require = createRequire(import.meta.url)
const autocannon = require('autocannon')
const { deaggregateSync } = require('aws-kinesis-agg')

const PAYLOAD_BYTES = 1612
const CONNECTIONS = 50

interface Scenario {
  readonly name: string
  readonly says: string
  readonly stream: string
  readonly shardCount: number
  readonly resource: string
  /** Where request `i` carries its partition key, and which. */
  readonly keyOf: (i: number) => string
  readonly isKeyInHeader: boolean
  readonly ack: string
}

const SCENARIOS: readonly Scenario[] = [
  {
    name: 'room-header',
    says: '16 shards, key from a header, answered when delivered',
    stream: 'wide',
    shardCount: 16,
    resource: 'by-header',
    keyOf: (i) => `device-${i % 5000}`,
    isKeyInHeader: true,
    ack: 'delivered',
  },
  {
    name: 'room-body',
    says: '16 shards, key from the body, answered when accepted',
    stream: 'wide2',
    shardCount: 16,
    resource: 'by-body',
    keyOf: (i) => String(i),
    isKeyInHeader: false,
    ack: 'accepted',
  },
  {
    name: 'one-shard',
    says: 'one shard, key from the body, answered when accepted: more than the shard takes',
    stream: 'narrow',
    shardCount: 1,
    resource: 'narrow',
    keyOf: (i) => String(i),
    isKeyInHeader: false,
    ack: 'accepted',
  },
]

/** The log's payload: 1 612 bytes, with the request's number in it. */
function payloadOf(scenario: Scenario, i: number): string {
  const part1 = scenario.isKeyInHeader ? 1 : Number(scenario.keyOf(i))
  const start = `{"foo":{"foopart1":${part1},"foopart2":2},"bar":"${String(i).padStart(9, '0')}-`
  return `${start}${'x'.repeat(PAYLOAD_BYTES - start.length - 2)}"}`
}

interface Served {
  readonly child: ChildProcess
  readonly gateway: string
  readonly kinesis: string
}

const CONFIG = `
mappings:
  - { resource: by-header, stream: wide, location: header, specification: S1KEY }
  - { resource: by-body, stream: wide2, location: body, specification: /foo/foopart1 }
  - { resource: narrow, stream: narrow, location: body, specification: /foo/foopart1 }
`

async function serve(folder: string): Promise<Served> {
  const config = join(folder, 'headgate.yaml')
  writeFileSync(config, CONFIG)
  const bin = new URL('../bin/headgate.js', import.meta.url).pathname
  const args = [bin, 'serve', '--config', config, '--port', '0', '--kinesis-port', '0']
  const child = spawn(process.execPath, [...args, '--data', join(folder, 'data'), '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: child.stdout! })
  for await (const line of lines) {
    const said = JSON.parse(line)
    if (said.gateway) return { child, gateway: said.gateway, kinesis: said.kinesis }
  }
  throw new Error('headgate serve ended before it was ready')
}

/** Resident memory of a process, MiB. */
function residentMiB(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024
}

interface Load {
  readonly seconds: number
  readonly statuses: Record<string, number>
  readonly errors: number
  readonly p50: number
  readonly p99: number
  readonly maxMs: number
}

async function load(scenario: Scenario, url: string, amount: number): Promise<Load> {
  let next = 0
  const startedMs = performance.now()
  const result = await autocannon({
    url,
    connections: CONNECTIONS,
    amount,
    timeout: 60,
    requests: [
      {
        method: 'POST',
        path: `/mappedIngest/${scenario.resource}`,
        setupRequest: (request: { headers: Record<string, string>; body: string }) => {
          const i = next++
          const headers: Record<string, string> = {
            'content-type': 'application/json',
            'headgate-ack': scenario.ack,
          }
          if (scenario.isKeyInHeader) headers['S1KEY'] = scenario.keyOf(i)
          return { ...request, headers, body: payloadOf(scenario, i) }
        },
      },
    ],
  })
  const statuses: Record<string, number> = {}
  for (const [code, { count }] of Object.entries(
    result.statusCodeStats as Record<string, { count: number }>,
  )) {
    statuses[code] = count
  }
  return {
    seconds: (performance.now() - startedMs) / 1000,
    statuses,
    errors: result.errors,
    p50: result.latency.p50,
    p99: result.latency.p99,
    maxMs: result.latency.max,
  }
}

interface ReadBack {
  readonly kinesisRecords: number
  readonly userRecords: number
  readonly wrong: number
  readonly duplicates: number
  readonly missing: number
  readonly perShard: readonly number[]
}

async function readBack(sdk: KinesisClient, scenario: Scenario, amount: number): Promise<ReadBack> {
  const seen = new Uint32Array(amount)
  const { Shards: shards = [] } = await sdk.send(
    new ListShardsCommand({ StreamName: scenario.stream }),
  )
  let kinesisRecords = 0
  let wrong = 0
  const perShard = await Promise.all(
    shards.map(async ({ ShardId }) => {
      let count = 0
      for await (const record of recordsOf(sdk, scenario.stream, ShardId!)) {
        kinesisRecords++
        for (const { partitionKey, data } of takeApart(record)) {
          count++
          const i = Number(/"bar":"(\d{9})-/.exec(data)?.[1] ?? Number.NaN)
          const isRight = partitionKey === scenario.keyOf(i) && data === payloadOf(scenario, i)
          if (isRight && i < amount) seen[i]!++
          else wrong++
        }
      }
      return count
    }),
  )
  return {
    kinesisRecords,
    userRecords: perShard.reduce((sum, count) => sum + count, 0),
    wrong,
    duplicates: seen.reduce((sum, count) => sum + Math.max(0, count - 1), 0),
    missing: seen.reduce((sum, count) => sum + (count === 0 ? 1 : 0), 0),
    perShard,
  }
}

interface Read {
  readonly Data: Uint8Array
  readonly PartitionKey: string
  readonly SequenceNumber: string
}

async function* recordsOf(sdk: KinesisClient, stream: string, shard: string): AsyncGenerator<Read> {
  const first = await sdk.send(
    new GetShardIteratorCommand({
      StreamName: stream,
      ShardId: shard,
      ShardIteratorType: 'TRIM_HORIZON',
    }),
  )
  let iterator = first.ShardIterator
  for (;;) {
    try {
      const page = await sdk.send(new GetRecordsCommand({ ShardIterator: iterator! }))
      for (const record of page.Records!) yield record as Read
      if (page.Records!.length === 0 && page.MillisBehindLatest === 0) return
      iterator = page.NextShardIterator!
    } catch (error) {
      // The embedded shard keeps the service's read limits; the SDK's own retries may not outlast
      // them.
      if ((error as Error).name !== 'ProvisionedThroughputExceededException') throw error
      await new Promise((resolve) => setTimeout(resolve, 500))
    }
  }
}

function takeApart(record: Read): { partitionKey: string; data: string }[] {
  const found: { partitionKey: string; data: string }[] = []
  const legacy = {
    partitionKey: record.PartitionKey,
    sequenceNumber: record.SequenceNumber,
    data: Buffer.from(record.Data).toString('base64'),
  }
  deaggregateSync(legacy, true, (error: Error | null, userRecords: typeof found) => {
    if (error) throw error
    for (const { partitionKey, data } of userRecords) {
      found.push({ partitionKey, data: Buffer.from(data, 'base64').toString('utf8') })
    }
  })
  return found
}

async function run(scenario: Scenario, served: Served, amount: number): Promise<boolean> {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
  const sdk = new KinesisClient({ endpoint: served.kinesis, region: 'us-east-1', credentials })
  await sdk.send(
    new CreateStreamCommand({ StreamName: scenario.stream, ShardCount: scenario.shardCount }),
  )
  const before = await ledgerOf(served)
  const memory: number[] = []
  const sampling = setInterval(() => memory.push(residentMiB(served.child.pid!)), 1000)
  const loaded = await load(scenario, served.gateway, amount)
  clearInterval(sampling)
  const after = await settledLedger(served)
  const read = await readBack(sdk, scenario, amount)
  sdk.destroy()
  return report(scenario, amount, { loaded, memory, before, after, read })
}

type Ledger = Record<string, number>

async function ledgerOf(served: Served): Promise<Ledger> {
  const answer = await fetch(`${served.gateway}/actuator/kinesis`)
  return (await answer.json()) as Ledger
}

async function settledLedger(served: Served): Promise<Ledger> {
  for (let tries = 0; tries < 600; tries++) {
    const ledger = await ledgerOf(served)
    if (ledger['outstanding'] === 0) return ledger
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return ledgerOf(served)
}

interface Found {
  readonly loaded: Load
  readonly memory: readonly number[]
  readonly before: Ledger
  readonly after: Ledger
  readonly read: ReadBack
}

function report(scenario: Scenario, amount: number, found: Found): boolean {
  const { loaded, memory, before, after, read } = found
  const delta = (name: string) => after[name]! - before[name]!
  const megabytes = (amount * PAYLOAD_BYTES) / 1024 / 1024
  const half = memory.slice(Math.floor(memory.length / 2))
  const print = (name: string, value: string) => console.log(`  ${name.padEnd(22)}${value}`)
  console.log(`\n${scenario.name}: ${scenario.says}`)
  print('requests', `${amount} over ${CONNECTIONS} connections in ${loaded.seconds.toFixed(1)} s`)
  print(
    'rate',
    `${(amount / loaded.seconds).toFixed(0)}/s, ${(megabytes / loaded.seconds).toFixed(2)} MiB/s`,
  )
  print('answers', JSON.stringify(loaded.statuses))
  print('connection errors', String(loaded.errors))
  print('latency ms', `p50 ${loaded.p50}  p99 ${loaded.p99}  max ${loaded.maxMs}`)
  print(
    'memory MiB',
    memory.length === 0
      ? 'too short to sample'
      : `max ${Math.max(...memory).toFixed(0)}, second half ${Math.min(...half).toFixed(0)}–${Math.max(...half).toFixed(0)}`,
  )
  const names = ['attempts', 'successes', 'failures', 'exhausted', 'outstanding']
  print('ledger', names.map((name) => `${name} ${delta(name)}`).join(', '))
  print('read back', `${read.userRecords} user records in ${read.kinesisRecords} Kinesis records`)
  print('per shard', read.perShard.join(' '))
  print('missing', String(read.missing))
  print('duplicates', String(read.duplicates))
  print('wrong bytes or key', String(read.wrong))
  const isBalanced =
    delta('attempts') ===
    delta('successes') + delta('failures') + delta('exhausted') + delta('outstanding')
  const isGood =
    isBalanced &&
    loaded.errors === 0 &&
    delta('successes') === amount &&
    read.missing + read.duplicates + read.wrong === 0
  print('verdict', isGood ? 'one to one, byte for byte' : 'NOT one to one')
  return isGood
}

const { values } = parseArgs({
  options: { amount: { type: 'string', default: '100000' }, only: { type: 'string' } },
})
const amount = Number(values.amount)
const folder = mkdtempSync(join(tmpdir(), 'headgate-real-'))
const hash = createHash('sha256')
  .update(readFileSync(new URL(import.meta.url)))
  .digest('hex')
console.log(`node ${process.version}, script ${hash.slice(0, 12)}, payload ${PAYLOAD_BYTES} bytes`)
let isGood = true
try {
  const served = await serve(folder)
  for (const scenario of SCENARIOS) {
    if (values.only !== undefined && values.only !== scenario.name) continue
    isGood = (await run(scenario, served, amount)) && isGood
  }
  const gone = new Promise((resolve) => served.child.once('exit', resolve))
  served.child.kill('SIGTERM')
  console.log(`\nserve ended with exit code ${await gone} after SIGTERM`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
process.exitCode = isGood ? 0 : 1
