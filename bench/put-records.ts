// What one PutRecords call costs its client: from records to signed bytes, over HTTP, to the
// answer's entries.

import { Child, CLIENT_CORE, SERVER_CORE } from './child.ts'
import {
  type BenchOptions,
  type BenchResult,
  type Case,
  type Contender,
  interleave,
} from './harness.ts'
import type { PutRecordsDone, PutRecordsPlan, Way } from './parts/put-records-client.ts'

const SIZES = [
  { label: '500 × 1600 B', entryCount: 500, entryBytes: 1600 },
  { label: '20 × 50 KB', entryCount: 20, entryBytes: 50 * 1024 },
] as const

const NAMES: Readonly<Record<Way, string>> = {
  cbor: 'headgate, CBOR',
  json: 'headgate, JSON',
  sdk: 'AWS SDK, default',
  'sdk-http1': 'AWS SDK, HTTP/1.1',
}

export async function run(options: BenchOptions): Promise<BenchResult> {
  const sink = new Child(new URL('./parts/drain-server.ts', import.meta.url), CLIENT_CORE)
  const clients = new Map<Way, Child>()
  try {
    const port = await sink.call<number>('start')
    for (const way of Object.keys(NAMES) as Way[]) {
      const module = new URL('./parts/put-records-client.ts', import.meta.url)
      // The client is what is measured here: it gets the core that elsewhere the server has.
      clients.set(way, new Child(module, SERVER_CORE))
    }
    const cases = SIZES.flatMap(({ label, ...size }): Case[] => {
      const contender = (way: Way): Contender => ({
        name: NAMES[way],
        round: () => measure(clients.get(way)!, { way, port, ...size, seconds: options.seconds }),
      })
      const metrics = [{ unit: 'CPU µs/call', betterIs: 'lower' } as const]
      const baselines = [contender('sdk-http1'), contender('sdk')]
      const own = (way: Way) => ({ label, metrics, candidate: contender(way), baselines })
      return [own('cbor'), own('json')]
    })
    return await interleave('put-records', cases, options)
  } finally {
    for (const child of [sink, ...clients.values()]) child.stop()
  }
}

async function measure(client: Child, plan: PutRecordsPlan): Promise<number[]> {
  const { callCount, cpuMicros } = await client.call<PutRecordsDone>('run', plan)
  return [cpuMicros / callCount]
}
