// A world of the spool alone: a disk, a spool on it, a line that settles. Several lives on one
// disk, each ended by a crash; then a last one without faults, in which everything must settle.

import assert from 'node:assert'
import { type Disk, silentLog } from '../host/index.ts'
import { RefusedStreams, Spool, type SpoolLine } from '../spool/index.ts'
import { Machine } from './machine.ts'
import { SimNetwork } from './sim-network.ts'
import type { SimRandom } from './sim-random.ts'
import { type BookedRecord, SpoolBook } from './spool-book.ts'
import { SpoolClaims, TIDIED_AFTER_MS } from './spool-claims.ts'
import { FakeDeadLetters, FakeLine, REFUSED_CODE, type SpoolLife } from './spool-line.ts'
import { SpoolSender } from './spool-sender.ts'
import { drawSpoolSettings, hasDiskErrors, type SpoolSettings } from './spool-settings.ts'
import { World } from './world.ts'

const START_MAX_MS = 600_000
const CLOSE_MAX_MS = 60_000
const ASK_MAX_MS = 60_000
const ASK_COUNT = 20
const REST_MAX_MS = 3_600_000

export interface SpoolReport {
  readonly digest: string
  readonly events: number
  readonly transactions: number
  readonly durable: number
  readonly refused: number
  readonly crashes: number
  readonly duplicates: number
  readonly damaged: number
  readonly counts: ReadonlyMap<string, number>
}

/** Parts that a test replaces by broken ones. */
export interface SpoolHooks {
  readonly disk: (disk: Disk) => Disk
  readonly line: (line: SpoolLine) => SpoolLine
}

const AS_IT_IS: SpoolHooks = { disk: (disk) => disk, line: (line) => line }

export class SpoolWorld {
  readonly world: World
  readonly settings: SpoolSettings
  readonly #hooks: SpoolHooks
  readonly #random: SimRandom
  readonly #machine: Machine
  readonly #book = new SpoolBook()
  readonly #sender: SpoolSender
  readonly #claims: SpoolClaims
  #life: SpoolLife | null = null
  #crashes = 0
  #rotCount = 0
  #damagedCount = 0

