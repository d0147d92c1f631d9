// A client of a gateway: some requests at a time, each with a record of its own; sent again only
// with an idempotency key, or an id that its record has.

import {
  type HttpAnswer,
  type HttpRequest,
  headerOf,
  isAnswer,
  type NoAnswer,
} from '../host/index.ts'
import { drawKey } from './library-source.ts'
import type { ClientSettings } from './line-settings.ts'
import type { SimProcess } from './machine.ts'
import type { BookedRecord, RecordBook } from './record-book.ts'
import type { SimRandom } from './sim-random.ts'

export interface HttpClientParts {
  readonly process: SimProcess
  /** Of the gateway. */
  readonly origin: string
  readonly book: RecordBook
  readonly random: SimRandom
  readonly settings: ClientSettings
}

/** Carries the number of the record, for those who watch. */
export const RECORD_HEADER = 'x-record'

/** Carries its id, where that is what it is known by. */
export const RECORD_ID_HEADER = 'x-event-id'

/** Of 1000 requests: the body ends too early, which makes it no JSON. */
const CUT_BODY_PER_MILLE = 20

/** Between two requests with one key. */
const REPEAT_MAX_MS = 3_000

/** It cannot know that its record is safe. */
function isWorthARepeat(answer: HttpAnswer | NoAnswer): boolean {
  return !isAnswer(answer) || answer.status >= 500 || answer.status === 409
}

export class HttpClient {
  readonly #parts: HttpClientParts
  #isStopped = false
  #waitingCount = 0
  #sentCount = 0

  constructor(parts: HttpClientParts) {
    this.#parts = parts
    this.#pause()
  }

  /** An answer is still to come. */
  get isWaiting(): boolean {
    return this.#waitingCount > 0
  }

  stop(): void {
    this.#isStopped = true
  }

  #pause(): void {
    const { process, random, settings } = this.#parts
    const pauseMs = random.below(settings.pauseMaxMs * 1_000) / 1_000
    process.schedule(process.clock.monotonicMs() + pauseMs, 'client', () => this.#step())
  }

  #step(): void {
    const { burstCount, maxRecordCount } = this.#parts.settings
    for (let count = 0; count < burstCount; count++) {
      if (!this.#isStopped && this.#sentCount < maxRecordCount) this.#send()
    }
  }

  async #send(): Promise<void> {
    const { process, settings, random } = this.#parts
    const { booked, request } = this.#drawRequest()
    this.#sentCount++
    this.#waitingCount++
    for (let tries = 1; ; tries++) {
      const deadlineAtMs = process.clock.monotonicMs() + settings.timeoutMs
      const answer = await process.network.exchange(request, deadlineAtMs)
      booked.answers.push(answer)
      if (tries >= settings.tryCount || !isWorthARepeat(answer)) break
      const pauseMs = random.below(REPEAT_MAX_MS)
      await new Promise<void>((resolve) => {
        process.schedule(process.clock.monotonicMs() + pauseMs, 'client repeats', resolve)
      })
    }
    this.#waitingCount--
    if (this.#waitingCount === 0) this.#pause()
  }

  #drawRequest(): { booked: BookedRecord; request: HttpRequest } {
    const { random, settings, origin } = this.#parts
    const { booked, target, body, headers } = this.#drawContent()
    if (settings.ack !== null) headers.push('headgate-ack', settings.ack)
    const ids = settings.door === 'mappedIngest' ? settings.recordIds : null
    if (ids === 'header') headers.push(RECORD_ID_HEADER, idOf(booked))
    if (ids === null && settings.tryCount > 1) {
      headers.push('idempotency-key', `record-${booked.id}`)
    }
    headers.push('content-type', 'application/json', RECORD_HEADER, `${booked.id}`)
    const isCut = random.hits(CUT_BODY_PER_MILLE)
    const sent = isCut ? body.subarray(0, body.length - 1) : body
    return { booked, request: { origin, method: 'POST', target, headers, body: sent } }
  }

  #drawContent() {
    const { book, random, settings } = this.#parts
    const { stream, door, dataMaxBytes, keys } = settings
    const partitionKey = drawKey(random, keys)
    const dataBytes = random.between(1, dataMaxBytes)
    const headers: string[] = []
    const fields = { stream, partitionKey, dataBytes, isFromClient: true }
    if (door === 'writeToStream') {
      const booked = book.write(fields)
      const data = booked.data.toString()
      const body = JSON.stringify({ streamName: stream, key: partitionKey, data })
      return { booked, target: '/writeToStream', headers, body: Buffer.from(body) }
    }
    if (stream === 's1') {
      const booked = book.write(fields)
      // Node shows the bytes of a header as Latin-1.
      headers.push('S1Key', Buffer.from(partitionKey).toString('latin1'))
      return { booked, target: '/mappedIngest/s1', headers, body: booked.data }
    }
    const part = keys === 'digits' ? partitionKey : JSON.stringify(partitionKey)
    const booked = book.write({ ...fields, member: `"foo":{"foopart1":${part}}` })
    return { booked, target: '/mappedIngest/s2', headers, body: booked.data }
  }
}

/** More than ASCII, as Node shows the bytes of a header. */
function idOf({ id }: BookedRecord): string {
  return Buffer.from(`№ ${id}`).toString('latin1')
}

/** What a client may take an answer to mean. */
export type Meaning = 'delivered' | 'durable' | 'accepted' | 'turned away' | 'failed' | 'unknown'

export function meaningOf(answer: HttpAnswer | NoAnswer): Meaning {
  if (!isAnswer(answer)) return answer.mayBeWritten ? 'unknown' : 'turned away'
  const { status, headers, body } = answer
  const isKept = headerOf(headers, 'headgate-receipt') !== null
  if (status === 200) {
    return headerOf(headers, 'headgate-shard-id') === null && isKept ? 'durable' : 'delivered'
  }
  if (status === 202) return isKept ? 'durable' : 'accepted'
  const code = codeOf(body)
  // Not ours: something between gateway and client said it.
  if (code === null) return 'unknown'
  if (saysFailed(body)) return 'failed'
  // The request with the same key may have been taken; this one was not.
  if (code === 'idempotency-running') return 'unknown'
  return saysMayBeWritten(body) ? 'unknown' : 'turned away'
}

/** A gateway that says one of these had taken the record over. */
const FAILURE_CODES: ReadonlySet<string> = new Set([
  'delivery-failed',
  'dead-lettered',
  'record-refused',
  'stream-not-found',
])

/**
 * The gateway had taken the record over. What is too large for the gateway is turned away with the
 * same code as what was too large for its stream, and then the producer's code stands before it.
 */
export function saysFailed(body: Uint8Array | string): boolean {
  const isOfStream = Buffer.from(body).includes('"detail":"RecordTooLarge: ')
  return isOfStream || FAILURE_CODES.has(codeOf(body) ?? '')
}

export function codeOf(body: Uint8Array | string): string | null {
  return /"code":"([a-z-]+)"/.exec(Buffer.from(body).toString())?.[1] ?? null
}

export function saysMayBeWritten(body: Uint8Array | string): boolean {
  return Buffer.from(body).includes('"mayBeWritten":true')
}
