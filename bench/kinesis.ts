// PutRecords and GetRecords of the embedded Kinesis, durable on a disk, beside kinesalite's in
// memory: 500 × 1 KB a call, one shard, JSON over HTTP/1.1.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Child, CLIENT_CORE, SERVER_CORE } from './child.ts'
import {
  type BenchOptions,
  type BenchResult,
  type Contender,
  interleave,
  type Metric,
} from './harness.ts'
import type { LoadDone, LoadPlan } from './kinesis-parts/load-client.ts'

const METRICS: readonly Metric[] = [
  { unit: 'PutRecords MB/s', betterIs: 'higher' },
  { unit: 'GetRecords MB/s', betterIs: 'higher' },
  { unit: 'server CPU ms/MB, both', betterIs: 'lower' },
]

export async function run(options: BenchOptions): Promise<BenchResult> {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'headgate-bench-kinesis-'))
  const children: Child[] = []
  const start = (file: string, core: number) => {
    const child = new Child(new URL(`./kinesis-parts/${file}`, import.meta.url), core)
    children.push(child)
    return child
  }
  try {
    const client = start('load-client.ts', CLIENT_CORE)
    const own = start('server.ts', SERVER_CORE)
    const kinesalite = start('kinesalite-server.ts', SERVER_CORE)
    const ownPort = await own.call<number>('start', { dataDirectory })
    const kinesalitePort = await kinesalite.call<number>('start')
    const contender = (name: string, server: Child, port: number): Contender => {
      let roundCount = 0
      return {
        name,
        round: () => {
          const stream = `round-${roundCount++}`
          return measure(server, client, { port, stream, seconds: options.seconds })
        },
      }
    }
    const one = {
      label: '500 × 1 KB',
      metrics: METRICS,
      candidate: contender('embedded Kinesis, disk', own, ownPort),
      baselines: [contender('kinesalite, memory', kinesalite, kinesalitePort)],
    }
    return await interleave('kinesis', [one], options)
  } finally {
    for (const child of children) child.stop()
    rmSync(dataDirectory, { recursive: true, force: true, maxRetries: 5 })
  }
}

async function measure(server: Child, client: Child, plan: LoadPlan): Promise<number[]> {
  const before = await server.cpuMicros()
  const done = await client.call<LoadDone>('run', plan)
  const cpuMs = ((await server.cpuMicros()) - before) / 1000
  return [done.putMBPerSecond, done.getMBPerSecond, cpuMs / done.movedMB]
}
