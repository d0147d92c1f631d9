// Requests to the service, and its answers to the retrier.

import type { Clock } from '../host/index.ts'
import { decodePutRecordsAnswer, encodePutRecords, type PutRecordsAnswer } from '../wire/index.ts'
import { type Client, isRefusal, type Outcome, type Refusal } from './client.ts'
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
  readonly #client: Client
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
    const request: OpenRequest = { records, startAtMs: this.#clock.monotonicMs(), isSent: false }
    this.#open.add(request)
    this.#client.call({
      action: 'PutRecords',
      encode: (buffer, format) => {
        // Given up while the call waited for credentials: its records have settled.
        if (!this.#open.has(request)) return null
        if (!this.#config.isExpiredSent) this.#dropExpired(request)
        if (request.records.length === 0) return null
        request.isSent = true
        return encodePutRecords(format, this.#stream, request.records, buffer)
      },
      done: (outcome) => this.#onDone(request, outcome),
    })
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
    const endAtMs = this.#clock.monotonicMs()
    this.#exits.ended({ records, startAtMs, endAtMs, result: resultOf(outcome, records.length) })
  }
}

export interface SenderParts {
  readonly stream: string
  readonly client: Client
  readonly config: SenderConfig
}

interface OpenRequest {
  records: readonly KinesisRecord[]
  readonly startAtMs: number
  isSent: boolean
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
    const message = error instanceof Error ? error.message : String(error)
    return { code: 'UnreadableAnswer', message, mayBeWritten: true }
  }
}
