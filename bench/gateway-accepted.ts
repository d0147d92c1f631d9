// The gateway's main job without a disk: POST /mappedIngest with 1600 B over 50 connections,
// answered when accepted, while the whole line (key, aggregation, signing, sending) runs in the
// same process. Against a bare `node:http` server that reads the body and answers.

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

const BODY_BYTES = 1600
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
export function loadOf(seconds: number): Omit<Load, 'port'> {
  return {
    requests: Array.from({ length: KEY_COUNT }, (_, i) => postBytes(TARGET, [], bodyOf(i))),
    connectionCount: CONNECTION_COUNT,
    seconds,
  }
}

/** A JSON body of exactly `BODY_BYTES` with its partition key at /foo/foopart1. */
function bodyOf(key: number): Buffer {
  const head = `{"foo":{"foopart1":${key},"foopart2":2},"bar":"`
  return Buffer.from(`${head.padEnd(BODY_BYTES - 2, 'x')}"}`)
}

function startChild(name: string, core: number): Child {
  return new Child(new URL(name, import.meta.url), core)
}

export async function run(options: BenchOptions): Promise<BenchResult> {
  const children: Child[] = []
  const child = (name: string, core: number) => {
    const one = startChild(name, core)
    children.push(one)
    return one
  }
  try {
    const client = child('./load-client.ts', CLIENT_CORE)
    const bare = child('./parts/bare-server.ts', SERVER_CORE)
    const load = loadOf(options.seconds)
    const baseline: Contender = {
      name: 'bare node:http',
      round: bareRound(client, bare, { ...load, port: await bare.call('start') }),
    }
    const drain = child('./parts/drain-server.ts', CLIENT_CORE)
    const kinesis = child('./parts/kinesis-server.ts', CLIENT_CORE)
    const sinks = [
      { label: 'to a sink that only reads', port: await drain.call<number>('start') },
      {
        label: 'to the embedded Kinesis',
        port: await kinesis.call<number>('start', { stream: 's2', shardCount: SHARD_COUNT }),
      },
    ]
    const cases: Case[] = []
    for (const { label, port: kinesisPort } of sinks) {
      const server = child('./parts/gateway-server.ts', SERVER_CORE)
      const port = await server.call<number>('start', { kinesisPort })
      const round = gatewayRound(client, server, { ...load, port })
      const candidate = { name: 'headgate', round }
      cases.push({ label, metrics: METRICS, candidate, baselines: [baseline] })
    }
    return await interleave('gateway-accepted', cases, options)
  } finally {
    for (const one of children) one.stop()
  }
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
