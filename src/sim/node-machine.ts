// A machine that a line runs on: gateway, producer, and programs that use the library.

import assert from 'node:assert'
import { assembleLine, type Line, openLine, type SpooledLineParts } from '../assemble.ts'
import { silentLog, until } from '../host/index.ts'
import { recordTtlMsOf } from '../producer/index.ts'
import { UserRecord } from '../record/index.ts'
import { checkAttempts, checkReason } from './attempt-checker.ts'
import { GatewayWitness } from './gateway-witness.ts'
import { LetterClerk } from './letter-clerk.ts'
import { LibrarySource } from './library-source.ts'
import type { LineHooks } from './line-hooks.ts'
import { FEW_LETTERS, gatewayOriginOf, type NodeSettings } from './line-settings.ts'
import { Machine, type SimProcess } from './machine.ts'
import type { BookedRecord, RecordBook } from './record-book.ts'
import type { Shelf } from './shelf.ts'
import type { SimNetwork } from './sim-network.ts'
import { isSpooled, SpoolWitness } from './spool-witness.ts'
import type { World } from './world.ts'

const BUILD = { name: 'headgate', version: '0.0.0', runtime: 'a simulated world' }

/** What clients of the gateway have between them and it. */
const CLIENT_LATENCY_MS = 2
/** A provider of credentials takes up to so long; of 1000 times it fails so often. */
const CREDENTIALS_MAX_MS = 50
const CREDENTIALS_FAIL_PER_MILLE = 100

export interface NodeMachineParts {
  readonly world: World
  readonly network: SimNetwork
  readonly settings: NodeSettings
  readonly book: RecordBook
  readonly hooks: LineHooks
}

/** What the spool counts for a record beside its data; more than it does. */
const RECORD_OVERHEAD_BYTES = 2048
/** After a disk did not let it start. */
const START_AGAIN_MS = 100
/** Time enough for a clock to be corrected and a throttle to pass. */
const PROBE_MIN_TTL_MS = 5_000

/** One life of the machine. */
interface Life {
  readonly process: SimProcess
  readonly line: Line
  readonly shelf: Shelf
  readonly witness: GatewayWitness
  readonly sources: readonly LibrarySource[]
  readonly clerk: LetterClerk | null
}

export class NodeMachine {
  readonly machine: Machine
  readonly settings: NodeSettings
  readonly #parts: NodeMachineParts
  #life: Life | null = null
  #keysCount = 0
  #isClosing = false
  readonly #spool: SpoolWitness | null
  /** Whether a process that starts has sources. */
  #isLoadOn = true

