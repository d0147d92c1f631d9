// Who appends to the spool of a world: requests with and without keys, and dead letters that are
// sent again.

import { hashKeyFromBigInt } from '../record/index.ts'
import type { SpoolFront, SpoolRecord, Transaction } from '../spool/index.ts'
import type { SimProcess } from './machine.ts'
import type { SimRandom } from './sim-random.ts'
import type { BookedTransaction, SpoolBook } from './spool-book.ts'
import type { SpoolSettings } from './spool-settings.ts'
import type { World } from './world.ts'

export interface SenderParts {
  readonly world: World
  readonly settings: SpoolSettings
  readonly random: SimRandom
  readonly book: SpoolBook
  readonly onDurable: (booked: BookedTransaction) => void
}

export class SpoolSender {
  readonly #parts: SenderParts
  #submitted = 0
  exhaustedCount = 0

  constructor(parts: SenderParts) {
    this.#parts = parts
  }

  /** Appends so often from now on. */
  load(count: number, { process, spool, life }: Target): void {
    const { world, settings, random } = this.#parts
    const { everyMs } = settings
    let atMs = world.nowMs
    for (let i = 0; i < count; i++) {
      atMs += everyMs === 0 ? 0 : random.between(0, 2 * everyMs)
      process.schedule(atMs, 'spool append', () => this.#append({ process, spool, life }))
    }
  }

  #append({ process, spool, life }: Target): void {
    const { settings, random, book } = this.#parts
    const number = this.#submitted++
    const letters = random.hits(settings.replayPerMille) ? this.#pickLetters() : []
    const count = letters.length || random.between(1, settings.recordsMax)
    const records = Array.from({ length: count }, (_, i) => {
      return { ...this.#drawRecord(`${number}.${i}:`), ...letters[i] }
    })
    const key = letters.length === 0 && random.below(4) === 0 ? `key-${number}` : null
    const booked = book.add(records, { key, life, arrivedAtMs: process.clock.wallMs() })
    spool.append(this.#transactionOf(booked, records))
    // Whoever comes while it closes was turned away before by the gateway.
    if (random.below(20) > 0 || spool.refusal()?.code === 'closed') return
    this.exhaustedCount++
    spool.countExhausted()
  }

  #pickLetters(): Pick<SpoolRecord, 'receipt' | 'arrivedAtMs'>[] {
    const { random, book, settings } = this.#parts
    const letters = book.letters().slice(0, random.between(1, settings.recordsMax))
    return letters.map(({ receipt, fields, transaction }) => ({
      receipt: receipt!,
      arrivedAtMs: fields.arrivedAtMs ?? transaction.arrivedAtMs,
    }))
  }

  #transactionOf(booked: BookedTransaction, records: readonly SpoolRecord[]): Transaction {
    const { world, book, onDurable } = this.#parts
    const bodyHash = Buffer.alloc(32, booked.key ?? '')
    return {
      records,
      idempotency: booked.key === null ? null : { key: booked.key, bodyHash, ack: 'durable' },
      durable: (receipts) =>
        world.guard(() => {
          book.durable(booked, receipts)
          onDurable(booked)
        }),
      refused: ({ code, mayBeWritten }) => {
        world.note(`spool refuses: ${code}`)
        world.guard(() => book.refused(booked, mayBeWritten))
      },
      settled: (index) => world.guard(() => book.told(booked.records[index]!)),
    }
  }

  #drawRecord(text: string): SpoolRecord {
    const { random, settings } = this.#parts
    const data = Buffer.alloc(text.length + random.below(settings.dataMaxBytes), 'x')
    data.write(text)
    const hasHashKey = random.below(4) === 0
    return {
      stream: random.pick(['s1', 's2']),
      partitionKey: `ключ-${random.below(50)}`,
      explicitHashKey: hasHashKey ? hashKeyFromBigInt(BigInt(random.below(2 ** 32)) << 90n) : null,
      data,
    }
  }
}

interface Target {
  readonly process: SimProcess
  readonly spool: SpoolFront
  readonly life: number
}
