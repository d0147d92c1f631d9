// HTTP in, HTTP out: from a request's head to whoever answers it.

import {
  type BodyTaker,
  type Clock,
  type HttpAnswer,
  type HttpHead,
  type HttpService,
  headerOf,
  isRepeated,
  type Log,
  type Random,
} from '../host/index.ts'
import type { Transaction } from '../spool/index.ts'
import { ACKS, type Ack, type GatewayConfig } from './config.ts'
import { type Behind, Door } from './door.ts'
import { type Build, Health, reportOf } from './health.ts'
import { IDEMPOTENCY_KEY_PATTERN } from './idempotency.ts'
import { ingestWriteToStream } from './ingest.ts'
import type { LedgerCounts } from './ledger.ts'
import { type Mapped, mapped } from './mapping.ts'
import type { PeerReport } from './peers.ts'
import { methodNotAllowed, problem } from './problem.ts'
import { ReceiptTaker } from './receipts.ts'
import { quotaExceeded, RecordTaker, type Request } from './record-taker.ts'

/**
 * What a body of `/writeToStream` may take beyond its record: names, and data whose every byte is
 * escaped (`\u0000`, six for one).
 */
const ENVELOPE_FACTOR = 6
const ENVELOPE_BYTES = 4096

const MAPPED_PREFIX = '/mappedIngest/'
const RECEIPTS_PREFIX = '/receipts/'
/** Longer than any receipt. */
const RECEIPT_MAX_LENGTH = 64

export class Gateway implements HttpService {
  readonly #door: Door
  readonly #health: Health
  readonly #mappings: ReadonlyMap<string, Mapped>

  constructor(
    host: { readonly clock: Clock; readonly random: Random },
    config: GatewayConfig,
    { build, ...behind }: Behind & { readonly build: Build },
    log: Log,
  ) {
    this.#door = new Door(host, config, behind, log)
    this.#health = new Health(this.#door, build)
    this.#mappings = new Map(config.mappings.map((mapping) => [mapping.resource, mapped(mapping)]))
  }

  /** The counts, as `/actuator/kinesis` shows them. */
  get ledger(): LedgerCounts {
    return this.#door.ledger.counts()
  }

  /** Zero; anything else is a record that was lost or counted twice. */
  get ledgerImbalance(): number {
    return this.#door.imbalance
  }

  /** Records that were let in and have not settled. */
  get insideCount(): number {
    return this.#door.admission.insideCount
  }

  /** Records that wait in line to be let in. */
  get waitingCount(): number {
    return this.#door.admission.waitingCount
  }

  /** Bytes that records hold in memory. */
  get heldBytes(): number {
    return this.#door.heldBytes
  }

  /** Requests that wait for their body or their answer. */
  get openCount(): number {
    return this.#door.openCount
  }

