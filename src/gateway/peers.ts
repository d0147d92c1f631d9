// Several processes that are one gateway: each takes requests on the same port, and what one of
// them is asked about the whole, all of them answer.

import type { BodyTaker, HttpAnswer } from '../host/index.ts'
import type { ReceiptState, SpoolState, SpoolStats } from '../spool/index.ts'
import type { DeadLetterStats } from './door.ts'
import type { IdempotencyKeys } from './idempotency.ts'
import { problem } from './problem.ts'
import type { GatewaySnapshot } from './snapshot.ts'

/** What one process says of itself. */
export interface PeerReport {
  readonly snapshot: GatewaySnapshot
  /** Its producer's metrics, as Prometheus scrapes them. */
  readonly producerMetrics: string
}

/** What became of the processes, since the start. */
export interface WorkersCounts {
  /** How many there should be, and how many serve now. */
  readonly wanted: number
  readonly ready: number
  /** How often one ended and was replaced. */
  readonly replaced: number
  /** Of those, ended because they gave no sign of life. */
  readonly hung: number
}

/** What all processes together say. */
export interface WholeReport {
  readonly processes: readonly PeerReport[]
  /** Null where there is one process alone. */
  readonly workers: WorkersCounts | null
}

export interface Peers {
  report(): Promise<WholeReport>
  /** What any process knows of a receipt that this one does not know. */
  receipt(id: string): Promise<ReceiptState>
  readonly keys: IdempotencyKeys
}

/** Answers with what all processes report. */
export class ReportsTaker implements BodyTaker {
  /** A GET has none that matters. */
  readonly maxBodyBytes = 1024
  readonly #peers: Peers
  readonly #answerOf: (report: WholeReport) => HttpAnswer
  #isOver = false

  /** `answerOf` is called once, unless whoever asked went away. */
  constructor(peers: Peers, answerOf: (report: WholeReport) => HttpAnswer) {
    this.#peers = peers
    this.#answerOf = answerOf
  }

  end(_body: Buffer, answer: (answer: HttpAnswer) => void): void {
    void this.#peers.report().then((report) => {
      if (!this.#isOver) answer(this.#answerOf(report))
    })
  }

  tooLarge(): HttpAnswer {
    return problem('body-too-large', 'No body is needed here.')
  }

  abort(): void {
    this.#isOver = true
  }
}

/** The whole of several processes: sums, of ages the largest, of states the worst. */
export function merged(snapshots: readonly GatewaySnapshot[]): GatewaySnapshot {
  const spools = snapshots.map(({ spool }) => spool).filter((spool) => spool !== null)
  const letters = snapshots.map(({ deadLetters }) => deadLetters).filter((one) => one !== null)
  return {
    ledger: summed(snapshots.map(({ ledger }) => ledger)),
    imbalance: sumOf(snapshots, ({ imbalance }) => imbalance),
    waiting: sumOf(snapshots, ({ waiting }) => waiting),
    heldBytes: sumOf(snapshots, ({ heldBytes }) => heldBytes),
    openRequests: sumOf(snapshots, ({ openRequests }) => openRequests),
    requests: summed(snapshots.map(({ requests }) => requests)),
    refusals: summed(snapshots.map(({ refusals }) => refusals)),
    closedConnections: sumOf(snapshots, ({ closedConnections }) => closedConnections),
    unready: summed(snapshots.map(({ unready }) => unready)),
    spool: spools.length === 0 ? null : mergedSpools(spools),
    deadLetters: letters.length === 0 ? null : mergedLetters(letters),
    // Mostly the same ones in each.
    refusedStreams: Math.max(0, ...snapshots.map(({ refusedStreams }) => refusedStreams)),
  }
}

/** From good to bad. */
const SPOOL_STATES: readonly SpoolState[] = [
  'ok',
  'dead-letters-full',
  'spool-full',
  'disk-full',
  'disk-failed',
  'closed',
]
const LETTERS_STATES: readonly DeadLetterStats['state'][] = ['ok', 'full', 'disk-failed']

function mergedSpools(spools: readonly SpoolStats[]): SpoolStats {
  const amounts = summed(spools.map(({ state: _, oldestAgeMs: __, ...rest }) => rest))
  const oldestAgeMs = Math.max(...spools.map((spool) => spool.oldestAgeMs))
  return { ...amounts, oldestAgeMs, state: worst(SPOOL_STATES, spools) }
}

function mergedLetters(letters: readonly DeadLetterStats[]): DeadLetterStats {
  const amounts = summed(letters.map(({ state: _, ...rest }) => rest))
  return { ...amounts, state: worst(LETTERS_STATES, letters) }
}

function worst<S>(order: readonly S[], holders: readonly { readonly state: S }[]): S {
  return order[Math.max(...holders.map(({ state }) => order.indexOf(state)))]!
}

function sumOf<T>(all: readonly T[], amountOf: (one: T) => number): number {
  return all.reduce((sum, one) => sum + amountOf(one), 0)
}

/** Name by name; a name that only some have counts there. */
function summed<T extends object>(all: readonly T[]): T {
  const sums = new Map<string, number>()
  for (const one of all) {
    for (const [name, value] of Object.entries(one)) sums.set(name, (sums.get(name) ?? 0) + value)
  }
  return Object.fromEntries(sums) as T
}

/**
 * Texts for Prometheus of several processes as one, whose values are sums. Only for metrics that
 * can be added up, as all of ours can.
 */
export function mergedMetrics(texts: readonly string[]): string {
  if (texts.length === 1) return texts[0]!
  const families = new Map<
    string,
    { readonly head: Set<string>; readonly sums: Map<string, number> }
  >()
  for (const text of texts) {
    let family = { head: new Set<string>(), sums: new Map<string, number>() }
    for (const line of text.split('\n')) {
      if (line === '') continue
      if (line.startsWith('#')) {
        const name = line.split(' ', 3)[2]!
        family = families.get(name) ?? { head: new Set(), sums: new Map() }
        families.set(name, family)
        family.head.add(line)
        continue
      }
      const at = line.lastIndexOf(' ')
      const series = line.slice(0, at)
      family.sums.set(series, (family.sums.get(series) ?? 0) + Number(line.slice(at + 1)))
    }
  }
  const lines = [...families.values()].flatMap(({ head, sums }) => {
    return [...head, ...[...sums].map(([series, sum]) => `${series} ${sum}`)]
  })
  return lines.map((line) => `${line}\n`).join('')
}
