// Open-loop load from a process of its own: requests leave when they are due, whether answers have
// come or not, and their latency counts from when they were due. So a server that is late cannot
// slow its own load down and look better for it.

import { connect, type Socket } from 'node:net'
import { answerCalls } from '../../bench/child.ts'
import { AnswerReader } from './answer-reader.ts'
import { Latencies } from './latencies.ts'

export interface Step {
  readonly port: number
  /** A whole request, head included. */
  readonly request: Buffer
  readonly ratePerSecond: number
  readonly seconds: number
  /** Connections at most; a request for which none is free is not sent, and counted. */
  readonly maxConnections: number
}

export interface Second {
  good: number
  refused: number
  /** Connections that broke with a request on them. */
  broken: number
  /** Longest latency of a good answer, ms. */
  worstGoodMs: number
}

export interface StepResult {
  readonly offered: number
  readonly unsent: number
  readonly good: number
  readonly refused: Readonly<Record<string, number>>
  readonly broken: number
  readonly goodMs: Quantiles
  readonly refusedMs: Quantiles
  /** How late requests left, compared with when they were due: the generator's own fault. */
  readonly lateMs: Quantiles
  /** By the second in which the answer came. */
  readonly seconds: readonly Second[]
  /** Processor time of the generator, part of one core. */
  readonly busy: number
}

export interface Quantiles {
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/** After the last request: how long answers are waited for. */
const GRACE_MS = 10_000

class StepRun {
  readonly #step: Step
  readonly #resolve: (result: StepResult) => void
  readonly #startAtMs = performance.now()
  readonly #cpu = process.cpuUsage()
  readonly #free: Connection[] = []
  readonly #all = new Set<Connection>()
  readonly #good = new Latencies()
  readonly #refused = new Latencies()
  readonly #late = new Latencies()
  readonly #refusals = new Map<string, number>()
  readonly #seconds: Second[] = []
  #offeredCount = 0
  #unsentCount = 0
  #goodCount = 0
  #brokenCount = 0
  #openCount = 0
  #endedAtMs: number | null = null

  constructor(step: Step, resolve: (result: StepResult) => void) {
    this.#step = step
    this.#resolve = resolve
    this.#tick()
  }

  #tick(): void {
    const nowMs = performance.now() - this.#startAtMs
    this.#send(nowMs)
    // What is due and finds no connection is not sent at all: nobody waits in line here.
    this.#unsentCount += this.#dueCount(nowMs) - this.#offeredCount
    this.#offeredCount = this.#dueCount(nowMs)
    if (nowMs < this.#step.seconds * 1000) setTimeout(() => this.#tick(), 1)
    else this.#endSoon()
  }

  #dueCount(nowMs: number): number {
    const { ratePerSecond, seconds } = this.#step
    return Math.floor((Math.min(nowMs, seconds * 1000) * ratePerSecond) / 1000)
  }

  #send(nowMs: number): void {
    const { ratePerSecond, request } = this.#step
    const dueCount = this.#dueCount(nowMs)
    while (this.#offeredCount < dueCount) {
      const connection = this.#free.pop() ?? this.#connect()
      if (connection === null) return
      const dueAtMs = this.#startAtMs + (++this.#offeredCount * 1000) / ratePerSecond
      this.#late.add(performance.now() - dueAtMs)
      this.#openCount++
      connection.send(request, dueAtMs)
    }
  }

  #endSoon(): void {
    this.#endedAtMs ??= performance.now()
    if (this.#openCount === 0 || performance.now() - this.#endedAtMs > GRACE_MS) this.#end()
    else setTimeout(() => this.#endSoon(), 5)
  }

  #connect(): Connection | null {
    if (this.#all.size >= this.#step.maxConnections) return null
    const connection: Connection = new Connection(this.#step.port, {
      answered: (status, code, ms) => {
        this.#openCount--
        this.#count(status, code, ms)
        this.#free.push(connection)
        // Else all answers of a moment would be read before the next requests leave, and whoever
        // gives them would wait meanwhile.
        this.#send(performance.now() - this.#startAtMs)
      },
      closed: (hadRequest) => {
        this.#all.delete(connection)
        const at = this.#free.indexOf(connection)
        if (at !== -1) this.#free.splice(at, 1)
        if (!hadRequest) return
        this.#openCount--
        this.#brokenCount++
        this.#second().broken++
      },
    })
    this.#all.add(connection)
    return connection
  }

  #count(status: number, code: string, ms: number): void {
    const second = this.#second()
    if (status >= 200 && status < 300) {
      this.#goodCount++
      this.#good.add(ms)
      second.good++
      second.worstGoodMs = Math.max(second.worstGoodMs, ms)
    } else {
      this.#refusals.set(code, (this.#refusals.get(code) ?? 0) + 1)
      this.#refused.add(ms)
      second.refused++
    }
  }

  #second(): Second {
    const index = Math.floor((performance.now() - this.#startAtMs) / 1000)
    while (this.#seconds.length <= index) {
      this.#seconds.push({ good: 0, refused: 0, broken: 0, worstGoodMs: 0 })
    }
    return this.#seconds[index]!
  }

  #end(): void {
    const { user, system } = process.cpuUsage(this.#cpu)
    const elapsedMs = performance.now() - this.#startAtMs
    for (const connection of this.#all) connection.destroy()
    this.#resolve({
      offered: this.#offeredCount,
      unsent: this.#unsentCount,
      good: this.#goodCount,
      refused: Object.fromEntries(this.#refusals),
      broken: this.#brokenCount + this.#openCount,
      goodMs: this.#good.quantiles(),
      refusedMs: this.#refused.quantiles(),
      lateMs: this.#late.quantiles(),
      seconds: this.#seconds,
      busy: (user + system) / 1000 / elapsedMs,
    })
  }
}

interface Listener {
  answered(status: number, code: string, ms: number): void
  closed(hadRequest: boolean): void
}

class Connection {
  readonly #socket: Socket
  readonly #reader = new AnswerReader()
  #dueAtMs: number | null = null
  #isDestroyed = false

  constructor(port: number, listener: Listener) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true })
    this.#socket.on('data', (bytes) => {
      const answer = this.#reader.take(bytes)
      if (answer === null || this.#dueAtMs === null) return
      const ms = performance.now() - this.#dueAtMs
      this.#dueAtMs = null
      listener.answered(answer.status, answer.code, ms)
    })
    this.#socket.on('error', () => {})
    this.#socket.on('close', () => {
      if (!this.#isDestroyed) listener.closed(this.#dueAtMs !== null)
    })
  }

  send(request: Buffer, dueAtMs: number): void {
    this.#dueAtMs = dueAtMs
    this.#socket.write(request)
  }

  destroy(): void {
    this.#isDestroyed = true
    this.#socket.destroy()
  }
}

if (process.argv[1] === import.meta.filename) {
  answerCalls({
    run: (step: Step) => {
      // A buffer comes as plain bytes from another process.
      const request = Buffer.from(step.request)
      return new Promise<StepResult>((resolve) => new StepRun({ ...step, request }, resolve))
    },
  })
}
