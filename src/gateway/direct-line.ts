// Where there is no spool: records go to the producer at once, and die with the process.

import { type RecordResult, UserRecord } from '../record/index.ts'
import type { Outcome, SpoolRecord, Transaction } from '../spool/index.ts'

/** What became of a record; `failed` only where no spool has kept it. */
export type AnyOutcome =
  | Outcome
  | { readonly kind: 'failed'; readonly result: RecordResult & { isDelivered: false } }

/** The records of one request, as the gateway hands them over. */
export interface Handover extends Transaction {
  readonly settled: ((index: number, outcome: AnyOutcome) => void) | null
}

export interface DirectLineParts {
  put(record: UserRecord): void
  settled(kind: AnyOutcome['kind']): void
}

export class DirectLine {
  readonly #parts: DirectLineParts
  #unsettledCount = 0

  constructor(parts: DirectLineParts) {
    this.#parts = parts
  }

  get unsettledCount(): number {
    return this.#unsettledCount
  }

  append(handover: Handover): void {
    for (const [index, record] of handover.records.entries()) this.#put(handover, index, record)
  }

  #put(handover: Handover, index: number, record: SpoolRecord): void {
    this.#unsettledCount++
    const onSettle = (result: RecordResult) => {
      const outcome: AnyOutcome = result.isDelivered
        ? { kind: 'delivered', place: result.place }
        : { kind: 'failed', result }
      this.#unsettledCount--
      handover.settled?.(index, outcome)
      // Last, because it lets the next one in, which may settle in turn.
      this.#parts.settled(outcome.kind)
    }
    const { stream, partitionKey, explicitHashKey, data } = record
    this.#parts.put(new UserRecord({ stream, partitionKey, explicitHashKey, data, onSettle }))
  }
}
