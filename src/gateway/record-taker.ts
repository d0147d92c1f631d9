// One request with one record: reads its body, asks to enter, answers when its level is reached.

import { createHash } from 'node:crypto'
import type { BodyTaker, HttpAnswer, Timer } from '../host/index.ts'
import type { IdempotencyEntry, SpoolRecord, SpoolRefusal } from '../spool/index.ts'
import type { Applicant, LinePlace } from './admission.ts'
import { ACCEPTED, kept, outcomeAnswer, PENDING, pending } from './answers.ts'
import type { Ack } from './config.ts'
import type { AnyOutcome, Handover } from './direct-line.ts'
import type { Door, Leftover } from './door.ts'
import type { Claim } from './idempotency.ts'
import type { Ingest, Ingested } from './ingest.ts'
import { problem } from './problem.ts'
import type { Quota } from './quota.ts'
import { repeatedAnswer } from './receipts.ts'
import { reasonOf } from './refusals.ts'

export interface Request {
  readonly ingest: Ingest
  readonly ack: Ack
  /** Largest body that can hold a record, bytes. */
  readonly maxBodyBytes: number
  readonly quota: Quota | null
  /** Of the header; null when there is none. It does not count where the record has an id. */
  readonly idempotencyKey: string | null
  /** What the body is sent to: the same body elsewhere is another request. */
  readonly path: string
}

type Answer = (answer: HttpAnswer) => void
type Settled = NonNullable<Handover['settled']>

const NO_RECORDS: readonly SpoolRecord[] = []

export class RecordTaker implements BodyTaker, Applicant, Leftover, Handover {
  readonly maxBodyBytes: number
  /** What is handed over; empty again when others have it, so that the body goes with them. */
  records: readonly SpoolRecord[] = NO_RECORDS
  idempotency: IdempotencyEntry | null = null
  settled: Settled | null = null
  readonly #door: Door
  readonly #request: Request
  /** Null before the body is there, and when nobody waits for an answer any more. */
  #answer: Answer | null = null
  #isAborted = false
  #place: LinePlace | null = null
  #timer: Timer | null = null
  /** The time for delivery ran out before the record was on the disk. */
  #isLate = false
  #stream = ''
  #receipt: string | null = null
  /** Memory lent for the body; given back when the record is kept or was refused. */
  #lentBytes = 0
  /** Handed over, and neither kept nor refused yet. */
  #isUnderWay = false
  /** The key that this request claimed and got. */
  #ownKey: string | null = null

  constructor(door: Door, request: Request) {
    this.#door = door
    this.#request = request
    this.maxBodyBytes = request.maxBodyBytes
    door.openCount++
  }

  more(bytes: number): HttpAnswer | null {
    if (this.#door.admission.lendBytes(bytes)) {
      this.#lentBytes += bytes
      return null
    }
    return this.#refuseBody(this.#door.memoryFull())
  }

