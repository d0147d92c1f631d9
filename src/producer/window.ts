// Back pressure for those who add records from a program: room for so many records and bytes, and a
// line of those who wait for it.

import { type Fields, integer, type Parsed } from '../config/index.ts'
import { Fifo } from './fifo.ts'

export const windowFields = {
  maxOutstandingRecords: integer({
    default: 100_000,
    min: 1,
    max: 1_000_000_000,
    unit: 'records',
    says: 'Records outstanding, from which on `ready()` waits.',
  }),
  maxOutstandingBytes: integer({
    default: 67_108_864,
    min: 1,
    max: Number.MAX_SAFE_INTEGER,
    unit: 'bytes',
    says: 'Data bytes outstanding, from which on `ready()` waits.',
  }),
} satisfies Fields

export type WindowConfig = Parsed<typeof windowFields>

/** What is outstanding now. */
export interface Outstanding {
  readonly outstandingCount: number
  readonly outstandingBytes: number
}

/** Nothing more is taken: the producer was closed. */
export class ClosedError extends Error {
  readonly code = 'Closed'

  constructor() {
    super('The producer is closed: it takes no more records.')
    this.name = 'ClosedError'
  }
}

interface Waiter {
  readonly goOn: () => void
  readonly refuse: (error: ClosedError) => void
}

export class Window {
  readonly #config: WindowConfig
  readonly #outstanding: Outstanding
  readonly #waiting = new Fifo<Waiter>()
  /**
   * Somebody was let go on and has not added yet. How many bytes it adds nobody knows, so nobody
   * else is let go on before: of a thousand who ask at one instant, no more than there is room for
   * must hear that there is some.
   */
  #isOneExpected = false
  /** How many were let go on; and by then, for whom it was last seen to that others get a turn. */
  #letCount = 0
  #watchedCount = 0
  #isClosed = false

  constructor(config: WindowConfig, outstanding: Outstanding) {
    this.#config = config
    this.#outstanding = outstanding
  }

  /**
   * Resolves when there is room for one more record; first come, first served. Rejects with
   * `ClosedError` when there will be none.
   */
  ready(): Promise<void> {
    if (this.#isClosed) return Promise.reject(new ClosedError())
    if (this.#waiting.size === 0 && this.#mayOneGo()) {
      this.#expectOne()
      return Promise.resolve()
    }
    return new Promise((goOn, refuse) => {
      this.#waiting.push({ goOn, refuse })
      this.#watch()
    })
  }

  /** A record was added. */
  added(): void {
    if (!this.#isOneExpected) return
    this.#isOneExpected = false
    this.changed()
  }

  /** A record has settled, or the one who was let go on has added: the next may go on now. */
  changed(): void {
    if (this.#waiting.size === 0 || !this.#mayOneGo()) return
    this.#expectOne()
    this.#waiting.shift()!.goOn()
    this.#watch()
  }

  /** Nothing will be taken from here on: nobody waits for that. */
  close(): void {
    this.#isClosed = true
    for (let waiter = this.#waiting.shift(); waiter; waiter = this.#waiting.shift()) {
      waiter.refuse(new ClosedError())
    }
  }

  #mayOneGo(): boolean {
    const { outstandingCount, outstandingBytes } = this.#outstanding
    const { maxOutstandingRecords, maxOutstandingBytes } = this.#config
    return (
      !this.#isOneExpected &&
      outstandingCount < maxOutstandingRecords &&
      outstandingBytes < maxOutstandingBytes
    )
  }

  #expectOne(): void {
    this.#isOneExpected = true
    this.#letCount++
  }

  /** Where others wait: who is expected and does not add in its turn is expected no more. */
  #watch(): void {
    if (!this.#isOneExpected || this.#waiting.size === 0) return
    const letCount = this.#letCount
    if (this.#watchedCount === letCount) return
    this.#watchedCount = letCount
    queue(() => {
      if (letCount === this.#letCount) this.added()
    })
  }
}

/** After the promise reactions that are due now, and those that they make at once. */
function queue(run: () => void): void {
  void Promise.resolve().then(() => Promise.resolve().then(run))
}
