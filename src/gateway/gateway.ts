// HTTP in, HTTP out: from a request's head to whoever answers it.

import {
  type BodyTaker,
  type Clock,
  type HttpAnswer,
  type HttpHead,
  type HttpService,
  headerOf,
  type Log,
  type Random,
} from '../host/index.ts'
import { ACKS, type Ack, type GatewayConfig } from './config.ts'
import { Door, type RecordLine } from './door.ts'
import { type Build, Health } from './health.ts'
import { type Ingest, ingestWriteToStream } from './ingest.ts'
import type { LedgerCounts } from './ledger.ts'
import { type Mapped, mapped } from './mapping.ts'
import { methodNotAllowed, problem } from './problem.ts'
import { RecordTaker } from './record-taker.ts'

/**
 * What a body of `/writeToStream` may take beyond its record: names, and data whose every byte is
 * escaped (`\u0000`, six for one).
 */
const ENVELOPE_FACTOR = 6
const ENVELOPE_BYTES = 4096

const MAPPED_PREFIX = '/mappedIngest/'

export class Gateway implements HttpService {
  readonly #door: Door
  readonly #health: Health
  readonly #mappings: ReadonlyMap<string, Mapped>

  constructor(
    host: { readonly clock: Clock; readonly random: Random },
    config: GatewayConfig,
    line: RecordLine,
    build: Build,
    log: Log,
  ) {
    this.#door = new Door(host, config, line, log)
    this.#health = new Health(this.#door, build)
    this.#mappings = new Map(config.mappings.map((mapping) => [mapping.resource, mapped(mapping)]))
  }

  /** The counts, as `/actuator/kinesis` shows them. */
  get ledger(): LedgerCounts {
    return this.#door.ledger.counts()
  }

  /** Zero; anything else is a record that was lost or counted twice. */
  get ledgerImbalance(): number {
    return this.#door.ledger.imbalance()
  }

  /** Records that entered the line and have not settled. */
  get insideCount(): number {
    return this.#door.admission.insideCount
  }

  /** Bytes that bodies hold in memory. */
  get heldBytes(): number {
    return this.#door.admission.heldBytes
  }

  begin(head: HttpHead): HttpAnswer | BodyTaker {
    const query = head.target.indexOf('?')
    const path = query < 0 ? head.target : head.target.slice(0, query)
    const isMapped = path.startsWith(MAPPED_PREFIX)
    if (!isMapped && path !== '/writeToStream') return this.#health.answer(head.method, path)
    if (head.method !== 'POST') return methodNotAllowed(head.method, 'POST')
    const refusal = this.#door.refusal() ?? refusalOfType(head)
    if (refusal !== null) return refusal
    return isMapped ? this.#beginMapped(head, path) : this.#beginWriteToStream(head)
  }

  /**
   * Unready first, lets nobody in any more, and waits at most `deadlineMs` for what was let in.
   */
  drain(deadlineMs: number): Promise<void> {
    return this.#door.drain(deadlineMs)
  }

  /** When nothing is outstanding any more: tells of the failures that were not told yet. */
  close(): void {
    this.#door.failureLog.flush()
  }

  #beginWriteToStream(head: HttpHead): HttpAnswer | BodyTaker {
    const { config } = this.#door
    const maxBodyBytes = config.record.maxBytes * ENVELOPE_FACTOR + ENVELOPE_BYTES
    return this.#take(head, ingestWriteToStream, config.ack.default, maxBodyBytes)
  }

  #beginMapped(head: HttpHead, path: string): HttpAnswer | BodyTaker {
    const { config } = this.#door
    const resource = path.slice(MAPPED_PREFIX.length)
    const mapping = this.#mappings.get(resource)
    if (mapping === undefined) {
      const known = [...this.#mappings.keys()].slice(0, KNOWN_SHOWN_COUNT).join(', ')
      const detail = `No mapping is configured for ${JSON.stringify(resource)}; there are: ${known || 'none'}.`
      return problem('no-mapping', detail)
    }
    const ingest = mapping.ingestOf(head)
    if (typeof ingest !== 'function') return ingest
    return this.#take(head, ingest, mapping.ack ?? config.ack.default, config.record.maxBytes)
  }

  #take(head: HttpHead, ingest: Ingest, ackDefault: Ack, maxBodyBytes: number) {
    const ack = ackOf(head, ackDefault)
    if (typeof ack !== 'string') return ack
    const length = Number(headerOf(head.headers, 'content-length') ?? 1)
    // Only asked here: who sends a head and no body holds none.
    const hasRoom = this.#door.admission.hasRoomFor(Math.min(length, maxBodyBytes))
    if (!hasRoom) return this.#door.memoryFull()
    return new RecordTaker(this.#door, { ingest, ack, maxBodyBytes })
  }
}

/** Names listed in an error message; a configuration may have thousands. */
const KNOWN_SHOWN_COUNT = 20

function ackOf(head: HttpHead, otherwise: Ack): Ack | HttpAnswer {
  const asked = headerOf(head.headers, 'headgate-ack')
  if (asked === null) return otherwise
  const ack = ACKS.find((known) => known === asked.toLowerCase())
  if (ack !== undefined) return ack
  if (asked.toLowerCase() === 'durable') {
    const detail =
      'durable needs the spool, which this gateway does not have: ask for delivered, which is more, or accepted.'
    return problem('ack-unavailable', detail)
  }
  return problem(
    'ack-unknown',
    `Headgate-Ack is ${JSON.stringify(asked)}; ${ACKS.join(' or ')} is allowed.`,
  )
}

// Only JSON. Other types are refused rather than overlooked: a line of NDJSON taken for a document
// would be stored as one record, and a page in a browser can send text and forms without asking.
function refusalOfType({ headers }: HttpHead): HttpAnswer | null {
  const coding = headerOf(headers, 'content-encoding')
  if (coding !== null && coding.toLowerCase() !== 'identity') {
    const detail = `content-encoding is ${JSON.stringify(coding)}; the body is needed as it is.`
    return problem('unsupported-media-type', detail, { headers: ['accept-encoding', 'identity'] })
  }
  const type = headerOf(headers, 'content-type')
  if (type === null || type === 'application/json') return null
  const essence = (type.split(';')[0] ?? '').trim().toLowerCase()
  const isJson =
    essence === 'application/json' || /^application\/(?!cloudevents).*\+json$/.test(essence)
  if (isJson) return null
  const detail = `content-type is ${JSON.stringify(type)}; application/json is needed.`
  return problem('unsupported-media-type', detail, { headers: ['accept', 'application/json'] })
}
