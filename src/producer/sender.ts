// Requests to the service, and its answers to the retrier.

import { type Clock, messageOf } from '../host/index.ts'
import { decodePutRecordsAnswer, encodePutRecords, type PutRecordsAnswer } from '../wire/index.ts'
import { type Call, type Client, isRefusal, type Outcome, type Refusal } from './client.ts'
import type { KinesisRecord } from './kinesis-record.ts'
import type { Stage } from './stage.ts'

/** A request that has ended: one entry for each record, or a refusal of them all. */
export interface Exchange {
  readonly records: readonly KinesisRecord[]
  /** When the request was handed to the client, waiting for a connection included. */
  readonly startAtMs: number
  readonly endAtMs: number
  readonly result: PutRecordsAnswer | Refusal
}

export interface SenderExits {
  readonly ended: (exchange: Exchange) => void
  /** Takes what expired while it waited for a connection. */
  readonly expired: (record: KinesisRecord) => void
}

export interface SenderConfig {
  /** Whether what expired while it waited for a connection is still sent; the KPL's way. */
  readonly isExpiredSent: boolean
}

export class Sender implements Stage<readonly KinesisRecord[]> {
  readonly #clock: Clock
  readonly #stream: string
  readonly #client: Pick<Client, 'call'>
  readonly #config: SenderConfig
  readonly #exits: SenderExits
  /** Requests without an answer yet, those that wait for a connection included. */
  readonly #open = new Set<OpenRequest>()

  constructor(clock: Clock, { stream, client, config }: SenderParts, exits: SenderExits) {
    this.#clock = clock
    this.#stream = stream
    this.#client = client
    this.#config = config
    this.#exits = exits
  }

  put(records: readonly KinesisRecord[]): void {
    this.#client.call(this.#callOf(new OpenRequest(records, this.#clock.monotonicMs())))
  }

  #callOf(request: OpenRequest): Call {
    this.#open.add(request)
    const call: Call = {
      action: 'PutRecords',
      get sizeBytes() {
        return request.sizeBytes
      },
      part: (maxBytes) => {
        const part = request.part(maxBytes)
        return part === request ? call : this.#callOf(part)
      },
      encode: (buffer, format) => {
        // Given up while the call waited for credentials: its records have settled.
        if (!this.#open.has(request)) return null
        if (!this.#config.isExpiredSent) this.#dropExpired(request)
        if (request.records.length === 0) return null
        request.isSent = true
        return encodePutRecords(format, this.#stream, request.records, buffer)
      },
      done: (outcome) => this.#onDone(request, outcome),
    }
    return call
  }

  /** Gives up every request; answers that come later are not looked at. */
  abandon(): { record: KinesisRecord; mayBeWritten: boolean }[] {
    const left = []
    for (const { records, isSent } of this.#open) {
      for (const record of records) left.push({ record, mayBeWritten: isSent })
    }
    this.#open.clear()
    return left
  }

  #dropExpired(request: OpenRequest): void {
    const nowMs = this.#clock.monotonicMs()
    const isExpired = (record: KinesisRecord) => nowMs > record.expiresAtMs
    if (!request.records.some(isExpired)) return
    const all = request.records
    request.records = all.filter((record) => !isExpired(record))
    if (request.records.length === 0) this.#open.delete(request)
    for (const record of all) if (isExpired(record)) this.#exits.expired(record)
  }

  #onDone(request: OpenRequest, outcome: Outcome): void {
    if (!this.#open.delete(request)) return
    const { records, startAtMs } = request
    request.records = NONE
    const endAtMs = this.#clock.monotonicMs()
    this.#exits.ended({ records, startAtMs, endAtMs, result: resultOf(outcome, records.length) })
  }
}

export interface SenderParts {
  readonly stream: string
  readonly client: Pick<Client, 'call'>
  readonly config: SenderConfig
}

/**
 * What a request that has ended has: a `Set` that grows leaves its old table behind, which the
 * collector of young objects may take for alive, with the requests that were open then.
 */
const NONE: readonly KinesisRecord[] = []

class OpenRequest {
  records: readonly KinesisRecord[]
  readonly startAtMs: number
  isSent = false
  #sizeBytes: number

  constructor(records: readonly KinesisRecord[], startAtMs: number) {
    this.records = records
    this.startAtMs = startAtMs
    this.#sizeBytes = records.reduce((bytes, { chargedBytes }) => bytes + chargedBytes, 0)
  }

  get sizeBytes(): number {
    return this.#sizeBytes
  }

  /** The first records, up to so many bytes but one at least, as a request of their own. */
  part(maxBytes: number): OpenRequest {
    let count = 0
    let bytes = 0
    do bytes += this.records[count++]!.chargedBytes
    while (count < this.records.length && bytes + this.records[count]!.chargedBytes <= maxBytes)
    if (count === this.records.length) return this
    const part = new OpenRequest(this.records.slice(0, count), this.startAtMs)
    this.records = this.records.slice(count)
    this.#sizeBytes -= bytes
    return part
  }
}

function resultOf(outcome: Outcome, recordCount: number): PutRecordsAnswer | Refusal {
  if (isRefusal(outcome)) return outcome
  try {
    const answer = decodePutRecordsAnswer(outcome.format, outcome.body)
    if (answer.entries.length === recordCount) return answer
    const message = `${recordCount} records were sent, ${answer.entries.length} results came back.`
    return { code: 'Record Count Mismatch', message, mayBeWritten: true }
  } catch (error) {
    // The service acted and said 200; what it said cannot be read.
    const message = messageOf(error)
    return { code: 'UnreadableAnswer', message, mayBeWritten: true }
  }
}