  constructor(seed: number, hooks: Partial<SpoolHooks> = {}) {
    this.#hooks = { ...AS_IT_IS, ...hooks }
    this.world = new World({ seed })
    this.#random = this.world.random.fork('spool')
    this.settings = drawSpoolSettings(this.#random.fork('settings'))
    const { world, settings } = this
    const { disk: diskFaults } = settings
    this.#machine = new Machine(world, new SimNetwork(world), { name: 'spool', diskFaults })
    const book = this.#book
    this.#claims = new SpoolClaims({
      settings,
      book,
      disk: this.#machine.disk,
      exhaustedCount: () => this.#sender.exhaustedCount,
      rotCount: () => this.#rotCount,
    })
    this.#sender = new SpoolSender({
      world,
      settings,
      random: this.#random,
      book,
      onDurable: (booked) => this.#claims.key(this.#life!.spool, booked),
    })
    world.addChecker(() => this.#life && this.#claims.event(this.#life))
  }

  async run(): Promise<SpoolReport> {
    const { lives, lifeMs, transactions, closePerMille } = this.settings
    for (let number = 0; number < lives; number++) {
      const life = await this.#start(number, number > 0 && this.#random.below(8) === 0)
      let isClosed = false
      if (life !== null) {
        this.#sender.load(Math.ceil(transactions / lives), { ...life, life: number })
        await this.world.runFor(this.#random.between(1, lifeMs))
        if (this.#random.below(10) === 0) await this.#askReceipts(life)
        isClosed = this.#random.hits(closePerMille)
        if (isClosed) await this.#close(life)
      }
      this.#crash({ isPowerLost: this.#random.below(2) === 0, isClosed })
    }
    this.world.stopFaults()
    await this.#rest((await this.#start(lives, false))!)
    return this.#report()
  }

  /** Null when it was ended while it started. */
  async #start(number: number, isEndedEarly: boolean): Promise<SpoolLife | null> {
    const process = this.#machine.start()
    const { settings, world } = this
    const random = this.#random.fork(`life ${number}`)
    const isFaulty = () => world.areFaultsOn
    const guard = (look: () => void) => world.guard(look)
    const parts = { settings, random, process, book: this.#book, life: number, isFaulty, guard }
    const deadLetters = new FakeDeadLetters(parts, ({ data }) => this.#find(data))
    let spool: Spool | null = null
    let failure: unknown = null
    const { clock, random: chance } = process
    const host = { clock, random: chance, disk: this.#hooks.disk(process.disk) }
    const refused = new RefusedStreams({
      clock,
      log: silentLog,
      maxMs: settings.config.spool.refusedStreamMaxMs,
      isOfStream: (code) => code === REFUSED_CODE,
      isNamed: () => true,
    })
    Spool.open(host, settings.config, { deadLetters, refused }, silentLog).then(
      (opened) => {
        spool = opened
      },
      (error) => {
        failure = error
      },
    )
    if (isEndedEarly) await world.runFor(random.below(50) / 10)
    else await world.runUntil(() => spool !== null || failure !== null, START_MAX_MS)
    if (spool === null && isEndedEarly) return null
    // A disk that cannot even be listed is no directory that was left in a bad state.
    if (failure !== null && hasDiskErrors(settings) && isFaulty()) return null
    assert(failure === null, `the spool refused to start: ${failure}`)
    assert(spool !== null, 'the spool did not start')
    const opened: Spool = spool
    this.#damagedCount += opened.stats.damagedRecords
    this.#claims.start(opened, clock.wallMs())
    const awayAtMs = clock.monotonicMs() + (settings.awayAfterMs ?? Number.POSITIVE_INFINITY)
    const isAway = () => isFaulty() && clock.monotonicMs() >= awayAtMs
    const line = new FakeLine({ ...parts, isAway, parkedCount: () => opened.stats.parkedRecords })
    deadLetters.onRoomCame = () => line.forgetOrder()
    this.#life = { number, startedAtMs: world.nowMs, process, spool: opened, line }
    opened.start(this.#hooks.line(line), { settled() {}, changed() {} })
    return this.#life
  }

  /** As a gateway ends: what the line holds stays in the spool. */
  async #close({ spool, line }: SpoolLife): Promise<void> {
    // It is told, or hears it from the line.
    if (this.#random.below(2) === 0) spool.stop()
    line.close()
    let isClosed = false
    const closing = spool.close(CLOSE_MAX_MS).then(() => {
      isClosed = true
    })
    closing.catch((error) => this.world.fail(error))
    await this.world.runUntil(() => isClosed, CLOSE_MAX_MS)
    this.#claims.closed(spool)
  }

  #crash({ isPowerLost, isClosed }: { isPowerLost: boolean; isClosed: boolean }): void {
    const isExact = !hasDiskErrors(this.settings) && this.settings.rotPerLife === 0
    const { nowMs } = this.world
    const { number: life, startedAtMs } = this.#life ?? { number: -2, startedAtMs: nowMs }
    this.#book.crashed({ life, isPowerLost, isClosed, startedAtMs, nowMs, isExact })
    this.#life = null
    this.#crashes++
    this.#machine.crash({ isPowerLost })
    this.#wearOut()
  }

  #wearOut(): void {
    const { rotPerLife, badPlacesPerLife } = this.settings
    const { disk } = this.#machine
    for (let i = 0; i < rotPerLife; i++) {
      if (!disk.rot((name) => !name.includes('damaged/'))) continue
      this.world.note('spool rots')
      this.#rotCount++
    }
    for (let i = 0; i < badPlacesPerLife; i++) {
      if (disk.spoil((name) => /\.(log|outcomes)$/.test(name))) this.world.note('spool goes bad')
    }
  }

  #find(data: Uint8Array): BookedRecord {
    const text = Buffer.from(data).toString('latin1')
    const [transaction, index] = text.slice(0, text.indexOf(':')).split('.').map(Number)
    return this.#book.transactions[transaction!]!.records[index!]!
  }

  /** For some of the receipts that were given. */
  async #askReceipts(life: SpoolLife): Promise<void> {
    const receipts = this.#book.receipts()
    const asked = Array.from({ length: ASK_COUNT }, () => this.#random.pick([null, ...receipts]))
    let isDone = false
    const ask = async () => {
      for (const receipt of asked) if (receipt !== null) await this.#claims.receipt(life, receipt)
      isDone = true
    }
    ask().catch((error) => this.world.fail(error))
    await this.world.runUntil(() => isDone, ASK_MAX_MS)
  }

  async #rest(life: SpoolLife): Promise<void> {
    const { spool } = life
    const isAtRest = () => spool.totals.unsettled === 0
    assert(await this.world.runUntil(isAtRest, REST_MAX_MS), 'records never settled')
    await this.world.runFor(TIDIED_AFTER_MS)
    this.#claims.rest(spool)
    await this.#askReceipts(life)
  }

  #report(): SpoolReport {
    const states = this.#book.transactions.map(({ state }) => state)
    const count = (state: string) => states.filter((one) => one === state).length
    const { trace } = this.world
    return {
      digest: trace.digest,
      events: trace.eventCount,
      transactions: states.length,
      durable: count('durable'),
      refused: count('refused'),
      crashes: this.#crashes,
      duplicates: this.#book.duplicateCount,
      damaged: this.#damagedCount,
      counts: trace.counts(),
    }
  }
}
