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
import { codeOf, meaningOf, RECORD_HEADER, saysFailed } from './http-client.ts'
import { type BookedRecord, passesOf, type RecordBook } from './record-book.ts'
import type { World } from './world.ts'

/** A disk that is slow at every step: append, sync, truncate, the next file. */
const DISK_PATIENCE_MS = 10_000
/** Instants are sums of fractions. */
const ROUNDING_MS = 0.001

interface Waiting {
  readonly booked: BookedRecord
  readonly sinceMs: number
  isAnswered: boolean
}

export interface GatewayWitnessParts {
  readonly world: World
  readonly book: RecordBook
  readonly config: GatewayConfig
  readonly service: HttpService
  /** Null for a gateway without a spool. */
  readonly spool: { readonly isDiskFaulty: boolean } | null
  /** After a restart the wall clock says how old an idempotency key is. */
  readonly mayForgetKeys: () => boolean
  /** Receipts that the machine's gateways have given. */
  readonly receipts: Map<string, BookedRecord>
}

export class GatewayWitness implements HttpService {
  readonly #parts: GatewayWitnessParts
  readonly #world: World
  readonly #accepted = new Set<BookedRecord>()
  #waitingCount = 0

  constructor(parts: GatewayWitnessParts) {
    this.#parts = parts
    this.#world = parts.world
  }

  /** The process has ended: what it had only accepted may be gone with it. */
  abandon(): void {
    for (const booked of this.#accepted) if (booked.record === null) booked.mayBeLost = true
  }

  /** Requests whose body came and which have neither been answered nor aborted. */
  get waitingCount(): number {
    return this.#waitingCount
  }

  begin(head: HttpHead): HttpAnswer | BodyTaker {
    const { book, service, spool } = this.#parts
    const booked = book.records[Number(headerOf(head.headers, RECORD_HEADER))]
    if (booked !== undefined && spool !== null) {
      booked.isSpooled = true
      if (spool.isDiskFaulty) booked.mayBeLost = booked.mayBeWritten = true
    }
    const decision = service.begin(head)
    if (booked === undefined) return decision
    if (!('status' in decision)) return this.#watch(decision, booked)
    this.#note(decision)
    this.#world.guard(() => this.#check(booked, decision))
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
    this.#check(booked, made)
    const { config, spool } = this.#parts
    const { backpressure, ack } = config
    const isEarly = made.status === 503 && codeOf(made.body) === 'back-pressure'
    const diskMs = spool === null ? 0 : DISK_PATIENCE_MS
    const longestMs = backpressure.maxWaitMs + diskMs + (isEarly ? 0 : ack.deliveredTimeoutMs)
    const elapsedMs = this.#world.nowMs - sinceMs
    assert(
      elapsedMs <= longestMs + ROUNDING_MS,
      `record ${booked.id} was answered after ${elapsedMs} ms`,
    )
  }

  #check(booked: BookedRecord, made: HttpAnswer): void {
    if (this.#parts.spool === null) return checkAnswer(booked, made)
    checkSpooledAnswer(booked, made)
    if (meaningOf(made) === 'accepted') this.#accepted.add(booked)
    const receipt = headerOf(made.headers, 'headgate-receipt')
    if (receipt === null) return
    booked.receipts.add(receipt)
    const { receipts, mayForgetKeys } = this.#parts
    const other = receipts.get(receipt) ?? booked
    assert(other === booked, `the receipt of record ${other.id} was given for ${booked.id}, too`)
    receipts.set(receipt, booked)
    const isOne = booked.receipts.size === 1 || booked.mayBeWritten || mayForgetKeys()
    assert(isOne, `record ${booked.id} has ${booked.receipts.size} receipts`)
  }

  #note({ status, body }: HttpAnswer): void {
    const code = status < 400 ? '' : ` ${codeOf(body) ?? 'plain'}`
    const pending = status === 202 && String(body) === 'pending' ? ' pending' : ''
    this.#world.note(`gateway answers ${status}${pending}${code}`)
  }
}

/** The same where a spool keeps records, over processes and requests with one key. */
function checkSpooledAnswer(booked: BookedRecord, made: HttpAnswer): void {
  const { id } = booked
  const results = passesOf(booked).map(({ result }) => result)
  const meaning = meaningOf(made)
  if (meaning === 'delivered') {
    const isDelivered = results.some((result) => result?.isDelivered)
    assert(isDelivered, `record ${id}: 200 before it was delivered`)
    assert(headerOf(made.headers, 'headgate-receipt') !== null, `record ${id} has no receipt`)
  } else if (meaning === 'failed') {
    const hasFailed = results.some((result) => result?.isDelivered === false)
    assert(hasFailed, `record ${id}: ${codeOf(made.body)}, and it has not failed`)
  }
  checkRetryAfter(made)
}

/** Throws when an answer is not true at the moment in which it is given. */
function checkAnswer({ id, record, result }: BookedRecord, answer: HttpAnswer): void {
  const { status, body } = answer
  if (status === 200) assert(result?.isDelivered, `record ${id}: 200 before it was delivered`)
  else if (status === 202) {
    // `accepted` is said right before the record enters; what never enters shows at the end.
    const isPending = String(body) === 'pending'
    assert(!isPending || record !== null, `record ${id}: pending, and never entered`)
  } else {
    const what = `record ${id}: ${status} ${codeOf(body)}, and it has entered`
    assert(saysFailed(body) ? result?.isDelivered === false : record === null, what)
  }
  checkRetryAfter(answer)
}

function checkRetryAfter({ status, headers }: HttpAnswer): void {
  if (status !== 503 && status !== 429 && status !== 409) return
  const seconds = Number(headerOf(headers, 'retry-after'))
  const isGood = Number.isInteger(seconds) && seconds >= 1 && seconds <= 60
  assert(isGood, `${status} without a Retry-After`)
}
