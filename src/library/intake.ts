// Records from a source, one after the other: each enters when there is room, and whoever ends the
// source learns when all of them have settled.

import type { RecordResult } from '../record/index.ts'
import { UserRecordFailedError, type UserRecordInput } from './user-record.ts'

/** The part of a producer that an intake needs. */
export interface Entrance {
  ready(): Promise<void>
  /** Throws for what no stream would take. */
  add(input: UserRecordInput, onSettle: (result: RecordResult) => void): void
}

export class Intake {
  readonly #entrance: Entrance
  readonly #onFailed: (error: UserRecordFailedError) => void
  #openCount = 0
  #deliveredCount = 0
  #failedCount = 0
  #onEmpty: (() => void) | null = null

  constructor(entrance: Entrance, onFailed: (error: UserRecordFailedError) => void) {
    this.#entrance = entrance
    this.#onFailed = onFailed
  }

  get counts(): { delivered: number; failed: number } {
    return { delivered: this.#deliveredCount, failed: this.#failedCount }
  }

  ready(): Promise<void> {
    return this.#entrance.ready()
  }

  add(input: UserRecordInput): void {
    this.#entrance.add(input, (result) => this.#onSettle(input, result))
    this.#openCount++
  }

  /** Resolves when all that was added has settled. */
  empty(): Promise<void> {
    if (this.#openCount === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#onEmpty = resolve
    })
  }

  #onSettle(input: UserRecordInput, result: RecordResult): void {
    this.#openCount--
    if (this.#openCount === 0) this.#onEmpty?.()
    if (result.isDelivered) this.#deliveredCount++
    else {
      this.#failedCount++
      this.#onFailed(new UserRecordFailedError(result, input))
    }
  }
}
