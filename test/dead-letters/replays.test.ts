// A spool and its dead letters on one simulated disk that fails and loses power: a stream is
// missing for a while, so records die; there is room for few letters; a person sends them again and
// throws some away. Whatever was durable must end delivered, as a letter, or thrown away.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readConfig } from '../../src/config/index.ts'
import { DeadLetterOffice, DeadLetters, deadLettersFields } from '../../src/dead-letters/index.ts'
import { below, type Host, silentLog } from '../../src/host/index.ts'
import type { UserRecord } from '../../src/record/index.ts'
import { Machine, SimNetwork, SimRandom, World } from '../../src/sim/index.ts'
import { Spool, spoolFields } from '../../src/spool/index.ts'
import { ALL } from './letters.ts'

const SEED_COUNT = 60
const LIFE_COUNT = 5
const PATIENCE_MS = 600_000
const DISK_FAULTS = { capacityBytes: null, errorPerMille: 5, slowPerMille: 10 }

/** All lives of one world. */
class Story {
  readonly world: World
  readonly random: SimRandom
  readonly #machine: Machine
  /** Receipts that were given, each with its record's text. */
  readonly durable = new Map<string, string>()
  /** How often each text was delivered. */
  readonly delivered = new Map<string, number>()
  readonly purged = new Set<string>()
  readonly counts = { died: 0, replayed: 0, purged: 0, wasFull: 0, doubled: 0 }
  isStreamThere = false
  #sentCount = 0

  constructor(seed: number) {
    this.world = new World({ seed })
    this.random = new SimRandom(seed)
    const network = new SimNetwork(this.world)
    this.#machine = new Machine(this.world, network, { name: 'box', diskFaults: DISK_FAULTS })
  }

