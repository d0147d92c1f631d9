// Stands right before a gateway: each request is answered once and in time, and at the moment of an
// answer it is true already.

import assert from 'node:assert'
import type { GatewayConfig } from '../gateway/index.ts'
import {
  type BodyTaker,
  type HttpAnswer,
  type HttpHead,
  type HttpService,
  headerOf,
} from '../host/index.ts'
import { codeOf, FAILURE_CODES, RECORD_HEADER } from './http-client.ts'
import type { BookedRecord, RecordBook } from './record-book.ts'
import type { World } from './world.ts'

/** Instants are sums of fractions. */
const ROUNDING_MS = 0.001

interface Waiting {
  readonly booked: BookedRecord
  readonly sinceMs: number
  isAnswered: boolean
}

export class GatewayWitness implements HttpService {
  readonly #world: World
  readonly #book: RecordBook
  readonly #config: GatewayConfig
  readonly #service: HttpService
  #waitingCount = 0

  constructor(world: World, book: RecordBook, config: GatewayConfig, service: HttpService) {
    this.#world = world
    this.#book = book
    this.#config = config
    this.#service = service
  }

  /** Requests whose body came and which have neither been answered nor aborted. */
  get waitingCount(): number {
    return this.#waitingCount
  }

  begin(head: HttpHead): HttpAnswer | BodyTaker {
    const decision = this.#service.begin(head)
    const booked = this.#book.records[Number(headerOf(head.headers, RECORD_HEADER))]
    if (booked === undefined) return decision
    if (!('status' in decision)) return this.#watch(decision, booked)
    this.#note(decision)
    this.#world.guard(() => checkAnswer(booked, decision))
    return decision
  }

  #watch(taker: BodyTaker, booked: BookedRecord): BodyTaker {
    let waiting: Waiting | null = null
    return {
      maxBodyBytes: taker.maxBodyBytes,
      tooLarge: () => taker.tooLarge(),
      more: (bytes) => taker.more?.(bytes) ?? null,
      abort: () => {
        this.#world.note('gateway: client went away')
        if (waiting !== null && !waiting.isAnswered) this.#waitingCount--
        waiting = null
        taker.abort()
      },
      end: (body, answer) => {
        const mine = { booked, sinceMs: this.#world.nowMs, isAnswered: false }
        waiting = mine
        this.#waitingCount++
        taker.end(body, (made) => {
          this.#world.guard(() => this.#onAnswer(mine, made))
          if (waiting === mine) this.#waitingCount--
          answer(made)
        })
      },
    }
  }

  #onAnswer(waiting: Waiting, made: HttpAnswer): void {
    const { booked, sinceMs, isAnswered } = waiting
    assert(!isAnswered, `record ${booked.id} was answered twice`)
    waiting.isAnswered = true
    this.#note(made)
    checkAnswer(booked, made)
    const { backpressure, ack } = this.#config
    const isEarly = made.status === 503 && codeOf(made.body) === 'back-pressure'
    const longestMs = backpressure.maxWaitMs + (isEarly ? 0 : ack.deliveredTimeoutMs)
    const elapsedMs = this.#world.nowMs - sinceMs
    assert(
      elapsedMs <= longestMs + ROUNDING_MS,
      `record ${booked.id} was answered after ${elapsedMs} ms`,
    )
  }

  #note({ status, body }: HttpAnswer): void {
    const code = status < 400 ? '' : ` ${codeOf(body) ?? 'plain'}`
    const pending = status === 202 && String(body) === 'pending' ? ' pending' : ''
    this.#world.note(`gateway answers ${status}${pending}${code}`)
  }
}

/** Throws when an answer is not true at the moment in which it is given. */
function checkAnswer({ id, record, result }: BookedRecord, { status, headers, body }: HttpAnswer) {
  if (status === 200) assert(result?.isDelivered, `record ${id}: 200 before it was delivered`)
  else if (status === 202) {
    // `accepted` is said right before the record enters; what never enters shows at the end.
    const isPending = String(body) === 'pending'
    assert(!isPending || record !== null, `record ${id}: pending, and never entered`)
  } else {
    const isFailure = FAILURE_CODES.has(codeOf(body) ?? '')
    const what = `record ${id}: ${status} ${codeOf(body)}, and it has entered`
    assert(isFailure ? result?.isDelivered === false : record === null, what)
  }
  if (status !== 503) return
  const seconds = Number(headerOf(headers, 'retry-after'))
  assert(Number.isInteger(seconds) && seconds >= 1 && seconds <= 60, '503 without a Retry-After')
}
