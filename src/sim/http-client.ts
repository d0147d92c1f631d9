// A client of the gateway: one request after another, each with a record of its own, never again.

import { type HttpRequest, isAnswer } from '../host/index.ts'
import { drawKey } from './library-source.ts'
import { type ClientSettings, GATEWAY_ORIGIN } from './line-settings.ts'
import type { SimProcess } from './machine.ts'
import type { BookedRecord, RecordBook } from './record-book.ts'
import type { SimRandom } from './sim-random.ts'

export interface HttpClientParts {
  readonly process: SimProcess
  readonly book: RecordBook
  readonly random: SimRandom
  readonly settings: ClientSettings
}

export class HttpClient {
  readonly #parts: HttpClientParts
  #isStopped = false
  #isWaiting = false

  constructor(parts: HttpClientParts) {
    this.#parts = parts
    this.#pause()
  }

  /** An answer is still to come. */
  get isWaiting(): boolean {
    return this.#isWaiting
  }

  stop(): void {
    this.#isStopped = true
  }

  #pause(): void {
    const { process, random, settings } = this.#parts
    const pauseMs = random.below(settings.pauseMaxMs * 1_000) / 1_000
    process.schedule(process.clock.monotonicMs() + pauseMs, 'client', () => {
      if (!this.#isStopped) this.#send()
    })
  }

  async #send(): Promise<void> {
    const { process, settings } = this.#parts
    const { booked, request } = this.#drawRequest()
    const deadlineAtMs = process.clock.monotonicMs() + settings.timeoutMs
    this.#isWaiting = true
    booked.answer = await process.network.exchange(request, deadlineAtMs)
    this.#isWaiting = false
    this.#pause()
  }

  #drawRequest(): { booked: BookedRecord; request: HttpRequest } {
    const { book, random, settings } = this.#parts
    const { stream, door, ack, dataMaxBytes } = settings
    const key = drawKey(random, settings.keys)
    const dataBytes = random.between(1, dataMaxBytes)
    const headers = ['content-type', 'application/json']
    if (ack !== null) headers.push('headgate-ack', ack)
    if (door === 'writeToStream') {
      const booked = book.write(stream, key, dataBytes)
      const data = booked.data.toString()
      const body = JSON.stringify({ streamName: stream, key, data })
      return { booked, request: post('/writeToStream', headers, Buffer.from(body)) }
    }
    if (stream === 's1') {
      const booked = book.write(stream, key, dataBytes)
      // Node shows the bytes of a header as Latin-1.
      headers.push('S1Key', Buffer.from(key).toString('latin1'))
      return { booked, request: post('/mappedIngest/s1', headers, booked.data) }
    }
    const part = settings.keys === 'digits' ? key : JSON.stringify(key)
    const booked = book.write(stream, key, dataBytes, `"foo":{"foopart1":${part}}`)
    return { booked, request: post('/mappedIngest/s2', headers, booked.data) }
  }
}

function post(target: string, headers: readonly string[], body: Buffer): HttpRequest {
  return { origin: GATEWAY_ORIGIN, method: 'POST', target, headers, body }
}

/** What a client may take an answer to mean. */
export type Meaning = 'delivered' | 'accepted' | 'turned away' | 'failed' | 'unknown'

export function meaningOf({ answer }: BookedRecord): Meaning {
  if (answer === null) return 'unknown'
  if (!isAnswer(answer)) return answer.mayBeWritten ? 'unknown' : 'turned away'
  if (answer.status === 200) return 'delivered'
  if (answer.status === 202) return 'accepted'
  const code = codeOf(answer.body)
  // Not ours: something between gateway and client said it.
  if (code === null) return 'unknown'
  return code === 'delivery-failed' || code === 'stream-not-found' ? 'failed' : 'turned away'
}

function codeOf(body: Uint8Array | string): string | null {
  return /"code":"([a-z-]+)"/.exec(Buffer.from(body).toString())?.[1] ?? null
}
