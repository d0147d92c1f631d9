// The record's path on each supported line of Node: the gateway of `gateway-accepted`, sending to a
// sink that only reads. The line that the repository pins is the candidate, the others are its
// baselines; client and sink always run on the pinned one.

import { nodeOf, RELEASES } from '../tools/node-releases.ts'
import { Child, CLIENT_CORE, SERVER_CORE } from './child.ts'
import { gatewayRound, loadOf, METRICS } from './gateway-accepted.ts'
import { type BenchOptions, type BenchResult, type Contender, interleave } from './harness.ts'

const PINNED = process.versions.node

export async function run(options: BenchOptions): Promise<BenchResult> {
  const children: Child[] = []
  const child = (name: string, core: number, node?: string) => {
    const one = new Child(new URL(name, import.meta.url), core, node)
    children.push(one)
    return one
  }
  try {
    const client = child('./load-client.ts', CLIENT_CORE)
    const drain = child('./parts/drain-server.ts', CLIENT_CORE)
    const kinesisPort = await drain.call<number>('start')
    const contender = async (release: string): Promise<Contender> => {
      options.progress(`starting a gateway on Node ${release}`)
      const server = child('./parts/gateway-server.ts', SERVER_CORE, nodeOf(release))
      const port = await server.call<number>('start', { kinesisPort })
      const load = { ...loadOf(options.seconds), port }
      return { name: `Node ${release}`, round: gatewayRound(client, server, load) }
    }
    const candidate = await contender(PINNED)
    const baselines: Contender[] = []
    for (const release of RELEASES.values()) {
      if (release !== PINNED) baselines.push(await contender(release))
    }
    const cases = [{ label: 'accepted, sent on', metrics: METRICS, candidate, baselines }]
    return await interleave('node-lines', cases, options)
  } finally {
    for (const one of children) one.stop()
  }
}
