// One experiment in virtual time: the real gateway, the real producer and the real embedded Kinesis
// on one simulated machine with one link.

import { assembleLine, type Line, openLine } from '../assemble.ts'
import { readConfig } from '../config/index.ts'
import { type DeadLetters, deadLettersFields } from '../dead-letters/index.ts'
import type { Disk, Host, Log } from '../host/index.ts'
import { EmbeddedKinesis, kinesisFields } from '../kinesis/index.ts'
import { SimRandom } from '../sim/index.ts'
import { spoolFields } from '../spool/index.ts'
import { ClosedLoad } from './closed-load.ts'
import { DiscardingDisk } from './discarding-disk.ts'
import { type Experiment, mappingsOf } from './experiment.ts'
import { FailureRoads } from './failure-roads.ts'
import { LabDisk } from './lab-disk.ts'
import { LabNetwork } from './lab-network.ts'
import { LabWorld } from './lab-world.ts'
import { BusyMachine } from './machine.ts'
import { OpenLoad } from './open-load.ts'
import { STREAM } from './payload.ts'
import type { Counters, Run, StatisticsLine } from './run.ts'
import { Samples, statusesOf, successesOf } from './samples.ts'
import { SimulatedTarget } from './simulated-target.ts'
import { type Look, Timeline } from './timeline.ts'
import { WORLD_COSTS } from './world-costs.ts'

export interface SimulateOptions {
  readonly experiment: Experiment
  readonly title: string
  readonly seed: number
  readonly scale: number
  /** Called each virtual second. */
  readonly onProgress?: (progress: Progress) => void
  /** Becomes true when somebody wants to see what there is so far. */
  readonly isCutShort?: () => boolean
}

export interface Progress {
  readonly title: string
  readonly virtualMs: number
  readonly samples: number
  readonly planned: number
  readonly outstanding: number
}

const SECOND_MS = 1000
/** The service, in the place of an address; nothing is resolved. */
const SERVICE = 'https://kinesis.us-east-1.amazonaws.com'
const BUILD = { name: 'headgate', version: 'lab', runtime: 'virtual time' }
const KEYS = { accessKeyId: 'lab', secretAccessKey: 'lab' }
/** Records that have not settled so long after the load's end are left: a day. */
const DRAIN_MAX_MS = 86_400_000

export async function simulate(options: SimulateOptions): Promise<Run> {
  const simulation = await Simulation.open(options)
  return simulation.run()
}

type Load = ClosedLoad | OpenLoad

async function openKinesis(
  world: LabWorld,
  random: SimRandom,
  shards: number,
): Promise<EmbeddedKinesis> {
  const parts = { clock: world.clock, random, disk: new DiscardingDisk() }
  const overrides = { writeBurstMs: WORLD_COSTS.writeBurstMs }
  const kinesis = await EmbeddedKinesis.open(parts, readConfig(kinesisFields, { overrides }))
  await kinesis.createStreamIfAbsent(STREAM, shards)
  return kinesis
}

class Simulation {
  readonly #options: SimulateOptions
  readonly #world: LabWorld
  readonly #random: SimRandom
  readonly #machine: BusyMachine
  #parts: { readonly line: Line; readonly load: Load } | null = null
  #letters: DeadLetters | null = null
  readonly #samples = new Samples()
  readonly #timeline = new Timeline(this.#samples)
  readonly #statistics: StatisticsLine[] = []
  readonly #roads: FailureRoads
  #loadEndMs: number | null = null
  #isCutShort = false

  static async open(options: SimulateOptions): Promise<Simulation> {
    const world = new LabWorld()
    const random = new SimRandom(options.seed)
    const { shards } = options.experiment.world
    const kinesis = await openKinesis(world, random, shards)
    const simulation = new Simulation(options, world, random)
    await simulation.#open(kinesis)
    return simulation
  }

  private constructor(options: SimulateOptions, world: LabWorld, random: SimRandom) {
    this.#options = options
    this.#world = world
    this.#random = random
    this.#machine = new BusyMachine(world)
    const { failureUs } = options.experiment.world
    this.#roads = new FailureRoads(() => this.#machine.spend(failureUs / 1000))
  }

