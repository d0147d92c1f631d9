// Tells whoever runs the gateway that records are lost to the line, or are refused, or connections
// are: at once, but not once for each.

import { type Clock, type HttpAnswer, type Log, type LogFields, SeldomLine } from '../host/index.ts'
import type { RecordResult } from '../record/index.ts'
import type { ProblemCode } from './problem.ts'

type Failure = Extract<RecordResult, { isDelivered: false }>

export class FailureLog {
  readonly #line: SeldomLine<LogFields>

  constructor(clock: Clock, log: Log) {
    this.#line = new SeldomLine(clock, (failed, last) => {
      log.error('records could not be delivered; the last of them', { failed, ...last })
    })
  }

  add(stream: string, { code, message, attempts }: Failure): void {
    // Expiry ends a record; what kept it from being delivered is the attempt before.
    const cause = attempts.findLast((attempt) => attempt.code !== 'Expired')
    this.#line.add({
      stream,
      code,
      message,
      attempts: attempts.length,
      cause: cause?.code ?? null,
      causeMessage: cause?.message ?? null,
    })
  }

  /** One that was answered `accepted` did not get into the spool. */
  lost(stream: string, code: string, message: string): void {
    this.#line.add({ stream, code, message, attempts: 0, cause: null, causeMessage: null })
  }

  /** Tells what has not been told. */
  flush(): void {
    this.#line.flush()
  }
}

/** States of the gateway; what else is refused is the client's matter, or told elsewhere. */
const STATES: ReadonlySet<string> = new Set([
  'too-many-requests-open',
  'memory-full',
  'back-pressure',
  'backlog-too-old',
  'spool-full',
  'disk-full',
  'disk-failed',
  'sync-failed',
] satisfies ProblemCode[])

export class RefusalLog {
  readonly #line: SeldomLine<string>

  constructor(clock: Clock, log: Log) {
    this.#line = new SeldomLine(clock, (refused, code) => {
      log.warn('requests are refused for a state of the gateway; the last of them', {
        refused,
        code,
      })
    })
  }

  add({ code }: HttpAnswer & { readonly code?: string }): void {
    if (code !== undefined && STATES.has(code)) this.#line.add(code)
  }

  flush(): void {
    this.#line.flush()
  }
}

/** Connections that were closed as they came; whoever opened them sees no more than that. */
export class ConnectionLog {
  readonly #line: SeldomLine<number>
  #count = 0

  constructor(clock: Clock, log: Log) {
    this.#line = new SeldomLine(clock, (closed, total) => {
      log.warn('connections are closed as they come, because as many are open as may be', {
        closed,
        total,
      })
    })
  }

  /** Since the start. */
  get count(): number {
    return this.#count
  }

  add(): void {
    this.#line.add(++this.#count)
  }

  flush(): void {
    this.#line.flush()
  }
}
