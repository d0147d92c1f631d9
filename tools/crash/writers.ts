// Clients that send records with an id and remember what each was answered.

import { Agent } from 'node:http'
import type { SimRandom } from '../../src/sim/index.ts'
import { type Answer, type Connection, pause, post, type Sent } from './client.ts'
import type { Findings } from './findings.ts'
import { bodyOf, type Drawn, drawRequest, largeFrom } from './requests.ts'

/** What an answer promised. */
export type Promised = 'durable' | 'delivered' | 'pending' | 'dead-lettered' | 'accepted'

export interface Told {
  readonly promised: Promised
  readonly receipt: string | null
  /** Shard and sequence number, where they were told. */
  readonly place: string | null
}

export interface WriterOptions {
  /** Whether durable answers, receipts, keys and ids can be had. */
  readonly isSpooled: boolean
  /** Requests, at most. */
  readonly maxCount: number
}

const WRITER_COUNT = 24
/** A writer rests up to so long between its requests. */
const REST_MAX_MS = 20
/** Away: tried again after this. */
const AWAY_MS = 20
/** Of 1000 requests so many have a connection of their own. */
const ALONE_PER_MILLE = 50
/** A request that may be repeated is, until it is known what became of it. */
const TRIES_MAX_COUNT = 100
const TRY_AGAIN_MAX_MS = 500
/** Of 1000 answers to requests that may be repeated, so many are asked for once more. */
const ONCE_MORE_PER_MILLE = 300

export class Writers {
  readonly told = new Map<number, Told>()
  /** Refused, and no try of it was left without an answer: stored nowhere. */
  readonly refusedIds = new Set<number>()
  readonly refusals = new Map<string, number>()
  sentCount = 0
  /** Sent, and no answer came: nothing was promised. */
  unansweredCount = 0
  /** Asked for once more, and the same was answered. */
  repeatedCount = 0
  /** While it is set all records are large. */
  isFlood = false
  readonly #random: SimRandom
  readonly #options: WriterOptions
  readonly #findings: Findings
  readonly #agent = new Agent({ keepAlive: true, maxSockets: WRITER_COUNT })
  readonly #running: Promise<void>[]
  #nextId = 0
  #url: string | null = null
  #isStopped = false

  constructor(random: SimRandom, options: WriterOptions, findings: Findings) {
    this.#random = random
    this.#options = options
    this.#findings = findings
    this.#running = Array.from({ length: WRITER_COUNT }, () => this.#write())
  }

  /** Where the gateway is; null while there is none. */
  aim(url: string | null): void {
    this.#url = url
  }

  /** No more is sent; resolves when every writer has its last answer. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await Promise.all(this.#running)
    this.#agent.destroy()
  }

  async #write(): Promise<void> {
    while (!this.#isStopped && this.sentCount < this.#options.maxCount) {
      if (this.#url === null) await pause(AWAY_MS)
      else {
        const id = this.isFlood ? largeFrom(this.#nextId) : this.#nextId
        this.#nextId = id + 1
        await this.#record(id)
        await pause(this.#random.below(REST_MAX_MS))
      }
    }
  }

  /** One record, until it is known what became of it or nothing more may be tried. */
  async #record(id: number): Promise<void> {
    const { isSpooled } = this.#options
    const levels = isSpooled ? [...Array(8).fill('durable'), 'delivered', 'accepted'] : DIRECT
    const ack = this.#random.pick(levels)
    const sent = drawRequest(this.#random, id, { ack, isIdempotent: isSpooled })
    // An answer that says so, or none, leaves it open whether the record is stored.
    let isOpen = false
    for (let tries = 1; ; tries++) {
      const answer = await this.#send(sent)
      const told = answer === null ? null : toldBy(answer)
      if (told !== null) {
        this.told.set(id, told)
        return this.#onceMore(sent, told, ack)
      }
      isOpen ||= answer === null || answer.mayBeWritten
      const mayPass = answer === null || PASSING.includes(answer.status)
      if (mayPass) await pause(this.#random.below(TRY_AGAIN_MAX_MS))
      if (!sent.isRepeatable || !mayPass || tries >= TRIES_MAX_COUNT || this.#isStopped) break
    }
    if (!isOpen) this.refusedIds.add(id)
  }

  /** Null when no answer came. */
  async #send(sent: Sent): Promise<Answer | null> {
    while (this.#url === null && !this.#isStopped) await pause(AWAY_MS)
    if (this.#url === null) return null
    const connection: Connection = this.#random.hits(ALONE_PER_MILLE) ? false : this.#agent
    this.sentCount++
    const answer = await post(this.#url, sent, connection)
    if (typeof answer === 'string') {
      if (answer === 'silent') this.#findings.add('no answer', `to ${sent.path}`)
      this.unansweredCount++
      // Another gateway may be up by the time that this one's end is noticed.
      await pause(AWAY_MS)
      return null
    }
    if (answer.status >= 400) this.#look(answer)
    return answer
  }

  #look(answer: Answer): void {
    const { status, code, text, retryAfterSeconds: seconds } = answer
    const name = code ?? String(status)
    this.refusals.set(name, (this.refusals.get(name) ?? 0) + 1)
    if (code === null || status === 500) this.#findings.add('no problem document', text)
    const isInTime = seconds !== null && seconds >= 1 && seconds <= 60
    if ((status === 503 || status === 429) && !isInTime) {
      this.#findings.add('when to come back', `${code}: Retry-After is ${seconds}`)
    }
  }

  /** What may be repeated has one receipt, and its key is good for one body. */
  async #onceMore(sent: Drawn, told: Told, ack: string): Promise<void> {
    if (!sent.isRepeatable || ack === 'accepted' || this.#isStopped) return
    if (!this.#random.hits(ONCE_MORE_PER_MILLE)) return
    const key = sent.headers['idempotency-key']
    if (key !== undefined && this.#random.hits(250)) {
      const answer = await this.#send({ ...sent, body: bodyOf(OTHER_ID) })
      if (answer === null || PASSING.includes(answer.status)) return
      if (answer.code === 'idempotency-mismatch') this.repeatedCount++
      else
        this.#findings.add('another body under one key', `${key}: ${answer.status} ${answer.text}`)
      return
    }
    const answer = await this.#send(sent)
    // Dead-lettered is a 503, too, and has a receipt.
    if (answer === null || (answer.receipt === null && PASSING.includes(answer.status))) return
    if (answer.receipt === told.receipt) this.repeatedCount++
    else this.#findings.add('another receipt', `${told.receipt}, then ${answer.receipt}`)
  }
}

const DIRECT = ['delivered', 'accepted', 'accepted']
/** States that pass: worth to be tried again. */
const PASSING: readonly number[] = [409, 429, 503]
/** Of a record that nobody sends for itself. */
const OTHER_ID = 10 ** 11

/** Null when it promises nothing. */
function toldBy({ status, text, receipt, place }: Answer): Told | null {
  if (status === 200) {
    const promised = place === null ? 'durable' : 'delivered'
    return { promised, receipt, place }
  }
  const isPending = text === 'pending' && receipt !== null
  if (status === 202) return { promised: isPending ? 'pending' : 'accepted', receipt, place }
  return receipt === null ? null : { promised: 'dead-lettered', receipt, place }
}
