// The gateway as the load of a simulated run sees it: the real object, without sockets.

import type { HttpAnswer, HttpHead, HttpService, Random } from '../host/index.ts'
import type { BusyMachine } from './machine.ts'
import { KEY_HEADER, payloadOf, TARGET_PATH } from './payload.ts'
import type { Ending, Target } from './target.ts'

/** `POST … HTTP/1.1`, `host`, and the empty line. */
const REQUEST_FRAME_BYTES = `POST ${TARGET_PATH} HTTP/1.1\r\nhost: 127.0.0.1:8080\r\n\r\n`.length
/** What the host adds to an answer: status line, date, connection, keep-alive, the empty line. */
const ANSWER_FRAME_BYTES = [
  'HTTP/1.1 202 Accepted',
  'date: Mon, 23 Nov 2026 00:00:00 GMT',
  'connection: keep-alive',
  'keep-alive: timeout=65',
  'content-length: 6',
  '',
  '',
].join('\r\n').length

export interface SimulatedTargetParts {
  readonly gateway: HttpService
  readonly machine: BusyMachine
  readonly sampleMs: number
  /** Told before the gateway is. */
  readonly onArrival: () => void
  readonly random: Random
  readonly payload: { readonly bytes: number; readonly key: 'fixed' | 'random' }
}

export class SimulatedTarget implements Target {
  readonly sentBytes: number
  readonly #parts: SimulatedTargetParts
  readonly #body: Buffer
  readonly #fixedHead: HttpHead

  constructor(parts: SimulatedTargetParts) {
    this.#parts = parts
    this.#body = payloadOf(parts.payload.bytes)
    this.#fixedHead = this.#head([])
    const { headers } = parts.payload.key === 'random' ? this.#randomHead() : this.#fixedHead
    const headerBytes = headers.reduce((sum, text) => sum + text.length + 2, 0)
    this.sentBytes = REQUEST_FRAME_BYTES + headerBytes + this.#body.length
  }

  send(_thread: number, done: (ending: Ending) => void): void {
    const { machine, sampleMs, onArrival } = this.#parts
    machine.work(sampleMs, () => {
      onArrival()
      this.#arrive(done)
    })
  }

  #arrive(done: (ending: Ending) => void): void {
    const { gateway, payload } = this.#parts
    const answer = (made: HttpAnswer) => done(endingOf(made))
    const taker = gateway.begin(payload.key === 'random' ? this.#randomHead() : this.#fixedHead)
    if ('status' in taker) return answer(taker)
    const refusal = taker.more?.(this.#body.length) ?? null
    if (refusal !== null) return answer(refusal)
    // All records share the body's bytes: nobody writes to them, and a million would not fit.
    taker.end(this.#body, answer)
  }

  #randomHead(): HttpHead {
    const { random } = this.#parts
    const words = [0, 0, 0, 0].map(() =>
      random
        .below(2 ** 32)
        .toString(16)
        .padStart(8, '0'),
    )
    return this.#head([KEY_HEADER, words.join('')])
  }

  #head(more: readonly string[]): HttpHead {
    const length = String(this.#body.length)
    const headers = ['content-type', 'application/json', 'content-length', length, ...more]
    return { method: 'POST', target: TARGET_PATH, headers }
  }
}

function endingOf({ status, headers, body }: HttpAnswer): Ending {
  let bytes = ANSWER_FRAME_BYTES + Buffer.byteLength(body)
  for (const text of headers) bytes += text.length + 2
  return { status, receivedBytes: bytes }
}
