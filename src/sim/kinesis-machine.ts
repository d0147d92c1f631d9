// The machine that the embedded Kinesis runs on, with its crashes and what comes after them.

import { silentLog } from '../host/index.ts'
import { EmbeddedKinesis, type KinesisConfig } from '../kinesis/index.ts'
import type { DiskFaults, ServiceFaults } from './faults.ts'
import { FrontDoor } from './front-door.ts'
import type { KinesisWitness } from './kinesis-witness.ts'
import type { LineHooks } from './line-hooks.ts'
import type { StreamSettings } from './line-settings.ts'
import { Machine } from './machine.ts'
import type { Link, SimNetwork } from './sim-network.ts'
import type { World } from './world.ts'

export interface KinesisMachineOptions {
  readonly origin: string
  readonly config: KinesisConfig
  readonly diskFaults: DiskFaults
  readonly serviceFaults: ServiceFaults
  readonly isPoison: (data: Buffer) => boolean
  readonly link: Link
  readonly streams: readonly StreamSettings[]
  readonly witness: KinesisWitness
  readonly hooks: LineHooks
}

/** A failed start, when the disk fails it, is tried again after this. */
const START_AGAIN_MS = 500

export class KinesisMachine {
  readonly machine: Machine
  readonly #world: World
  readonly #network: SimNetwork
  readonly #options: KinesisMachineOptions
  readonly #expiredKeys = new Set<string>()
  /** The running one. */
  #kinesis: EmbeddedKinesis | null = null
  #isUp = false

  constructor(world: World, network: SimNetwork, options: KinesisMachineOptions) {
    this.#world = world
    this.#network = network
    this.#options = options
    const { diskFaults } = options
    this.machine = new Machine(world, network, { name: 'kinesis', diskFaults })
  }

  /** It answers, and its streams exist. */
  get isUp(): boolean {
    return this.#isUp
  }

  start(overrides: Partial<KinesisConfig> = {}): void {
    const process = this.machine.start()
    const { origin, config, link, streams, serviceFaults, isPoison, witness, hooks } = this.#options
    const { clock, random, disk } = process
    const host = { clock, random, disk: hooks.kinesisDisk(disk) }
    const open = async () => {
      const faults = this.#world.areFaultsOn ? config.faults : []
      const kinesis = await EmbeddedKinesis.open(
        host,
        { ...config, faults, ...overrides },
        silentLog,
      )
      this.#kinesis = kinesis
      for (const { name, shardCount, maxRecordSizeKiB } of streams) {
        await kinesis.createStreamIfAbsent(name, shardCount, maxRecordSizeKiB)
      }
      const names = streams.map(({ name }) => name)
      const door = new FrontDoor({
        world: this.#world,
        process,
        service: witness.watch(hooks.kinesis(kinesis), names),
        faults: serviceFaults,
        random: random.fork('front door'),
        isPoison,
        expiredKeys: this.#expiredKeys,
      })
      this.#network.serve(origin, process, door, link)
      this.#isUp = true
      this.#world.note('kinesis is up')
    }
    open().catch((error: Error) => {
      this.#world.note(`kinesis does not start: ${error.name}`)
      this.#restartIn(START_AGAIN_MS, overrides)
    })
  }

  /** The faults that it was asked for; those of its disk and network are the world's. */
  stopFaults(): void {
    this.#noteStruck()
    this.#kinesis?.setFaults([])
  }

  crash(isPowerLost: boolean): void {
    this.#noteStruck()
    this.#kinesis = null
    this.#isUp = false
    this.machine.crash({ isPowerLost })
  }

  /** Ends the process and starts another later. */
  restart(options: { isPowerLost: boolean; downMs: number; overrides?: Partial<KinesisConfig> }) {
    const { isPowerLost, downMs, overrides = {} } = options
    this.crash(isPowerLost)
    this.#restartIn(downMs, overrides)
  }

  #noteStruck(): void {
    const counts = this.#kinesis?.struckCounts ?? []
    for (const [index, { kind }] of (this.#kinesis?.faults ?? []).entries()) {
      if (counts[index]! > 0) this.#world.note(`on request: ${kind}`, counts[index]!)
    }
  }

  #restartIn(downMs: number, overrides: Partial<KinesisConfig>): void {
    this.crash(false)
    this.#world.schedule(this.#world.nowMs + downMs, 'kinesis restarts', () => {
      if (!this.machine.isRunning) this.start(overrides)
    })
  }
}
