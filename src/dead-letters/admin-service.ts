// Dead letters over HTTP, on the admin address: it shows records and changes what is kept, so it is
// not where clients send records, and by default only this machine reaches it.

import { createHash, timingSafeEqual } from 'node:crypto'
import { problem } from '../gateway/index.ts'
import {
  type BodyTaker,
  type HttpAnswer,
  type HttpHead,
  type HttpService,
  headerOf,
  type Log,
} from '../host/index.ts'
import { type AdminQuery, readAdminQuery } from './admin-query.ts'
import { isEverything } from './filter.ts'
import { type Desk, DeskAwayError } from './office.ts'

const PATH = '/dead-letters'
const REPLAY_PATH = `${PATH}/replay`
/** No request here has a body; some clients send an empty document. */
const BODY_MAX_BYTES = 1024
const RETRY_AFTER_SECONDS = 1

type Work = () => Promise<HttpAnswer>

export class AdminService implements HttpService {
  readonly #office: Desk
  readonly #log: Log
  /** What a request has to carry; null when nothing is asked for. */
  readonly #authorization: Buffer | null

  /** `token`: empty when nothing is asked for. */
  constructor(office: Desk, log: Log, token = '') {
    this.#office = office
    this.#log = log
    this.#authorization = token === '' ? null : hashOf(`Bearer ${token}`)
  }

  begin(head: HttpHead): HttpAnswer | BodyTaker {
    const refusal = this.#refusalOf(head)
    if (refusal !== null) return refusal
    const work = this.#route(head)
    return 'status' in work ? work : this.#taker(work)
  }

  /** A page in a browser does not know the token; where there is none, it may not ask at all. */
  #refusalOf(head: HttpHead): HttpAnswer | null {
    if (this.#authorization === null) return refusalOfBrowser(head)
    const said = hashOf(headerOf(head.headers, 'authorization') ?? '')
    if (timingSafeEqual(said, this.#authorization)) return null
    const detail = "Authorization: Bearer and the gateway's admin.token are needed."
    return problem('token-needed', detail, { headers: ['www-authenticate', 'Bearer'] })
  }

  #route({ method, target }: HttpHead): HttpAnswer | Work {
    const [path, text = ''] = splitAt(target, '?')
    if (path === PATH || path === REPLAY_PATH) {
      const query = readAdminQuery(text)
      if ('problem' in query) return problem('filter-invalid', query.problem)
      return path === PATH ? this.#letters(method, query) : this.#replay(method, query)
    }
    if (path.startsWith(`${PATH}/`)) return this.#letter(method, path.slice(PATH.length + 1))
    return problem('not-found', `Nothing is at ${path}; ${PATH} is.`)
  }

  #letters(method: string, { filter, limit, isAll }: AdminQuery): HttpAnswer | Work {
    if (method === 'GET') return async () => json(await this.#office.list(filter, limit))
    if (method !== 'DELETE') return notAllowed(method, 'GET, DELETE')
    if (isEverything(filter) && !isAll) {
      const detail = 'This would remove every dead letter. Say which, or say all=true.'
      return problem('filter-missing', detail)
    }
    return async () => json(await this.#office.purge(filter, limit))
  }

  #replay(method: string, { filter, limit }: AdminQuery): HttpAnswer | Work {
    if (method !== 'POST') return notAllowed(method, 'POST')
    return async () => json(await this.#office.replay(filter, limit))
  }

  #letter(method: string, receipt: string): HttpAnswer | Work {
    if (method !== 'GET') return notAllowed(method, 'GET')
    return async () => {
      const page = await this.#office.show(receipt)
      if (page !== null) return json(page)
      return problem('dead-letter-not-found', `No dead letter has the receipt ${receipt}.`)
    }
  }

  #taker(work: Work): BodyTaker {
    return {
      maxBodyBytes: BODY_MAX_BYTES,
      end: (_body, answer) => {
        work().then(answer, (error: Error) => {
          this.#log.error('dead letters cannot be had', { reason: error.message })
          const detail = `${error.message}. What was not answered as done is still kept.`
          const retryAfterSeconds = RETRY_AFTER_SECONDS
          const code = error instanceof DeskAwayError ? 'process-away' : 'dead-letters-failed'
          answer(problem(code, detail, { retryAfterSeconds }))
        })
      },
      tooLarge: () => problem('body-too-large', 'No body is needed here.'),
      abort() {},
    }
  }
}

/**
 * A page in a browser may not ask, neither openly (`Origin`) nor under a name of its own that it
 * has made point here: only addresses and localhost are names of ours.
 */
function refusalOfBrowser({ headers }: HttpHead): HttpAnswer | null {
  if (headerOf(headers, 'origin') !== null) {
    return problem('origin-refused', 'Pages in a browser may not ask here.')
  }
  const host = headerOf(headers, 'host') ?? ''
  if (/^(localhost|[0-9.]+|\[[0-9a-fA-F:.]+\])(:[0-9]+)?$/.test(host)) return null
  const detail = `The host is ${JSON.stringify(host)}; an address or localhost is needed.`
  return problem('origin-refused', detail)
}

/** Of one length, whatever was said. */
function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

function notAllowed(method: string, allowed: string): HttpAnswer {
  const detail = `${method} is not allowed here; ${allowed} is.`
  return problem('method-not-allowed', detail, { headers: ['allow', allowed] })
}

function json(body: unknown): HttpAnswer {
  const headers = ['content-type', 'application/json', 'cache-control', 'no-store']
  return { status: 200, headers, body: JSON.stringify(body) }
}

function splitAt(text: string, mark: string): [string, string?] {
  const at = text.indexOf(mark)
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)]
}
