// One connection of the plain-request lane. Requests are begun as they come and answered in their
// order; whatever is not plain ends the lane's part when all before it has been answered.

import type { Socket } from 'node:net'
import { type HttpAnswer, headerOf, isCut } from '../network.ts'
import { hasBody, PROCESSING, rawAnswer } from './answer-bytes.ts'
import type { BadRequestStatus } from './bad-request.ts'
import { probe } from './half-closed.ts'
import { PIPELINED_MAX_COUNT, UNREAD_BODY_MAX_BYTES } from './http1-bounds.ts'
import { LentSocket } from './lent-reads.ts'
import { Linger } from './linger.ts'
import { type PlainHead, readPlainHead } from './plain-head.ts'
import type { PlainLane } from './plain-lane.ts'
import { ServiceExchange } from './service-exchange.ts'

/** A request that was begun: its answer is written when those before it have been. */
interface Begun {
  /** Null when there is an answer. */
  exchange: ServiceExchange | null
  answer: HttpAnswer | null
  /** The rest of its body is of no use any more, and is too much to wait for. */
  isBodyUnread: boolean
}

export class PlainConnection {
  readonly #lane: PlainLane
  readonly #socket: Socket
  /** Whose answers are not written yet, oldest first. */
  readonly #begun: Begun[] = []
  /** Bytes of the last request's body that have not come. */
  #missingBytes = 0
  /** Whom they are for; null when they are only read over. */
  #reading: ServiceExchange | null = null
  /** Something came that is not plain: Node gets it when the answers before it are written. */
  #isOdd = false
  /** As many requests wait as may: what came behind them was put back. */
  #isHeldBack = false
  /** The last answer of this connection is on its way. */
  #isEnding = false
  /** It was written, and its client is sending still. */
  #linger: Linger | null = null
  /** The client has said all that it will say. */
  #isPeerDone = false
  /** Counts what happens, so that the sweep sees when nothing did: no clock is asked for that. */
  #moves = 0
  #movesSeen = 0
  #quietSinceMs = performance.now()
  /** Of the request whose body is awaited. */
  #beganAtMs = 0
  readonly #onData = (bytes: Buffer) => this.#take(bytes)
  readonly #onEnd = () => this.#endOfInput()
  readonly #onClose = () => this.#closed()
  readonly #onStall = () => this.#stalled()
  readonly #onDrain = () => this.#drained()

