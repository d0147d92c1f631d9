// A producer behind a line of limited rate, in hand-moved time: connections have equal parts of it.

import type { HttpRequest, Network, NoAnswer, Timer } from '../../src/host/index.ts'
import { type Host, type HttpAnswer, headerOf, silentLog } from '../../src/host/index.ts'
import { Producer, type ProducerConfig } from '../../src/producer/index.ts'
import { UserRecord } from '../../src/record/index.ts'
import { SimRandom } from '../../src/sim/index.ts'
import { HandClock } from '../hand-clock.ts'
import { runFor } from './line.ts'
import { producerConfig } from './producer-config.ts'
import { evenShards, ScriptedService } from './scripted-service.ts'

interface Transfer {
  leftBytes: number
  /** Its part of the line, beside the others'. */
  readonly weight: number
  readonly done: () => void
}

/** What passes it is shared by those who are under way, as TCP connections do. */
class SharedLine {
  readonly #clock: HandClock
  readonly #transfers = new Set<Transfer>()
  #bytesPerMs: number
  #givenAtMs = 0
  #timer: Timer | null = null

  constructor(clock: HandClock, bytesPerSecond: number) {
    this.#clock = clock
    this.#bytesPerMs = bytesPerSecond / 1000
  }

  setRate(bytesPerSecond: number): void {
    this.#give()
    this.#bytesPerMs = bytesPerSecond / 1000
    this.#wake()
  }

  /** Returns how to give it up. */
  carry(bytes: number, weight: number, done: () => void): () => void {
    this.#give()
    const transfer = { leftBytes: bytes, weight, done }
    this.#transfers.add(transfer)
    this.#wake()
    return () => {
      this.#give()
      this.#transfers.delete(transfer)
      this.#wake()
    }
  }

  /** Of a transfer of weight 1. */
  #rate(): number {
    let weights = 0
    for (const { weight } of this.#transfers) weights += weight
    return this.#bytesPerMs / weights
  }

  #give(): void {
    const nowMs = this.#clock.monotonicMs()
    const bytes = (nowMs - this.#givenAtMs) * this.#rate()
    for (const transfer of this.#transfers) transfer.leftBytes -= bytes * transfer.weight
    this.#givenAtMs = nowMs
  }

  #wake(): void {
    this.#timer?.cancel()
    const leftOf = ({ leftBytes, weight }: Transfer) => Math.max(0, leftBytes) / weight
    const [first] = [...this.#transfers].sort((a, b) => leftOf(a) - leftOf(b))
    if (first === undefined) return
    const leftMs = leftOf(first) / this.#rate()
    this.#timer = this.#clock.schedule(this.#clock.monotonicMs() + leftMs, () => {
      this.#give()
      this.#transfers.delete(first)
      this.#wake()
      first.done()
    })
  }
}

export interface SlowLineOptions {
  readonly bytesPerSecond: number
  /** Of the records, in turn. */
  readonly dataBytes: number | readonly number[]
  readonly shardCount?: number
  /** There and back, and the service. */
  readonly latencyMs?: number
  /** Connections have 1/spread to spread times the part of the line that others have. */
  readonly spread?: number
  readonly seed?: number
  readonly settings?: Partial<ProducerConfig>
}

/** Bytes of the records outstanding at any time. */
const OUTSTANDING_BYTES = 16 * 1024 * 1024
/** Shards enough that they are never what limits. */
const SHARD_COUNT = 16

/** Counts since the last `since`. */
export interface Since {
  requests: number
  timedOut: number
  /** Bytes of the requests that were answered. */
  carriedBytes: number
  largestBytes: number
  mostUnderWay: number
}

export class SlowLine implements Network {
  readonly #clock = new HandClock()
  readonly #service = new ScriptedService(this.#clock)
  readonly #line: SharedLine
  readonly #random: SimRandom
  readonly #spread: number
  #latencyMs: number
  /** How much longer it may take. */
  #jitterMs = 0
  #since = nothing()
  #underWay = 0

  constructor({ settings, dataBytes, ...world }: SlowLineOptions) {
    this.#random = new SimRandom(world.seed ?? 1)
    this.#spread = world.spread ?? 1
    this.#line = new SharedLine(this.#clock, world.bytesPerSecond)
    this.#service.shards = evenShards(world.shardCount ?? SHARD_COUNT)
    this.#latencyMs = world.latencyMs ?? 100
    this.#service.isForgetful = true
    const host = {
      clock: this.#clock,
      random: this.#random.fork('host'),
      network: this,
    } as unknown as Host
    const config = producerConfig({ wireFormat: 'json', recordTtl: 'none', ...settings })
    const keys = async () => ({ accessKeyId: 'AKID', secretAccessKey: 'secret' })
    const producer = new Producer(host, config, keys, silentLog)
    const sizes = [dataBytes].flat()
    const all = sizes.map((bytes) => Buffer.alloc(bytes, 'x'))
    let putCount = 0
    const put = () => {
      const data = all[putCount % all.length]!
      const partitionKey = String(putCount++)
      producer.put(new UserRecord({ stream: 's', partitionKey, data, onSettle: put }))
      return data.length
    }
    for (let bytes = 0; bytes < OUTSTANDING_BYTES; ) bytes += put()
  }

  /** Requests without an answer. */
  get underWayCount(): number {
    return this.#underWay
  }

  setRate(bytesPerSecond: number): void {
    this.#line.setRate(bytesPerSecond)
  }

  setLatency(leastMs: number, jitterMs = 0): void {
    this.#latencyMs = leastMs
    this.#jitterMs = jitterMs
  }

  /** Lets time pass, and tells what happened in it. */
  async runFor(ms: number): Promise<Readonly<Since>> {
    this.#since = nothing()
    await runFor(this.#clock, ms)
    return this.#since
  }

  exchange(request: HttpRequest, deadlineAtMs: number): Promise<HttpAnswer | NoAnswer> {
    const isPut = headerOf(request.headers, 'x-amz-target')!.endsWith('PutRecords')
    const bytes = request.body.length
    if (isPut) this.#sent(bytes)
    return new Promise((resolve) => {
      let isEnded = false
      const end = (ending: HttpAnswer | NoAnswer) => {
        if (isEnded) return
        isEnded = true
        timer.cancel()
        if (isPut) this.#ended(bytes, 'noAnswer' in ending)
        resolve(ending)
      }
      const stop = this.#line.carry(bytes, this.#weight(), () => {
        if (isEnded) return
        this.#service.latencyMs = this.#latencyMs + this.#random.below(this.#jitterMs + 1)
        void this.#service.exchange(request, deadlineAtMs).then(end)
      })
      const timer = this.#clock.schedule(deadlineAtMs, () => {
        stop()
        end({ noAnswer: 'timed-out', message: 'too late', mayBeWritten: true })
      })
    })
  }

  #weight(): number {
    return this.#spread ** (this.#random.below(WEIGHT_STEPS) / (WEIGHT_STEPS / 2) - 1)
  }

  #sent(bytes: number): void {
    this.#underWay++
    this.#since.requests++
    this.#since.largestBytes = Math.max(this.#since.largestBytes, bytes)
    this.#since.mostUnderWay = Math.max(this.#since.mostUnderWay, this.#underWay)
  }

  #ended(bytes: number, isTimedOut: boolean): void {
    this.#underWay--
    if (isTimedOut) this.#since.timedOut++
    else this.#since.carriedBytes += bytes
  }
}

const WEIGHT_STEPS = 2 ** 16

function nothing(): Since {
  return { requests: 0, timedOut: 0, carriedBytes: 0, largestBytes: 0, mostUnderWay: 0 }
}
