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

export class Window {
  readonly #config: WindowConfig
  readonly #outstanding: Outstanding
  readonly #waiting = new Fifo<() => void>()
  /** Were let go on, and have not added yet. */
  #expectedCount = 0

  constructor(config: WindowConfig, outstanding: Outstanding) {
    this.#config = config
    this.#outstanding = outstanding
  }

  /** Resolves when there is room for one more record; first come, first served. */
  ready(): Promise<void> {
    if (this.#hasRoom() && this.#waiting.size === 0) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** A record has settled, or the one who was let go on has added: some may go on now. */
  changed(): void {
    while (this.#waiting.size > 0 && this.#hasRoom()) {
      this.#expectedCount++
      const goOn = this.#waiting.shift()!
      goOn()
      // The room is kept for it until it has had its turn to add. If it did not, it is the next's.
      queue(() => {
        this.#expectedCount--
        this.changed()
      })
    }
  }

  /** Nothing will ever be sent again: nobody waits for that. */
  close(): void {
    for (let goOn = this.#waiting.shift(); goOn; goOn = this.#waiting.shift()) goOn()
  }

  #hasRoom(): boolean {
    const { outstandingCount, outstandingBytes } = this.#outstanding
    const { maxOutstandingRecords, maxOutstandingBytes } = this.#config
    return (
      outstandingCount + this.#expectedCount < maxOutstandingRecords &&
      outstandingBytes < maxOutstandingBytes
    )
  }
}

/** After the promise reactions that are due now, and those that they make at once. */
function queue(run: () => void): void {
  void Promise.resolve().then(() => Promise.resolve().then(run))
}
