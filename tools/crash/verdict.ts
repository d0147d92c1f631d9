// What was promised, beside what is there.

import { pause } from './client.ts'
import type { Ledger, Onlooker } from './onlooker.ts'
import { deadReceipts, placeOf, readStream } from './read-back.ts'
import { STREAM } from './requests.ts'
import type { Rig } from './rig.ts'
import type { Told, Writers } from './writers.ts'

export interface Verdict {
  /** Answers by what they promised. */
  readonly promised: Readonly<Record<string, number>>
  readonly inKinesis: number
  /** Dead letters that are there, and those that somebody has thrown away. */
  readonly inDeadLetters: number
  /** Promised to be kept, and neither in Kinesis nor among the dead letters. */
  readonly lost: readonly number[]
  /** Answered `delivered`, and not at the place that was told, or their receipt tells another. */
  readonly changed: readonly number[]
  /** Their receipt tells what is not so. */
  readonly untrue: readonly number[]
  readonly receipts: number
  /** Refused for good, and stored. */
  readonly storedThough: readonly number[]
  /** Answered `accepted`, which promises nothing, and gone. */
  readonly acceptedAndGone: number
  /** In Kinesis more than once: how many records too many. */
  readonly duplicates: number
  /** In Kinesis with bytes that nobody sent. */
  readonly strange: number
  readonly ledger: Ledger
}

const SETTLE_MS = 120_000
const SETTLE_EACH_MS = 200
/** Asked side by side. */
const RECEIPTS_AT_ONCE = 20

/** The gateway runs, no load comes, and no trouble. */
export async function judge(rig: Rig, writers: Writers, onlooker: Onlooker): Promise<Verdict> {
  const ledger = await settled(onlooker)
  const { found, strangeCount } = await readStream(rig.endpoint, STREAM)
  const dead = new Set(onlooker.purged)
  if (rig.adminUrl !== null) {
    for (const receipt of await deadReceipts(rig.adminUrl)) dead.add(receipt)
  }
  const promised: Record<string, number> = {}
  const lost: number[] = []
  let acceptedAndGone = 0
  for (const [id, { promised: what, receipt }] of writers.told) {
    promised[what] = (promised[what] ?? 0) + 1
    if (found.has(id) || (receipt !== null && dead.has(receipt))) continue
    // Without a receipt an accepted record cannot be looked for among the dead letters.
    if (what === 'accepted') acceptedAndGone++
    else lost.push(id)
  }
  const copyCount = [...found.values()].reduce((sum, places) => sum + places.length, 0)
  const storedThough = [...writers.refusedIds].filter((id) => found.has(id))
  return {
    promised,
    inKinesis: found.size,
    inDeadLetters: dead.size,
    lost,
    ...(await askReceipts(rig.url!, writers.told, { found, dead })),
    storedThough,
    acceptedAndGone,
    duplicates: copyCount - found.size,
    strange: strangeCount,
    ledger,
  }
}

interface Truth {
  readonly found: ReadonlyMap<number, readonly string[]>
  readonly dead: ReadonlySet<string>
}

/** No trouble may undo what a client was told of a delivery, and every receipt tells the truth. */
async function askReceipts(
  gateway: string,
  told: ReadonlyMap<number, Told>,
  { found, dead }: Truth,
): Promise<Pick<Verdict, 'changed' | 'untrue' | 'receipts'>> {
  const changed: number[] = []
  const untrue: number[] = []
  let receipts = 0
  const look = async (id: number, { promised, receipt, place }: Told) => {
    const places = found.get(id) ?? []
    if (promised === 'delivered' && !places.includes(place!)) changed.push(id)
    if (receipt === null) return
    receipts++
    const now = await placeOf(gateway, receipt)
    if (promised === 'delivered' && now !== place) changed.push(id)
    const isTrue = now === 'dead-lettered' ? dead.has(receipt) : places.includes(now)
    if (!isTrue) untrue.push(id)
  }
  const all = [...told]
  for (let at = 0; at < all.length; at += RECEIPTS_AT_ONCE) {
    await Promise.all(all.slice(at, at + RECEIPTS_AT_ONCE).map(([id, one]) => look(id, one)))
  }
  return { changed, untrue, receipts }
}

/** The ledger when nothing is outstanding any more. */
async function settled(onlooker: Onlooker): Promise<Ledger> {
  for (let waitedMs = 0; ; waitedMs += SETTLE_EACH_MS) {
    const ledger = await onlooker.ledger()
    if (ledger?.['outstanding'] === 0) return ledger
    if (waitedMs >= SETTLE_MS) throw new Error(`not settled: ${JSON.stringify(ledger)}`)
    // What died waits in the spool while there is no room among the dead letters.
    await onlooker.purge()
    await pause(SETTLE_EACH_MS)
  }
}
