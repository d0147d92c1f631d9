// What goes to where records are kept that could not be delivered.

import type { Attempt, HashKey } from '../record/index.ts'

export interface DeadLetter {
  readonly receipt: string
  readonly stream: string
  readonly partitionKey: string
  readonly explicitHashKey: HashKey | null
  readonly data: Uint8Array
  /** Instants of the wall clock. */
  readonly arrivedAtMs: number
  readonly diedAtMs: number
  /** The last attempt's code. */
  readonly code: string
  readonly message: string
  /** The record may be in the stream all the same. */
  readonly mayBeWritten: boolean
  readonly attemptCount: number
  /** The first ones and the last; with instants of the monotonic clock. */
  readonly attempts: readonly Attempt[]
}

export interface DeadLetterSink {
  /** Keeps it durably, then says so; false when it cannot: the record stays in the spool. */
  add(letter: DeadLetter, done: (isKept: boolean) => void): void
  /** `told` is called whenever there is room again after a letter was not kept. */
  onRoom(told: () => void): void
}
