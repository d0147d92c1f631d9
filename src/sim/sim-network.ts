// The simulated network: requests are copied as a socket would, take their time, and meet a fate.

import { crc32 } from 'node:zlib'
import type { HttpAnswer, HttpRequest, HttpService, Network, NoAnswer } from '../host/index.ts'
import { type Fate, fateOf, type NetworkFaults, NO_NETWORK_FAULTS } from './faults.ts'
import { kindOf, type SimProcess } from './machine.ts'
import { SimExchange, type Transmission } from './sim-exchange.ts'
import type { SimRandom } from './sim-random.ts'
import type { World } from './world.ts'

export interface Link {
  /** One way, at least. */
  readonly latencyMs: number
  /** One way, at most on top. */
  readonly jitterMs: number
  /** Shared by all requests to the service; null when it never fills up. */
  readonly bytesPerSecond: number | null
  readonly faults?: NetworkFaults
  /** What something in front of the service answers in its place; says nothing of what it did. */
  readonly errorAnswer?: (random: SimRandom) => HttpAnswer
}

/**
 * Sees each request when it is sent, and what will become of it; what it answers is told how the
 * request ended for the one who sent it.
 */
export type Inspector = (
  request: HttpRequest,
  fate: Fate,
) => ((ending: HttpAnswer | NoAnswer) => void) | null

interface Served {
  readonly service: HttpService
  readonly process: SimProcess
  readonly link: Link
}

export class SimNetwork {
  readonly #world: World
  readonly #random: SimRandom
  readonly #served = new Map<string, Served>()
  /** When the links of limited rate have carried all that was sent. */
  readonly #queues = new Map<string, { freeAtMs: number }>()
  readonly #inspectors = new Map<string, Inspector>()
  readonly #open = new Set<SimExchange>()

  constructor(world: World) {
    this.#world = world
    this.#random = world.random.fork('network')
  }

  /** Requests under way. */
  get openCount(): number {
    return this.#open.size
  }

  /** From here on requests to `origin` go to `service`, as long as `process` lives. */
  serve(origin: string, process: SimProcess, service: HttpService, link: Link): void {
    this.#served.set(origin, { service, process, link })
  }

  inspect(origin: string, inspector: Inspector): void {
    this.#inspectors.set(origin, inspector)
  }

  /** The network as a process uses it. */
  seenBy(process: SimProcess): Network {
    return { exchange: (request, deadlineAtMs) => this.#exchange(process, request, deadlineAtMs) }
  }

  /** A process has ended: its connections break. */
  forget(process: SimProcess): void {
    for (const exchange of this.#open) exchange.endsWith(process)
  }

  #exchange(
    client: SimProcess,
    request: HttpRequest,
    deadlineAtMs: number,
  ): Promise<HttpAnswer | NoAnswer> {
    const served = this.#served.get(request.origin)
    const isUp = served?.process.isAlive ?? false
    const fate = isUp ? this.#drawFate(served!.link) : 'refused'
    const to = kindOf(request.origin.slice('http://'.length))
    this.#world.note(`request to ${to}: ${fate}`, crc32(request.body), request.body.length)
    const onEnding = this.#inspect(request, fate)
    return new Promise((resolve) => {
      const exchange = new SimExchange({
        client,
        served: served ?? null,
        request: copyOf(request),
        fate,
        deadlineAtMs,
        passageMs: () => this.#passageMs(served?.link ?? UNKNOWN_LINK),
        random: this.#random,
        onEnd: (ending) => {
          this.#open.delete(exchange)
          if (ending === null) return
          onEnding?.(ending)
          resolve(ending)
        },
      })
      this.#open.add(exchange)
      exchange.start(this.#transmission(request))
    })
  }

  #inspect(request: HttpRequest, fate: Fate): ReturnType<Inspector> {
    try {
      return this.#inspectors.get(request.origin)?.(request, fate) ?? null
    } catch (error) {
      this.#world.fail(error)
      return null
    }
  }

  #drawFate(link: Link): Fate {
    const faults = this.#world.areFaultsOn ? link.faults : undefined
    return fateOf(this.#random.below(1000), faults ?? NO_NETWORK_FAULTS)
  }

  #passageMs({ latencyMs, jitterMs }: Link): number {
    const onTopMs = jitterMs === 0 ? 0 : this.#random.below(jitterMs * 1_000) / 1_000
    return Math.max(PASSAGE_MIN_MS, latencyMs + onTopMs)
  }

  /** The request's turn on the link, behind those that were sent before. */
  #transmission(request: HttpRequest): Transmission {
    const { nowMs } = this.#world
    const rate = this.#served.get(request.origin)?.link.bytesPerSecond ?? null
    if (rate === null) return { endsAtMs: nowMs, stop() {} }
    const queue = this.#queues.get(request.origin) ?? { freeAtMs: 0 }
    this.#queues.set(request.origin, queue)
    queue.freeAtMs = Math.max(nowMs, queue.freeAtMs) + (request.body.length / rate) * 1_000
    const endsAtMs = queue.freeAtMs
    const stop = () => {
      const leftMs = endsAtMs - this.#world.nowMs
      queue.freeAtMs -= Math.min(leftMs, (request.body.length / rate) * 1_000)
    }
    return { endsAtMs, stop }
  }
}

/** Not even a machine answers itself at once; a half of what loopback takes. */
const PASSAGE_MIN_MS = 0.2

const UNKNOWN_LINK: Link = { latencyMs: 1, jitterMs: 0, bytesPerSecond: null }

/** What arrives is what was sent, whatever the sender does to its buffer afterwards. */
function copyOf(request: HttpRequest): HttpRequest & { readonly body: Buffer } {
  const body = Buffer.allocUnsafeSlow(request.body.length)
  body.set(request.body)
  const host = request.origin.replace(/^https?:\/\//, '')
  const headers = [...request.headers, 'host', host, 'content-length', `${body.length}`]
  return { ...request, headers, body }
}
