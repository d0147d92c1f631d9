// Tells whoever runs the line that the service does not take its requests, and that it does again.

import type { Log } from '../host/index.ts'
import type { Refusal } from './client.ts'
import type { Exchange } from './sender.ts'
import { kindOf } from './verdict.ts'

/** A line about failures is followed by the next one so much later at the earliest. */
export const REQUEST_LOG_MS = 60_000

export class RequestLog {
  readonly #stream: string
  readonly #log: Log
  #failedCount = 0
  #toldAtMs = Number.NEGATIVE_INFINITY
  /** The last line was about failures. */
  #isTold = false

  constructor(stream: string, log: Log) {
    this.#stream = stream
    this.#log = log
  }

  ended({ result, endAtMs }: Exchange): void {
    if ('code' in result) this.#failed(result, endAtMs)
    else if (this.#failedCount > 0) this.#succeeded()
  }

  #failed({ code, message }: Refusal, atMs: number): void {
    // Those end records, which are told where they die; what is told here is what nobody else sees.
    const kind = kindOf(code)
    if (kind === 'invalid' || kind === 'permanent') return
    this.#failedCount++
    if (atMs - this.#toldAtMs < REQUEST_LOG_MS) return
    this.#toldAtMs = atMs
    this.#isTold = true
    this.#log.warn('requests to the service fail; the last of them', {
      stream: this.#stream,
      failed: this.#failedCount,
      code,
      message,
    })
  }

  #succeeded(): void {
    const failed = this.#failedCount
    this.#failedCount = 0
    // Once for each line about failures: a service that fails now and then fills no log.
    if (!this.#isTold) return
    this.#isTold = false
    this.#log.info('requests to the service succeed again', { stream: this.#stream, failed })
  }
}
