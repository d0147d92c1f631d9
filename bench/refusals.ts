// What a refusal costs beside an acceptance: POST /mappedIngest with 1600 B over 50 connections, to
// a mapping whose quota is used up, and to one whose records are answered when durable and then
// delivered to a sink in another process. Beside both a bare `node:http` server and a bare socket,
// because reading a request and writing an answer is the floor of either.

import { Child, CLIENT_CORE, SERVER_CORE } from './child.ts'
import { gatewayRound, loadOf } from './gateway-accepted.ts'
import { type BenchOptions, type BenchResult, type Contender, interleave } from './harness.ts'
import type { LoadResult } from './load-client.ts'

const METRICS = [{ unit: 'CPU µs/request', betterIs: 'lower' }] as const
const ACCEPTED = '/mappedIngest/s2'
const REFUSED = '/mappedIngest/s3'

export async function run(options: BenchOptions): Promise<BenchResult> {
  const children: Child[] = []
  const child = (name: string, core: number) => {
    const one = new Child(new URL(name, import.meta.url), core)
    children.push(one)
    return one
  }
  try {
    const client = child('./load-client.ts', CLIENT_CORE)
    const drain = child('./parts/drain-server.ts', CLIENT_CORE)
    const kinesisPort = await drain.call<number>('start')
    const accepted = loadOf(options.seconds)
    const refused = { ...accepted, requests: accepted.requests.map(toRefused) }
    const gateway = async () => {
      const server = child('./parts/gateway-server.ts', SERVER_CORE)
      const mapping = { stream: 's2', location: 'body', specification: '/foo/foopart1' }
      const mappings = [
        { ...mapping, resource: 's2' },
        { ...mapping, resource: 's3', quota: { recordsPerSecond: 1 } },
      ]
      const port = await server.call<number>('start', { kinesisPort, ack: 'durable', mappings })
      return { server, port }
    }
    const [refusing, accepting] = [await gateway(), await gateway()]
    const bare = child('./parts/bare-server.ts', SERVER_CORE)
    const barePort = await bare.call<number>('start')
    const socket = child('./parts/bare-socket.ts', SERVER_CORE)
    const socketPort = await socket.call<number>('start')
    const answered = (server: Child, load: object) => async () => {
      const before = await server.cpuMicros()
      const { goodCount, badCount } = await client.call<LoadResult>('load', load)
      return [((await server.cpuMicros()) - before) / (goodCount + badCount)]
    }
    const acceptance = gatewayRound(client, accepting.server, { ...accepted, port: accepting.port })
    const candidate: Contender = {
      name: 'refused on the head',
      round: answered(refusing.server, { ...refused, port: refusing.port }),
    }
    const baselines: Contender[] = [
      { name: 'durable and delivered', round: async () => [(await acceptance())[1]!] },
      { name: 'bare node:http', round: answered(bare, { ...accepted, port: barePort }) },
      { name: 'bare socket', round: answered(socket, { ...accepted, port: socketPort }) },
    ]
    const cases = [{ label: 'quota', metrics: METRICS, candidate, baselines }]
    return await interleave('refusals', cases, options)
  } finally {
    for (const one of children) one.stop()
  }
}

function toRefused(request: Buffer): Buffer {
  return Buffer.from(request.toString('latin1').replace(ACCEPTED, REFUSED), 'latin1')
}