  async live(): Promise<void> {
    for (let life = 0; life < LIFE_COUNT; life++) {
      this.isStreamThere = this.random.below(3) === 0
      const { letters, office, spool } = await this.#open()
      await this.#work(letters, office, spool)
      this.#machine.crash({ isPowerLost: this.random.below(2) === 0 })
    }
    this.world.stopFaults()
    this.isStreamThere = true
    const { letters, office, spool } = await this.#open()
    await this.#until(
      () => spool.totals.unsettled === 0,
      'the spool settles',
      () => {
        // Room for what is parked.
        if (letters.stats.state === 'full') office.replay(ALL, 2).catch(this.world.fail)
      },
    )
    await this.#check(letters, spool)
  }

  async #open() {
    const { clock, random, disk } = this.#machine.start()
    const hostOf = (folder: string) => ({ clock, random, disk: below(disk, folder) })
    const opened = await this.#patiently(() => this.#openOn(hostOf))
    return opened
  }

  async #openOn(hostOf: (folder: string) => Pick<Host, 'clock' | 'random' | 'disk'>) {
    const config = readConfig(deadLettersFields, { overrides: { maxCount: 4 } })
    const letters = await DeadLetters.open(hostOf('dead-letters'), config, silentLog)
    const spoolConfig = readConfig(spoolFields, { overrides: { spool: { segmentBytes: 65_536 } } })
    const parts = { deadLetters: letters }
    const spool = await Spool.open(hostOf('spool'), spoolConfig, parts, silentLog)
    const line = { put: (record: UserRecord) => this.#deliver(record), laneOf: () => 0 }
    spool.start({ ...line, onLanesChanged() {} }, { settled() {}, changed() {} })
    const office = new DeadLetterOffice(letters, spool)
    return { letters, office, spool }
  }

  #deliver(record: UserRecord): void {
    const text = String(Buffer.from(record.data))
    this.world.schedule(this.world.nowMs + this.random.below(10), 'service', () => {
      if (record.isSettled) return
      if (!this.isStreamThere) {
        this.counts.died++
        const code = 'ResourceNotFoundException'
        const failure = { code, message: 'not there', mayBeWritten: false, attempts: [] }
        return record.settle({ isDelivered: false, ...failure })
      }
      this.delivered.set(text, (this.delivered.get(text) ?? 0) + 1)
      const place = { shardId: 'shard', sequenceNumber: '1', subSequenceNumber: null }
      record.settle({ isDelivered: true, place, attempts: [] })
    })
  }

  async #work(letters: DeadLetters, office: DeadLetterOffice, spool: Spool): Promise<void> {
    const endAtMs = this.world.nowMs + this.random.between(20, 300)
    while (this.world.nowMs < endAtMs) {
      const what = this.random.below(10)
      if (what < 7) this.#send(spool)
      else if (what < 9) this.#replay(office)
      else this.#purge(letters, office)
      if (this.random.below(20) === 0) this.isStreamThere = !this.isStreamThere
      if (letters.stats.state === 'full') this.counts.wasFull++
      await this.world.runFor(this.random.below(8))
    }
  }

  #send(spool: Spool): void {
    const text = `record ${++this.#sentCount}`
    const record = { stream: 's', partitionKey: 'k', explicitHashKey: null }
    spool.append({
      records: [{ ...record, data: Buffer.from(text) }],
      idempotency: null,
      settled: null,
      durable: ([receipt]) => this.durable.set(receipt!, text),
      refused() {},
    })
  }

  #replay(office: DeadLetterOffice): void {
    office.replay(ALL, this.random.between(1, 3)).then(
      ({ replayed }) => {
        this.counts.replayed += replayed
      },
      () => {},
    )
  }

  #purge(letters: DeadLetters, office: DeadLetterOffice): void {
    const [first] = letters.find(ALL)
    if (first === undefined) return
    // Meant to go: whether it does is the disk's business.
    this.purged.add(first.receipt)
    office.purge({ ...ALL, receipt: first.receipt }, 1).then(
      ({ purged }) => {
        this.counts.purged += purged
      },
      () => {},
    )
  }

  async #check(letters: DeadLetters, spool: Spool): Promise<void> {
    const kept = new Set(letters.find(ALL).map(({ receipt }) => receipt))
    for (const [receipt, text] of this.durable) {
      const count = this.delivered.get(text) ?? 0
      this.counts.doubled += Math.max(0, count - 1)
      const isSafe = count > 0 || kept.has(receipt) || this.purged.has(receipt)
      assert.ok(isSafe, `${text} with the receipt ${receipt} is gone`)
    }
    const { successes, failures, unsettled } = spool.totals
    assert.equal(unsettled, 0)
    // A crash may leave a letter and take its outcome: then the record is sent again, and counts
    // as what became of it the second time.
    const dead = [...this.durable].filter(
      ([one, text]) => kept.has(one) && !this.delivered.has(text),
    )
    assert.ok(successes > 0 && failures >= dead.length, `${failures} of ${dead.length} are counted`)
  }

  /** What the disk refuses now is tried again, as whoever starts a process would. */
  async #patiently<T>(work: () => Promise<T>): Promise<T> {
    for (let tries = 0; ; tries++) {
      const result: { value?: T; error?: unknown } = {}
      work().then(
        (value) => {
          result.value = value
        },
        (error) => {
          result.error = error
        },
      )
      await this.#until(() => 'value' in result || 'error' in result, 'it opens')
      if ('value' in result) return result.value!
      if (tries === 20) throw result.error
    }
  }

  async #until(isReached: () => boolean, what: string, meanwhile = () => {}): Promise<void> {
    const endAtMs = this.world.nowMs + PATIENCE_MS
    while (!isReached()) {
      assert.ok(this.world.nowMs < endAtMs, `not within ${PATIENCE_MS} ms: ${what}`)
      meanwhile()
      await this.world.runFor(50)
    }
  }
}

test('a durable record is delivered, a dead letter, or was thrown away, whatever crashes', async () => {
  const counts = { died: 0, replayed: 0, purged: 0, wasFull: 0, doubled: 0 }
  for (let seed = 1; seed <= SEED_COUNT; seed++) {
    const story = new Story(seed)
    await story.live().catch((error) => {
      throw new Error(`seed ${seed}: ${error.message}`, { cause: error })
    })
    for (const name of Object.keys(counts) as (keyof typeof counts)[]) {
      counts[name] += story.counts[name]
    }
  }
  for (const [name, count] of Object.entries(counts)) assert.ok(count > 10, `${name}: ${count}`)
})
