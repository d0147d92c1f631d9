// A process that keeps, removes and replays letters, dies at drawn moments, with and without power,
// on a disk that fails and fills up. What was confirmed must hold.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readConfig } from '../../src/config/index.ts'
import { DeadLetterOffice, DeadLetters, deadLettersFields } from '../../src/dead-letters/index.ts'
import { silentLog } from '../../src/host/index.ts'
import { type DiskFaults, Machine, SimNetwork, SimRandom, World } from '../../src/sim/index.ts'
import type { Transaction } from '../../src/spool/index.ts'
import { ALL, letter } from './letters.ts'

const SEED_COUNT = 50
const LIFE_COUNT = 6
const LIFE_MAX_MS = 60
const OPERATION_EACH_MS = 1

const FAULTS: DiskFaults = {
  capacityBytes: null,
  errorPerMille: 20,
  slowPerMille: 10,
}

/** What must be true of a receipt after the next start. */
type Belief = 'kept' | 'gone' | 'either' | 'kept or spooled'

/** What the outside was told, and a spool that never loses what it confirmed. */
class Believer {
  readonly beliefs = new Map<string, Belief>()
  readonly spooled = new Set<string>()
  readonly counts = { kept: 0, refused: 0, purged: 0, replayed: 0 }
  #count = 0

  keep(letters: DeadLetters, random: SimRandom): void {
    const receipt = `r${++this.#count}`
    this.beliefs.set(receipt, 'either')
    const data = Buffer.alloc(random.below(6_000), receipt)
    letters.add(letter(receipt, { data }), (isKept) => {
      this.counts[isKept ? 'kept' : 'refused']++
      // Not confirmed means nothing: the spool still has the record.
      if (isKept) this.beliefs.set(receipt, 'kept')
    })
  }

  async order(office: DeadLetterOffice, kind: 'purge' | 'replay', receipt: string): Promise<void> {
    const before = this.beliefs.get(receipt)
    if (before !== 'kept') return
    this.beliefs.set(receipt, kind === 'purge' ? 'either' : 'kept or spooled')
    const filter = { ...ALL, receipt }
    try {
      if (kind === 'purge') this.counts.purged += (await office.purge(filter, 1)).purged
      else this.counts.replayed += (await office.replay(filter, 1)).replayed
      this.beliefs.set(receipt, 'gone')
    } catch {
      // What failed is as undecided as what a crash cut off.
    }
  }
}

async function live(seed: number): Promise<Believer> {
  const world = new World({ seed })
  const random = new SimRandom(seed)
  const capacityBytes = random.below(3) === 0 ? 120_000 : null
  const diskFaults = { ...FAULTS, capacityBytes }
  const machine = new Machine(world, new SimNetwork(world), { name: 'box', diskFaults })
  const believer = new Believer()
  const config = readConfig(deadLettersFields, {})
  for (let life = 0; life <= LIFE_COUNT; life++) {
    if (life === LIFE_COUNT) world.stopFaults()
    const { clock, random: chance, disk } = machine.start()
    let letters: DeadLetters | null = null
    DeadLetters.open({ clock, random: chance, disk }, config, silentLog).then(
      (opened) => {
        letters = opened
      },
      // Only listing can fail a start, and here listing never does.
      (error) => world.fail(error),
    )
    assert.ok(await world.runUntil(() => letters !== null, 60_000))
    await check(world, letters!, believer, seed)
    if (life < LIFE_COUNT) await work(world, letters!, believer, random)
    machine.crash({ isPowerLost: random.below(2) === 0 })
  }
  return believer
}

async function work(world: World, letters: DeadLetters, believer: Believer, random: SimRandom) {
  const { spooled } = believer
  const line = {
    append(transaction: Transaction) {
      const { receipt } = transaction.records[0]!
      world.schedule(world.nowMs + random.below(3), 'spooled', () => {
        spooled.add(receipt!)
        transaction.durable([receipt!])
      })
    },
  }
  const office = new DeadLetterOffice(letters, line)
  const endAtMs = world.nowMs + random.below(LIFE_MAX_MS)
  while (world.nowMs < endAtMs) {
    const receipts = [...believer.beliefs.keys()]
    const chosen = receipts.length === 0 ? '' : random.pick(receipts)
    const what = random.below(10)
    if (what < 6) believer.keep(letters, random)
    else believer.order(office, what < 8 ? 'purge' : 'replay', chosen)
    await world.runFor(OPERATION_EACH_MS)
  }
}

/** What was confirmed holds; what was not is settled by what is there now. */
async function check(world: World, letters: DeadLetters, believer: Believer, seed: number) {
  const found = new Map<string, Uint8Array>()
  let isRead = false
  const read = async () => {
    for await (const part of letters.read(letters.find(ALL))) {
      for (const { receipt, data } of part) found.set(receipt, data)
    }
    isRead = true
  }
  read().catch((error) => world.fail(error))
  assert.ok(await world.runUntil(() => isRead, 60_000))
  for (const [receipt, belief] of believer.beliefs) {
    const data = found.get(receipt)
    const where = `seed ${seed}: ${receipt}`
    if (belief === 'kept') assert.ok(data !== undefined, `${where} is lost`)
    if (belief === 'kept or spooled') {
      assert.ok(data !== undefined || believer.spooled.has(receipt), `${where} is lost`)
    }
    if (belief === 'gone') assert.ok(data === undefined, `${where} is back`)
    if (data !== undefined) {
      assert.ok(Buffer.from(data).equals(Buffer.alloc(data.length, receipt)), `${where} differs`)
    }
    believer.beliefs.set(receipt, data === undefined ? 'gone' : 'kept')
  }
}

test('whatever was confirmed holds after every crash', async () => {
  const counts = { kept: 0, refused: 0, purged: 0, replayed: 0 }
  for (let seed = 1; seed <= SEED_COUNT; seed++) {
    const believer = await live(seed)
    for (const name of Object.keys(counts) as (keyof typeof counts)[]) {
      counts[name] += believer.counts[name]
    }
  }
  for (const [name, count] of Object.entries(counts)) assert.ok(count > 50, `${name}: ${count}`)
})
