// Looks at the gateway from outside while the load runs: do its books balance at every moment?
// And sends dead letters again, or throws them away, as somebody does where it is in use.

import type { SimRandom } from '../../src/sim/index.ts'
import { pause } from './client.ts'
import type { Findings } from './findings.ts'
import { deadReceipts } from './read-back.ts'
import type { Rig } from './rig.ts'

export type Ledger = Readonly<Record<string, number>>

const EACH_MS = 500
/** Every so many looks somebody sees to the dead letters. */
const LETTERS_EACH = 6
/** From so many on they are thrown away; below they are sent again. */
const PURGED_FROM_COUNT = 150
const ASK_MS = 30_000

const COUNTS = ['attempts', 'successes', 'failures', 'exhausted', 'outstanding'] as const

export class Onlooker {
  /** Receipts of what was thrown away. */
  readonly purged = new Set<string>()
  lookCount = 0
  replayedCount = 0
  readonly #rig: Rig
  readonly #random: SimRandom
  readonly #findings: Findings
  readonly #running: Promise<void>
  #isStopped = false

  constructor(rig: Rig, random: SimRandom, findings: Findings) {
    this.#rig = rig
    this.#random = random
    this.#findings = findings
    this.#running = this.#look()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#running
  }

  /** Null when no answer came. */
  async ledger(): Promise<Ledger | null> {
    const { url } = this.#rig
    const answer = url === null ? null : await ask(`${url}/actuator/kinesis`)
    if (answer === null) return null
    this.lookCount++
    const ledger = JSON.parse(answer) as Ledger
    if (!isBalanced(ledger)) this.#findings.add('ledger', answer)
    return ledger
  }

  /** Throws all dead letters away: what waits for room among them finds it. */
  async purge(): Promise<void> {
    const { adminUrl } = this.#rig
    if (adminUrl === null) return
    const listing = await ask(`${adminUrl}/dead-letters?limit=0`)
    const dead = listing === null ? null : await deadReceipts(adminUrl).catch(() => null)
    if (listing === null || dead === null) return
    // Noted first: whoever is killed while it purges may have thrown them away.
    for (const receipt of dead) this.purged.add(receipt)
    const { lastNumber } = JSON.parse(listing) as { lastNumber: number }
    await ask(`${adminUrl}/dead-letters?all=true&upTo=${lastNumber}&limit=10000`, 'DELETE')
  }

  async #look(): Promise<void> {
    for (let looks = 1; !this.#isStopped; looks++) {
      await this.ledger()
      if (looks % LETTERS_EACH === 0) await this.#seeToLetters()
      await pause(EACH_MS)
    }
  }

  async #seeToLetters(): Promise<void> {
    const { adminUrl } = this.#rig
    const listing = adminUrl === null ? null : await ask(`${adminUrl}/dead-letters?limit=50`)
    if (listing === null) return
    const { count, letters } = JSON.parse(listing) as { count: number; letters: { code: string }[] }
    if (count >= PURGED_FROM_COUNT) return this.purge()
    if (letters.length === 0) return
    const { code } = this.#random.pick(letters)
    const target = `${adminUrl}/dead-letters/replay?code=${encodeURIComponent(code)}&limit=40`
    const answer = await ask(target, 'POST')
    if (answer !== null) this.replayedCount += (JSON.parse(answer) as { replayed: number }).replayed
  }
}

/** The text of a good answer; null for any other, or none. */
async function ask(url: string, method = 'GET'): Promise<string | null> {
  try {
    const answer = await fetch(url, { method, signal: AbortSignal.timeout(ASK_MS) })
    const text = await answer.text()
    return answer.ok ? text : null
  } catch {
    return null
  }
}

export function isBalanced(ledger: Ledger): boolean {
  const { attempts, successes, failures, exhausted, outstanding, imbalance } = ledger
  const areCounts = COUNTS.every((name) => Number.isInteger(ledger[name]) && ledger[name]! >= 0)
  const sum = successes! + failures! + exhausted! + outstanding!
  return areCounts && attempts === sum && imbalance === 0
}
