// One experiment for real: a gateway process, a Kinesis process and a load generator over loopback;
// or the load generator alone against somebody else's server.

import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import {
  type Counters,
  KEY_HEADER,
  type Run,
  Samples,
  type SimulateOptions,
  type StatisticsLine,
  statusesOf,
  successesOf,
  TARGET_PATH,
  Timeline,
} from '../lab/index.ts'
import { endWithUs } from './end-with-us.ts'
import { usageError } from './exit.ts'
import { type FromGenerator, type ToGenerator, unpackInto } from './lab-messages.ts'
import { type LiveGateway, startGateway } from './lab-processes.ts'

export interface LiveOptions extends SimulateOptions {
  /** The URL that is posted to; null: a gateway of our own. */
  readonly target: string | null
}

export interface LiveRun {
  readonly run: Run
  /** Since the epoch. */
  readonly startedAtMs: number
}

const SECOND_MS = 1000
/** How long records on their way are waited for after the load. */
const DRAIN_MAX_MS = 120_000
/** Above it, the generator's own event loop is what limits the load. */
const BUSY_MAX = 0.9
/** Later than that behind its schedule, an open loop is no longer what it says. */
const LATE_MAX_MS = 50

export async function runLive(options: LiveOptions): Promise<LiveRun> {
  const live = new Live(options)
  return await live.run()
}

class Live {
  readonly #options: LiveOptions
  readonly #samples = new Samples()
  readonly #timeline = new Timeline(this.#samples)
  readonly #statistics: StatisticsLine[] = []
  readonly #warnings = new Set<string>()
  #startedAtMs = 0
  #told: FromGenerator | null = null
  #lateMs = 0
  #busiest = 0
  #ledger: Ledger = NO_LEDGER
  #isCutShort = false
  #loadEndMs = 0

  constructor(options: LiveOptions) {
    this.#options = options
  }

  async run(): Promise<LiveRun> {
    const { experiment, target } = this.#options
    const onLog = (line: string) => this.#onLog(line)
    const gateway = target === null ? await startGateway(experiment, onLog) : null
    try {
      return await this.#load(gateway, target === null ? gateway!.url + TARGET_PATH : urlOf(target))
    } finally {
      await gateway?.close()
    }
  }

  async #load(gateway: LiveGateway | null, url: string): Promise<LiveRun> {
    const generator = startGenerator()
    const startedAtEpochMs = Date.now()
    this.#startedAtMs = performance.now()
    const isOver = new Promise<void>((resolve) => generator.once('exit', () => resolve()))
    generator.on('message', (message: FromGenerator) => this.#onTold(message))
    this.#start(generator, url)
    const ticker = setInterval(() => void this.#tick(gateway, generator), SECOND_MS)
    await isOver
    this.#loadEndMs = this.#nowMs()
    if (this.#told?.isOver !== true) this.#warnings.add('the load generator ended before its time')
    await this.#drain(gateway)
    clearInterval(ticker)
    await this.#tick(gateway, generator)
    return { run: this.#result(gateway !== null), startedAtMs: startedAtEpochMs }
  }

  #start(generator: ChildProcess, url: string): void {
    const { load, payload } = this.#options.experiment
    const message: ToGenerator = {
      type: 'start',
      load,
      url,
      headers: { 'content-type': 'application/json' },
      keyHeader: payload.key === 'random' ? KEY_HEADER : null,
      payloadBytes: payload.bytes,
    }
    generator.send(message)
  }

  #onTold(message: FromGenerator): void {
    unpackInto(this.#samples, message.samples)
    this.#told = message
    this.#lateMs = Math.max(this.#lateMs, message.lateMs)
    this.#busiest = Math.max(this.#busiest, message.busy)
    if (message.busy > BUSY_MAX) {
      const percent = Math.round(message.busy * 100)
      this.#warnings.add(`the load generator was the limit: its event loop was ${percent} % busy`)
    }
    if (message.lateMs > LATE_MAX_MS) {
      this.#warnings.add(
        `the load generator was the limit: up to ${Math.round(this.#lateMs)} ms behind its schedule`,
      )
    }
  }

  async #tick(gateway: LiveGateway | null, generator: ChildProcess): Promise<void> {
    if (gateway !== null) this.#ledger = (await ledgerAt(gateway.url)) ?? this.#ledger
    const told = this.#told
    this.#timeline.tick(this.#nowMs() / SECOND_MS, {
      ledger: this.#ledger,
      throttled: this.#ledger.throttled,
      shardBytes: new Map(),
      offered: told?.begun ?? 0,
      oldestAgeMs: this.#ledger.oldestAgeMs,
      active: told?.active ?? 0,
    })
    const { title, onProgress, isCutShort } = this.#options
    onProgress?.({
      title,
      virtualMs: this.#nowMs(),
      samples: this.#samples.count,
      planned: told?.planned ?? 1,
      outstanding: this.#ledger.outstanding,
    })
    if (!this.#isCutShort && isCutShort?.() === true) {
      this.#isCutShort = true
      if (generator.connected) generator.send({ type: 'stop' } satisfies ToGenerator)
    }
  }

  async #drain(gateway: LiveGateway | null): Promise<void> {
    if (gateway === null) return
    const untilMs = this.#nowMs() + DRAIN_MAX_MS
    do {
      this.#ledger = (await ledgerAt(gateway.url)) ?? this.#ledger
      if (this.#ledger.outstanding === 0) return
      await new Promise((resolve) => setTimeout(resolve, DRAIN_LOOK_MS))
    } while (this.#nowMs() < untilMs && this.#options.isCutShort?.() !== true)
  }

  #result(hasLedger: boolean): Run {
    const { experiment, title, seed, scale } = this.#options
    const statuses = statusesOf(this.#samples)
    const { throttled, oldestAgeMs: _, ...ledger } = this.#ledger
    const answered = successesOf(this.#samples)
    const lost = answered - ledger.successes - ledger.outstanding - ledger.deadLettered
    const counters: Counters = {
      ...ledger,
      answeredNotDelivered: Math.max(0, lost),
      throttled,
      roads: [],
      statuses,
    }
    return {
      experiment,
      title,
      kind: 'live',
      seed,
      scale,
      samples: this.#samples,
      seconds: this.#timeline.seconds,
      counters: hasLedger ? counters : null,
      statistics: this.#statistics,
      loadEndMs: this.#loadEndMs,
      endMs: this.#nowMs(),
      isCutShort: this.#isCutShort,
      warnings: [...this.#warnings],
    }
  }

  #onLog(line: string): void {
    const found = STATISTICS_LINE.exec(line)
    if (found === null) return
    try {
      const { level, msg } = JSON.parse(line) as { level: number; msg: string }
      const atMs = this.#nowMs()
      this.#statistics.push({ atMs, level: level >= WARN_LEVEL ? 'warn' : 'info', text: msg })
    } catch {
      // A line that was cut is none.
    }
  }

  #nowMs(): number {
    return performance.now() - this.#startedAtMs
  }
}

