// Where the command `dead-letters` works: a running gateway's admin address, or the data directory
// when no gateway has it.

import {
  type AdminQuery,
  adminQueryText,
  type Desk,
  type LetterFilter,
  type LetterPage,
  type Listing,
  type Purged,
  type Replayed,
} from '../dead-letters/index.ts'
import { EXIT, ExitError } from './exit.ts'

/** Over HTTP. */
export class HttpDesk implements Desk {
  readonly #origin: string
  readonly #headers: Readonly<Record<string, string>>

  /** `origin` such as `http://127.0.0.1:8081`; `token` is empty when none is needed. */
  constructor(origin: string, token = '') {
    this.#origin = origin.replace(/\/+$/, '')
    this.#headers = token === '' ? {} : { authorization: `Bearer ${token}` }
  }

  list(filter: LetterFilter, limit: number): Promise<Listing> {
    return this.#order('GET', '', { filter, limit, isAll: false })
  }

  async show(receipt: string): Promise<LetterPage | null> {
    const target = `/dead-letters/${encodeURIComponent(receipt)}`
    const { status, text } = await this.#ask('GET', target)
    const body = documentOf(text)
    if (status === 200) return body as LetterPage
    if (codeOf(body) === 'dead-letter-not-found') return null
    throw this.#refused(status, body)
  }

  replay(filter: LetterFilter, limit: number): Promise<Replayed> {
    return this.#order('POST', '/replay', { filter, limit, isAll: false })
  }

  purge(filter: LetterFilter, limit: number): Promise<Purged> {
    return this.#order('DELETE', '', { filter, limit, isAll: true })
  }

  async #order<T>(method: string, path: string, query: AdminQuery): Promise<T> {
    const target = `/dead-letters${path}?${adminQueryText(query)}`
    const { status, text } = await this.#ask(method, target)
    const body = documentOf(text)
    if (status === 200 && body !== null) return body as T
    throw this.#refused(status, body)
  }

  async #ask(method: string, target: string): Promise<{ status: number; text: string }> {
    try {
      const answer = await fetch(this.#origin + target, { method, headers: this.#headers })
      return { status: answer.status, text: await answer.text() }
    } catch (error) {
      const { message, cause } = error as Error
      const why = cause instanceof Error ? cause.message : message
      const remedy =
        'Is that the admin address of a gateway that runs (admin.port)? Name it with --admin.'
      throw new ExitError(EXIT.failed, `No answer from ${this.#origin} (${why}). ${remedy}`)
    }
  }

  #refused(status: number, body: unknown): ExitError {
    const { detail } = (body ?? {}) as { detail?: string }
    const what = detail ?? 'it is no admin address of a gateway; name it with --admin.'
    return new ExitError(EXIT.failed, `${this.#origin} says ${status}: ${what}`)
  }
}

function documentOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function codeOf(body: unknown): unknown {
  return (body as { code?: unknown } | null)?.code
}
