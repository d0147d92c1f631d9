// The way from the gateway to the service: a shared link up, a distance, and the service behind it.

import {
  type HttpAnswer,
  type HttpRequest,
  type HttpService,
  headerOf,
  type Network,
  type NoAnswer,
  type Random,
} from '../host/index.ts'
import { amzDateOf, httpDateOf, wallMsOfAmzDate } from '../sim/index.ts'
import type { LabWorld } from './lab-world.ts'
import { SharedLink } from './shared-link.ts'
import { bytesOnTheWire, type WorldCosts } from './world-costs.ts'

export class LabNetwork implements Network {
  readonly #world: LabWorld
  readonly #random: Random
  readonly #costs: WorldCosts
  readonly #service: HttpService
  readonly #link: SharedLink

  constructor(
    { world, random, costs }: { world: LabWorld; random: Random; costs: WorldCosts },
    service: HttpService,
  ) {
    this.#world = world
    this.#random = random
    this.#costs = costs
    this.#service = service
    this.#link = new SharedLink(world, (costs.linkMbitPerSecond * 1e6) / 8)
  }

  exchange(request: HttpRequest, deadlineAtMs: number): Promise<HttpAnswer | NoAnswer> {
    return new Promise((resolve) => {
      let isEnded = false
      const end = (ending: HttpAnswer | NoAnswer) => {
        if (isEnded) return
        isEnded = true
        timer.cancel()
        this.#world.promised()
        resolve(ending)
      }
      const transfer = this.#link.carry(bytesOnTheWire(request), this.#weight(), () => {
        const arrivesAtMs = this.#world.nowMs + this.#costs.oneWayMs + this.#costs.serviceMs
        this.#world.schedule(arrivesAtMs, () => {
          if (!isEnded) this.#serve(request, end)
        })
      })
      const timer = this.#world.schedule(deadlineAtMs, () => {
        transfer.stop()
        const message = 'no whole answer in time'
        end({ noAnswer: 'timed-out', message, mayBeWritten: true })
      })
    })
  }

  /** Half to twice the others' part of the link; `connectionSpread` in the costs says why. */
  #weight(): number {
    const { connectionSpread } = this.#costs
    const drawn = this.#random.below(WEIGHT_STEPS) / (WEIGHT_STEPS / 2) - 1
    return connectionSpread ** drawn
  }

  #serve(request: HttpRequest, end: (answer: HttpAnswer) => void): void {
    const answer = (made: HttpAnswer) => {
      this.#world.schedule(this.#world.nowMs + this.#costs.oneWayMs, () => end(made))
    }
    const refusal = this.#agedSignature(request)
    if (refusal !== null) return answer(refusal)
    this.#world.promised()
    const { method, target, headers, body } = request
    const length = ['content-length', String(body.length)]
    const begun = this.#service.begin({ method, target, headers: [...headers, ...length] })
    if ('status' in begun) return answer(begun)
    // The engine copies what it stores, and the sender leaves its buffer alone until the answer.
    begun.end(Buffer.from(body.buffer, body.byteOffset, body.length), answer)
  }

  /** The embedded Kinesis takes any signature; the service refuses one that is too old. */
  #agedSignature({ headers }: HttpRequest): HttpAnswer | null {
    const signed = headerOf(headers, 'x-amz-date') ?? ''
    const nowMs = this.#world.clock.wallMs()
    if (nowMs - wallMsOfAmzDate(signed) <= SIGNATURE_MAX_AGE_MS) return null
    const [limit, now] = [amzDateOf(nowMs - SIGNATURE_MAX_AGE_MS), amzDateOf(nowMs)]
    const message = `Signature expired: ${signed} is now earlier than ${limit} (${now} - 5 min.)`
    return {
      status: 400,
      headers: ['content-type', 'application/x-amz-json-1.1', 'date', httpDateOf(nowMs)],
      body: JSON.stringify({ __type: 'InvalidSignatureException', message }),
    }
  }
}

/** AWS General Reference, Signature Version 4: requests are taken within five minutes. */
const SIGNATURE_MAX_AGE_MS = 5 * 60_000

const WEIGHT_STEPS = 2 ** 16
