// What becomes of the records that were handed on. A record that could not be delivered is settled
// when the dead letters have it durably; as long as they have no room it is parked: it stays in
// the spool, and goes again when there is room.

import type { Clock } from '../host/index.ts'
import type { RecordResult } from '../record/index.ts'
import type { DeadLetter, DeadLetterSink } from './dead-letter.ts'
import type { SpoolEvents } from './front.ts'
import type { Handed } from './hand-out.ts'
import { receiptOf } from './receipt.ts'
import type { RefusedStreams } from './refused-streams.ts'
import type { Segment } from './segment.ts'
import type { Outcome } from './transaction.ts'
import type { Usage } from './usage.ts'

/** The line was closed before it sent the record: no fate, it stays where it is. */
const CLOSED_CODE = 'Closed'

export interface SettlementParts {
  readonly clock: Clock
  readonly deadLetters: DeadLetterSink
  readonly events: SpoolEvents
  readonly usage: Usage
  readonly refused: RefusedStreams | null
  readonly parkedMaxCount: number
  /** All records of a segment have settled. */
  readonly onSegmentSettled: (segment: Segment) => void
  /** The record stays in the spool, and is to be handed on again later. */
  readonly onKept: (handed: Handed) => void
  /** The line takes no more. */
  readonly onLineClosed: () => void
  /** Whether so many are parked that nothing more is to be handed on. */
  readonly onParked: (isTooMany: boolean) => void
  /** What was parked is to be handed on again. */
  readonly onUnparked: () => void
}

export class Settlement {
  readonly #parts: SettlementParts
  /** Letters that are not durable yet. */
  #buryingCount = 0
  #onIdle = () => {}
  #parked: { readonly segment: Segment; readonly ordinal: number }[] = []

  constructor(parts: SettlementParts) {
    this.#parts = parts
    parts.deadLetters.onRoom(() => this.#unpark())
  }

  /** Resolves when no letter is under way. */
  idle(): Promise<void> {
    if (this.#buryingCount === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#onIdle = resolve
    })
  }

  get parkedCount(): number {
    return this.#parked.length
  }

  /** The line has decided. */
  onResult(handed: Handed, result: RecordResult): void {
    const { refused } = this.#parts
    if (result.isDelivered) {
      refused?.delivered(handed.stream)
      handed.leave()
      this.settle(handed.origin.segment, handed.origin.ordinal, {
        kind: 'delivered',
        place: result.place,
      })
    } else if (result.code === CLOSED_CODE) {
      this.#parts.onLineClosed()
      handed.leave()
    } else if (refused?.keeps(handed.stream, result)) {
      this.#parts.onKept(handed)
    } else {
      this.#bury(handed, result)
    }
  }

  settle(segment: Segment, ordinal: number, outcome: Outcome): void {
    const { usage, events, onSegmentSettled } = this.#parts
    if (!segment.settled.set(ordinal)) return
    usage.unsettledCount--
    if (outcome.kind === 'delivered') {
      segment.counts.successes++
      segment.outcomes.delivered(ordinal, outcome.place)
    } else {
      segment.counts.failures++
      segment.outcomes.deadLettered(ordinal, outcome.code, outcome.message)
    }
    const waiting = segment.waiting.get(ordinal)
    segment.waiting.delete(ordinal)
    events.settled(outcome.kind)
    if (waiting !== undefined) segment.outcomes.whenWritten(() => waiting(outcome))
    if (segment.unsettledCount === 0) onSegmentSettled(segment)
  }

  #bury(handed: Handed, result: Extract<RecordResult, { isDelivered: false }>): void {
    const { segment, ordinal, receipt, arrivedAtMs } = handed.origin
    const { code, message, mayBeWritten } = result
    const letter: DeadLetter = {
      receipt: receipt ?? receiptOf(segment.number, ordinal, segment.marker),
      stream: handed.stream,
      partitionKey: handed.partitionKey,
      explicitHashKey: handed.explicitHashKey,
      data: handed.data,
      arrivedAtMs,
      diedAtMs: this.#parts.clock.wallMs(),
      code,
      message,
      mayBeWritten,
      attemptCount: handed.attemptCount,
      attempts: result.attempts,
    }
    this.#buryingCount++
    this.#parts.deadLetters.add(letter, (isKept) => {
      this.#buryingCount--
      handed.leave()
      if (isKept) this.settle(segment, ordinal, { kind: 'dead-lettered', code, message })
      else this.#park(segment, ordinal)
      if (this.#buryingCount === 0) this.#onIdle()
    })
  }

  #park(segment: Segment, ordinal: number): void {
    this.#parked.push({ segment, ordinal })
    this.#parts.onParked(this.#parked.length >= this.#parts.parkedMaxCount)
  }

  #unpark(): void {
    if (this.#parked.length === 0) return
    const parked = this.#parked
    this.#parked = []
    for (const { segment, ordinal } of parked) segment.taken.clear(ordinal)
    this.#parts.onParked(false)
    this.#parts.onUnparked()
  }
}