  /** What this process says of itself to the others of the same gateway. */
  report(): PeerReport {
    return reportOf(this.#door)
  }

  /** What the spool behind it tells of each record that settles. */
  onSettled(kind: 'delivered' | 'dead-lettered'): void {
    this.#door.onSettled(kind)
  }

  /** Takes records that were given up once, such as dead letters; for a gateway with a spool. */
  enterAgain(transaction: Transaction): void {
    this.#door.enterAgain(transaction)
  }

  connectionClosed(): void {
    this.#door.connectionLog.add()
  }

  begin(head: HttpHead): HttpAnswer | BodyTaker {
    const decision = this.#decide(head)
    if ('status' in decision) this.#door.tally.count(decision)
    return decision
  }

  /**
   * Unready first, lets nobody in any more, and waits at most `deadlineMs` for what was let in:
   * until it is on the disk, or where there is no spool until it has settled.
   */
  drain(deadlineMs: number): Promise<void> {
    return this.#door.drain(deadlineMs)
  }

  /** When nothing settles any more: answers who waits still, tells of failures not told yet. */
  close(): void {
    for (const leftover of [...this.#door.waiting]) leftover.leave()
    this.#door.failureLog.flush()
    this.#door.refusalLog.flush()
    this.#door.connectionLog.flush()
  }

  #decide(head: HttpHead): HttpAnswer | BodyTaker {
    const query = head.target.indexOf('?')
    const path = query < 0 ? head.target : head.target.slice(0, query)
    const isMapped = path.startsWith(MAPPED_PREFIX)
    if (isMapped || path === '/writeToStream') {
      if (head.method !== 'POST') return methodNotAllowed(head.method, 'POST')
      return isMapped ? this.#beginMapped(head, path) : this.#beginWriteToStream(head, path)
    }
    if (path.startsWith(RECEIPTS_PREFIX)) return this.#beginReceipt(head, path)
    return this.#health.answer(head.method, path)
  }

  #beginReceipt({ method }: HttpHead, path: string): HttpAnswer | BodyTaker {
    if (method !== 'GET' && method !== 'HEAD') return methodNotAllowed(method, 'GET, HEAD')
    const id = path.slice(RECEIPTS_PREFIX.length)
    if (this.#door.spool === null) {
      return problem('not-found', 'This gateway has no spool, and gives no receipts.')
    }
    if (id === '') return problem('not-found', 'A receipt belongs behind /receipts/.')
    if (id.length > RECEIPT_MAX_LENGTH) return problem('not-found', 'This is no receipt.')
    const { maxOpenRequests } = this.#door.config.admission
    if (this.#door.openCount < maxOpenRequests) return new ReceiptTaker(this.#door, id)
    const detail = `${maxOpenRequests} requests wait for an answer, as many as may.`
    return this.#door.refuse('too-many-requests-open', detail)
  }

  #beginWriteToStream(head: HttpHead, path: string): HttpAnswer | BodyTaker {
    const { config } = this.#door
    const maxBodyBytes = config.record.maxBytes * ENVELOPE_FACTOR + ENVELOPE_BYTES
    const asked = { ingest: ingestWriteToStream, maxBodyBytes, quota: null, path }
    return this.#take(head, { ...asked, ack: config.ack.default, hasRecordIds: false })
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
    const { ack, quota, hasRecordIds } = mapping
    const maxBodyBytes = config.record.maxBytes
    const asked = { ingest, maxBodyBytes, quota, path, hasRecordIds }
    return this.#take(head, { ...asked, ack: ack ?? config.ack.default })
  }

  /** Everything that the head can be refused for: what is wrong with it before what is full. */
  #take(head: HttpHead, asked: Asked): HttpAnswer | BodyTaker {
    const typeRefusal = refusalOfType(head)
    if (typeRefusal !== null) return typeRefusal
    const ack = ackOf(head, asked.ack, this.#door.spool !== null)
    if (typeof ack !== 'string') return ack
    const areKeysKept = this.#door.keys !== null
    if (asked.hasRecordIds && !areKeysKept) return keysUnavailable('A record id')
    const idempotencyKey = keyOf(head, areKeysKept)
    if (idempotencyKey !== null && typeof idempotencyKey !== 'string') return idempotencyKey
    const length = Number(headerOf(head.headers, 'content-length') ?? 1)
    const bodyBytes = Math.min(length, asked.maxBodyBytes)
    const refusal = this.#door.refusal(bodyBytes)
    if (refusal !== null) return refusal
    if (idempotencyKey === null && !asked.hasRecordIds) {
      const refused = this.#door.refusalOfRecord()
      if (refused !== null) return refused
      const waitMs = asked.quota?.waitMs(1, bodyBytes, this.#door.clock.monotonicMs()) ?? 0
      if (waitMs > 0) return quotaExceeded(this.#door, waitMs)
    }
    return new RecordTaker(this.#door, { ...asked, ack, idempotencyKey })
  }
}

/** What a route asks of a request, before its head is looked at. */
type Asked = Omit<Request, 'idempotencyKey'> & {
  /** The records have an id, which the ingest finds. */
  readonly hasRecordIds: boolean
}

/** Names listed in an error message; a configuration may have thousands. */
const KNOWN_SHOWN_COUNT = 20

const ACK = 'headgate-ack'

function ackOf(head: HttpHead, otherwise: Ack, hasSpool: boolean): Ack | HttpAnswer {
  const asked = headerOf(head.headers, ACK)
  if (asked !== null && isRepeated(head.headers, ACK)) {
    return problem('ack-unknown', `Headgate-Ack must come once; ${ACKS.join(' or ')} is allowed.`)
  }
  const ack = asked === null ? otherwise : ACKS.find((known) => known === asked.toLowerCase())
  if (ack === undefined) {
    const detail = `Headgate-Ack is ${JSON.stringify(asked)}; ${ACKS.join(' or ')} is allowed.`
    return problem('ack-unknown', detail)
  }
  if (ack !== 'durable' || hasSpool) return ack
  const detail =
    'durable needs the spool, which this gateway does not have: ask for delivered, which is more, or accepted.'
  return problem('ack-unavailable', detail)
}

const IDEMPOTENCY = 'idempotency-key'

function keyOf({ headers }: HttpHead, isKept: boolean): string | null | HttpAnswer {
  const key = headerOf(headers, IDEMPOTENCY)
  if (key === null) return null
  if (!isKept) return keysUnavailable('Idempotency-Key')
  if (!isRepeated(headers, IDEMPOTENCY) && IDEMPOTENCY_KEY_PATTERN.test(key)) return key
  const detail = 'Idempotency-Key must come once, with 1 to 256 visible ASCII characters.'
  return problem('idempotency-key-invalid', detail)
}

function keysUnavailable(what: string): HttpAnswer {
  const detail = `${what} needs the spool and idempotency.* above 0, which this gateway does not have. Nothing was stored.`
  return problem('idempotency-unavailable', detail)
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
