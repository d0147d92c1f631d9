// Clients that do not keep to HTTP, or not to its time. None gets a 500, none is held for ever, and
// none of their bytes become a record.

import { connect, type Socket } from 'node:net'
import type { SimRandom } from '../../src/sim/index.ts'
import { pause } from './client.ts'
import type { Findings } from './findings.ts'

const EACH_MS = 400
const OPEN_MAX_COUNT = 60
/** Longer than any wait of the gateway for a client: heads, bodies, unread answers. */
const HELD_MAX_MS = 150_000
/** An end that came before is seen within this, once somebody reads. */
const END_SEEN_MS = 5000
const DRIP_MS = 500
const RESET_MS = 100
const ANSWER_SHOWN_CHARACTERS = 200

const HEAD = 'POST /mappedIngest/live HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'
const METRICS = 'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n'

/** What each does once it is connected. */
const KINDS: Readonly<Record<string, (socket: Socket) => void>> = {
  'length that is huge': says(`${HEAD}Content-Length: 99999999999999\r\n\r\n`),
  'length that is no number': says(`${HEAD}Content-Length: -5\r\n\r\nabc`),
  'length that is too long': says(`${HEAD}Content-Length: 100000\r\n\r\n{"id":1`),
  'length that is too short': says(`${HEAD}Content-Length: 7\r\n\r\n{"id":"odd"}`),
  'two lengths': says(`${HEAD}Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef`),
  'length and chunks': says(
    `${HEAD}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  ),
  'half a head': says('POST /mappedIngest/live HTTP/1.1\r\nHost: x\r\n'),
  'half a body': (socket) => socket.end(`${HEAD}Content-Length: 100\r\n\r\n{"id"`),
  'large head': says(`GET /livez HTTP/1.1\r\nHost: x\r\nX: ${'z'.repeat(40_000)}\r\n\r\n`),
  'slow head': drips(HEAD, 'X'),
  'slow body': drips(`${HEAD}Content-Length: 10000\r\n\r\n`, 'x'),
  'endless chunks': drips(`${HEAD}Transfer-Encoding: chunked\r\n\r\n`, '3\r\nyyy\r\n'),
  'expects and sends nothing': says(`${HEAD}Content-Length: 500\r\nExpect: 100-continue\r\n\r\n`),
  'reads nothing': (socket) => {
    socket.pause()
    socket.write(METRICS.repeat(200))
  },
  'reset in the body': (socket) => {
    socket.write(`${HEAD}Content-Length: 50000\r\n\r\n{"id":`)
    setTimeout(() => socket.resetAndDestroy(), RESET_MS)
  },
  silent: () => {},
  'no HTTP': says('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n'),
}

function says(text: string): (socket: Socket) => void {
  return (socket) => socket.write(text)
}

function drips(start: string, drop: string): (socket: Socket) => void {
  return (socket) => {
    socket.write(start)
    const dripping = setInterval(() => socket.write(drop), DRIP_MS)
    socket.once('close', () => clearInterval(dripping))
  }
}

export class OddClients {
  /** How they ended: with which status, or without an answer. */
  readonly answers = new Map<string, number>()
  readonly #random: SimRandom
  readonly #findings: Findings
  readonly #url: () => string | null
  readonly #open = new Set<Socket>()
  readonly #running: Promise<void>
  #isStopped = false

  constructor(random: SimRandom, findings: Findings, url: () => string | null) {
    this.#random = random
    this.#findings = findings
    this.#url = url
    this.#running = this.#come()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    for (const socket of this.#open) socket.destroy()
    await this.#running
  }

  async #come(): Promise<void> {
    while (!this.#isStopped) {
      const url = this.#url()
      if (url !== null && this.#open.size < OPEN_MAX_COUNT) {
        this.#connect(url, this.#random.pick(Object.keys(KINDS)))
      }
      await pause(EACH_MS)
    }
  }

  #connect(url: string, kind: string): void {
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname, () => KINDS[kind]!(socket))
    let answer = ''
    let held = setTimeout(() => {
      // Who reads nothing does not see the end of the connection either.
      socket.resume()
      held = setTimeout(() => {
        this.#findings.add('held for ever', kind)
        socket.destroy()
      }, END_SEEN_MS)
    }, HELD_MAX_MS)
    this.#open.add(socket)
    socket.on('data', (bytes) => {
      if (answer.length < ANSWER_SHOWN_CHARACTERS) answer += bytes.toString('latin1')
    })
    // Resets are part of the game.
    socket.on('error', () => {})
    socket.once('close', () => {
      clearTimeout(held)
      this.#open.delete(socket)
      const status = /^HTTP\/1\.1 ([0-9]{3})/.exec(answer)?.[1] ?? 'none'
      this.answers.set(status, (this.answers.get(status) ?? 0) + 1)
      const told = `${kind}: ${answer.slice(0, ANSWER_SHOWN_CHARACTERS)}`
      if (status === '500') this.#findings.add('500 to an odd client', told)
    })
  }
}
