// The gateway's main job: POST /mappedIngest with 1600 B over 50 connections, while the whole line
// (key, aggregation, signing, sending) runs in the same process. Against a bare `node:http` server
// that reads the body and answers.
//
// `gateway-accepted`: answered when in memory, without a spool. `gateway-durable`: answered when
// synced, beside the bare server, and beside the gateway that answers `accepted`: without a spool,
// and with one, where a record goes to the disk all the same.

import { Child, CLIENT_CORE, SERVER_CORE } from './child.ts'
import {
  type BenchOptions,
  type BenchResult,
  type Case,
  type Contender,
  interleave,
} from './harness.ts'
import { type Load, type LoadResult, postBytes } from './load-client.ts'
import type { Ledger } from './parts/gateway-server.ts'

/** Of a body. */
const DEFAULT_BYTES = 1600
/** Of all requests that are made beforehand. */
const REQUESTS_MAX_BYTES = 32 * 1024 * 1024
const CONNECTION_COUNT = 50
/** Different partition keys in the requests. */
const KEY_COUNT = 5000
const SHARD_COUNT = 16
const TARGET = '/mappedIngest/s2'

export const METRICS = [
  { unit: 'requests/s', betterIs: 'higher' },
  { unit: 'CPU µs/request', betterIs: 'lower' },
  { unit: 'p99 ms', betterIs: 'lower' },
] as const

/** The load, but for the port. */
export function loadOf(
  seconds: number,
  { target = TARGET, bodyBytes = DEFAULT_BYTES } = {},
): Omit<Load, 'port'> {
  const length = Math.min(KEY_COUNT, Math.ceil(REQUESTS_MAX_BYTES / bodyBytes))
  return {
    requests: Array.from({ length }, (_, i) => postBytes(target, [], bodyOf(i, bodyBytes))),
    connectionCount: CONNECTION_COUNT,
    seconds,
  }
}

/** A JSON body of exactly so many bytes with its partition key at /foo/foopart1. */
function bodyOf(key: number, bytes: number): Buffer {
  const head = `{"foo":{"foopart1":${key},"foopart2":2},"bar":"`
  return Buffer.from(`${head.padEnd(bytes - 2, 'x')}"}`)
}

/** A record is answered when in memory, and is nowhere else. */
export function run(options: BenchOptions): Promise<BenchResult> {
  return withChildren(async (child) => {
    const { load, client, baseline } = await bareServer(child, options)
    const drain = child('./parts/drain-server.ts', CLIENT_CORE)
    const sinks = [
      { label: 'to a sink that only reads', kinesisPort: await drain.call<number>('start') },
      { label: 'to the embedded Kinesis', kinesisPort: await startKinesis(child) },
    ]
    const cases: Case[] = []
    for (const { label, kinesisPort } of sinks) {
      const candidate = await gateway(child, client, load, { kinesisPort, ...ACCEPTED })
      cases.push({ label, metrics: METRICS, candidate, baselines: [baseline] })
    }
    return await interleave('gateway-accepted', cases, options)
  })
}

/** A record is answered when it is on the disk, synced, and then goes to the embedded Kinesis. */
export function runDurable(options: BenchOptions): Promise<BenchResult> {
  return withChildren(async (child) => {
    const { load, client, baseline } = await bareServer(child, options)
    const kinesisPort = await startKinesis(child)
    const start = (how: object) => gateway(child, client, load, { kinesisPort, ...how })
    const candidate = await start({ name: 'durable', ack: 'durable', hasSpool: true })
    const accepted = await start(ACCEPTED)
    const spooled = { name: 'accepted, spooled', ack: 'accepted', hasSpool: true }
    const baselines = [baseline, accepted, await start(spooled)]
    const label = 'to the embedded Kinesis'
    const cases = [{ label, metrics: METRICS, candidate, baselines }]
    return await interleave('gateway-durable', cases, options)
  })
}