  constructor(lane: PlainLane, socket: Socket) {
    this.#lane = lane
    this.#socket = socket
    const { stallTimeoutMs } = lane.config
    if (stallTimeoutMs > 0) socket.setTimeout(stallTimeoutMs, this.#onStall)
    socket.on('error', ignore)
    socket.on('close', this.#onClose)
    socket.on('end', this.#onEnd)
    socket.on('drain', this.#onDrain)
    if (socket instanceof LentSocket) socket.takeLent = this.#onData
    // What was put back, or all there is where Node lends nothing.
    socket.on('data', this.#onData)
  }

  get #isLent(): boolean {
    return this.#socket instanceof LentSocket
  }

  /** Closes what is too slow or not used any more. */
  sweep(nowMs: number): void {
    if (this.#moves !== this.#movesSeen) {
      this.#movesSeen = this.#moves
      this.#quietSinceMs = nowMs
    }
    const { headTimeoutMs, requestTimeoutMs, keepAliveTimeoutMs } = this.#lane.config
    const quietMs = nowMs - this.#quietSinceMs
    if (this.#missingBytes > 0) {
      if (nowMs - this.#beganAtMs >= requestTimeoutMs) this.#refuse(408)
    } else if (this.#moves === 0) {
      if (quietMs >= Math.min(headTimeoutMs, requestTimeoutMs)) this.#refuse(408)
    } else if (quietMs >= keepAliveTimeoutMs) {
      if (this.#isEnding) this.#socket.destroy()
      else if (this.#socket.writableLength === 0) this.closeIfUnused()
    }
  }

  /** One that was never used is left to its client, who may be about to send. */
  closeIfUnused(): void {
    if (this.#moves === 0 || !this.#isIdle) return
    this.#isEnding = true
    this.#socket.destroySoon()
  }

  cut(): void {
    this.#lose()
    this.#socket.destroy()
  }

  get #isIdle(): boolean {
    return this.#begun.length === 0 && this.#missingBytes === 0 && !this.#isOdd
  }

  #take(bytes: Buffer): void {
    this.#moves++
    this.#linger?.moved()
    if (this.#missingBytes > 0) return this.#takeBody(bytes)
    if (this.#isEnding) return
    if (this.#begun.length >= PIPELINED_MAX_COUNT) return this.#holdBack(bytes)
    const request = readPlainHead(bytes)
    // What follows a request in the same piece is another one, or is none: Node sorts that out.
    if (request === null || bytes.length > request.headBytes + request.bodyBytes) {
      return this.#giveAway(bytes)
    }
    this.#begin(request, bytes)
  }

  #begin({ head, headBytes, bodyBytes }: PlainHead, bytes: Buffer): void {
    this.#missingBytes = headBytes + bodyBytes - bytes.length
    if (this.#missingBytes > 0) this.#beganAtMs = performance.now()
    const begun: Begun = { exchange: null, answer: null, isBodyUnread: false }
    this.#begun.push(begun)
    const decision = this.#lane.service.begin(head)
    if ('status' in decision) {
      return this.#answer(begun, decision, bodyBytes > UNREAD_BODY_MAX_BYTES)
    }
    if (bodyBytes > decision.maxBodyBytes) return this.#answer(begun, decision.tooLarge(), true)
    this.#lane.openRequestCount++
    const exchange = new ServiceExchange(decision, bodyBytes, (answer, isBodyUnread) => {
      this.#lane.openRequestCount--
      begun.exchange = null
      if (isBodyUnread) this.#reading = null
      this.#answer(begun, answer, isBodyUnread)
    })
    begun.exchange = exchange
    this.#reading = exchange
    this.#readFor(exchange, bytes.subarray(headBytes))
  }

  #takeBody(bytes: Buffer): void {
    const part = bytes.subarray(0, this.#missingBytes)
    this.#missingBytes -= part.length
    if (this.#reading !== null) this.#readFor(this.#reading, part)
    else if (this.#missingBytes === 0) this.#onReadOver()
    if (bytes.length > part.length) this.#take(bytes.subarray(part.length))
  }

  #readFor(exchange: ServiceExchange, part: Buffer): void {
    if (part.length > 0) exchange.data(part, this.#isLent)
    if (this.#missingBytes > 0) return
    this.#reading = null
    exchange.end()
  }

  /** All of a body has come that nobody wanted. */
  #onReadOver(): void {
    if (this.#isEnding) this.#socket.destroy()
    else if (this.#lane.isDraining) this.closeIfUnused()
  }

  #answer(begun: Begun, answer: HttpAnswer, isBodyUnread: boolean): void {
    begun.answer = answer
    begun.isBodyUnread = isBodyUnread
    if (this.#begun[0] !== begun) return
    for (let first = begun; first?.answer != null; first = this.#begun[0]!) {
      this.#begun.shift()
      this.#write(first.answer, first.isBodyUnread)
      if (this.#isEnding) return
    }
    if (this.#isHeldBack) this.#readOn()
    if (this.#begun.length > 0) return
    if (this.#isOdd) this.#leave()
    else if (this.#isPeerDone) this.#end()
  }

  /** Too many requests wait for their answers: nothing more is read until one has its own. */
  #holdBack(bytes: Buffer): void {
    this.#putBack(bytes)
    this.#isHeldBack = true
  }

  /** One has, and it is the client's turn to read where it does not yet. */
  #readOn(): void {
    this.#isHeldBack = false
    if (!this.#socket.writableNeedDrain) this.#socket.resume()
  }

  #write(answer: HttpAnswer, isBodyUnread: boolean): void {
    if (isCut(answer)) {
      this.#isEnding = true
      return this.cut()
    }
    const { headers, body } = answer
    const isLast = isBodyUnread || this.#lane.isDraining || headerOf(headers, 'connection') !== null
    const bodyBytes = typeof body === 'string' ? Buffer.byteLength(body) : body.length
    const head = this.#lane.heads.textOf(answer, bodyBytes, isLast)
    const socket = this.#socket
    if (!hasBody(answer)) socket.write(head, 'latin1')
    else if (body.length === bodyBytes && typeof body === 'string') {
      socket.write(head + body, 'latin1')
    } else {
      socket.cork()
      socket.write(head, 'latin1')
      socket.write(body)
      socket.uncork()
    }
    this.#moves++
    if (isLast) return this.#end()
    // The client does not read its answers: it gets no more of them.
    if (socket.writableNeedDrain) socket.pause()
  }

  /** The client reads again. What is odd still waits for answers: no byte may pass it. */
  #drained(): void {
    if (!this.#isOdd) this.#socket.resume()
  }

  /** What was written last is the end, whatever else the client has asked for. */
  #end(): void {
    this.#isEnding = true
    this.#lose()
    if (this.#missingBytes === 0) return this.#socket.destroySoon()
    this.#linger = new Linger(this.#socket)
  }

  /** Too slow, or broken off. */
  #refuse(status: BadRequestStatus): void {
    const isReadOver = this.#reading === null && this.#missingBytes > 0
    // An answer now would be taken for that of an earlier request which came whole.
    const isAnswerClear =
      !this.#isEnding && !isReadOver && this.#begun.length === (this.#reading === null ? 0 : 1)
    if (!isAnswerClear || !this.#socket.writable) return this.cut()
    this.#isEnding = true
    this.#lose()
    const answer = rawAnswer(this.#lane.config.answerBadRequest(status))
    this.#socket.end(answer, () => this.#socket.destroy())
  }

  #endOfInput(): void {
    this.#isPeerDone = true
    if (this.#isEnding) return
    if (this.#missingBytes > 0) return this.#refuse(400)
    if (this.#begun.length === 0) return this.#end()
    probe(this.#socket, () => {
      if (this.#begun.length > 0) this.#socket.write(PROCESSING)
    })
  }

  #stalled(): void {
    if (!this.#isIdle || this.#isEnding) this.cut()
  }

  #closed(): void {
    this.#lane.onClosed(this)
    this.#lose()
  }

  /** Nobody is left to answer to. */
  #lose(): void {
    this.#reading = null
    for (const { exchange } of this.#begun.splice(0)) {
      if (exchange === null) continue
      this.#lane.openRequestCount--
      exchange.lose()
    }
  }

  /** This and all that follows is for Node. */
  #giveAway(bytes: Buffer): void {
    this.#putBack(bytes)
    this.#isOdd = true
    if (this.#begun.length === 0) this.#leave()
  }

  #putBack(bytes: Buffer): void {
    this.#socket.pause()
    this.#socket.unshift(Buffer.from(bytes))
  }

  #leave(): void {
    const socket = this.#socket
    socket.off('data', this.#onData)
    if (socket instanceof LentSocket) socket.takeLent = null
    socket.off('end', this.#onEnd)
    socket.off('close', this.#onClose)
    socket.off('drain', this.#onDrain)
    socket.off('timeout', this.#onStall)
    socket.setTimeout(0)
    this.#lane.onOdd(this, socket)
    socket.off('error', ignore)
    socket.resume()
  }
}

/** What comes of an error is `close`. */
function ignore(): void {}
