// Several producers that know nothing of each other and want more than the shards take, in
// hand-moved time.

import { type Host, silentLog } from '../../src/host/index.ts'
import { ShardLimiter, shardRatesOf } from '../../src/kinesis/shard-limiter.ts'
import { Producer, type ProducerConfig } from '../../src/producer/index.ts'
import { UserRecord } from '../../src/record/index.ts'
import { SimRandom } from '../../src/sim/index.ts'
import { HandClock } from '../hand-clock.ts'
import { runFor } from './line.ts'
import { producerConfig } from './producer-config.ts'
import { evenShards, ScriptedService, type Shard } from './scripted-service.ts'

const SHARD_BYTES_PER_MS = (1024 * 1024) / 1000
const THROTTLED = { entryError: 'ProvisionedThroughputExceededException' } as const
/** Each producer's window: more than a second of a shard. */
const OUTSTANDING_BYTES = 2 * 1024 * 1024

export interface Contention {
  readonly producerCount: number
  readonly shardCount: number
  readonly dataBytes: number
  readonly rateLimit: ProducerConfig['rateLimit']
  /** Ignored at the start, when the producers do not know anything. */
  readonly warmUpMs: number
  readonly measuredMs: number
  readonly seed: number
}

export interface ContentionResult {
  /** Delivered bytes of what the shards could take. */
  readonly goodput: number
  /** Kinesis records that were refused, of those sent. */
  readonly throttled: number
  /** Jain's index of the producers' delivered bytes: 1 is equal, 1/n is all for one. */
  readonly fairness: number
}

interface Count {
  delivered: number
  sent: number
  throttled: number
}

export async function contend(contention: Contention): Promise<ContentionResult> {
  const { producerCount, shardCount, dataBytes, rateLimit, seed } = contention
  const clock = new HandClock()
  const shards = evenShards(shardCount)
  const rates = shardRatesOf({ writeBurstMs: 1000, readBurstMs: 1000 })
  const limiters = new Map(shards.map((shard) => [shard, new ShardLimiter(rates, 0)]))
  const counts: Count[] = []
  const random = new SimRandom(seed)
  const data = Buffer.alloc(dataBytes, 'x')
  for (let i = 0; i < producerCount; i++) {
    const count: Count = { delivered: 0, sent: 0, throttled: 0 }
    counts.push(count)
    const own = random.fork(`producer ${i}`)
    const network = new ScriptedService(clock)
    network.shards = shards
    network.latencyMs = 5 + own.below(20)
    network.script = (_n, entries) =>
      entries.map(({ data: bytes, partitionKey, explicitHashKey }) => {
        const limiter = limiters.get(shardOf(shards, BigInt(explicitHashKey)))!
        count.sent++
        const isTaken = limiter.tryWrite(bytes.length + partitionKey.length, clock.monotonicMs())
        if (isTaken) return 'store'
        count.throttled++
        return THROTTLED
      })
    network.isForgetful = true
    const host = { clock, random: own, network } as unknown as Host
    const keys = { accessKeyId: 'AKID', secretAccessKey: 'secret' }
    const settings = { wireFormat: 'json' as const, rateLimit, recordTtl: 'none' as const }
    const producer = new Producer(
      host,
      producerConfig(settings),
      () => Promise.resolve(keys),
      silentLog,
    )
    let putCount = 0
    const put = () => {
      const onSettle = (result: { isDelivered: boolean }) => {
        if (result.isDelivered) count.delivered++
        put()
      }
      const partitionKey = `${i}-${putCount++}`
      producer.put(new UserRecord({ stream: 's', partitionKey, data, onSettle }))
    }
    // Each begins at its own moment.
    clock.schedule(own.below(500), () => {
      const window = Math.max(100, (OUTSTANDING_BYTES * shardCount) / producerCount / dataBytes)
      for (let n = 0; n < window; n++) put()
    })
  }
  await runFor(clock, contention.warmUpMs)
  const before = counts.map((count) => ({ ...count }))
  await runFor(clock, contention.measuredMs)
  const delta = counts.map((count, i) => ({
    delivered: count.delivered - before[i]!.delivered,
    sent: count.sent - before[i]!.sent,
    throttled: count.throttled - before[i]!.throttled,
  }))
  const sum = (of: (count: Count) => number) => delta.reduce((total, count) => total + of(count), 0)
  const delivered = sum((count) => count.delivered)
  const capacity = shardCount * SHARD_BYTES_PER_MS * contention.measuredMs
  return {
    goodput: (delivered * dataBytes) / capacity,
    throttled: sum((count) => count.throttled) / sum((count) => count.sent),
    fairness: delivered ** 2 / (producerCount * sum((count) => count.delivered ** 2)),
  }
}

function shardOf(shards: readonly Shard[], key: bigint): Shard {
  return shards.find(({ start, end }) => start <= key && key <= end)!
}
