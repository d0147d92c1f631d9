// A gateway that is killed again and again under load, in front of a Kinesis that stays up.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SimRandom } from '../../src/sim/index.ts'
import { type Facts, Program } from './program.ts'
import { deadReceipts, placeOf, readStream } from './read-back.ts'
import { pause, Writers } from './writers.ts'

export interface CrashOptions {
  readonly cycles: number
  readonly seed: number
  readonly progress: (text: string) => void
  /** Ends the cycles early; what was answered until then is still looked for. */
  readonly signal?: AbortSignal
}

export interface CrashReport {
  readonly seed: number
  readonly kills: number
  /** Of them before it was ready: within its recovery. */
  readonly killsWhileStarting: number
  readonly sent: number
  readonly unanswered: number
  /** Answers by what they promised. */
  readonly promised: Readonly<Record<string, number>>
  readonly refused: Readonly<Record<string, number>>
  readonly inKinesis: number
  readonly inDeadLetters: number
  /** Promised to be kept, and neither in Kinesis nor among the dead letters. */
  readonly lost: readonly number[]
  /** Answered `delivered`, and their receipt says something else than the answer did. */
  readonly changed: readonly number[]
  /** Answered `accepted`, which promises nothing, and gone. */
  readonly acceptedAndGone: number
  /** In Kinesis more than once: how many records too many. */
  readonly duplicates: number
  /** In Kinesis with bytes that nobody sent. */
  readonly strange: number
  readonly ledger: Readonly<Record<string, number>>
  readonly isLedgerBalanced: boolean
  /** From the start of the process until it is ready, milliseconds: median and longest. */
  readonly startMs: { readonly median: number; readonly max: number }
}

/** Time that a life takes after it is ready, at most; and of one that does not get so far. */
const LIFE_MAX_MS = 1500
const EARLY_END_MAX_MS = 900
const EARLY_ENDS_PER_MILLE = 150
const REQUESTS_PER_CYCLE_MAX = 2000
const SETTLE_MS = 120_000
const SETTLE_EACH_MS = 200

const CONFIG = `
mappings:
  - { resource: live, stream: live, location: body, specification: /id }
  - { resource: gone, stream: gone, location: body, specification: /id }
admin: { port: 0 }
logLevel: warn
spool: { segmentBytes: 262144 }
kinesis:
  streams: [{ name: live, shards: 4 }]
`