const DRAIN_LOOK_MS = 200
/** Pino's number for warnings. */
const WARN_LEVEL = 40
const STATISTICS_LINE = /Stage [12] Triggers|Processing Time|processing time/

/** What the gateway's actuators say. */
interface Ledger {
  readonly attempts: number
  readonly successes: number
  readonly failures: number
  readonly exhausted: number
  readonly outstanding: number
  readonly imbalance: number
  readonly deadLettered: number
  readonly oldestAgeMs: number
  readonly throttled: number
  readonly putRecords: number
  readonly kinesisRecords: number
  readonly failedRequests: number
  readonly retried: number
}

/** Of a gateway with a spool. */
interface Shelves {
  readonly deadLetters?: { readonly count: number } | null
  readonly spool?: { readonly oldestAgeMs: number } | null
}

const NO_LEDGER: Ledger = {
  attempts: 0,
  successes: 0,
  failures: 0,
  exhausted: 0,
  outstanding: 0,
  imbalance: 0,
  deadLettered: 0,
  oldestAgeMs: 0,
  throttled: 0,
  putRecords: 0,
  kinesisRecords: 0,
  failedRequests: 0,
  retried: 0,
}

/** Null when it does not answer: it may be busy, and is asked again. */
async function ledgerAt(url: string): Promise<Ledger | null> {
  try {
    const [ledger, kpl] = await Promise.all([
      fetch(`${url}/actuator/kinesis`).then((answer) => answer.json()),
      fetch(`${url}/actuator/kpl`).then((answer) => answer.json()),
    ])
    const streams = (kpl as { streams?: Record<string, number>[] }).streams ?? []
    const sum = (name: string) => streams.reduce((total, stream) => total + (stream[name] ?? 0), 0)
    return {
      ...NO_LEDGER,
      ...onlyNumbers(ledger as Record<string, unknown>),
      deadLettered: (ledger as Shelves).deadLetters?.count ?? 0,
      oldestAgeMs: (ledger as Shelves).spool?.oldestAgeMs ?? 0,
      throttled: sum('throttledCount'),
      putRecords: sum('putRecordsCount'),
      kinesisRecords: sum('kinesisRecordsCount'),
      failedRequests: sum('failedRequestCount'),
      retried: sum('retriedCount'),
    }
  } catch {
    return null
  }
}

function onlyNumbers(fields: Record<string, unknown>): Partial<Ledger> {
  const known = Object.keys(NO_LEDGER)
  const entries = Object.entries(fields)
  return Object.fromEntries(
    entries.filter(([name, value]) => known.includes(name) && typeof value === 'number'),
  )
}

function startGenerator(): ChildProcess {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const path = fileURLToPath(new URL(`./lab-generator.${extension}`, import.meta.url))
  const child = fork(path, { serialization: 'advanced', detached: true })
  endWithUs(child)
  return child
}

function urlOf(target: string): string {
  const url = URL.parse(target)
  if (url !== null && /^https?:$/.test(url.protocol)) return url.href
  throw usageError(`--target is ${JSON.stringify(target)}; say http(s)://host:port/path`)
}
