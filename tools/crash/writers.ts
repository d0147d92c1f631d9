// Clients that send records with an id and remember what each was answered.

import { Agent, request } from 'node:http'
import type { SimRandom } from '../../src/sim/index.ts'

/** What an answer promised. */
export type Promised = 'durable' | 'delivered' | 'pending' | 'dead-lettered' | 'accepted'

export interface Told {
  readonly promised: Promised
  readonly receipt: string | null
  /** Shard and sequence number, where they were told. */
  readonly place: string | null
}

const WRITER_COUNT = 24
/** A writer rests up to so long between its requests. */
const REST_MAX_MS = 20
/** Away: tried again after this. */
const AWAY_MS = 20
const PAD_MAX_BYTES = 2000
/** Of 1000 requests so many go to a stream that does not exist. */
const GONE_PER_MILLE = 30
const ANSWER_MS = 20_000

export class Writers {
  readonly told = new Map<number, Told>()
  readonly refusals = new Map<string, number>()
  sentCount = 0
  /** Sent, and no answer came: nothing was promised. */
  unansweredCount = 0
  readonly #random: SimRandom
  readonly #maxCount: number
  readonly #agent = new Agent({ keepAlive: true, maxSockets: WRITER_COUNT })
  readonly #running: Promise<void>[]
  #url: string | null = null
  #isStopped = false

  constructor(random: SimRandom, maxCount: number) {
    this.#random = random
    this.#maxCount = maxCount
    this.#running = Array.from({ length: WRITER_COUNT }, () => this.#write())
  }

  /** Where the gateway is; null while there is none. */
  aim(url: string | null): void {
    this.#url = url
  }

  /** No more is sent; resolves when every writer has its last answer. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await Promise.all(this.#running)
    this.#agent.destroy()
  }

  async #write(): Promise<void> {
    while (!this.#isStopped && this.sentCount < this.#maxCount) {
      if (this.#url === null) await pause(AWAY_MS)
      else {
        await this.#send(this.#url)
        await pause(this.#random.below(REST_MAX_MS))
      }
    }
  }

  async #send(url: string): Promise<void> {
    const id = this.sentCount++
    const ack = this.#random.pick([...Array(8).fill('durable'), 'delivered', 'accepted'])
    const resource = this.#random.hits(GONE_PER_MILLE) ? 'gone' : 'live'
    const answer = await this.#post(`${url}/mappedIngest/${resource}`, bodyOf(id), ack)
    if (answer === null) {
      this.unansweredCount++
      // Another gateway may be up by the time that this one's end is noticed.
      await pause(AWAY_MS)
      return
    }
    const promised = promisedBy(answer, ack)
    if (promised === null) {
      const code = answer.code ?? String(answer.status)
      this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1)
    } else this.told.set(id, { promised, receipt: answer.receipt, place: answer.place })
  }

  #post(url: string, body: string, ack: string): Promise<Answer | null> {
    const headers = { 'content-type': 'application/json', 'headgate-ack': ack }
    return new Promise((resolve) => {
      const sent = request(url, { method: 'POST', headers, agent: this.#agent }, (answer) => {
        let text = ''
        answer.setEncoding('utf8')
        answer.on('data', (part) => {
          text += part
        })
        answer.on('error', () => resolve(null))
        answer.on('end', () => {
          const { headers, statusCode: status } = answer
          const [receipt, shardId, sequenceNumber] = [
            headers['headgate-receipt'],
            headers['headgate-shard-id'],
            headers['headgate-sequence-number'],
          ].map((header) => (typeof header === 'string' ? header : null))
          const place = shardId === null ? null : `${shardId} ${sequenceNumber}`
          const code = status! >= 400 ? codeIn(text) : null
          resolve({ status: status!, code, receipt: receipt!, place })
        })
      })
      sent.setTimeout(ANSWER_MS, () => sent.destroy())
      sent.on('error', () => resolve(null))
      sent.end(body)
    })
  }
}

interface Answer {
  readonly status: number
  readonly code: string | null
  readonly receipt: string | null
  readonly place: string | null
}

function promisedBy({ status, code }: Answer, ack: string): Promised | null {
  if (status === 200) return ack === 'delivered' ? 'delivered' : 'durable'
  if (status === 202) return ack === 'delivered' ? 'pending' : 'accepted'
  return code === 'dead-lettered' ? 'dead-lettered' : null
}

function codeIn(text: string): string | null {
  try {
    return (JSON.parse(text) as { code?: string }).code ?? null
  } catch {
    return null
  }
}

/** The record with this id, always the same bytes. */
export function bodyOf(id: number): string {
  const pad = String.fromCharCode(97 + (id % 26)).repeat((id * 7919) % PAD_MAX_BYTES)
  return `{"id":${id},"pad":"${pad}"}`
}

/** The id of a record, or null when its bytes are not those that were sent. */
export function idOf(data: string): number | null {
  const id = Number(/^\{"id":([0-9]{1,12}),/.exec(data)?.[1] ?? Number.NaN)
  return Number.isInteger(id) && data === bodyOf(id) ? id : null
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
