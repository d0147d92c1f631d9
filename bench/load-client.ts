// A load generator that costs little: raw sockets, request bytes made beforehand, answers only
// counted. (autocannon takes as much CPU as the server that it measures.) Closed loop: every
// connection sends its next request when the answer to the last one is complete. Where an answer
// is the last of its connection a new one is made, and what is left of the request is still sent.

import { connect } from 'node:net'
import { answerCalls } from './child.ts'

export interface Load {
  readonly port: number
  /** Whole requests, heads included; each connection goes round them from a place of its own. */
  readonly requests: readonly Buffer[]
  readonly connectionCount: number
  readonly seconds: number
}

export interface LoadResult {
  /** Answers with a status of 200..299. */
  readonly goodCount: number
  readonly badCount: number
  /** From the first request to the last answer. */
  readonly elapsedMs: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** Latencies in steps of 10 µs up to 1 s; what is longer counts as that. */
const STEP_MS = 0.01
const STEPS = 100_000

const READ_BYTES = 16 * 1024

class Run {
  readonly #load: Load
  readonly #resolve: (result: LoadResult) => void
  readonly #latencies = new Uint32Array(STEPS + 1)
  readonly #startAtMs = performance.now()
  readonly #endAtMs: number
  #goodCount = 0
  #badCount = 0
  #openCount: number

  constructor(load: Load, resolve: (result: LoadResult) => void) {
    this.#load = load
    this.#resolve = resolve
    this.#openCount = load.connectionCount
    this.#endAtMs = this.#startAtMs + load.seconds * 1000
    // Places in the list that are far apart, so that connections do not send the same in step.
    for (let i = 0; i < load.connectionCount; i++) this.#connect(i * 7919)
  }

  #connect(first: number): void {
    const { port, requests } = this.#load
    const answers = new AnswerCounter()
    // One buffer for all that a connection reads: the client's core has the sink, too.
    const onread = {
      buffer: Buffer.allocUnsafeSlow(READ_BYTES),
      callback: (bytes: number, buffer: Uint8Array) => {
        const status = answers.take((buffer as Buffer).subarray(0, bytes))
        if (status === null) return true
        this.#count(status, performance.now() - sentAtMs)
        if (answers.isLast) leave()
        else send()
        return true
      },
    }
    const socket = connect({ port, host: '127.0.0.1', noDelay: true, onread })
    let next = first
    let sentAtMs = 0
    const send = () => {
      sentAtMs = performance.now()
      if (sentAtMs >= this.#endAtMs) socket.end()
      else socket.write(requests[next++ % requests.length]!)
    }
    const leave = () => {
      socket.end()
      this.#openCount++
      this.#connect(next)
    }
    socket.on('connect', send)
    socket.on('error', () => {
      if (!answers.isLast) this.#badCount++
    })
    socket.on('close', () => this.#close())
  }

  #count(status: number, elapsedMs: number): void {
    if (status >= 200 && status < 300) this.#goodCount++
    else this.#badCount++
    this.#latencies[Math.min(STEPS, Math.floor(elapsedMs / STEP_MS))]!++
  }

  #close(): void {
    if (--this.#openCount > 0) return
    this.#resolve({
      goodCount: this.#goodCount,
      badCount: this.#badCount,
      elapsedMs: performance.now() - this.#startAtMs,
      p50Ms: this.#quantileMs(0.5),
      p99Ms: this.#quantileMs(0.99),
    })
  }

  #quantileMs(quantile: number): number {
    let left = quantile * (this.#goodCount + this.#badCount)
    const step = this.#latencies.findIndex((count) => {
      left -= count
      return left <= 0
    })
    return (step + 1) * STEP_MS
  }
}

const CONTINUE = 100
const HEAD_END = Buffer.from('\r\n\r\n')

/** Finds the end of one answer after another; they carry a `content-length`. */
class AnswerCounter {
  #head = ''
  /** Bytes of the body that have not come; -1 while the head is incomplete. */
  #missingBytes = -1
  #status = 0
  /** The connection is closed after this answer. */
  isLast = false

  /** The status when these bytes complete an answer, else null. */
  take(bytes: Buffer): number | null {
    let bodyBytes = bytes.length
    if (this.#missingBytes === -1) {
      const end = bytes.indexOf(HEAD_END)
      if (this.#head !== '' || end === -1) return this.#takeSplitHead(bytes)
      bodyBytes -= end + HEAD_END.length
      this.#readHead(bytes.toString('latin1', 0, end))
    }
    this.#missingBytes -= bodyBytes
    if (this.#missingBytes > 0) return null
    this.#missingBytes = -1
    return this.#status
  }

  /** Rare: a head in several pieces. */
  #takeSplitHead(bytes: Buffer): number | null {
    this.#head += bytes.toString('latin1')
    if (!this.#head.includes('\r\n\r\n')) return null
    const whole = Buffer.from(this.#head, 'latin1')
    this.#head = ''
    return this.take(whole)
  }

  #readHead(head: string): void {
    this.#status = Number(head.slice(9, 12))
    // Who asked whether to go on has nothing to go on with: rare, where refusals are measured.
    if (this.#status === CONTINUE) {
      this.#missingBytes = 0
      this.isLast = true
      return
    }
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
    if (length === undefined) throw new Error(`an answer without content-length: ${head}`)
    this.#missingBytes = Number(length)
    this.isLast = /\r\nconnection: *close/i.test(head)
  }
}

/** The bytes of one POST. */
export function postBytes(target: string, headers: readonly string[], body: Uint8Array): Buffer {
  const head = [
    `POST ${target} HTTP/1.1`,
    'host: 127.0.0.1',
    'content-type: application/json',
    `content-length: ${body.length}`,
    ...headers,
  ]
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body])
}

if (process.argv[1] === import.meta.filename) {
  answerCalls({
    load: (load: Load) => new Promise<LoadResult>((resolve) => new Run(load, resolve)),
  })
}