export async function crash(options: CrashOptions): Promise<CrashReport> {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-crash-'))
  writeFileSync(join(folder, 'headgate.yaml'), CONFIG)
  const kinesis = new Program(['kinesis', '--port', '0', '--data', 'kinesis'], folder, false)
  const run = new CrashRun(options, folder)
  try {
    const facts = await kinesis.ready
    if (facts === null) throw new Error(`the embedded Kinesis ended: ${kinesis.error}`)
    return await run.live(facts['endpoint']!)
  } finally {
    await run.end()
    await kinesis.end('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
}

class CrashRun {
  readonly #options: CrashOptions
  readonly #folder: string
  readonly #random: SimRandom
  readonly #writers: Writers
  readonly #startsMs: number[] = []
  #gateway: Program | null = null
  #killCount = 0
  #killedEarlyCount = 0

  constructor(options: CrashOptions, folder: string) {
    this.#options = options
    this.#folder = folder
    this.#random = new SimRandom(options.seed)
    const maxCount = options.cycles * REQUESTS_PER_CYCLE_MAX
    this.#writers = new Writers(this.#random.fork('writers'), maxCount)
  }

  async live(endpoint: string): Promise<CrashReport> {
    const { cycles, progress, signal } = this.#options
    for (let cycle = 0; cycle < cycles && signal?.aborted !== true; cycle++) {
      const { sentCount, told } = this.#writers
      progress(`kill ${cycle + 1} of ${cycles}: ${sentCount} sent, ${told.size} promised`)
      await this.#cycle(endpoint)
    }
    progress('no more kills: waiting until all has settled')
    const facts = await this.#start(endpoint)
    await pause(LIFE_MAX_MS)
    await this.#writers.stop()
    const ledger = await settled(facts['gateway']!)
    progress('reading back')
    return this.#report(endpoint, facts, ledger)
  }

  async end(): Promise<void> {
    this.#writers.aim(null)
    await this.#gateway?.end('SIGKILL')
    await this.#writers.stop()
  }

  async #cycle(endpoint: string): Promise<void> {
    if (this.#random.hits(EARLY_ENDS_PER_MILLE)) {
      this.#gateway = this.#spawn(endpoint)
      await pause(this.#random.below(EARLY_END_MAX_MS))
      if (this.#gateway.hasFailed) throw this.#failure()
      this.#killedEarlyCount++
    } else {
      await this.#start(endpoint)
      await pause(this.#random.below(LIFE_MAX_MS))
      if (this.#gateway!.hasFailed) throw this.#failure()
    }
    await this.#gateway!.end('SIGKILL')
    this.#killCount++
    this.#writers.aim(null)
  }

  /** Starts a gateway and sends the load to it. */
  async #start(endpoint: string): Promise<Facts> {
    const startedAtMs = performance.now()
    this.#gateway = this.#spawn(endpoint)
    const facts = await this.#gateway.ready
    if (facts === null) throw this.#failure()
    this.#startsMs.push(Math.round(performance.now() - startedAtMs))
    this.#writers.aim(facts['gateway']!)
    return facts
  }

  #spawn(endpoint: string): Program {
    const args = ['serve', '--port', '0', '--data', 'gateway', '--endpoint', endpoint]
    return new Program(args, this.#folder, true)
  }

  #failure(): Error {
    return new Error(
      `the gateway ended by itself after ${this.#killCount} kills:\n${this.#gateway!.error}`,
    )
  }

  async #report(endpoint: string, facts: Facts, ledger: Ledger): Promise<CrashReport> {
    const { told, sentCount, unansweredCount, refusals } = this.#writers
    const { found, strangeCount } = await readStream(endpoint, 'live')
    const dead = await deadReceipts(facts['admin']!)
    const promised: Record<string, number> = {}
    const lost: number[] = []
    let acceptedAndGone = 0
    for (const [id, { promised: what, receipt }] of told) {
      promised[what] = (promised[what] ?? 0) + 1
      if (found.has(id) || (receipt !== null && dead.has(receipt))) continue
      // Without a receipt an accepted record cannot be looked for among the dead letters.
      if (what === 'accepted') acceptedAndGone++
      else lost.push(id)
    }
    const copies = [...found.values()].reduce((sum, count) => sum + count, 0)
    const { attempts, successes, failures, exhausted, outstanding, imbalance } = ledger
    const startsMs = this.#startsMs.toSorted((a, b) => a - b)
    return {
      seed: this.#options.seed,
      kills: this.#killCount,
      killsWhileStarting: this.#killedEarlyCount,
      sent: sentCount,
      unanswered: unansweredCount,
      promised,
      refused: Object.fromEntries(refusals),
      inKinesis: found.size,
      inDeadLetters: dead.size,
      lost,
      changed: await this.#changed(facts['gateway']!),
      acceptedAndGone,
      duplicates: copies - found.size,
      strange: strangeCount,
      ledger,
      isLedgerBalanced:
        attempts === successes! + failures! + exhausted! + outstanding! && imbalance === 0,
      startMs: { median: startsMs[startsMs.length >> 1] ?? 0, max: startsMs.at(-1) ?? 0 },
    }
  }

  /** No kill may undo what a client was told of a delivery. */
  async #changed(gateway: string): Promise<number[]> {
    const changed: number[] = []
    for (const [id, { promised, receipt, place }] of this.#writers.told) {
      if (promised !== 'delivered') continue
      if ((await placeOf(gateway, receipt!)) !== place) changed.push(id)
    }
    return changed
  }
}

type Ledger = Readonly<Record<string, number>>

/** The ledger when nothing is outstanding any more. */
async function settled(gateway: string): Promise<Ledger> {
  for (let waitedMs = 0; ; waitedMs += SETTLE_EACH_MS) {
    const answer = await fetch(`${gateway}/actuator/kinesis`)
    const ledger = (await answer.json()) as Ledger
    if (ledger['outstanding'] === 0) return ledger
    if (waitedMs >= SETTLE_MS) throw new Error(`not settled: ${JSON.stringify(ledger)}`)
    await pause(SETTLE_EACH_MS)
  }
}

/** What was promised is there as it was told, nothing that nobody sent is, the books are right. */
export function isGood(report: CrashReport): boolean {
  const { lost, changed, strange, isLedgerBalanced, ledger } = report
  const isKept = lost.length === 0 && changed.length === 0 && strange === 0
  return isKept && isLedgerBalanced && ledger['outstanding'] === 0
}
