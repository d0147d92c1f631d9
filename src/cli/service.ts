// Calls of the commands to a Kinesis, local or AWS's: one at a time, throttles waited out.

import { type Clock, until } from '../host/index.ts'
import { type Client, isRefusal, kindOf, type Outcome } from '../producer/index.ts'
import { decodeAnswer, encodeRequest } from '../wire/index.ts'

/** The service said no, or nothing. `code` is its error name. */
export class ServiceError extends Error {
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.name = 'ServiceError'
    this.code = code
  }
}

/**
 * First wait after a throttle; doubles up to the longest. GetRecords allows five calls a second and
 * shard.
 */
const THROTTLE_WAIT_MS = 250
const THROTTLE_WAIT_MAX_MS = 4000
/** A service that is away is asked this often before a command gives up. */
const TRANSIENT_TRIES = 4

export class Service {
  readonly #client: Client
  readonly #clock: Clock

  constructor(client: Client, clock: Clock) {
    this.#client = client
    this.#clock = clock
  }

  /** The answer's fields, as the service names them. Throws `ServiceError`. */
  async call(action: string, input: object): Promise<Record<string, unknown>> {
    let waitMs = THROTTLE_WAIT_MS
    for (let tries = 1; ; tries++) {
      const outcome = await this.#once(action, input)
      if (!isRefusal(outcome)) {
        return decodeAnswer(outcome.format, outcome.body) as Record<string, unknown>
      }
      const kind = kindOf(outcome.code)
      const mayPass = kind === 'transient' || kind === 'unknown outcome'
      const isWorthIt = kind === 'throttled' || (mayPass && tries < TRANSIENT_TRIES)
      if (!isWorthIt) throw new ServiceError(outcome.code, outcome.message)
      await this.sleep(waitMs)
      waitMs = Math.min(waitMs * 2, THROTTLE_WAIT_MAX_MS)
    }
  }

  sleep(ms: number): Promise<void> {
    return until(this.#clock, this.#clock.monotonicMs() + ms)
  }

  #once(action: string, input: object): Promise<Outcome> {
    return new Promise((resolve) => {
      this.#client.call({
        action,
        encode: (_buffer, format) => encodeRequest(format, action, input),
        done: resolve,
      })
    })
  }
}