  constructor(parts: NodeMachineParts) {
    this.#parts = parts
    const { world, network, settings } = parts
    this.settings = settings
    const { name, diskFaults, spool } = settings
    this.machine = new Machine(world, network, { name, diskFaults })
    this.#spool = spool === null ? null : new SpoolWitness(world, parts.book, settings)
    world.addChecker(() => this.#check())
  }

  /** What looks at its spool; null when it has none. */
  get spool(): SpoolWitness | null {
    return this.#spool
  }

  get isUp(): boolean {
    return this.#life !== null
  }

  /** What it has still to do, in records. One that closes leaves its spool to the next. */
  get unsettledCount(): number {
    if (this.#life === null) return Number.POSITIVE_INFINITY
    const { shelf, line } = this.#life
    const isSpoolNext = this.#isClosing || !isSpooled(line)
    return shelf.outstandingCount + (isSpoolNext ? 0 : line.spool.totals.unsettled)
  }

  start(): void {
    const { settings, hooks } = this.#parts
    const { producer, gateway, spool, deadLetters } = settings
    const process = this.machine.start()
    const { clock, random } = process
    const disk = hooks.nodeDisk(process.disk)
    const host = { clock, random, disk, network: hooks.network(process.network) }
    const config = { producer: hooks.producer(producer), gateway, build: BUILD }
    const keys = () => this.#credentials(process)
    if (spool === null) return this.#live(process, assembleLine(host, config, keys, silentLog))
    openLine(host, { ...config, spool, deadLetters }, keys, silentLog).then(
      (line) => this.#live(process, line),
      (error) => this.#startAgain(error),
    )
  }

  #startAgain(error: Error): void {
    const { world } = this.#parts
    world.note(`node does not start: ${error.name}`)
    world.guard(() => this.#spool!.checkNoStart(error))
    this.restart({ isPowerLost: false, downMs: START_AGAIN_MS })
  }

  #live(process: SimProcess, line: Line): void {
    const { book, network, settings, world, hooks } = this.#parts
    const { gateway: config, gatewayFaults } = settings
    const isOrdered = settings.producer.ordering === 'partition-key'
    const shelf = book.watch(line.producer, isOrdered, (booked) => this.#onSettle(booked))
    hooks.line(line)
    const service = hooks.gateway(line.gateway)
    const spool = this.#spool
    const receipts = spool?.receipts ?? new Map()
    const parts = { world, book, config, service, spool, receipts }
    const keyMaxAgeMs = settings.spool?.idempotency.maxAgeMs ?? 0
    const mayForgetKeys = () => world.nowMs + this.machine.wallJumpedMs >= keyMaxAgeMs
    const witness = new GatewayWitness({ ...parts, mayForgetKeys })
    let clerk: LetterClerk | null = null
    if (spool !== null && isSpooled(line)) {
      world.guard(() => spool.onStart(line))
      clerk = this.#newClerk(process, line, spool)
    }
    const origin = gatewayOriginOf(settings.name)
    const [latencyMs, jitterMs] = [CLIENT_LATENCY_MS, CLIENT_LATENCY_MS]
    const link = { latencyMs, jitterMs, bytesPerSecond: null, faults: gatewayFaults }
    network.serve(origin, process, witness, link)
    const sources = this.#isLoadOn ? this.#startSources(process, line) : []
    this.#life = { process, line, shelf, witness, sources, clerk }
    this.#isClosing = false
    line.start()
  }

  restart({ isPowerLost, downMs }: { isPowerLost: boolean; downMs: number }): void {
    const { world } = this.#parts
    this.machine.crash({ isPowerLost })
    this.#life?.shelf.abandon()
    this.#life?.witness.abandon()
    this.#life = null
    world.schedule(world.nowMs + downMs, 'node restarts', () => {
      if (!this.machine.isRunning) this.start()
    })
  }

  /**
   * Puts a record into a world in which nothing goes wrong any more: it must be delivered. Null
   * for a line that has no time or no patience, which owes nothing.
   */
  probe(stream: string): BookedRecord | null {
    const { book } = this.#parts
    const { producer } = this.settings
    if (recordTtlMsOf(producer) < PROBE_MIN_TTL_MS || producer.failIfThrottled) return null
    const fields = { stream, partitionKey: 'probe', dataBytes: 100, isFromClient: false }
    const booked = book.write(fields)
    const { partitionKey, data } = booked
    const record = new UserRecord({ stream, partitionKey, data, onSettle() {} })
    this.#life!.line.producer.put(record)
    return booked
  }

  stopSources(): void {
    this.#isLoadOn = false
    for (const source of this.#life?.sources ?? []) source.stop()
  }

  /** Resolves with the number of records that were left. */
  async close(deadlineMs: number): Promise<number> {
    this.#isClosing = true
    const { line, clerk } = this.#life!
    clerk?.stop()
    const left = await line.close(deadlineMs)
    if (isSpooled(line)) this.#parts.world.guard(() => this.#spool!.onClose(line, left))
    return left
  }

  /** Resolves when every receipt has been asked for and the dead letters have been read. */
  async readSpool(): Promise<void> {
    const { line } = this.#life!
    if (isSpooled(line)) await this.#spool!.read(line)
  }

  /** Nothing is left in it: no record, no byte, no request, no timer. To be true after `close`. */
  isEmpty(): boolean {
    const { line, witness, process, sources } = this.#life!
    const { producer, gateway } = line
    if (sources.some(({ openFlushCount }) => openFlushCount > 0)) return false
    // What is left in a spool is nothing that the process holds.
    const leftCount = isSpooled(line) ? 0 : gateway.ledger.outstanding
    const heldCount = producer.outstandingBytes + gateway.heldBytes + leftCount
    return heldCount === 0 && witness.waitingCount === 0 && process.timerCount === 0
  }

  #startSources(process: SimProcess, { producer }: Line): LibrarySource[] {
    const { book, settings, world } = this.#parts
    const { sources, maxOutstandingCount } = settings
    return sources.map((source, index) => {
      const random = process.random.fork(`source ${index}`)
      const shared = { world, process, producer, book, maxOutstandingCount }
      return new LibrarySource({ ...shared, random, settings: source })
    })
  }

  /** Null where nobody is needed: the letters of a drawn world find room. */
  #newClerk(
    process: SimProcess,
    line: SpooledLineParts,
    witness: SpoolWitness,
  ): LetterClerk | null {
    const { world, settings } = this.#parts
    if (settings.deadLetters.maxCount > FEW_LETTERS) return null
    return new LetterClerk({ world, process, line, witness })
  }

  async #credentials(process: SimProcess) {
    const { world, settings } = this.#parts
    const { clock, random } = process
    const atMs = clock.monotonicMs() + random.below(CREDENTIALS_MAX_MS)
    await until(clock, atMs)
    const accessKeyId = `${settings.name}.${++this.#keysCount}`
    const keys = { accessKeyId, secretAccessKey: 'sim' }
    if (settings.credentialsLifeMs === null) return keys
    if (world.areFaultsOn && random.hits(CREDENTIALS_FAIL_PER_MILLE)) {
      world.note('credentials fail')
      throw new Error('the provider of credentials failed')
    }
    world.note('credentials renewed')
    return { ...keys, expiresAtMs: clock.wallMs() + settings.credentialsLifeMs }
  }

