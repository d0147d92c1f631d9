// A gateway under load that is killed again and again, or meets whatever else can go wrong.

import { SimRandom } from '../../src/sim/index.ts'
import { Findings } from './findings.ts'
import { OddClients } from './odd-clients.ts'
import { isBalanced, Onlooker } from './onlooker.ts'
import { Rig } from './rig.ts'
import { GATEWAY_TROUBLES, KINESIS_TROUBLES, type Scene, type Trouble } from './troubles.ts'
import { judge, type Verdict } from './verdict.ts'
import { Writers } from './writers.ts'

export interface CrashOptions {
  readonly cycles: number
  readonly seed: number
  /** Names of what goes wrong; in each cycle one of the gateway's and one of Kinesis's. */
  readonly troubles: readonly string[]
  readonly workers: number
  readonly isSpooled: boolean
  readonly progress: (text: string) => void
  /** Ends the cycles early; what was answered until then is still looked for. */
  readonly signal?: AbortSignal
}

export interface CrashReport extends Verdict {
  readonly seed: number
  /** How often each trouble was met. */
  readonly troubles: Readonly<Record<string, number>>
  readonly sent: number
  readonly unanswered: number
  readonly refused: Readonly<Record<string, number>>
  /** Requests that were sent again, with the same answer. */
  readonly repeated: number
  /** Dead letters that were sent again. */
  readonly replayed: number
  /** Of odd clients, how they ended. */
  readonly oddClients: Readonly<Record<string, number>>
  /** How often the ledger was looked at. */
  readonly looks: number
  readonly isLedgerBalanced: boolean
  /** What else was wrong: how often, and the first ones of each sort. */
  readonly findings: Readonly<Record<string, number>>
  readonly findingsTold: readonly string[]
  /** From the start of the process until it is ready, milliseconds: median and longest. */
  readonly startMs: { readonly median: number; readonly max: number; readonly count: number }
}

const REQUESTS_PER_CYCLE_MAX = 10_000

export const TROUBLES: readonly string[] = [...GATEWAY_TROUBLES.keys(), ...KINESIS_TROUBLES.keys()]

export async function crash(options: CrashOptions): Promise<CrashReport> {
  const { seed, cycles, isSpooled } = options
  const random = new SimRandom(seed)
  const findings = new Findings()
  const maxCount = cycles * REQUESTS_PER_CYCLE_MAX
  const writers = new Writers(random.fork('writers'), { isSpooled, maxCount }, findings)
  const rig = new Rig(options, findings, (url) => writers.aim(url))
  const onlooker = new Onlooker(rig, random.fork('onlooker'), findings)
  const odd = new OddClients(random.fork('odd clients'), findings, () => rig.url)
  try {
    await rig.startKinesis({ hasLimits: true })
    await rig.startGateway()
    const troubles = await runCycles(options, { rig, writers, random: random.fork('troubles') })
    options.progress('no more troubles: waiting until all has settled')
    await Promise.all([writers.stop(), odd.stop(), onlooker.stop()])
    await rig.endKinesis('SIGTERM')
    await rig.startKinesis({ hasLimits: false })
    const isCutShort = options.signal?.aborted === true
    if (writers.told.size === 0 && !isCutShort) findings.add('nothing was promised', 'no answer')
    const verdict = await judge(rig, writers, onlooker)
    await rig.endGateway()
    return reportOf(options, { verdict, troubles, writers, onlooker, odd, findings, rig })
  } finally {
    await rig.end()
    await Promise.all([writers.stop(), odd.stop(), onlooker.stop()])
  }
}

async function runCycles(
  { cycles, troubles, workers, progress, signal }: CrashOptions,
  scene: Scene,
): Promise<Map<string, number>> {
  const isMeant = (name: string) =>
    troubles.includes(name) && (workers > 1 || !name.startsWith('worker-'))
  const bags = [GATEWAY_TROUBLES, KINESIS_TROUBLES].map(
    (table) =>
      new Bag(
        [...table].filter(([name]) => isMeant(name)),
        scene.random,
      ),
  )
  const counts = new Map<string, number>()
  for (let cycle = 0; cycle < cycles && signal?.aborted !== true; cycle++) {
    const met = bags.map((bag) => bag.draw()).filter((drawn) => drawn !== null)
    const now = met.map(([name]) => name).join(' and ')
    const { sentCount, told } = scene.writers
    progress(`${cycle + 1} of ${cycles}, ${now}: ${sentCount} sent, ${told.size} promised`)
    for (const [name] of met) counts.set(name, (counts.get(name) ?? 0) + 1)
    const randomOf = (name: string) => scene.random.fork(`${cycle} ${name}`)
    await Promise.all(met.map(([name, meet]) => meet({ ...scene, random: randomOf(name) })))
  }
  return counts
}

type Named = readonly [name: string, trouble: Trouble]

/** Draws each before it draws one again. */
class Bag {
  readonly #all: readonly Named[]
  readonly #random: SimRandom
  #left: Named[] = []

  constructor(all: readonly Named[], random: SimRandom) {
    this.#all = all
    this.#random = random
  }

  /** Null when there is nothing to draw. */
  draw(): Named | null {
    if (this.#left.length === 0) this.#left = [...this.#all]
    if (this.#left.length === 0) return null
    return this.#left.splice(this.#random.below(this.#left.length), 1)[0]!
  }
}

interface Parts {
  readonly verdict: Verdict
  readonly troubles: ReadonlyMap<string, number>
  readonly writers: Writers
  readonly onlooker: Onlooker
  readonly odd: OddClients
  readonly findings: Findings
  readonly rig: Rig
}

function reportOf(options: CrashOptions, parts: Parts): CrashReport {
  const { verdict, troubles, writers, onlooker, odd, findings, rig } = parts
  const startsMs = rig.startsMs.toSorted((a, b) => a - b)
  return {
    seed: options.seed,
    troubles: Object.fromEntries(troubles),
    sent: writers.sentCount,
    unanswered: writers.unansweredCount,
    refused: Object.fromEntries(writers.refusals),
    repeated: writers.repeatedCount,
    replayed: onlooker.replayedCount,
    oddClients: Object.fromEntries(odd.answers),
    looks: onlooker.lookCount,
    ...verdict,
    isLedgerBalanced: isBalanced(verdict.ledger),
    findings: findings.counts,
    findingsTold: findings.told,
    startMs: {
      median: startsMs[startsMs.length >> 1] ?? 0,
      max: startsMs.at(-1) ?? 0,
      count: startsMs.length,
    },
  }
}

/** What was promised is there as it was told, nothing that nobody sent is, the books are right. */
export function isGood(report: CrashReport): boolean {
  const { lost, changed, untrue, storedThough, strange, ledger, isLedgerBalanced } = report
  const wrongCount = lost.length + changed.length + untrue.length + storedThough.length + strange
  const isClean = wrongCount === 0 && Object.keys(report.findings).length === 0
  return isClean && isLedgerBalanced && ledger['outstanding'] === 0
}
