// Tells whoever runs the gateway that records are lost to the line: at once, but not once a record.

import type { Clock, Log, LogFields, Timer } from '../host/index.ts'
import type { RecordResult } from '../record/index.ts'

type Failure = Extract<RecordResult, { isDelivered: false }>

/** After a line, what fails is counted for that long and then told in one line. */
export const FAILURE_LOG_MS = 10_000

export class FailureLog {
  readonly #clock: Clock
  readonly #log: Log
  #count = 0
  #fields: LogFields = {}
  #timer: Timer | null = null

  constructor(clock: Clock, log: Log) {
    this.#clock = clock
    this.#log = log
  }

  add(stream: string, { code, message, attempts }: Failure): void {
    this.#count++
    // Expiry ends a record; what kept it from being delivered is the attempt before.
    const cause = attempts.findLast((attempt) => attempt.code !== 'Expired')
    this.#fields = {
      stream,
      code,
      message,
      attempts: attempts.length,
      cause: cause?.code ?? null,
      causeMessage: cause?.message ?? null,
    }
    if (this.#timer === null) this.#tell()
  }

  /** One that was answered `accepted` did not get into the spool. */
  lost(stream: string, code: string, message: string): void {
    this.#count++
    this.#fields = { stream, code, message, attempts: 0, cause: null, causeMessage: null }
    if (this.#timer === null) this.#tell()
  }

  /** Tells what has not been told. */
  flush(): void {
    this.#timer?.cancel()
    this.#timer = null
    if (this.#count > 0) this.#say()
  }

  #tell(): void {
    this.#say()
    this.#timer = this.#clock.schedule(this.#clock.monotonicMs() + FAILURE_LOG_MS, () => {
      this.#timer = null
      if (this.#count > 0) this.#tell()
    })
  }

  #say(): void {
    this.#log.error('records could not be delivered; the last of them', {
      failed: this.#count,
      ...this.#fields,
    })
    this.#count = 0
  }
}