/** What a bound on V8's room for new objects costs a durable record, and what it saves. */
export function runSemiSpace(options: BenchOptions): Promise<BenchResult> {
  return withChildren(async (child) => {
    const client = child('./load-client.ts', CLIENT_CORE)
    const kinesisPort = await startKinesis(child)
    const start = async (name: string, nodeOptions: readonly string[]): Promise<Contender> => {
      const server = child('./parts/gateway-server.ts', SERVER_CORE, nodeOptions)
      const how = { kinesisPort, ack: 'durable', hasSpool: true }
      const load = { ...loadOf(options.seconds), port: await server.call<number>('start', how) }
      const round = gatewayRound(client, server, load)
      const mib = async () => (await server.residentBytes()) / 2 ** 20
      return { name, round: async () => [...(await round()), await mib()] }
    }
    const metrics = [...METRICS, { unit: 'resident MiB', betterIs: 'lower' }] as const
    const baseline = await start("V8's own", [])
    const cases: Case[] = []
    for (const mib of [8, 16, 32]) {
      const candidate = await start(`${mib} MiB`, [`--max-semi-space-size=${mib}`])
      cases.push({ label: 'semi-space', metrics, candidate, baselines: [baseline] })
    }
    return await interleave('semi-space', cases, options)
  })
}

const ACCEPTED = { name: 'accepted, no spool', ack: 'accepted', hasSpool: false }

type StartChild = (name: string, core: number, nodeOptions?: readonly string[]) => Child

async function withChildren<T>(work: (child: StartChild) => Promise<T>): Promise<T> {
  const children: Child[] = []
  try {
    return await work((name, core, nodeOptions) => {
      const url = new URL(name, import.meta.url)
      const one = new Child(url, core, process.execPath, nodeOptions)
      children.push(one)
      return one
    })
  } finally {
    for (const one of children) one.stop()
  }
}

async function bareServer(child: StartChild, { seconds }: BenchOptions) {
  const client = child('./load-client.ts', CLIENT_CORE)
  const bare = child('./parts/bare-server.ts', SERVER_CORE)
  const load = loadOf(seconds)
  const round = bareRound(client, bare, { ...load, port: await bare.call('start') })
  const baseline: Contender = { name: 'bare node:http', round }
  return { load, client, baseline }
}

function startKinesis(child: StartChild): Promise<number> {
  const kinesis = child('./parts/kinesis-server.ts', CLIENT_CORE)
  return kinesis.call<number>('start', { stream: 's2', shardCount: SHARD_COUNT })
}

async function gateway(
  child: StartChild,
  client: Child,
  load: Omit<Load, 'port'>,
  { name = 'headgate', ...how }: { readonly name?: string } & Record<string, unknown>,
): Promise<Contender> {
  const server = child('./parts/gateway-server.ts', SERVER_CORE)
  const port = await server.call<number>('start', how)
  return { name, round: gatewayRound(client, server, { ...load, port }) }
}

function bareRound(client: Child, server: Child, load: Load) {
  return async () => {
    const before = await server.cpuMicros()
    const done = await client.call<LoadResult>('load', load)
    return figures(done, (await server.cpuMicros()) - before)
  }
}

/** What is still on its way when the load ends is waited for, and counted as the server's work. */
export function gatewayRound(client: Child, server: Child, load: Load) {
  return async () => {
    const cpuBefore = await server.cpuMicros()
    const before = await server.call<Ledger>('ledger')
    const done = await client.call<LoadResult>('load', load)
    let after = await server.call<Ledger>('ledger')
    while (after.outstanding > 0) {
      await new Promise((resolve) => setTimeout(resolve, 20))
      after = await server.call<Ledger>('ledger')
    }
    const deliveredCount = after.successes - before.successes
    if (deliveredCount !== done.goodCount) {
      throw new Error(`${done.goodCount} records were accepted and ${deliveredCount} delivered`)
    }
    return figures(done, (await server.cpuMicros()) - cpuBefore)
  }
}

function figures(done: LoadResult, cpuMicros: number): number[] {
  if (done.badCount > 0) throw new Error(`${done.badCount} requests were not answered well`)
  const perSecond = (done.goodCount * 1000) / done.elapsedMs
  return [perSecond, cpuMicros / done.goodCount, done.p99Ms]
}
