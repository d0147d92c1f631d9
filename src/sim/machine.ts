// A machine of the simulated world: a disk that outlives crashes, and one process at a time.

import assert from 'node:assert'
import type { Clock, Disk, Host, Network, Timer } from '../host/index.ts'
import type { DiskFaults } from './faults.ts'
import { SimDisk } from './sim-disk.ts'
import type { SimNetwork } from './sim-network.ts'
import type { SimRandom } from './sim-random.ts'
import type { World } from './world.ts'

/** 2026-11-23T00:00:00Z, when the world's wall clocks begin. */
const WALL_EPOCH_MS = 1_795_392_000_000

export interface MachineOptions {
  readonly name: string
  readonly diskFaults?: DiskFaults
}

export class Machine {
  readonly name: string
  readonly #world: World
  readonly #network: SimNetwork
  readonly #disk: SimDisk
  #process: SimProcess | null = null
  #startCount = 0
  #wallJumpMs = 0
  #wallJumpedMs = 0

  constructor(world: World, network: SimNetwork, { name, diskFaults }: MachineOptions) {
    this.name = name
    this.#world = world
    this.#network = network
    this.#disk = new SimDisk(world, name, diskFaults)
  }

  get disk(): SimDisk {
    return this.#disk
  }

  get isRunning(): boolean {
    return this.#process !== null
  }

  /** Starts a process; the one before must have crashed. */
  start(): SimProcess {
    assert(this.#process === null, `${this.name} runs already`)
    const life = `${this.name}.${this.#startCount++}`
    this.#process = new SimProcess(this.#world, this, this.#world.random.fork(life))
    this.#process.connect(this.#disk, this.#network)
    this.#note('starts')
    return this.#process
  }

  /** Ends the process at once. With `isPowerLost` the disk forgets what was not synced. */
  crash({ isPowerLost }: { isPowerLost: boolean }): void {
    const process = this.#process
    if (process === null) return
    this.#note(isPowerLost ? 'loses power' : 'crashes')
    this.#process = null
    process.end()
    this.#disk.crash(isPowerLost)
    this.#network.forget(process)
  }

  /** By how much the wall clock has jumped, all jumps together, either way. */
  get wallJumpedMs(): number {
    return this.#wallJumpedMs
  }

  /** Sets the wall clock to another time; the monotonic one knows nothing of it. */
  jumpWallClock(byMs: number): void {
    this.#wallJumpMs += byMs
    this.#wallJumpedMs += Math.abs(byMs)
    this.#note('wall clock jumps', byMs)
  }

  #note(what: string, more = 0): void {
    const [, number = '0'] = /-([0-9]+)$/.exec(this.name) ?? []
    this.#world.note(`${kindOf(this.name)} ${what}`, Number(number), more)
  }

  wallMs(): number {
    return Math.floor(WALL_EPOCH_MS + this.#world.nowMs + this.#wallJumpMs)
  }
}

/** `node` of `node-2`: machines of a kind are counted together. */
export function kindOf(name: string): string {
  return name.replace(/-[0-9]+$/, '')
}

/** One life of a program: what it scheduled and asked for ends with it. */
export class SimProcess implements Host {
  readonly clock: Clock
  readonly random: SimRandom
  #disk: Disk | null = null
  #network: Network | null = null
  readonly #world: World
  #isAlive = true
  #timerCount = 0

  constructor(world: World, machine: Machine, random: SimRandom) {
    this.#world = world
    this.random = random
    this.clock = {
      monotonicMs: () => world.nowMs,
      wallMs: () => machine.wallMs(),
      schedule: (atMs, task) => this.#scheduleTimer(atMs, task),
    }
  }

  get isAlive(): boolean {
    return this.#isAlive
  }

  /** What the program still waits for on its clock. */
  get timerCount(): number {
    return this.#timerCount
  }

  get disk(): Disk {
    return this.#disk!
  }

  get network(): Network {
    return this.#network!
  }

  /** Called by the machine, once. */
  connect(disk: SimDisk, network: SimNetwork): void {
    this.#disk = disk.seenBy(this)
    this.#network = network.seenBy(this)
  }

  /** Runs `task` unless the process has ended by then. */
  schedule(atMs: number, kind: string, task: () => void): Timer {
    return this.#world.schedule(atMs, kind, () => {
      if (this.#isAlive) task()
    })
  }

  end(): void {
    this.#isAlive = false
  }

  #scheduleTimer(atMs: number, task: () => void): Timer {
    this.#timerCount++
    let isDone = false
    const done = () => {
      if (!isDone) this.#timerCount--
      isDone = true
    }
    const timer = this.schedule(atMs, TIMER_KIND, () => {
      done()
      task()
    })
    return {
      cancel: () => {
        done()
        timer.cancel()
      },
    }
  }
}

const TIMER_KIND = 'timer'