  async #open(kinesis: EmbeddedKinesis): Promise<void> {
    const { experiment } = this.#options
    const world = this.#world
    const random = this.#random
    const linkMbitPerSecond = experiment.world.linkKbitPerSecond / 1000
    const costs = { ...WORLD_COSTS, linkMbitPerSecond }
    const network = new LabNetwork({ world, costs, random: random.fork('link') }, kinesis)
    const disk: Disk = new LabDisk(world, costs.syncMs)
    const host: Host = { clock: world.clock, random: random.fork('gateway'), network, disk }
    const line = await this.#openLine(host)
    this.#roads.watch(line.producer)
    line.start()
    const target = new SimulatedTarget({
      gateway: line.gateway,
      machine: this.#machine,
      sampleMs: costs.sampleMs,
      // What the gateway does with it may go on in promises.
      onArrival: () => world.promised(),
      random: random.fork('keys'),
      payload: experiment.payload,
    })
    this.#parts = { line, load: this.#loadOf(experiment, target, random) }
  }

  async #openLine(host: Host): Promise<Line> {
    const { experiment } = this.#options
    const config = lineConfigOf(experiment)
    const credentials = () => Promise.resolve(KEYS)
    if (!experiment.spool.enabled) return assembleLine(host, config, credentials, this.#log())
    const kept = readConfig({ ...spoolFields, deadLetters: deadLettersFields }, {})
    const { enabled: _, ...spool } = experiment.spool
    const whole = { ...config, spool: { ...kept, spool }, deadLetters: kept.deadLetters }
    let line: Line | null = null
    const opening = openLine(host, whole, credentials, this.#log()).then((opened) => {
      line = opened
      this.#letters = opened.deadLetters
    })
    // Opening takes time of the disk, so time has to pass meanwhile.
    await this.#world.run(() => line !== null)
    await opening
    return line!
  }

  get #line(): Line {
    return this.#parts!.line
  }

  get #load(): Load {
    return this.#parts!.load
  }

  async run(): Promise<Run> {
    const { experiment, title, seed, scale } = this.#options
    this.#load.start()
    this.#tickLater(SECOND_MS)
    await this.#world.run(() => this.#isOver())
    this.#tick()
    const counters = this.#counters()
    return {
      experiment,
      title,
      kind: 'simulated',
      seed,
      scale,
      samples: this.#samples,
      seconds: this.#timeline.seconds,
      counters,
      statistics: this.#statistics,
      loadEndMs: this.#loadEndMs ?? this.#world.nowMs,
      endMs: this.#world.nowMs,
      isCutShort: this.#isCutShort,
      warnings: [],
    }
  }

  #loadOf(experiment: Experiment, target: SimulatedTarget, random: SimRandom): Load {
    const { load } = experiment
    const world = this.#world
    const clock = {
      nowMs: () => world.nowMs,
      schedule: (atMs: number, task: () => void) => void world.schedule(atMs, task),
    }
    const stopAfterSamples = load.stopAfterSamples === 'none' ? null : load.stopAfterSamples
    const plan = { ...load, stopAfterSamples }
    if (load.loop === 'closed') return new ClosedLoad(plan, clock, target, this.#samples)
    return new OpenLoad(plan, { clock, random: random.fork('arrivals') }, target, this.#samples)
  }

  #isOver(): boolean {
    if (!this.#load.isOver) return this.#isCutShort
    this.#loadEndMs ??= this.#world.nowMs
    if (this.#line.gateway.ledger.outstanding === 0) return true
    return this.#isCutShort || this.#world.nowMs - this.#loadEndMs > DRAIN_MAX_MS
  }

  #tickLater(atMs: number): void {
    this.#world.schedule(atMs, () => {
      this.#tick()
      this.#tickLater(atMs + SECOND_MS)
    })
  }

  #tick(): void {
    const { onProgress, isCutShort, title } = this.#options
    const { nowMs } = this.#world
    this.#timeline.tick(nowMs / SECOND_MS, this.#look())
    const { begunCount, plannedCount } = this.#load
    const outstanding = this.#line.gateway.ledger.outstanding
    onProgress?.({
      title,
      virtualMs: nowMs,
      samples: begunCount,
      planned: plannedCount,
      outstanding,
    })
    this.#isCutShort ||= isCutShort?.() ?? false
    // Lets the outside be heard.
    this.#world.promised()
  }

  #look(): Look {
    const { gateway, producer } = this.#line
    const { spool } = gateway.report().snapshot
    const shardBytes = new Map<string, number>()
    for (const { dimensions, sum } of producer.getMetrics('KinesisRecordsDataPut')) {
      const shardId = dimensions.get('ShardId')
      if (shardId !== undefined) shardBytes.set(shardId, sum)
    }
    return {
      ledger: gateway.ledger,
      throttled: sumOf(producer.describe().streams, 'throttledCount'),
      shardBytes,
      offered: this.#load.begunCount,
      // What waits in the spool is older than what the producer holds.
      oldestAgeMs: Math.max(producer.oldestRecordAgeMs, spool?.oldestAgeMs ?? 0),
      active: this.#load.activeCount,
    }
  }

  #counters(): Counters {
    const { gateway, producer } = this.#line
    const { streams } = producer.describe()
    const statuses = statusesOf(this.#samples)
    const answered = successesOf(this.#samples)
    const { ledger } = gateway
    const deadLettered = this.#letters?.stats.count ?? 0
    const lost = answered - ledger.successes - ledger.outstanding - deadLettered
    return {
      ...ledger,
      answeredNotDelivered: Math.max(0, lost),
      deadLettered,
      imbalance: gateway.ledgerImbalance,
      putRecords: sumOf(streams, 'putRecordsCount'),
      kinesisRecords: sumOf(streams, 'kinesisRecordsCount'),
      throttled: sumOf(streams, 'throttledCount'),
      failedRequests: sumOf(streams, 'failedRequestCount'),
      retried: sumOf(streams, 'retriedCount'),
      roads: this.#roads.list(),
      statuses,
    }
  }

  #log(): Log {
    const add = (level: 'info' | 'warn') => (text: string) => {
      this.#statistics.push({ atMs: this.#world.nowMs, level, text })
    }
    return { info: add('info'), warn: add('warn'), error() {} }
  }
}

function sumOf<K extends string>(streams: readonly Readonly<Record<K, number>>[], name: K): number {
  return streams.reduce((sum, stream) => sum + stream[name], 0)
}

function lineConfigOf(experiment: Experiment) {
  const { gateway, producer } = experiment
  return {
    gateway: { ...gateway, mappings: mappingsOf(experiment) },
    producer: { ...producer, endpoint: SERVICE },
    build: BUILD,
  }
}
