// The plain-request lane: reads from sockets what `plain-head.ts` takes, and gives every connection
// that shows anything else to Node's HTTP server, with all its bytes, for good. Node's objects for
// a request and its response cost more than all that the gateway does with a small record; its
// parser is needed only where there is something to decide.

import type { Socket } from 'node:net'
import type { HttpService } from '../network.ts'
import { AnswerHeads } from './answer-bytes.ts'
import type { AnswerBadRequest } from './bad-request.ts'
import { PlainConnection } from './plain-connection.ts'

export interface LaneConfig {
  readonly headTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly sweepMs: number
  readonly keepAliveTimeoutMs: number
  readonly stallTimeoutMs: number
  readonly answerBadRequest: AnswerBadRequest
}

export class PlainLane {
  readonly service: HttpService
  readonly config: LaneConfig
  readonly heads: AnswerHeads
  /** Bounded by the server's `maxConnections`. */
  readonly #connections = new Set<PlainConnection>()
  readonly #giveToNode: (socket: Socket) => void
  readonly #timer: NodeJS.Timeout
  /** Counted by the connections. */
  openRequestCount = 0
  #isDraining = false

  constructor(service: HttpService, config: LaneConfig, giveToNode: (socket: Socket) => void) {
    this.service = service
    this.config = config
    this.heads = new AnswerHeads(config.keepAliveTimeoutMs)
    this.#giveToNode = giveToNode
    // One timer for all: a timer for each request would cost each request.
    this.#timer = setInterval(() => this.#sweepAll(), config.sweepMs).unref()
  }

  /** From here on every answer is the last one of its connection. */
  get isDraining(): boolean {
    return this.#isDraining
  }

  /** Takes over a connection of which nothing was read yet, or whose bytes were put back. */
  take(socket: Socket): void {
    this.#connections.add(new PlainConnection(this, socket))
  }

  /** Of a connection: it is closed. */
  onClosed(connection: PlainConnection): void {
    this.#connections.delete(connection)
  }

  /** Of a connection: it is not for the lane; what was read of it has been put back. */
  onOdd(connection: PlainConnection, socket: Socket): void {
    this.#connections.delete(connection)
    this.#giveToNode(socket)
  }

  drain(): void {
    this.#isDraining = true
    for (const connection of this.#connections) connection.closeIfUnused()
  }

  cut(): void {
    for (const connection of this.#connections) connection.cut()
  }

  /** When all connections are closed. */
  close(): void {
    clearInterval(this.#timer)
  }

  #sweepAll(): void {
    const nowMs = performance.now()
    for (const connection of this.#connections) connection.sweep(nowMs)
  }
}
