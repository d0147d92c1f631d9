// What became of a record that was answered before it was known: `GET /receipts/{id}`, and the
// first answer again for those who send an idempotency key twice.

import type { BodyTaker, HttpAnswer } from '../host/index.ts'
import type { KnownIdempotency, ReceiptState } from '../spool/index.ts'
import { ACCEPTED, json, kept, outcomeAnswer, pending } from './answers.ts'
import type { Door } from './door.ts'
import { problem } from './problem.ts'

/** Answers with what is known of a receipt; a request of its own, because the disk is asked. */
export class ReceiptTaker implements BodyTaker {
  /** A GET has none that matters. */
  readonly maxBodyBytes = 1024
  readonly #door: Door
  readonly #id: string
  #isOver = false

  constructor(door: Door, id: string) {
    this.#door = door
    this.#id = id
    door.openCount++
  }

  end(_body: Buffer, answer: (answer: HttpAnswer) => void): void {
    lookUp(this.#door, this.#id, (state) => {
      if (this.#isOver) return
      answer(this.#close(receiptAnswer(this.#id, state)))
    })
  }

  tooLarge(): HttpAnswer {
    return this.#close(problem('body-too-large', 'No body is needed here.'))
  }

  abort(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#door.openCount--
  }

  #close(answer: HttpAnswer): HttpAnswer {
    this.abort()
    this.#door.tally.count(answer)
    return answer
  }
}

const UNCONFIRMED =
  'The first request with this key or record id was found after a crash, and the disk has not confirmed it. ' +
  'It is on its way, and nothing was stored again: ask with the same one until it is delivered.'

/** The answer that the first request with that key got, or would get by now. */
export function repeatedAnswer(
  door: Door,
  stream: string,
  { ack, receipts, isDurable }: KnownIdempotency,
  say: (answer: HttpAnswer) => void,
): void {
  const receipt = receipts[0]!
  if (ack === 'accepted') return say(ACCEPTED)
  if (!isDurable) return say(door.refuse('sync-failed', UNCONFIRMED, { mayBeWritten: true }))
  if (ack === 'durable') return say(kept(receipt))
  lookUp(door, receipt, (state) => {
    const about = { stream, receipt, retryAfterSeconds: door.retryAfterSeconds() }
    if (state.state === 'delivered') {
      return say(outcomeAnswer({ kind: state.state, place: state.place }, about))
    }
    if (state.state !== 'dead-lettered') return say(pending(receipt))
    const { code, message } = state
    say(outcomeAnswer({ kind: state.state, code, message }, about))
  })
}

function lookUp(door: Door, id: string, told: (state: ReceiptState) => void): void {
  // A disk that cannot be read now does not make a receipt unknown.
  const cannot = () => told({ state: 'pending' })
  ask(door, id).then(told, cannot)
}

async function ask({ spool, peers }: Door, id: string): Promise<ReceiptState> {
  const own = await spool!.receipt(id)
  return own.state === 'unknown' && peers !== null ? peers.receipt(id) : own
}

function receiptAnswer(receipt: string, state: ReceiptState): HttpAnswer {
  if (state.state === 'delivered') return json(200, { receipt, state: state.state, ...state.place })
  if (state.state !== 'unknown') return json(200, { receipt, ...state })
  const detail = `Nothing is known of the receipt ${receipt}, or nothing any more.`
  return problem('receipt-unknown', detail, { more: { receipt, ...state } })
}
