// The start of the line: a record that its stream does not take fails here, alone. Most records
// pass with one comparison; the stream's size is asked for again before it refuses one.

import type { Clock } from '../host/index.ts'
import { PARTITION_KEY_MAX_BYTES, type UserRecord } from '../record/index.ts'
import type { Stage } from './stage.ts'
import type { StreamFacts } from './stream-facts.ts'

export interface SizeGateExits {
  readonly next: Stage<UserRecord>
  readonly refused: (record: UserRecord, code: string, message: string) => void
}

export const TOO_LARGE_CODE = 'RecordTooLarge'

export class SizeGate implements Stage<UserRecord> {
  readonly #clock: Clock
  readonly #facts: StreamFacts
  readonly #exits: SizeGateExits
  /** Until the size is known; bounded by the window. */
  #held: UserRecord[] = []
  /** Those behind them wait too, so that records of one key stay in their order. */
  readonly #heldKeys = new Set<string>()

  constructor(clock: Clock, facts: StreamFacts, exits: SizeGateExits) {
    this.#clock = clock
    this.#facts = facts
    this.#exits = exits
  }

  put(record: UserRecord): void {
    if (this.#held.length === 0 && !this.#isLarge(record)) this.#exits.next.put(record)
    else if (this.#mustWait(record)) this.#hold(record)
    else this.#judge(record)
  }

  /** The service has answered. */
  onFactsChanged(): void {
    // It can grow: who is told of a refusal may put another one, which stays behind the others.
    for (let i = 0; i < this.#held.length; i++) this.#judge(this.#held[i]!)
    this.abandon()
  }

  /** Lets nothing that is held wait for company afterwards. */
  flush(): void {
    const nowMs = this.#clock.monotonicMs()
    for (const record of this.#held) record.deadlineAtMs = Math.min(record.deadlineAtMs, nowMs)
  }

  abandon(): UserRecord[] {
    const left = this.#held
    this.#held = []
    this.#heldKeys.clear()
    return left
  }

  #mustWait(record: UserRecord): boolean {
    if (this.#heldKeys.has(record.partitionKey)) return true
    return this.#isLarge(record) && !this.#facts.isFresh
  }

  #hold(record: UserRecord): void {
    this.#held.push(record)
    this.#heldKeys.add(record.partitionKey)
    this.#facts.ask()
  }

  #judge(record: UserRecord): void {
    const { maxRecordBytes } = this.#facts
    if (!this.#isLarge(record) || !this.#facts.isSizeKnown) return this.#exits.next.put(record)
    const message = `with its key ${bytesOf(record)} bytes; the stream takes ${maxRecordBytes}`
    this.#exits.refused(record, TOO_LARGE_CODE, message)
  }

  /** More than may be sent in any case. */
  #isLarge(record: UserRecord): boolean {
    const { maxRecordBytes } = this.#facts
    if (record.data.length + PARTITION_KEY_MAX_BYTES <= maxRecordBytes) return false
    return bytesOf(record) > maxRecordBytes
  }
}

/** As the service counts. */
function bytesOf({ data, partitionKey }: UserRecord): number {
  return data.length + Buffer.byteLength(partitionKey)
}
