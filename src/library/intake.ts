// Records from a source, one after the other: each enters when there is room, and whoever ends the
// source learns when all of them have settled.

import type { RecordResult, UserRecordFields } from '../record/index.ts'
import { UserRecordFailedError, type UserRecordInput } from './user-record.ts'

/** The part of a producer that an intake needs. */
export interface Entrance {
  ready(): Promise<void>
  /** Throws for what no stream would take. */
  add(input: UserRecordInput, onSettle: UserRecordFields['onSettle']): void
}

export class Intake {
  readonly #entrance: Entrance
  readonly #onFailed: (error: UserRecordFailedError) => void
  #openCount = 0
  #deliveredCount = 0
  #failedCount = 0
  #onEmpty: (() => void) | null = null
  /** Told at once of what `onFailed` throws the first time. */
  onThrown: (error: unknown) => void = () => {}
  /** What `onFailed` threw, the first time. */
  #thrown: { readonly error: unknown } | null = null

  /** Throws `TypeError` where nobody could be told. */
  constructor(entrance: Entrance, onFailed: (error: UserRecordFailedError) => void) {
    if (typeof onFailed !== 'function') throw new TypeError('onFailed: a function is needed')
    this.#entrance = entrance
    this.#onFailed = onFailed
  }

  get counts(): { delivered: number; failed: number } {
    return { delivered: this.#deliveredCount, failed: this.#failedCount }
  }

  /** Rejects when the producer is closed, or with what `onFailed` threw. */
  ready(): Promise<void> {
    if (this.#thrown !== null) return Promise.reject(this.#thrown.error)
    return this.#entrance.ready()
  }

  add(input: UserRecordInput): void {
    this.#entrance.add(input, (result, { arrivalAtMs }) => {
      this.#onSettle(input, result, arrivalAtMs)
    })
    this.#openCount++
  }

  /** Resolves when all that was added has settled; rejects then with what `onFailed` threw. */
  async empty(): Promise<void> {
    if (this.#openCount > 0) {
      await new Promise<void>((resolve) => {
        this.#onEmpty = resolve
      })
    }
    if (this.#thrown !== null) throw this.#thrown.error
  }

  #onSettle(input: UserRecordInput, result: RecordResult, arrivalAtMs: number): void {
    this.#openCount--
    if (this.#openCount === 0) this.#onEmpty?.()
    if (result.isDelivered) {
      this.#deliveredCount++
      return
    }
    this.#failedCount++
    try {
      this.#onFailed(new UserRecordFailedError(result, input, arrivalAtMs))
    } catch (error) {
      // Ends the intake, and must not keep the records beside this one from settling.
      if (this.#thrown !== null) return
      this.#thrown = { error }
      this.onThrown(error)
    }
  }
}