  #onSettle(booked: BookedRecord): void {
    const { world } = this.#parts
    const { id, result } = booked
    const [what, more] = result!.isDelivered
      ? ['delivered', 0]
      : [`failed: ${result!.code}`, result!.mayBeWritten ? 1 : 0]
    world.note(`record ${what}`, id, more)
    world.guard(() => {
      if (!booked.hasTwin) checkAttempts(booked)
      checkReason(booked, this.settings.producer)
    })
  }

  #check(): void {
    if (this.#life === null) return
    const { shelf, line, clerk } = this.#life
    const { producer, gateway } = line
    const { maxOutstandingCount, gateway: config } = this.settings
    const { name } = this.settings
    const { outstandingCount } = producer
    assert(outstandingCount === shelf.outstandingCount, `the producer of ${name} miscounts`)
    assert(gateway.ledgerImbalance === 0, `the ledger is off by ${gateway.ledgerImbalance}`)
    const { attempts, successes, failures, exhausted, outstanding } = gateway.ledger
    assert(attempts === successes + failures + exhausted + outstanding, 'the ledger is off')
    const { insideCount, heldBytes } = gateway
    // A record that is larger than the spool's whole window is handed on alone.
    const overBytes = isSpooled(line) ? config.record.maxBytes + RECORD_OVERHEAD_BYTES : 0
    const mostBytes = config.memory.maxBytes + overBytes
    assert(heldBytes >= 0 && heldBytes <= mostBytes, `${heldBytes} bytes held`)
    if (isSpooled(line)) this.#spool!.check(line, shelf)
    else {
      assert(successes === shelf.deliveredCount, `the ledger's successes: ${successes}`)
      assert(failures === shelf.failedCount, `the ledger's failures: ${failures}`)
      assert(outstanding >= shelf.fromClientsCount, `the ledger's outstanding: ${outstanding}`)
      assert(insideCount === shelf.fromClientsCount, `the gateway's inside: ${insideCount}`)
    }
    const { threshold, strategy, maxWaiting } = config.backpressure
    if (strategy === 'none' || threshold === 'none') return
    // What an earlier process left is inside, however much it is, and so is what is sent again.
    const startCount = this.#spool?.startCount ?? 0
    const againCount = clerk?.replayedCount ?? 0
    const mostInside = Math.max(threshold, startCount) + againCount
    assert(insideCount <= mostInside, `${insideCount} records inside`)
    const { waitingCount } = gateway
    assert(waitingCount === outstanding - insideCount, `${waitingCount} records wait`)
    const mostWaiting = strategy === 'reject' ? 0 : maxWaiting
    assert(waitingCount <= mostWaiting, `${waitingCount} records wait in line`)
    assert(
      waitingCount === 0 || insideCount >= threshold,
      'records wait in line while there is room',
    )
    if (isSpooled(line)) return
    const maxCount = maxOutstandingCount + threshold
    assert(outstandingCount <= maxCount, `${outstandingCount} records outstanding`)
  }
}
