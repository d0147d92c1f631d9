// Measures a gateway at multiples of what it can carry, and how it comes back.

import { Child, CLIENT_CORE, SERVER_CORE } from '../../bench/child.ts'
import { median } from '../../bench/harness.ts'
import { postBytes } from '../../bench/load-client.ts'
import type { Quantiles, Second, StepResult } from './generator.ts'
import { mergedOf, turnsOf } from './rounds.ts'
import {
  type Cpu,
  MEMORY_MAX_BYTES,
  nodeOptionsOf,
  type Overloaded,
  openWorld,
  type Scenario,
} from './world.ts'

export const MULTIPLES = [1, 2, 5, 10] as const

/** As in the log: 1 612 bytes would be limited by the shard's bytes; 1 000 are by its records. */
export const BODY_BYTES = 1000

export interface OverloadOptions {
  /** Of each step, in each round. */
  readonly seconds: number
  readonly roundCount: number
  readonly progress: (text: string) => void
}

export interface StepReport {
  readonly multiple: number
  readonly wantedPerSecond: number
  readonly offeredPerSecond: number
  readonly goodPerSecond: number
  /** Of the rounds, the least and the most. */
  readonly goodSpread: readonly [number, number]
  /** Of the best step's. */
  readonly goodputPart: number
  /** Records that Kinesis confirmed meanwhile. */
  readonly deliveredPerSecond: number
  readonly refusedPerSecond: number
  readonly refused: Readonly<Record<string, number>>
  readonly broken: number
  readonly goodMs: Quantiles
  readonly refusedMs: Quantiles
  readonly residentMaxBytes: number
  /** Processor time of the gateway for each answer, good or refused, microseconds. */
  readonly cpuMicros: Cpu
  /** Processor time of the gateway in a second, seconds: 1 when its core was all its own. */
  readonly cores: number
  /** From the last request of the step until answers were as before; null: not within the watch. */
  readonly backAfterSeconds: number | null
  /** Why the figures of this step may be the generator's; empty when they are not. */
  readonly generatorLimits: readonly string[]
}

export type MeasuredStep = Omit<StepReport, 'goodputPart'>

export interface ScenarioReport {
  readonly scenario: Scenario
  readonly capacityPerSecond: number
  readonly idleMs: Quantiles
  readonly idleResidentBytes: number
  readonly memoryMaxBytes: number
  readonly steps: readonly StepReport[]
  readonly bare: BareReport
}

/** A server on `node:http` that reads bodies and answers, under the last step's load. */
export interface BareReport {
  readonly idleResidentBytes: number
  readonly residentMaxBytes: number
}

const IDLE_PER_SECOND = 50
const IDLE_SECONDS = 4
const CAPACITY_SECONDS = 8
const WATCH_SECONDS = 10
const MAX_CONNECTIONS = 1000
/** An answer of the watch is as before when it takes no longer than the idle p99 and this. */
const AS_BEFORE_MS = 5
const SAMPLE_EACH_MS = 200
/** Beyond these the generator is late, or has no core left: its own limit. */
const LATE_P99_MAX_MS = 5
const BUSY_MAX = 0.85

export async function overload(
  scenario: Scenario,
  { seconds, roundCount, progress }: OverloadOptions,
): Promise<ScenarioReport> {
  const world = await openWorld(scenario)
  const generator = new Child(new URL('./generator.ts', import.meta.url), CLIENT_CORE)
  const load = new Load(world.port, generator)
  try {
    progress(`${scenario.name}: warming up`)
    await load.run(IDLE_PER_SECOND * 10, 2)
    const idle = await load.run(IDLE_PER_SECOND, IDLE_SECONDS)
    progress(`${scenario.name}: looking for the capacity`)
    const capacityPerSecond = await capacityOf(load, scenario.firstPerSecond)
    await load.untilBack(idle.goodMs.p99)
    const idleResidentBytes = world.residentBytes()
    const turns: MeasuredStep[] = []
    for (const multiple of turnsOf(MULTIPLES, roundCount)) {
      progress(`${scenario.name}: ${multiple} times ${capacityPerSecond}/s for ${seconds} s`)
      turns.push(await stepOf(world, load, { multiple, capacityPerSecond, seconds, idle }))
    }
    const steps = MULTIPLES.map((multiple) => {
      return mergedOf(turns.filter((step) => step.multiple === multiple))
    })
    const best = Math.max(...steps.map(({ goodPerSecond }) => goodPerSecond))
    progress(`${scenario.name}: a bare server for ${seconds} s`)
    const bare = await bareOf(generator, scenario, {
      ratePerSecond: steps.at(-1)!.wantedPerSecond,
      seconds,
    })
    return {
      scenario,
      capacityPerSecond,
      idleMs: idle.goodMs,
      idleResidentBytes,
      memoryMaxBytes: MEMORY_MAX_BYTES,
      steps: steps.map((step) => ({ ...step, goodputPart: step.goodPerSecond / best })),
      bare,
    }
  } finally {
    generator.stop()
    await world.close()
  }
}

class Load {
  readonly #port: number
  readonly #generator: Child
  readonly #request = postBytes('/mappedIngest/load', ['key: k'], bodyOf(BODY_BYTES))

  constructor(port: number, generator: Child) {
    this.#port = port
    this.#generator = generator
  }

