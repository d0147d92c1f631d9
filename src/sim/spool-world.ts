// A world of the spool alone: a disk, a spool on it, a line that settles. Several lives on one
// disk, each ended by a crash; then a last one without faults, in which everything must settle.

import assert from 'node:assert'
import { type Disk, silentLog } from '../host/index.ts'
import { hashKeyFromBigInt } from '../record/index.ts'
import { Spool, type SpoolLine, type SpoolRecord, type Transaction } from '../spool/index.ts'
import { Machine, type SimProcess } from './machine.ts'
import { SimNetwork } from './sim-network.ts'
import type { SimRandom } from './sim-random.ts'
import { type BookedRecord, type BookedTransaction, SpoolBook } from './spool-book.ts'
import { FakeDeadLetters, FakeLine } from './spool-line.ts'
import { drawSpoolSettings, type SpoolSettings } from './spool-settings.ts'
import { World } from './world.ts'

const START_MAX_MS = 600_000
const KEYS_MAX_BYTES = 4 * 1024
const REST_MAX_MS = 3_600_000
/** No world lasts so long before it comes to rest. */
const LONG_MS = 3_600_000
/** More than all transactions of a world. */
const NEVER_FULL_BYTES = 10 * 1024 * 1024

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

interface Life {
  readonly number: number
  readonly startedAtMs: number
  readonly process: SimProcess
  readonly spool: Spool
  readonly line: FakeLine
}

export class SpoolWorld {
  readonly world: World
  readonly settings: SpoolSettings
  readonly #hooks: SpoolHooks
  readonly #random: SimRandom
  readonly #machine: Machine
  readonly #book = new SpoolBook()
  #life: Life | null = null
  #crashes = 0
  #rotCount = 0
  #damagedCount = 0
  #submitted = 0
  /** Refused after a failed sync. */
  readonly #unsynced = new Set<BookedTransaction>()

  constructor(seed: number, hooks: Partial<SpoolHooks> = {}) {
    this.#hooks = { ...AS_IT_IS, ...hooks }
    this.world = new World({ seed })
    this.#random = this.world.random.fork('spool')
    this.settings = drawSpoolSettings(this.#random.fork('settings'))
    const { disk: diskFaults } = this.settings
    this.#machine = new Machine(this.world, new SimNetwork(this.world), {
      name: 'spool',
      diskFaults,
    })
    this.world.addChecker(() => this.#check())
  }

