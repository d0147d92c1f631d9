// CBOR or JSON: the configured format, unless the service turns out not to read CBOR. What it says
// then is not always clear, so JSON is tried, and the choice is made by what comes back: once for
// each client, and said once.

import type { Log } from '../host/index.ts'
import type { WireFormat } from '../wire/index.ts'

/** How services that know only JSON answer to CBOR, besides with the status 415. */
const MAY_MEAN_THE_FORMAT = new Set(['SerializationException', 'UnknownOperationException'])
const UNSUPPORTED_MEDIA_TYPE = 415

export class FormatChoice {
  readonly #log: Log
  #format: WireFormat
  /** A request in CBOR has succeeded. */
  #isCborRead = false

  constructor(format: WireFormat, log: Log) {
    this.#format = format
    this.#log = log
  }

  /** What the next request is written in. */
  get format(): WireFormat {
    return this.#format
  }

  /**
   * Whether a request that was written in `format` and ended so should be tried in JSON. What was
   * refused for its format was not written: to send it again duplicates nothing. `status` is null
   * when no answer came, `code` when the request succeeded.
   */
  isWorthJson(format: WireFormat, status: number | null, code: string | null): boolean {
    if (format === 'json') return false
    if (code === null) this.#isCborRead = true
    if (status === UNSUPPORTED_MEDIA_TYPE) return true
    return !this.#isCborRead && refusesFormat(status, code)
  }

  /** How a request that had been refused in CBOR fared in JSON. */
  triedJson(status: number | null, code: string | null): void {
    // Refused in both, it was not for the format; without an answer nothing is known.
    if (status === null || refusesFormat(status, code) || this.#format === 'json') return
    this.#format = 'json'
    this.#log.warn('the service does not read CBOR; from here on requests are written in JSON')
  }
}

function refusesFormat(status: number | null, code: string | null): boolean {
  if (status === null || code === null || status >= 500) return false
  return status === UNSUPPORTED_MEDIA_TYPE || MAY_MEAN_THE_FORMAT.has(code)
}
