// Answers as HTTP/1.1 writes them: the same lines in the same order as in Node's own responses.

import { STATUS_CODES, validateHeaderName, validateHeaderValue } from 'node:http'
import { type HttpAnswer, headerOf } from '../network.ts'

/** By status. */
const STATUS_LINES = new Map(
  Object.entries(STATUS_CODES).map(([code, phrase]) => [
    Number(code),
    `HTTP/1.1 ${code} ${phrase}\r\n`,
  ]),
)

/** An answer beside Node's responses, which refuses what became no request: the last there is. */
export function rawAnswer({ status, headers, body }: HttpAnswer): Buffer {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  let head = `${statusLine(status)}connection: close\r\n`
  for (let i = 0; i + 1 < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`
  return Buffer.concat([Buffer.from(`${head}content-length: ${bytes.length}\r\n\r\n`), bytes])
}

/** A 102: the answer is still to come (RFC 2518, 10.1). */
export const PROCESSING = `${statusLine(102)}\r\n`

export function hasBody({ status }: HttpAnswer): boolean {
  return status !== 204 && status !== 304
}

/** Writes the heads of answers, and keeps those of their lines that are always the same. */
export class AnswerHeads {
  readonly #keepAlive: string
  #dateAtS = 0
  #date = ''

  constructor(keepAliveTimeoutMs: number) {
    const seconds = Math.floor(keepAliveTimeoutMs / 1000)
    this.#keepAlive = `Connection: keep-alive\r\nKeep-Alive: timeout=${seconds}\r\n\r\n`
  }

  /** The head, its empty line included. Throws what Node throws for a header that cannot be one. */
  textOf(answer: HttpAnswer, bodyBytes: number, isLast: boolean): string {
    const { headers } = answer
    let text = statusLine(answer.status)
    for (let i = 0; i + 1 < headers.length; i += 2) {
      const name = headers[i]!
      const value = headers[i + 1]!
      validateHeaderName(name)
      validateHeaderValue(name, value)
      text += `${name}: ${value}\r\n`
    }
    if (hasBody(answer)) text += `content-length: ${bodyBytes}\r\n`
    if (isLast && headerOf(headers, 'connection') === null) text += 'connection: close\r\n'
    if (headerOf(headers, 'date') === null) text += this.#dateLine()
    return text + (isLast ? '\r\n' : this.#keepAlive)
  }

  #dateLine(): string {
    const nowS = Math.floor(Date.now() / 1000)
    if (nowS !== this.#dateAtS) {
      this.#dateAtS = nowS
      this.#date = `Date: ${new Date(nowS * 1000).toUTCString()}\r\n`
    }
    return this.#date
  }
}

function statusLine(status: number): string {
  return STATUS_LINES.get(status) ?? `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'unknown'}\r\n`
}