  async run(): Promise<SpoolReport> {
    const { lives, lifeMs } = this.settings
    for (let life = 0; life < lives; life++) {
      const isStarted = await this.#start(life, life > 0 && this.#random.below(8) === 0)
      if (isStarted) {
        this.#load(Math.ceil(this.settings.transactions / lives))
        await this.world.runFor(this.#random.between(1, lifeMs))
        if (this.#random.below(10) === 0) await this.#askReceipts()
      }
      this.#crash(this.#random.below(2) === 0)
    }
    this.world.stopFaults()
    await this.#start(lives, false)
    await this.#rest()
    return this.#report()
  }

  /** False when it was ended while it started. */
  async #start(number: number, isEndedEarly: boolean): Promise<boolean> {
    const process = this.#machine.start()
    const { settings } = this
    const random = this.#random.fork(`life ${number}`)
    const isFaulty = () => this.world.areFaultsOn
    const guard = (look: () => void) => this.world.guard(look)
    const parts = { settings, random, process, book: this.#book, life: number, isFaulty, guard }
    const deadLetters = new FakeDeadLetters(parts, ({ data }) => this.#find(data))
    let spool: Spool | null = null
    let failure: unknown = null
    const { clock, random: chance } = process
    const host = { clock, random: chance, disk: this.#hooks.disk(process.disk) }
    Spool.open(host, settings.config, { deadLetters }, silentLog).then(
      (opened) => {
        spool = opened
      },
      (error) => {
        failure = error
      },
    )
    if (isEndedEarly) await this.world.runFor(random.below(50) / 10)
    else await this.world.runUntil(() => spool !== null || failure !== null, START_MAX_MS)
    if (spool === null && isEndedEarly) return false
    // A disk that cannot even be listed is no directory that was left in a bad state.
    if (failure !== null && this.#hasDiskErrors) return false
    assert(failure === null, `the spool refused to start: ${failure}`)
    assert(spool !== null, 'the spool did not start')
    const opened: Spool = spool
    this.#checkStart(opened)
    const isAway = settings.isLineAway && isFaulty()
    const line = new FakeLine({ ...parts, isAway })
    deadLetters.onRoomCame = () => line.forgetOrder()
    this.#life = { number, startedAtMs: this.world.nowMs, process, spool: opened, line }
    opened.start(this.#hooks.line(line), { settled() {}, changed() {} })
    return true
  }

  get #hasDiskErrors(): boolean {
    const { errorPerMille, otherErrorPerMille = 0, capacityBytes } = this.settings.disk
    return errorPerMille > 0 || otherErrorPerMille > 0 || capacityBytes !== null
  }

  /** No durable record may be missing in the totals, and none be there that never was. */
  #checkStart(spool: Spool): void {
    const { successes, failures, unsettled } = spool.totals
    const sum = successes + failures + unsettled
    this.#damagedCount += spool.stats.damagedRecords
    this.#promiseKeys(spool)
    if (this.#hasDiskErrors || this.#rotCount > 0) return
    this.#checkKeptKeys(spool)
    const states = this.#book.records().map(({ transaction }) => transaction.state)
    const durable = states.filter((state) => state === 'durable').length
    const perhaps = states.filter((state) => state === 'perhaps').length
    assert(sum >= durable && sum <= durable + perhaps, `${sum} of ${durable} + ${perhaps}`)
  }

  /** For as long as outcomes are kept, keys are; a spool that is full makes room with them. */
  #checkKeptKeys(spool: Spool): void {
    const { receipts, spool: sizes } = this.settings.config
    if (receipts.retentionMs < LONG_MS || sizes.maxBytes < NEVER_FULL_BYTES) return
    for (const { key, state } of this.#book.transactions) {
      if (key === null || state !== 'durable') continue
      assert(spool.idempotency(key) !== null, `the key ${key} is not remembered`)
    }
  }

  /** Whoever sends a key again that is known is answered as if it had been kept: a promise. */
  #promiseKeys(spool: Spool): void {
    for (const booked of this.#book.transactions) {
      if (booked.state !== 'perhaps' || booked.key === null) continue
      const known = spool.idempotency(booked.key)
      if (known !== null) this.#book.promised(booked, known.receipts)
    }
  }

  #load(count: number): void {
    const { everyMs } = this.settings
    const { process } = this.#life!
    let atMs = this.world.nowMs
    for (let i = 0; i < count; i++) {
      atMs += everyMs === 0 ? 0 : this.#random.between(0, 2 * everyMs)
      process.schedule(atMs, 'spool append', () => this.#append())
    }
  }

  #append(): void {
    const { spool } = this.#life!
    const number = this.#submitted++
    const records = Array.from(
      { length: this.#random.between(1, this.settings.recordsMax) },
      (_, i) => this.#drawRecord(`${number}.${i}:`),
    )
    const key = this.#random.below(4) === 0 ? `key-${number}` : null
    const booked = this.#book.add(records, key)
    spool.append(this.#transactionOf(booked, records))
    if (this.#random.below(20) === 0) spool.countExhausted()
  }

  #transactionOf(booked: BookedTransaction, records: readonly SpoolRecord[]): Transaction {
    const settled = new Set<number>()
    const bodyHash = Buffer.alloc(32, booked.key ?? '')
    return {
      records,
      idempotency: booked.key === null ? null : { key: booked.key, bodyHash, ack: 'durable' },
      durable: (receipts) =>
        this.world.guard(() => {
          this.#book.durable(booked, receipts)
          this.#checkKey(booked)
        }),
      refused: ({ code, mayBeWritten }) => {
        this.world.note(`spool refuses: ${code}`)
        this.world.guard(() => this.#book.refused(booked, mayBeWritten))
        if (code === 'sync-failed') this.#unsynced.add(booked)
      },
      settled: (index) => {
        assert(booked.state === 'durable' && !settled.has(index), 'settled before, or twice')
        settled.add(index)
      },
    }
  }

  #drawRecord(text: string): SpoolRecord {
    const random = this.#random
    const data = Buffer.alloc(text.length + random.below(this.settings.dataMaxBytes), 'x')
    data.write(text)
    const hasHashKey = random.below(4) === 0
    return {
      stream: random.pick(['s1', 's2']),
      partitionKey: `ключ-${random.below(50)}`,
      explicitHashKey: hasHashKey ? hashKeyFromBigInt(BigInt(random.below(2 ** 32)) << 90n) : null,
      data,
    }
  }

  #crash(isPowerLost: boolean): void {
    const isExact = !this.#hasDiskErrors && this.settings.rotPerLife === 0
    const { nowMs } = this.world
    const { number: life, startedAtMs } = this.#life ?? { number: -2, startedAtMs: nowMs }
    this.#book.crashed({ life, isPowerLost, startedAtMs, nowMs, isExact })
    this.#life = null
    this.#crashes++
    this.#machine.crash({ isPowerLost })
    // Known again after a start, because nothing could be written down of the failure, and synced
    // as the system says. That it has dropped the bytes nobody can know.
    for (const booked of isPowerLost ? this.#unsynced : []) {
      if (booked.state === 'durable') booked.state = 'perhaps'
    }
    for (let i = 0; i < this.settings.rotPerLife; i++) {
      const name = this.#machine.disk.rot((one) => !one.includes('damaged/'))
      if (name === null) continue
      this.world.note('spool rots')
      this.#rotCount++
    }
  }

  #find(data: Uint8Array): BookedRecord {
    const text = Buffer.from(data).toString('latin1')
    const [transaction, index] = text.slice(0, text.indexOf(':')).split('.').map(Number)
    return this.#book.transactions[transaction!]!.records[index!]!
  }

  /** After every event. */
  #check(): void {
    if (this.#life === null) return
    const { spool, line } = this.#life
    const { bytes, windowBytes } = spool.stats
    const { maxBytes, windowBytes: windowMaxBytes } = this.settings.config.spool
    // The keys of a segment are written down before its log goes.
    assert(bytes <= maxBytes + KEYS_MAX_BYTES, `${bytes} bytes on the disk`)
    const largestBytes = this.settings.dataMaxBytes + 1024
    assert(windowBytes <= windowMaxBytes + largestBytes, `${windowBytes} bytes in the window`)
    assert(line.heldBytes <= windowMaxBytes + largestBytes, `${line.heldBytes} bytes in the line`)
  }

  #checkKey({ key, records }: BookedTransaction): void {
    if (key === null) return
    const known = this.#life!.spool.idempotency(key)
    assert(known !== null, 'a key was forgotten')
    assert.deepEqual(
      known.receipts,
      records.map(({ receipt }) => receipt),
    )
  }

  async #askReceipts(): Promise<void> {
    const { spool, number } = this.#life!
    const durable = this.#book.records().filter(({ receipt }) => receipt !== null)
    if (durable.length === 0) return
    const booked = this.#random.pick(durable)
    let isDone = false
    const wasSettled = booked.settledLife === number
    const asked = spool.receipt(booked.receipt!).then((told) => {
      isDone = true
      if (told.state === 'delivered') {
        assert(booked.places.has(told.place.sequenceNumber), 'a receipt tells another place')
      }
      if (told.state === 'dead-lettered' && told.code !== 'Damaged') assert(booked.isDead)
      if (told.state === 'pending') assert(!wasSettled, 'pending, though it has settled')
    })
    asked.catch((error) => this.world.fail(error))
    await this.world.runUntil(() => isDone, 10_000)
  }

  async #rest(): Promise<void> {
    const { spool } = this.#life!
    const isAtRest = () => spool.totals.unsettled === 0
    assert(await this.world.runUntil(isAtRest, REST_MAX_MS), 'records never settled')
    await this.world.runFor(5_000)
    const lost = this.#book.lost()
    const transactions = new Set(lost.map(({ transaction }) => transaction))
    assert(transactions.size <= this.#rotCount, `${lost.length} durable records are lost`)
    assert(spool.stats.state === 'ok', `at rest it is ${spool.stats.state}`)
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