  end(body: Buffer, answer: Answer): void {
    this.#answer = answer
    if (this.#door.isDraining) return this.#refuse(this.#door.drainingAnswer())
    const ingested = this.#request.ingest(body)
    if ('status' in ingested) return this.#refuse(ingested)
    const { stream, partitionKey, data } = ingested
    const sizeBytes = data.length + Buffer.byteLength(partitionKey)
    const { maxBytes } = this.#door.config.record
    if (sizeBytes > maxBytes) {
      const detail = `Data and partition key have ${sizeBytes} bytes; ${maxBytes} are allowed.`
      return this.#refuse(problem('record-too-large', detail))
    }
    this.#stream = stream
    this.records = [{ stream, partitionKey, explicitHashKey: null, data }]
    const key = ingested.idempotencyKey ?? this.#request.idempotencyKey
    if (key === null) return this.#apply()
    const bodyHash = hashOf(this.#request.path, ingested, body)
    this.#door.keys!.claim(key, bodyHash, (claim) => this.#onClaim(key, bodyHash, claim))
  }

  tooLarge(): HttpAnswer {
    const detail = `The body has more than ${this.maxBodyBytes} bytes.`
    return this.#refuseBody(problem('body-too-large', detail))
  }

  abort(): void {
    const isReading = this.#answer === null
    this.#isAborted = true
    this.#answer = null
    this.#close()
    this.#release()
    if (isReading) return this.#returnBytes()
    this.#forget()
    if (this.#place === null) return
    // Still in line: nobody would hear the answer, so it does not enter.
    this.#door.admission.leave(this.#place)
    this.giveUp('')
  }

  enter(): void {
    this.#place = null
    this.#isUnderWay = true
    const { ack } = this.#request
    if (ack === 'accepted') {
      const refusal = this.#door.spool?.refusal() ?? null
      if (refusal === null) this.#say(ACCEPTED)
    } else if (ack === 'delivered') {
      const { clock, config } = this.#door
      const atMs = clock.monotonicMs() + config.ack.deliveredTimeoutMs
      this.#timer = clock.schedule(atMs, () => this.#onTimeout())
    }
    // Without a spool the memory comes back when the record settles, whoever waits for it.
    const hasSpool = this.#door.spool !== null
    if (ack === 'delivered' || !hasSpool) this.settled = (_, outcome) => this.#onSettled(outcome)
    this.#door.append(this)
    if (!hasSpool) this.records = NO_RECORDS
  }

  giveUp(why: string): void {
    this.#door.onExhausted()
    this.#returnBytes()
    if (this.#answer === null) return
    this.#say(this.#door.refuse('back-pressure', `${why} Nothing was stored.`))
  }

  durable(receipts: readonly string[]): void {
    this.#isUnderWay = false
    this.#receipt = receipts[0]!
    this.#door.onCommitted()
    this.#returnBytes()
    const { ack } = this.#request
    if (ack === 'durable') this.#say(kept(this.#receipt))
    else if (this.#isLate) this.#say(pending(this.#receipt))
    else if (this.#answer !== null) this.#door.waiting.add(this)
    if (this.#answer === null) this.#forget()
    this.#release()
  }

  refused(refusal: SpoolRefusal): void {
    this.#isUnderWay = false
    this.#timer?.cancel()
    this.#returnBytes()
    if (this.#answer !== null) this.#say(this.#door.refusedBySpool(refusal))
    else if (this.#request.ack === 'accepted') {
      const { code, detail } = reasonOf(refusal)
      this.#door.failureLog.lost(this.#stream, code, detail)
    }
    this.#release()
    this.#door.onCommitted()
    // Last, because it lets the next one in, who may be refused in turn.
    this.#door.onTurnedAway()
  }

  /** The process ends before the record has settled. */
  leave(): void {
    this.#timer?.cancel()
    this.#say(this.#receipt === null ? PENDING : pending(this.#receipt))
  }

  #onClaim(key: string, bodyHash: Uint8Array, claim: Claim): void {
    if (claim.kind === 'mine') {
      this.#ownKey = key
      if (this.#isAborted) this.#release()
      this.idempotency = { key, bodyHash, ack: this.#request.ack }
    }
    if (this.#isAborted) return this.#returnBytes()
    switch (claim.kind) {
      case 'mine':
        return this.#apply()
      case 'running': {
        const detail =
          'The first request with this key or record id has no answer yet. Nothing was stored again.'
        // It waits for the disk; whoever has to wait for more finds its answer `pending` then.
        const retryAfterSeconds = this.#door.retryAfterWait(0)
        return this.#refuse(problem('idempotency-running', detail, { retryAfterSeconds }))
      }
      case 'mismatch': {
        const detail =
          'This key or record id came with another body, partition key or resource. Nothing was stored.'
        return this.#refuse(problem('idempotency-mismatch', detail))
      }
      case 'known':
        this.#returnBytes()
        repeatedAnswer(this.#door, this.#stream, claim.entry, (answer) => this.#say(answer))
    }
  }

  /** Asks to enter. */
  #apply(): void {
    const refusal = this.#ownKey !== null ? this.#door.refusalOfRecord() : null
    if (refusal !== null) return this.#refuse(refusal)
    const waitMs = this.#request.quota?.take(1, this.#lentBytes, this.#door.clock.monotonicMs())
    if (waitMs) return this.#refuse(quotaExceeded(this.#door, waitMs))
    this.#door.onAttempt()
    this.#place = this.#door.admission.apply(this)
  }

  #onTimeout(): void {
    // Pending says that the record is safe; while it is not, it is too early to say so.
    if (this.#door.spool === null) this.#say(PENDING)
    else if (this.#receipt === null) this.#isLate = true
    else {
      this.#say(pending(this.#receipt))
      this.#forget()
    }
  }

  /** Nobody waits for delivery: what remembers this request must not wait for Kinesis either. */
  #forget(): void {
    const isTold = this.#request.ack === 'delivered'
    if (isTold && this.#receipt !== null) this.#door.spool?.forget(this.#receipt)
  }

  #onSettled(outcome: AnyOutcome): void {
    this.#timer?.cancel()
    // A client that is told that its stream does not exist has made a mistake; one that was told
    // `accepted` has lost a record.
    if (outcome.kind === 'failed') {
      const isTold = this.#answer !== null && outcome.result.code === 'ResourceNotFoundException'
      if (!isTold) this.#door.failureLog.add(this.#stream, outcome.result)
    }
    if (this.#answer === null) return this.#returnBytes()
    const retryAfterSeconds = this.#door.retryAfterSeconds()
    const about = { stream: this.#stream, receipt: this.#receipt, retryAfterSeconds }
    this.#returnBytes()
    this.#say(outcomeAnswer(outcome, about))
  }

  /** The answer to a body of which the rest is not read. */
  #refuseBody(answer: HttpAnswer): HttpAnswer {
    this.#returnBytes()
    this.#close()
    this.#door.tally.count(answer)
    return answer
  }

  #refuse(answer: HttpAnswer): void {
    this.#returnBytes()
    this.#say(answer)
  }

  #say(answer: HttpAnswer): void {
    if (this.#answer === null) return
    const say = this.#answer
    this.#answer = null
    this.#close()
    this.#release()
    this.#door.tally.count(answer)
    say(answer)
  }

  /** Waits for nothing more. */
  #close(): void {
    this.#door.openCount--
    this.#door.waiting.delete(this)
  }

  /** Lets others have the key: when its answer is known to the spool, or nothing was kept. */
  #release(): void {
    if (this.#ownKey === null || this.#isUnderWay || this.#answer !== null) return
    const key = this.#ownKey
    this.#ownKey = null
    this.#door.keys!.release(key)
  }

  /** The body is not needed any more. */
  #returnBytes(): void {
    this.records = NO_RECORDS
    this.#door.admission.returnBytes(this.#lentBytes)
    this.#lentBytes = 0
  }
}

export function quotaExceeded(door: Door, waitMs: number) {
  const detail = 'More came than the quota of this mapping allows. Nothing was stored.'
  return problem('quota-exceeded', detail, { retryAfterSeconds: door.retryAfterWait(waitMs) })
}

/** What makes two requests the same: where to, under which key, and every byte. */
function hashOf(path: string, { partitionKey }: Ingested, body: Buffer): Uint8Array {
  const head = JSON.stringify([path, partitionKey])
  return createHash('sha256').update(head).update('\n').update(body).digest()
}
