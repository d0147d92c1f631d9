// One request on its way through the simulated network, and its answer on the way back.

import {
  type BodyTaker,
  type HttpAnswer,
  type HttpRequest,
  type HttpService,
  isCut,
  type NoAnswer,
  type Timer,
} from '../host/index.ts'
import { type Fate, SLOW_MAX_MS } from './faults.ts'
import type { SimProcess } from './machine.ts'
import type { Link } from './sim-network.ts'
import type { SimRandom } from './sim-random.ts'

export interface ExchangeOptions {
  readonly client: SimProcess
  readonly served: {
    readonly service: HttpService
    readonly process: SimProcess
    readonly link: Link
  } | null
  /** The service owns the body's bytes. */
  readonly request: HttpRequest & { readonly body: Buffer }
  readonly fate: Fate
  readonly deadlineAtMs: number
  /** How long one way takes; drawn anew for each. */
  readonly passageMs: () => number
  readonly random: SimRandom
  /** Called exactly once; with null when nobody is left to be told. */
  readonly onEnd: (ending: HttpAnswer | NoAnswer | null) => void
}

/** A request's turn on a link. */
export interface Transmission {
  readonly endsAtMs: number
  /** The sender gives up before the end: what was not sent leaves the link to others. */
  stop(): void
}

/** What is read in memory that somebody else uses by then. */
const OTHERS_BYTE = 0xee

type Passing = (answer: HttpAnswer) => void

export class SimExchange {
  readonly #options: ExchangeOptions
  #deadline: Timer | null = null
  /** What the service has taken over and not answered. */
  #taker: BodyTaker | null = null
  #isOver = false
  #transmission: Transmission | null = null
  /** It ended before all of it was sent. */
  #isCutShort = false

  constructor(options: ExchangeOptions) {
    this.#options = options
  }

  start(transmission: Transmission): void {
    const { client, deadlineAtMs, fate } = this.#options
    this.#transmission = transmission
    this.#deadline = client.schedule(deadlineAtMs, 'request times out', () => this.#timeOut())
    const arrivesAtMs = transmission.endsAtMs + this.#passageMs()
    const after = (kind: string, task: () => void) => {
      client.schedule(arrivesAtMs, kind, () => {
        if (!this.#isOver) task()
      })
    }
    switch (fate) {
      case 'refused':
        after('connection refused', () => this.#fail('connect-failed'))
        break
      case 'lost':
        break
      case 'reset before it arrives':
        after('connection reset', () => this.#fail('connection-lost'))
        break
      case 'answered by another':
        after('error answer', () => this.#end(this.#errorAnswer()))
        break
      default:
        // Also when the client has given up meanwhile: what has left it is on its way.
        client.schedule(arrivesAtMs, 'request arrives', () => {
          if (!this.#isCutShort) this.#deliver((answer) => this.#carryBack(answer))
        })
    }
    if (fate === 'twice') {
      const laterMs = this.#options.random.below(SLOW_MAX_MS)
      client.schedule(arrivesAtMs + laterMs, 'request arrives again', () => {
        if (!this.#isCutShort) this.#deliver(() => {})
      })
    }
  }

  /** A process at one of the ends has ended. */
  endsWith(process: SimProcess): void {
    const { client, served } = this.#options
    if (process === client) {
      this.#abort()
      this.#end(null)
    } else if (process === served?.process) {
      this.#taker = null
      this.#fail('connection-lost')
    }
  }

  #deliver(pass: Passing): void {
    const { served, request } = this.#options
    if (served === null || !served.process.isAlive) return this.#fail('connect-failed')
    const { method, target, headers } = request
    const decision = served.service.begin({ method, target, headers })
    if ('status' in decision) return pass(decision)
    if (request.body.length > decision.maxBodyBytes) return pass(decision.tooLarge())
    const refusal = decision.more?.(request.body.length) ?? null
    if (refusal !== null) return pass(refusal)
    this.#taker = decision
    const body = this.#options.fate === 'twice' ? ownCopy(request.body) : request.body
    decision.end(body, (answer) => {
      if (this.#taker === decision) this.#taker = null
      // With the answer its memory goes back to where others take theirs from.
      if (decision.memory !== undefined) body.fill(OTHERS_BYTE)
      pass(answer)
    })
    if (this.#isOver) this.#abort()
  }

  #carryBack(answer: HttpAnswer): void {
    const { served, fate } = this.#options
    if (this.#isOver || fate === 'answer lost') return
    const { process } = served!
    process.schedule(process.clock.monotonicMs() + this.#passageMs(), 'answer arrives', () => {
      if (fate === 'reset after it acted' || isCut(answer)) this.#fail('connection-lost')
      else if (fate === 'error after it acted') this.#end(this.#errorAnswer())
      else this.#end(receivedCopy(answer))
    })
  }

  #passageMs(): number {
    const { fate, passageMs, random } = this.#options
    return passageMs() + (fate === 'slow' ? random.below(SLOW_MAX_MS) : 0)
  }

  #errorAnswer(): HttpAnswer {
    const { served, random } = this.#options
    return served?.link.errorAnswer?.(random) ?? { status: 502, headers: [], body: '' }
  }

  #timeOut(): void {
    this.#abort()
    const message = 'no whole answer before the deadline'
    this.#end({ noAnswer: 'timed-out', message, mayBeWritten: true })
  }

  #fail(noAnswer: 'connect-failed' | 'connection-lost'): void {
    const mayBeWritten = noAnswer === 'connection-lost'
    this.#end({ noAnswer, message: `the world says ${noAnswer}`, mayBeWritten })
  }

  #abort(): void {
    this.#taker?.abort()
    this.#taker = null
  }

  #end(ending: HttpAnswer | NoAnswer | null): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#deadline?.cancel()
    const { client } = this.#options
    if (client.clock.monotonicMs() < this.#transmission!.endsAtMs) {
      this.#isCutShort = true
      this.#transmission!.stop()
    }
    this.#options.onEnd(ending)
  }
}

function ownCopy(bytes: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length)
  copy.set(bytes)
  return copy
}

function receivedCopy({ status, headers, body }: HttpAnswer): HttpAnswer {
  return {
    status,
    headers: [...headers],
    body: typeof body === 'string' ? Buffer.from(body) : ownCopy(body),
  }
}
