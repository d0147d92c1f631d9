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
import { evenShards, ScriptedService, type Shard, shardOf } from './scripted-service.ts'

/** What a shard takes in a millisecond. */
const SHARD_BYTES_PER_MS = (1024 * 1024) / 1000
const SHARD_RECORDS_PER_MS = 1
const THROTTLED = { entryError: 'ProvisionedThroughputExceededException' } as const
/** Outstanding for each shard, over all producers: two seconds of it. */
const OUTSTANDING_BYTES = 2 * 1024 * 1024
const OUTSTANDING_RECORDS = 2000
/** Of a producer at least. */
const OUTSTANDING_MIN_COUNT = 100
const START_WITHIN_MS = 499

export interface World {
  readonly producerCount: number
  readonly shardCount: number
  readonly dataBytes: number
  /**
   * Which of a shard's limits is reached first: that in bytes, by full aggregates, or that in
   * records, by small ones that are not aggregated.
   */
  readonly limit: 'bytes' | 'records'
  readonly rateLimit: ProducerConfig['rateLimit']
  readonly seed: number
  /** A producer begins within this time after it has joined; 0: all that join do so at once. */
  readonly startWithinMs?: number
}

export interface Contention extends World {
  /** Ignored at the start, when the producers do not know anything. */
  readonly warmUpMs: number
  readonly measuredMs: number
}

export interface ContentionResult {
  /** Delivered data of what the shards could take of the keys that come. */
  readonly goodput: number
  /** Kinesis records that were refused, of those sent. */
  readonly throttled: number
  /** Jain's index of the producers' delivered data: 1 is equal, 1/n is all for one. */
  readonly fairness: number
}

interface Count {
  delivered: number
  sent: number
  throttled: number
}

interface Mark {
  readonly atMs: number
  readonly counts: ReadonlyMap<Count, Count>
}

interface Member {
  readonly count: Count
  readonly network: ScriptedService
  isPresent: boolean
}

export async function contend(contention: Contention): Promise<ContentionResult> {
  const crowd = new Crowd(contention)
  for (let i = 0; i < contention.producerCount; i++) crowd.join()
  await crowd.runFor(contention.warmUpMs)
  const mark = crowd.mark()
  await crowd.runFor(contention.measuredMs)
  return crowd.since(mark)
}

/** Producers and their shards. */
export class Crowd {
  readonly #world: World
  readonly #clock = new HandClock()
  readonly #random: SimRandom
  readonly #members: Member[] = []
  readonly #limiters = new Map<Shard, ShardLimiter>()
  #shards: Shard[]

  constructor(world: World) {
    this.#world = world
    this.#random = new SimRandom(world.seed)
    this.#shards = evenShards(world.shardCount)
  }

