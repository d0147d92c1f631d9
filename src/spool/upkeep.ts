// What does not have to be done at once: outcomes are synced, what failed is tried again, what is
// old goes. Once a second while there is something to do, and never else.

import type { Clock, Timer } from '../host/index.ts'
import type { Archive } from './archive.ts'
import type { LogWriter } from './log-writer.ts'
import type { SegmentTable } from './segment-table.ts'
import type { Usage } from './usage.ts'

const ROUND_EACH_MS = 1000

export interface UpkeepParts {
  readonly clock: Clock
  readonly table: SegmentTable
  readonly archive: Archive
  readonly usage: Usage
  readonly writer: () => LogWriter
  /** There may be room again. */
  readonly onChanged: () => void
}

export class Upkeep {
  readonly #parts: UpkeepParts
  /** Turned away, and not written down yet. */
  #exhausted = 0
  #round: Timer | null = null
  #expiry: Timer | null = null
  /** The disk had no room for a record since the last tidying. */
  #isDiskShort = false
  #isBegun = false
  #isClosed = false

  constructor(parts: UpkeepParts) {
    this.#parts = parts
  }

  get exhausted(): number {
    return this.#exhausted
  }

  get isShortOfRoom(): boolean {
    const writer = this.#parts.writer()
    return writer.isFull || writer.trouble?.code === 'disk-full'
  }

  countExhausted(): void {
    this.#exhausted++
    this.wake()
  }

  /** Counted elsewhere from now on. */
  takeExhausted(): number {
    const exhausted = this.#exhausted
    this.#exhausted = 0
    return exhausted
  }

  /** Everything is there that a round looks at; what there is to do by now is done in the first. */
  begin(): void {
    this.#isBegun = true
    this.wake()
  }

  /** A round is due. */
  wake(): void {
    if (!this.#isBegun || this.#round !== null || this.#isClosed) return
    const { clock } = this.#parts
    this.#round = clock.schedule(clock.monotonicMs() + ROUND_EACH_MS, () => {
      this.#round = null
      void this.#doRound()
    })
  }

  /** There was no room for a record. */
  refused(): void {
    this.#isDiskShort ||= this.#parts.writer().trouble?.code === 'disk-full'
    this.makeRoom()
  }

  /** Only whole segments go; the one that is written to is ended when all in it has settled. */
  makeRoom(): void {
    const writer = this.#parts.writer()
    const active = writer.activeSegment
    if (active !== null && active.unsettledCount === 0) writer.seal()
    this.wake()
  }

  roomCame(): void {
    this.#parts.writer().roomCame()
    this.#parts.onChanged()
  }

  /** Removes what has settled and what is old. */
  async tidy(): Promise<void> {
    const { archive, clock } = this.#parts
    await archive.tidy({ isFull: () => this.isShortOfRoom, isStuck: () => this.#isStuck() })
    if (archive.needsCare) this.wake()
    this.#expiry?.cancel()
    const dueAtMs = archive.nextDueAtMs
    if (dueAtMs === null || this.#isClosed) return
    this.#expiry = clock.schedule(dueAtMs, () => this.wake())
  }

  close(): void {
    this.#isClosed = true
    this.#round?.cancel()
    this.#expiry?.cancel()
  }

  /** One receipts' file for each record that was refused: who does not send needs no room. */
  #isStuck(): boolean {
    const isStuck = this.#isDiskShort && this.#parts.usage.unsettledCount === 0
    this.#isDiskShort = false
    return isStuck
  }

  async #doRound(): Promise<void> {
    this.#saveExhausted()
    if (this.isShortOfRoom) this.makeRoom()
    if (this.#parts.writer().isFull) this.roomCame()
    for (const { outcomes, isSealed } of [...this.#parts.table.all()]) {
      if (outcomes.needsCare) await outcomes.care()
      // Segments are many while Kinesis is away, and files that may be open are not.
      if (isSealed && !outcomes.needsCare) outcomes.close()
    }
    await this.tidy()
  }

  /** Where no segment is written to, as in a full spool, they are among the totals. */
  #saveExhausted(): void {
    const { writer, archive } = this.#parts
    const exhausted = this.takeExhausted()
    const segment = writer().activeSegment
    if (segment === null || exhausted === 0) return archive.countExhausted(exhausted)
    segment.outcomes.add({ kind: 'exhausted', count: exhausted })
    segment.counts.exhausted += exhausted
  }
}
