// One request to a service of ours, whichever protocol carries it: body in, answer out, each once.

import assert from 'node:assert'
import type { BodyTaker, HttpAnswer } from '../network.ts'
import { BodyCollector } from './body-collector.ts'

/** Sends the answer. `isBodyUnread`: the rest of the request's body is of no use any more. */
export type SendAnswer = (answer: HttpAnswer, isBodyUnread: boolean) => void

export class ServiceExchange {
  readonly #taker: BodyTaker
  readonly #send: SendAnswer
  /** Null once the body is complete or given up. */
  #collector: BodyCollector | null
  #isAnswered = false
  #isLost = false

  /** `expectedBytes`: the body's length where the head told it, at most the taker's bound. */
  constructor(taker: BodyTaker, expectedBytes: number | null, send: SendAnswer) {
    this.#taker = taker
    this.#send = send
    this.#collector = new BodyCollector(taker.maxBodyBytes, expectedBytes)
  }

  /** Answered, or nobody is left to answer to. */
  get isOver(): boolean {
    return this.#isAnswered || this.#isLost
  }

  data(chunk: Buffer): void {
    if (this.#collector === null) return
    const before = this.#collector.heldBytes
    if (!this.#collector.add(chunk)) return this.#refuse(this.#taker.tooLarge())
    // Told of the memory and not of the chunk: while a body is copied together it is more.
    const refusal = this.#taker.more?.(this.#collector.heldBytes - before) ?? null
    if (refusal !== null) this.#refuse(refusal)
  }

  end(): void {
    if (this.#collector === null) return
    const body = this.#collector.take()
    this.#collector = null
    this.#taker.end(body, (answer) => this.#answer(answer))
  }

  /** The client is gone. Harmless after the answer. */
  lose(): void {
    if (this.isOver) return
    this.#isLost = true
    this.#collector = null
    this.#taker.abort()
  }

  #refuse(answer: HttpAnswer): void {
    this.#collector = null
    this.#isAnswered = true
    this.#send(answer, true)
  }

  #answer(answer: HttpAnswer): void {
    if (this.#isLost) return
    assert(!this.#isAnswered, 'a request was answered twice')
    this.#isAnswered = true
    this.#send(answer, false)
  }
}