  /** One more begins, within half a second if nothing else is said. */
  join(): void {
    const i = this.#members.length
    const random = this.#random.fork(`producer ${i}`)
    const count: Count = { delivered: 0, sent: 0, throttled: 0 }
    const network = this.#networkOf(count, random)
    const member: Member = { count, network, isPresent: true }
    this.#members.push(member)
    const { dataBytes, rateLimit, limit, shardCount, producerCount } = this.#world
    const startWithinMs = this.#world.startWithinMs ?? START_WITHIN_MS
    const aggregation = limit === 'bytes' ? 'safe' : 'same-key'
    const settings = { wireFormat: 'json', rateLimit, recordTtl: 'none', aggregation } as const
    const host = { clock: this.#clock, random, network } as unknown as Host
    const keys = async () => ({ accessKeyId: 'AKID', secretAccessKey: 'secret' })
    const producer = new Producer(host, producerConfig(settings), keys, silentLog)
    const data = Buffer.alloc(dataBytes, 'x')
    let putCount = 0
    const put = () => {
      const onSettle = (result: { isDelivered: boolean }) => {
        if (result.isDelivered) count.delivered++
        if (member.isPresent) put()
      }
      const partitionKey = `${i}-${putCount++}`
      producer.put(new UserRecord({ stream: 's', partitionKey, data, onSettle }))
    }
    const outstanding = limit === 'bytes' ? OUTSTANDING_BYTES / dataBytes : OUTSTANDING_RECORDS
    const windowCount = Math.max(OUTSTANDING_MIN_COUNT, (outstanding * shardCount) / producerCount)
    this.#clock.schedule(this.#clock.monotonicMs() + random.below(startWithinMs + 1), () => {
      for (let n = 0; n < windowCount; n++) put()
    })
  }

  /** The first one puts no more. */
  leave(): void {
    this.#members.find(({ isPresent }) => isPresent)!.isPresent = false
  }

  /** The first shard becomes two. */
  split(): void {
    const { start, end } = this.#shards[0]!
    const middle = (start + end) >> 1n
    const number = this.#shards.length + 1
    const low = { number, start, end: middle }
    const high = { number: number + 1, start: middle + 1n, end }
    this.#shards = [low, high, ...this.#shards.slice(1)]
    for (const { network } of this.#members) network.shards = this.#shards
  }

  runFor(ms: number): Promise<void> {
    return runFor(this.#clock, ms)
  }

  /** To measure from. */
  mark(): Mark {
    const counts = new Map(this.#members.map(({ count }) => [count, { ...count }]))
    return { atMs: this.#clock.monotonicMs(), counts }
  }

  /** What has happened since, among those who are present. */
  since({ atMs, counts }: Mark): ContentionResult {
    const present = this.#members.filter(({ isPresent }) => isPresent)
    const delta = present.map(({ count }) => {
      const before = counts.get(count)!
      return {
        delivered: count.delivered - before.delivered,
        sent: count.sent - before.sent,
        throttled: count.throttled - before.throttled,
      }
    })
    const ms = this.#clock.monotonicMs() - atMs
    const sum = (of: (count: Count) => number) => delta.reduce((all, count) => all + of(count), 0)
    const delivered = sum((count) => count.delivered)
    const squares = sum((count) => count.delivered ** 2)
    return {
      goodput: delivered / (this.#recordsPerMs() * ms),
      throttled: sum((count) => count.throttled) / sum((count) => count.sent),
      fairness: delivered ** 2 / (present.length * squares),
    }
  }

  /**
   * Keys come evenly over the hash keys and what is outstanding is bounded, so the widest shard
   * holds the others up: of 16 shards one of which was split, the halves are half empty.
   */
  #recordsPerMs(): number {
    const { limit, dataBytes } = this.#world
    const ofOne = limit === 'bytes' ? SHARD_BYTES_PER_MS / dataBytes : SHARD_RECORDS_PER_MS
    const widths = this.#shards.map(({ start, end }) => Number(end - start) / 2 ** 128)
    return ofOne / Math.max(...widths)
  }

  #networkOf(count: Count, random: SimRandom): ScriptedService {
    const network = new ScriptedService(this.#clock)
    network.shards = this.#shards
    network.latencyMs = 5 + random.below(20)
    network.isForgetful = true
    network.script = (_n, entries) =>
      entries.map(({ data, partitionKey, explicitHashKey }) => {
        count.sent++
        const limiter = this.#limiterOf(BigInt(explicitHashKey))
        const chargedBytes = data.length + partitionKey.length
        if (limiter.tryWrite(chargedBytes, this.#clock.monotonicMs())) return 'store'
        count.throttled++
        return THROTTLED
      })
    return network
  }

  #limiterOf(key: bigint): ShardLimiter {
    const shard = shardOf(this.#shards, key)
    let limiter = this.#limiters.get(shard)
    if (limiter === undefined) {
      limiter = new ShardLimiter(RATES, this.#clock.monotonicMs())
      this.#limiters.set(shard, limiter)
    }
    return limiter
  }
}

const RATES = shardRatesOf({ writeBurstMs: 1000, readBurstMs: 1000 })

/** `none`: how far chance alone takes those who have settled from their shares. */
export type Change = 'join' | 'leave' | 'split' | 'none'

export interface Convergence extends World {
  readonly change: Change
  /** Before the change. */
  readonly settledMs: number
}

/** The producers have found their shares when a window of this length is so full and so fair. */
export const CONVERGED = { windowMs: 20_000, goodput: 0.95, fairness: 0.9 } as const
const STEP_MS = 1000
const GIVEN_UP_MS = 300_000

/**
 * From the change to the end of the first window, in steps of a second, that begins at or after it
 * and in which those who are present deliver `goodput` of what the shards take and have `fairness`
 * by Jain's index; null when that takes longer than five minutes.
 */
export async function convergenceMs(convergence: Convergence): Promise<number | null> {
  const { change, producerCount, settledMs } = convergence
  const crowd = new Crowd(convergence)
  // So many are present after the change.
  const firstCount = producerCount + { join: -1, leave: 1, split: 0, none: 0 }[change]
  for (let i = 0; i < firstCount; i++) crowd.join()
  await crowd.runFor(settledMs)
  if (change !== 'none') crowd[change]()
  const marks = [crowd.mark()]
  for (let ms = STEP_MS; ms <= GIVEN_UP_MS; ms += STEP_MS) {
    await crowd.runFor(STEP_MS)
    marks.push(crowd.mark())
    const first = marks[(ms - CONVERGED.windowMs) / STEP_MS]
    if (first === undefined) continue
    const { goodput, fairness } = crowd.since(first)
    if (goodput >= CONVERGED.goodput && fairness >= CONVERGED.fairness) return ms
  }
  return null
}
