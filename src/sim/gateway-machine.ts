// The machine that the line runs on: gateway and producer, and programs that use the library.

import assert from 'node:assert'
import { assembleLine, type Line } from '../assemble.ts'
import { silentLog } from '../host/index.ts'
import { LibrarySource } from './library-source.ts'
import { GATEWAY_ORIGIN, type LineSettings } from './line-settings.ts'
import { Machine } from './machine.ts'
import type { RecordBook } from './record-book.ts'
import type { SimNetwork } from './sim-network.ts'
import type { World } from './world.ts'

const BUILD = { name: 'headgate', version: '0.0.0', runtime: 'a simulated world' }

/** What clients of the gateway have between them and it. */
const CLIENT_LATENCY_MS = 2

export class GatewayMachine {
  readonly machine: Machine
  readonly #world: World
  readonly #network: SimNetwork
  readonly #settings: LineSettings
  readonly #book: RecordBook
  #line: Line | null = null
  #sources: LibrarySource[] = []
  /** Whether a process that starts has sources. */
  #isLoadOn = true

  constructor(world: World, network: SimNetwork, settings: LineSettings, book: RecordBook) {
    this.#world = world
    this.#network = network
    this.#settings = settings
    this.#book = book
    this.machine = new Machine(world, network, { name: 'gateway' })
    world.addChecker(() => this.#check())
  }

  /** The line of the present process; null while there is none. */
  get line(): Line | null {
    return this.#line
  }

  start(): void {
    const { producer, gateway, gatewayFaults } = this.#settings
    const process = this.machine.start()
    const credentials = async () => ({ accessKeyId: 'sim', secretAccessKey: 'sim' })
    const config = { producer, gateway, build: BUILD }
    const line = assembleLine(process, config, credentials, silentLog)
    this.#line = line
    this.#book.watch(line.producer)
    const link = {
      latencyMs: CLIENT_LATENCY_MS,
      jitterMs: CLIENT_LATENCY_MS,
      bytesPerSecond: null,
      faults: gatewayFaults,
    }
    this.#network.serve(GATEWAY_ORIGIN, process, line.gateway, link)
    if (!this.#isLoadOn) return
    const { sources, maxOutstandingCount } = this.#settings
    this.#sources = sources.map((settings, index) => {
      const random = process.random.fork(`source ${index}`)
      const { producer: putter } = line
      const book = this.#book
      const parts = { process, producer: putter, book, random, settings, maxOutstandingCount }
      return new LibrarySource(parts)
    })
  }

  restart(downMs: number): void {
    this.machine.crash({ isPowerLost: false })
    this.#line = null
    this.#book.abandon()
    this.#world.schedule(this.#world.nowMs + downMs, 'gateway restarts', () => {
      if (!this.machine.isRunning) this.start()
    })
  }

  stopSources(): void {
    this.#isLoadOn = false
    for (const source of this.#sources) source.stop()
  }

  #check(): void {
    if (this.#line === null) return
    const { producer, gateway } = this.#line
    const { maxOutstandingCount, gateway: config } = this.#settings
    const { threshold, strategy, maxWaiting } = config.backpressure
    const { outstandingCount } = producer
    assert(outstandingCount === this.#book.outstandingCount, 'the producer miscounts')
    assert(gateway.ledgerImbalance === 0, `the ledger is off by ${gateway.ledgerImbalance}`)
    const { attempts, successes, failures, exhausted, outstanding } = gateway.ledger
    assert(attempts === successes + failures + exhausted + outstanding, 'the ledger is off')
    assert(successes <= this.#book.deliveredCount, 'more successes than deliveries')
    assert(gateway.insideCount <= outstandingCount, 'more inside than outstanding')
    assert(gateway.heldBytes <= config.memory.maxBytes, `${gateway.heldBytes} bytes held`)
    if (strategy === 'none') return
    assert(gateway.insideCount <= threshold, `${gateway.insideCount} records inside`)
    assert(outstanding <= threshold + maxWaiting, `${outstanding} in the ledger`)
    const maxCount = maxOutstandingCount + threshold
    assert(outstandingCount <= maxCount, `${outstandingCount} records outstanding`)
  }
}
