// One request with one record: reads its body, asks to enter, answers when its level is reached.

import type { BodyTaker, HttpAnswer, Timer } from '../host/index.ts'
import { type RecordResult, UserRecord } from '../record/index.ts'
import type { Applicant, LinePlace } from './admission.ts'
import { ACCEPTED, delivered, notDelivered, PENDING } from './answers.ts'
import type { Ack } from './config.ts'
import type { Door } from './door.ts'
import type { Ingest } from './ingest.ts'
import { problem } from './problem.ts'

export interface Request {
  readonly ingest: Ingest
  readonly ack: Ack
  /** Largest body that can hold a record, bytes. */
  readonly maxBodyBytes: number
}

type Answer = (answer: HttpAnswer) => void

export class RecordTaker implements BodyTaker, Applicant {
  readonly maxBodyBytes: number
  readonly #door: Door
  readonly #request: Request
  #record: UserRecord | null = null
  /** Null before the body is there, and when nobody waits for an answer any more. */
  #answer: Answer | null = null
  #place: LinePlace | null = null
  #timer: Timer | null = null
  /** Memory lent for the body; given back when the record has settled or was refused. */
  #lentBytes = 0

  constructor(door: Door, request: Request) {
    this.#door = door
    this.#request = request
    this.maxBodyBytes = request.maxBodyBytes
  }

  more(bytes: number): HttpAnswer | null {
    if (this.#door.admission.lendBytes(bytes)) {
      this.#lentBytes += bytes
      return null
    }
    this.#done()
    return this.#door.memoryFull()
  }

  end(body: Buffer, answer: Answer): void {
    const { ingest } = this.#request
    this.#answer = answer
    const ingested = this.#door.refusal() ?? ingest(body)
    if ('status' in ingested) return this.#refuse(ingested)
    const { stream, partitionKey, data } = ingested
    const sizeBytes = data.length + Buffer.byteLength(partitionKey)
    const { maxBytes } = this.#door.config.record
    if (sizeBytes > maxBytes) {
      const detail = `Data and partition key have ${sizeBytes} bytes; ${maxBytes} are allowed.`
      return this.#refuse(problem('record-too-large', detail))
    }
    this.#record = new UserRecord({
      stream,
      partitionKey,
      data,
      onSettle: (result) => this.#onSettle(result),
    })
    this.#door.onAttempt()
    this.#place = this.#door.admission.apply(this)
  }

  tooLarge(): HttpAnswer {
    this.#done()
    return problem('body-too-large', `The body has more than ${this.maxBodyBytes} bytes.`)
  }

  abort(): void {
    const isReading = this.#answer === null
    this.#answer = null
    if (isReading) return this.#done()
    if (this.#place === null) return
    // Still in line: nobody would hear the answer, so it does not enter.
    this.#door.admission.leave(this.#place)
    this.giveUp('')
  }

  enter(): void {
    this.#place = null
    const { ack } = this.#request
    if (ack === 'accepted') this.#say(ACCEPTED)
    else {
      const { clock, config } = this.#door
      const atMs = clock.monotonicMs() + config.ack.deliveredTimeoutMs
      this.#timer = clock.schedule(atMs, () => this.#say(PENDING))
    }
    this.#door.line.put(this.#record!)
  }

  giveUp(why: string): void {
    this.#place = null
    this.#door.ledger.exhaust()
    this.#done()
    if (this.#answer === null) return
    const retryAfterSeconds = this.#door.retryAfterSeconds()
    this.#say(problem('back-pressure', `${why} Nothing was stored.`, { retryAfterSeconds }))
  }

  #onSettle(result: RecordResult): void {
    const { ledger } = this.#door
    this.#timer?.cancel()
    if (result.isDelivered) ledger.succeed()
    else {
      ledger.fail()
      // A client that is told that its stream does not exist has made a mistake; one that was told
      // `accepted` has lost a record.
      const isTold = this.#answer !== null && result.code === 'ResourceNotFoundException'
      if (!isTold) this.#door.failureLog.add(this.#record!.stream, result)
    }
    this.#done()
    this.#sayResult(result)
    // Last, because it lets the next one in, which may settle in turn.
    this.#door.onSettled()
  }

  #sayResult(result: RecordResult): void {
    if (this.#answer === null) return
    if (result.isDelivered) return this.#say(delivered(result.place))
    const { stream } = this.#record!
    this.#say(notDelivered(stream, result, this.#door.retryAfterSeconds()))
  }

  #refuse(answer: HttpAnswer): void {
    this.#done()
    this.#say(answer)
  }

  #say(answer: HttpAnswer): void {
    this.#answer?.(answer)
    this.#answer = null
  }

  #done(): void {
    this.#door.admission.returnBytes(this.#lentBytes)
    this.#lentBytes = 0
  }
}
