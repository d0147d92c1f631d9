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
    const { maxBodyBytes, memory = null } = taker
    this.#collector = new BodyCollector(maxBodyBytes, expectedBytes, memory)
  }

  /** Answered, or nobody is left to answer to. */
  get isOver(): boolean {
    return this.#isAnswered || this.#isLost
  }

  /** `isLent`: the chunk is somebody else's again afterwards. */
  data(chunk: Buffer, isLent = false): void {
    if (this.#collector === null) return
    const before = this.#collector.heldBytes
    if (!this.#collector.add(chunk, isLent)) return this.#refuse(this.#taker.tooLarge())
    // Told of the memory and not of the chunk: while a body is copied together it is more.
    const refusal = this.#taker.more?.(this.#collector.heldBytes - before) ?? null
    if (refusal !== null) this.#refuse(refusal)
  }

  end(): void {
    if (this.#collector === null) return
    const collector = this.#collector
    this.#collector = null
    this.#taker.end(collector.take(), (answer) => {
      collector.giveBack()
      this.#answer(answer)
    })
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
