// A spool on a disk in memory, with a line that settles when it is told to.

import { readConfig } from '../../src/config/index.ts'
import { type Disk, MemoryDisk, type Random } from '../../src/host/index.ts'
import type { RecordResult, UserRecord } from '../../src/record/index.ts'
import {
  type DeadLetter,
  type Outcome,
  RefusedStreams,
  Spool,
  type SpoolConfig,
  type SpoolRecord,
  type SpoolRefusal,
  spoolFields,
} from '../../src/spool/index.ts'
import { HandClock } from '../hand-clock.ts'
import { RecordingLog } from '../recording-log.ts'

export interface Sent {
  receipts: readonly string[] | null
  refusal: SpoolRefusal | null
  readonly outcomes: (Outcome | null)[]
}

export interface StationOptions {
  readonly disk?: Disk
  readonly spool?: Partial<SpoolConfig['spool']>
  readonly receipts?: Partial<SpoolConfig['receipts']>
  readonly idempotency?: Partial<SpoolConfig['idempotency']>
  readonly clock?: HandClock
  /** The dead letters take none. */
  readonly hasNoRoom?: boolean
  readonly laneOf?: (record: UserRecord) => number
  readonly isStarted?: boolean
  /** How long records of a stream that refuses all wait; without it not at all. */
  readonly refusedMaxMs?: number
}

/** Draws that differ from one another. */
export function counting(): Random {
  let next = 12_345
  const random: Random = {
    below: (bound) => {
      next = (next * 48_271) % 2_147_483_647
      return next % bound
    },
    fork: () => random,
  }
  return random
}

const random = counting()

export class Station {
  readonly disk: Disk
  readonly clock: HandClock
  readonly log = new RecordingLog()
  readonly refused: RefusedStreams
  /** In the order in which they were handed on; what has settled is taken out. */
  readonly held: UserRecord[] = []
  readonly handed: string[] = []
  readonly letters: DeadLetter[] = []
  readonly settledKinds: string[] = []
  hasRoom: boolean
  changedCount = 0
  spool!: Spool
  roomCame = () => {}
  keepLetter = (done: (isKept: boolean) => void) => done(this.hasRoom)
  lanesChange = () => {}
  #sequence = 0

  static async open(options: StationOptions = {}): Promise<Station> {
    const station = new Station(options)
    const config = spoolConfig(options)
    const { disk, clock } = station
    const deadLetters = {
      add: (letter: DeadLetter, done: (isKept: boolean) => void) => {
        if (station.hasRoom) station.letters.push(letter)
        station.keepLetter(done)
      },
      onRoom: (told: () => void) => {
        station.roomCame = told
      },
    }
    const parts = { deadLetters, refused: station.refused }
    const opening = Spool.open({ disk, clock, random }, config, parts, station.log)
    station.spool = await station.until(opening)
    if (options.isStarted ?? true) station.start(options)
    await station.turn()
    return station
  }

  private constructor({ disk, clock, hasNoRoom, refusedMaxMs = 0 }: StationOptions) {
    this.disk = disk ?? new MemoryDisk({ maxBytes: 2 ** 30 })
    this.clock = clock ?? new HandClock()
    this.hasRoom = !hasNoRoom
    this.refused = new RefusedStreams({
      clock: this.clock,
      log: this.log,
      maxMs: refusedMaxMs,
      isOfStream: (code) => code === 'AccessDenied' || code === 'ResourceNotFoundException',
      isNamed: (stream) => stream !== 'unnamed',
    })
  }

  start({ laneOf = () => 0 }: StationOptions = {}): void {
    const line = {
      put: (record: UserRecord) => {
        this.held.push(record)
        this.handed.push(String(record.data))
      },
      laneOf,
      onLanesChanged: (told: () => void) => {
        this.lanesChange = told
      },
    }
    this.spool.start(line, {
      settled: (kind) => this.settledKinds.push(kind),
      changed: () => this.changedCount++,
    })
  }

  append(texts: readonly string[], more: Partial<SpoolRecord> & { key?: string } = {}): Sent {
    const { key, ...fields } = more
    const records = texts.map((text) => recordOf(text, fields))
    const sent: Sent = { receipts: null, refusal: null, outcomes: texts.map(() => null) }
    const idempotency =
      key === undefined ? null : { key, bodyHash: Buffer.alloc(32, 7), ack: 'durable' as const }
    this.spool.append({
      records,
      idempotency,
      durable: (receipts) => {
        sent.receipts = receipts
      },
      refused: (refusal) => {
        sent.refusal = refusal
      },
      settled: (index, outcome) => {
        sent.outcomes[index] = outcome
      },
    })
    return sent
  }

  async put(...texts: string[]): Promise<Sent> {
    const sent = this.append(texts)
    await this.turn()
    return sent
  }

  /** Settles the first record that is held, or that with this text. */
  settle(text: string | null = null, code: string | null = null): void {
    const at = text === null ? 0 : this.held.findIndex(({ data }) => String(data) === text)
    const [record] = this.held.splice(at, 1)
    record!.settle(code === null ? this.#delivered() : failed(code))
  }

  settleAll(code: string | null = null): void {
    while (this.held.length > 0) this.settle(null, code)
  }

  /** Lets everything that is under way on the disk in memory end, and all that is due run. */
  async turn(): Promise<void> {
    for (let i = 0; i < 5; i++) {
      await new Promise(setImmediate)
      this.clock.advanceTo(this.clock.monotonicMs())
    }
  }

  async runFor(ms: number): Promise<void> {
    const untilMs = this.clock.monotonicMs() + ms
    while (this.clock.monotonicMs() < untilMs) {
      await this.turn()
      this.clock.advanceTo(Math.min(untilMs, this.clock.nextAtMs()))
    }
    await this.turn()
  }

  /** Waits for what may need the clock. */
  async until<T>(work: Promise<T>): Promise<T> {
    let isDone = false
    const done = () => {
      isDone = true
    }
    work.then(done, done)
    for (let i = 0; i < 100 && !isDone; i++) await this.runFor(100)
    return work
  }

  #delivered(): RecordResult {
    const sequenceNumber = String(++this.#sequence)
    const place = { shardId: 'shardId-000000000000', sequenceNumber, subSequenceNumber: 3 }
    return { isDelivered: true, place, attempts: [] }
  }
}

export function spoolConfig(options: StationOptions): SpoolConfig {
  const { spool, receipts, idempotency } = readConfig(spoolFields, { overrides: {} })
  return {
    spool: { ...spool, ...options.spool },
    receipts: { ...receipts, ...options.receipts },
    idempotency: { ...idempotency, ...options.idempotency },
  }
}

export function recordOf(text: string, more: Partial<SpoolRecord> = {}): SpoolRecord {
  const data = Buffer.from(text)
  return { stream: 's', partitionKey: 'key', explicitHashKey: null, data, ...more }
}

function failed(code: string): RecordResult {
  return { isDelivered: false, code, message: `It was ${code}.`, mayBeWritten: false, attempts: [] }
}
