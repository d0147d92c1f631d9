// What can go wrong around a gateway, by name. One of the first table and one of the second are
// met at a time; each leaves all well again.

import {
  ListShardsCommand,
  MergeShardsCommand,
  type Shard,
  SplitShardCommand,
} from '@aws-sdk/client-kinesis'
import type { SimRandom } from '../../src/sim/index.ts'
import { pause } from './client.ts'
import { STREAM } from './requests.ts'
import type { Rig } from './rig.ts'
import { withSdk } from './sdk.ts'
import type { Writers } from './writers.ts'

export interface Scene {
  readonly rig: Rig
  readonly writers: Writers
  readonly random: SimRandom
}

export type Trouble = (scene: Scene) => Promise<void>

/** Time that a life takes after it is ready, at most; and of one that does not get so far. */
const LIFE_MAX_MS = 1500
const EARLY_END_MAX_MS = 900
const EARLY_ENDS_PER_MILLE = 150
/** Longer than a request to Kinesis may take (`producer.requestTimeout`). */
const FROZEN_MAX_MS = 8000
const FLOOD_MS = 2500
/** A worker that ended is replaced within this, on a free machine. */
const REPLACED_MS = 2500
const FAULT_MIN_MS = 800
const FAULT_MAX_MS = 4000
const KINESIS_AWAY_MAX_MS = 6000

/** Of the gateway. */
export const GATEWAY_TROUBLES: ReadonlyMap<string, Trouble> = new Map<string, Trouble>([
  ['kill', kill],
  ['term', term],
  ['freeze', freeze],
  ['flood', flood],
  ['worker-kill', (scene) => endWorker(scene, 'SIGKILL')],
  ['worker-term', (scene) => endWorker(scene, 'SIGTERM')],
])

/** Of the Kinesis behind it. */
export const KINESIS_TROUBLES: ReadonlyMap<string, Trouble> = new Map<string, Trouble>([
  ['throttle', faults({ kind: 'throttle', odds: 0.7 })],
  ['internal-failure', faults({ kind: 'internal-failure', odds: 0.3, when: 'after' })],
  ['server-error', faults({ kind: 'server-error', status: 503, odds: 0.8 })],
  ['latency', faults({ kind: 'latency', latencyMs: 300, jitterMs: 2500 })],
  ['hang', faults({ kind: 'latency', latencyMs: 60_000 })],
  ['cut', faults({ kind: 'cut', odds: 0.3 }, { kind: 'cut', odds: 0.3, when: 'after' })],
  ['expired-signature', faults({ kind: 'expired-signature', odds: 0.8 })],
  ['clock-skew', faults({ kind: 'clock-skew', skewMs: 900_000 })],
  ['access-denied', faults({ kind: 'access-denied', action: 'PutRecords', odds: 0.2 })],
  ['no-shard-map', faults(denied('ListShards'), denied('DescribeStreamSummary'))],
  ['reshard', reshard],
  ['kinesis-kill', killKinesis],
])

async function kill({ rig, random }: Scene): Promise<void> {
  await pause(random.below(LIFE_MAX_MS))
  await rig.killGateway()
  while (random.hits(EARLY_ENDS_PER_MILLE)) {
    rig.spawnGateway()
    await pause(random.below(EARLY_END_MAX_MS))
    await rig.killGateway()
  }
  await rig.startGateway()
}

async function term({ rig, random }: Scene): Promise<void> {
  await pause(random.below(LIFE_MAX_MS))
  await rig.endGateway()
  await rig.startGateway()
}

/** All of its processes, or one of them. */
async function freeze({ rig, random }: Scene): Promise<void> {
  const { pid, workers } = rig.gateway
  const all = [pid, ...workers]
  const frozen = random.hits(500) ? all : [random.pick(all)]
  for (const one of frozen) process.kill(one, 'SIGSTOP')
  await pause(random.below(FROZEN_MAX_MS))
  for (const one of frozen) process.kill(one, 'SIGCONT')
}

/** More bytes than the shards take, until the spool is full. */
async function flood({ writers }: Scene): Promise<void> {
  writers.isFlood = true
  await pause(FLOOD_MS)
  writers.isFlood = false
}

async function endWorker({ rig, random }: Scene, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  const { workers } = rig.gateway
  await pause(random.below(LIFE_MAX_MS))
  if (workers.length > 0) process.kill(random.pick(workers), signal)
  await pause(REPLACED_MS)
}

function denied(action: string) {
  return { kind: 'access-denied', action }
}

/** As docs/embedded-kinesis.md has them. */
function faults(...list: readonly object[]): Trouble {
  return async ({ rig, random }) => {
    await setFaults(rig, list)
    await pause(random.between(FAULT_MIN_MS, FAULT_MAX_MS))
    await setFaults(rig, [])
  }
}

async function setFaults(rig: Rig, list: readonly object[]): Promise<void> {
  const body = JSON.stringify({ faults: list })
  const answer = await fetch(`${rig.endpoint}/headgate/faults`, { method: 'PUT', body })
  if (!answer.ok) throw new Error(`the faults are refused: ${await answer.text()}`)
}

async function killKinesis({ rig, random }: Scene): Promise<void> {
  await rig.endKinesis('SIGKILL')
  await pause(random.below(KINESIS_AWAY_MAX_MS))
  await rig.startKinesis({ hasLimits: true })
}

/** Splits the widest shard, or merges the first two. */
function reshard({ rig, random }: Scene): Promise<void> {
  return withSdk(rig.endpoint, async (sdk) => {
    const ask = { StreamName: STREAM, ShardFilter: { Type: 'AT_LATEST' } } as const
    const { Shards: shards = [] } = await sdk.send(new ListShardsCommand(ask))
    const open = shards.toSorted((a, b) => (startOf(a) < startOf(b) ? -1 : 1))
    const [left, right] = open
    if (open.length < 6 && (open.length === 1 || random.hits(500))) {
      const widest = open.toSorted((a, b) => (widthOf(a) > widthOf(b) ? -1 : 1))[0]!
      const middle = startOf(widest) + widthOf(widest) / 2n
      const split = { ShardToSplit: widest.ShardId!, NewStartingHashKey: String(middle) }
      await sdk.send(new SplitShardCommand({ StreamName: STREAM, ...split }))
    } else {
      const merge = { ShardToMerge: left!.ShardId!, AdjacentShardToMerge: right!.ShardId! }
      await sdk.send(new MergeShardsCommand({ StreamName: STREAM, ...merge }))
    }
  })
}

const startOf = ({ HashKeyRange: range }: Shard) => BigInt(range!.StartingHashKey!)
const widthOf = (shard: Shard) => BigInt(shard.HashKeyRange!.EndingHashKey!) - startOf(shard)
