// What a refusal costs beside an acceptance: POST /mappedIngest over 50 connections, to a mapping
// whose quota is used up, and to one whose records are answered when durable and then delivered to
// a sink in another process. Small bodies, such as the gateway still reads over, such as end the
// connection, and one that never travels because the client asks first. Beside the smallest a bare
// `node:http` server and a bare socket, because reading a request and writing an answer is the
// floor of either.

import { Child, CLIENT_CORE, SERVER_CORE } from './child.ts'
import { gatewayRound, loadOf } from './gateway-accepted.ts'
import { type BenchOptions, type BenchResult, type Case, interleave } from './harness.ts'
import type { Load, LoadResult } from './load-client.ts'

const METRICS = [{ unit: 'CPU µs/request', betterIs: 'lower' }] as const
const ACCEPTED = '/mappedIngest/s2'
const REFUSED = '/mappedIngest/s3'
const SMALL_BYTES = 1_600
const LARGE_BYTES = 500_000

interface Kind {
  readonly label: string
  readonly bodyBytes: number
  readonly isAsking?: boolean
}

const KINDS: readonly Kind[] = [
  { label: '1 600 B', bodyBytes: SMALL_BYTES },
  { label: '50 KB', bodyBytes: 50_000 },
  { label: '500 KB', bodyBytes: LARGE_BYTES },
  { label: '500 KB, 100-continue', bodyBytes: LARGE_BYTES, isAsking: true },
]

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
    const answered = (server: Child, load: Load) => async () => {
      const before = await server.cpuMicros()
      const { goodCount, badCount } = await client.call<LoadResult>('load', load)
      return [((await server.cpuMicros()) - before) / (goodCount + badCount)]
    }
    const cases = KINDS.map((kind): Case => {
      const { label, bodyBytes } = kind
      const accepted = loadOf(options.seconds, { target: ACCEPTED, bodyBytes })
      const load = { ...refusedLoad(kind, options.seconds), port: refusing.port }
      const acceptance = gatewayRound(client, accepting.server, {
        ...accepted,
        port: accepting.port,
      })
      const durable = async () => [(await acceptance())[1]!]
      const floors = [
        { name: 'bare node:http', round: answered(bare, { ...accepted, port: barePort }) },
        { name: 'bare socket', round: answered(socket, { ...accepted, port: socketPort }) },
      ]
      return {
        label,
        metrics: METRICS,
        candidate: { name: 'refused on the head', round: answered(refusing.server, load) },
        baselines: [
          { name: 'durable and delivered', round: durable },
          ...(bodyBytes === SMALL_BYTES ? floors : []),
        ],
      }
    })
    return await interleave('refusals', cases, options)
  } finally {
    for (const one of children) one.stop()
  }
}

function refusedLoad({ bodyBytes, isAsking = false }: Kind, seconds: number): Omit<Load, 'port'> {
  const load = loadOf(seconds, { target: REFUSED, bodyBytes })
  return isAsking ? { ...load, requests: load.requests.map(asking) } : load
}

/** The head alone, by a client that sends the body when it is told to go on. */
function asking(request: Buffer): Buffer {
  const head = request.toString('latin1', 0, request.indexOf('\r\n\r\n'))
  return Buffer.from(`${head}\r\nexpect: 100-continue\r\n\r\n`)
}