  run(ratePerSecond: number, seconds: number): Promise<StepResult> {
    const port = this.#port
    const request = this.#request
    const step = { port, request, ratePerSecond, seconds, maxConnections: MAX_CONNECTIONS }
    return this.#generator.call<StepResult>('run', step)
  }

  /** Light load until every answer of a second is good and quick; the seconds that it took. */
  async untilBack(idleP99Ms: number): Promise<number | null> {
    const { seconds } = await this.run(IDLE_PER_SECOND, WATCH_SECONDS)
    const isAsBefore = ({ good, refused, broken, worstGoodMs }: Second) => {
      return good > 0 && refused + broken === 0 && worstGoodMs <= idleP99Ms + WORST_EXTRA_MS
    }
    // The last one may be cut short.
    const whole = seconds.slice(0, WATCH_SECONDS)
    const lastBad = whole.findLastIndex((second) => !isAsBefore(second))
    return lastBad === whole.length - 1 ? null : lastBad + 1
  }
}

/** One of fifty answers a second may meet a sync of the disk that takes longer. */
const WORST_EXTRA_MS = 10 * AS_BEFORE_MS

/** What is answered well when more is offered than it can carry: the best of rising rates. */
async function capacityOf(load: Load, firstPerSecond: number): Promise<number> {
  let best = 0
  for (let rate = firstPerSecond; ; rate *= 2) {
    const { seconds } = await load.run(rate, CAPACITY_SECONDS)
    // The second half: the first one fills what was empty.
    const half = seconds.slice(CAPACITY_SECONDS / 2, CAPACITY_SECONDS)
    const perSecond = median(half.map(({ good }) => good))
    if (perSecond < best * 1.1) return Math.round(best)
    best = Math.max(best, perSecond)
    if (perSecond < rate * 0.8) return Math.round(best)
  }
}

interface StepPlan {
  readonly multiple: number
  readonly capacityPerSecond: number
  readonly seconds: number
  readonly idle: StepResult
}

async function stepOf(
  world: Overloaded,
  load: Load,
  { multiple, capacityPerSecond, seconds, idle }: StepPlan,
): Promise<MeasuredStep> {
  let residentMaxBytes = 0
  const sampling = setInterval(() => {
    residentMaxBytes = Math.max(residentMaxBytes, world.residentBytes())
  }, SAMPLE_EACH_MS)
  const before = await world.ledger()
  const cpuBefore = world.cpu()
  const startedAtMs = performance.now()
  const result = await load.run(multiple * capacityPerSecond, seconds)
  const elapsedMs = performance.now() - startedAtMs
  const cpuAfter = world.cpu()
  const user = cpuAfter.user - cpuBefore.user
  const system = cpuAfter.system - cpuBefore.system
  const after = await world.ledger()
  clearInterval(sampling)
  const backAfterSeconds = await load.untilBack(idle.goodMs.p99)
  const refused = Object.values(result.refused).reduce((sum, count) => sum + count, 0)
  const answered = result.good + refused
  // Answers to what was offered within the step; those after its end would flatter it.
  const within = result.seconds.slice(0, seconds)
  const good = within.reduce((sum, second) => sum + second.good, 0)
  return {
    multiple,
    wantedPerSecond: multiple * capacityPerSecond,
    offeredPerSecond: (result.offered - result.unsent) / seconds,
    goodPerSecond: good / seconds,
    goodSpread: [good / seconds, good / seconds],
    deliveredPerSecond: (after['successes']! - before['successes']!) / seconds,
    refusedPerSecond: refused / seconds,
    refused: result.refused,
    broken: result.broken,
    goodMs: result.goodMs,
    refusedMs: result.refusedMs,
    residentMaxBytes,
    cpuMicros: { user: user / answered, system: system / answered },
    cores: (user + system) / 1000 / elapsedMs,
    backAfterSeconds,
    generatorLimits: limitsOf(result),
  }
}

async function bareOf(
  generator: Child,
  scenario: Scenario,
  { ratePerSecond, seconds }: { ratePerSecond: number; seconds: number },
): Promise<BareReport> {
  const module = new URL('../../bench/parts/bare-server.ts', import.meta.url)
  const server = new Child(module, SERVER_CORE, process.execPath, nodeOptionsOf(scenario))
  try {
    const load = new Load(await server.call<number>('start'), generator)
    await load.run(IDLE_PER_SECOND * 10, 2)
    const idleResidentBytes = await server.residentBytes()
    let residentMaxBytes = 0
    const sampling = setInterval(async () => {
      residentMaxBytes = Math.max(residentMaxBytes, await server.residentBytes())
    }, SAMPLE_EACH_MS)
    await load.run(ratePerSecond, seconds)
    clearInterval(sampling)
    return { idleResidentBytes, residentMaxBytes }
  } finally {
    server.stop()
  }
}

function limitsOf({ unsent, offered, lateMs, busy }: StepResult): string[] {
  const limits: string[] = []
  if (unsent > 0) {
    limits.push(`${unsent} of ${offered} were not sent: all ${MAX_CONNECTIONS} connections waited`)
  }
  if (lateMs.p99 > LATE_P99_MAX_MS)
    limits.push(`requests left late: p99 ${lateMs.p99.toFixed(1)} ms`)
  if (busy > BUSY_MAX) limits.push(`the generator used ${Math.round(busy * 100)} % of its core`)
  return limits
}

function bodyOf(bytes: number): Buffer {
  return Buffer.from(`"${'x'.repeat(bytes - 2)}"`)
}
