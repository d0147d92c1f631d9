// Joins the rooms: the one place where the line is put together. The program, the simulation and
// the lab all call it, so the line under test is the line in production.

import { DeadLetterOffice, DeadLetters, type DeadLettersConfig } from './dead-letters/index.ts'
import {
  type Build,
  Gateway,
  type GatewayConfig,
  type Peers,
  type SpooledLine,
} from './gateway/index.ts'
import { below, type Clock, type Host, type Log } from './host/index.ts'
import {
  type CredentialsProvider,
  kindOf,
  Producer,
  type ProducerConfig,
} from './producer/index.ts'
import { RefusedStreams, Spool, type SpoolConfig, type Transaction } from './spool/index.ts'

export interface LineConfig {
  readonly gateway: GatewayConfig
  readonly producer: ProducerConfig
  /** What is running, for `/actuator/info`. */
  readonly build: Build
}

export interface SpooledLineConfig extends LineConfig {
  readonly spool: SpoolConfig
  readonly deadLetters: DeadLettersConfig
}

export interface Line {
  /** What answers HTTP. */
  readonly gateway: Gateway
  readonly producer: Producer
  /** Begins to send what an earlier process left in the spool. Called once, before the rest. */
  start(): void
  /**
   * Unready first, then finishes what was admitted, at most until the deadline. Resolves with the
   * number of records that were left. With a spool they are in it, and the next start goes on with
   * them; without one they have failed with the code `Closed`.
   */
  close(deadlineMs: number): Promise<number>
}

/** A line that keeps what it takes on the disk until it is delivered, or is a dead letter. */
export interface SpooledLineParts extends Line {
  readonly spool: Spool
  readonly deadLetters: DeadLetters
  /** Where dead letters are shown, sent again and thrown away. */
  readonly office: DeadLetterOffice
}

/** Folders in a process's part of the data directory. */
const SPOOL_FOLDER = 'spool'
const DEAD_LETTERS_FOLDER = 'dead-letters'
/**
 * To write down what became of the records, after the time to deliver them; for a disk that does
 * not answer any more.
 */
const WRITE_DOWN_MS = 5000
/** The spool's window and bodies share the memory: neither can take the other's half. */
const WINDOW_SHARE = 2

/** The line from HTTP to Kinesis on the given host, without a spool. */
export function assembleLine(
  host: Host,
  config: LineConfig,
  credentials: CredentialsProvider,
  log: Log,
): Line {
  const { producer, gateway } = assemble(host, config, {
    credentials,
    log,
    spooled: null,
    peers: null,
  })
  const close = async (deadlineMs: number) => {
    const isDrained = gateway.drain(deadlineMs)
    // Not after the drain: what waits in a buffer for company would be waited for in vain.
    const left = await producer.close(deadlineMs)
    await isDrained
    gateway.close()
    return left
  }
  return { gateway, producer, start() {}, close }
}

/**
 * The line with a spool, whose files are the process's own part of the data directory: the host's
 * disk.
 */
export async function openLine(
  host: Host,
  config: SpooledLineConfig,
  credentials: CredentialsProvider,
  log: Log,
  peers: Peers | null = null,
): Promise<SpooledLineParts> {
  const { clock, random } = host
  const parts = (name: string) => ({ clock, random, disk: below(host.disk, name) })
  const letters = parts(DEAD_LETTERS_FOLDER)
  const deadLetters = await DeadLetters.open(letters, config.deadLetters, log)
  const windowBytes = windowBytesOf(config)
  const spoolConfig = { ...config.spool, spool: { ...config.spool.spool, windowBytes } }
  const refused = refusedStreamsOf(config, clock, log)
  const stores = { deadLetters, refused }
  const spool = await Spool.open(parts(SPOOL_FOLDER), spoolConfig, stores, log)
  const { maxCount, maxAgeMs } = config.spool.idempotency
  const keepsKeys = maxCount > 0 && maxAgeMs > 0
  const spooled = { front: spool, windowBytes, deadLetters, refused, keepsKeys }
  const { producer, gateway } = assemble(host, config, { credentials, log, spooled, peers })
  const again = { append: (transaction: Transaction) => gateway.enterAgain(transaction) }
  const office = new DeadLetterOffice(deadLetters, again)
  const start = () => {
    spool.start(producer, { settled: (kind) => gateway.onSettled(kind), changed() {} })
  }
  const close = async (deadlineMs: number) => {
    const endsAtMs = clock.monotonicMs() + deadlineMs
    await gateway.drain(deadlineMs)
    // What has been handed on is still delivered; what has not stays on the disk.
    spool.stop()
    await producer.close(Math.max(0, endsAtMs - clock.monotonicMs()))
    refused.close()
    await spool.close(WRITE_DOWN_MS)
    await deadLetters.close()
    gateway.close()
    return spool.totals.unsettled
  }
  return { gateway, producer, spool, deadLetters, office, start, close }
}

function refusedStreamsOf({ gateway, spool }: SpooledLineConfig, clock: Clock, log: Log) {
  const named = new Set(gateway.mappings.map(({ stream }) => stream))
  return new RefusedStreams({
    clock,
    log,
    maxMs: spool.spool.refusedStreamMaxMs,
    isOfStream: (code) => kindOf(code) === 'permanent',
    isNamed: (stream) => named.has(stream),
  })
}

/** The spool's window as it is in force. */
function windowBytesOf({ gateway, spool }: SpooledLineConfig): number {
  return Math.min(spool.spool.windowBytes, Math.floor(gateway.memory.maxBytes / WINDOW_SHARE))
}

interface AssemblyParts {
  readonly credentials: CredentialsProvider
  readonly log: Log
  readonly spooled: SpooledLine | null
  readonly peers: Peers | null
}

function assemble(host: Host, config: LineConfig, parts: AssemblyParts) {
  const { credentials, log, spooled, peers } = parts
  const producer = new Producer(host, config.producer, credentials, log)
  const behind = { line: producer, spool: spooled, peers, build: config.build }
  return { producer, gateway: new Gateway(host, config.gateway, behind, log) }
}
