// One HTTP answer after the other out of a socket's bytes. Answers carry a `content-length`. Cheap
// for the usual one, which comes in one piece: what reads answers shares a core with others.

export interface ReadAnswer {
  readonly status: number
  /** The problem's code, or the status where there is none. */
  readonly code: string
}

const HEAD_END = '\r\n\r\n'
const LENGTH_NAME = '\r\ncontent-length: '
const DIGIT_0 = 48
const STATUS_AT = 'HTTP/1.1 '.length

export class AnswerReader {
  #begun: Buffer | null = null

  /** The answer that these bytes complete; null when more are to come. */
  take(bytes: Buffer): ReadAnswer | null {
    const all = this.#begun === null ? bytes : Buffer.concat([this.#begun, bytes])
    const headEnd = all.indexOf(HEAD_END)
    const bodyAt = headEnd + HEAD_END.length
    if (headEnd === -1 || all.length < bodyAt + lengthIn(all, headEnd)) {
      this.#begun = all
      return null
    }
    this.#begun = null
    const status = numberAt(all, STATUS_AT)
    if (status < 300) return { status, code: String(status) }
    const code = /"code":"([a-z-]+)"/.exec(all.toString('latin1', bodyAt))?.[1]
    return { status, code: code ?? String(status) }
  }
}

function lengthIn(bytes: Buffer, headEnd: number): number {
  const at = bytes.indexOf(LENGTH_NAME)
  if (at !== -1 && at < headEnd) return numberAt(bytes, at + LENGTH_NAME.length)
  const head = bytes.toString('latin1', 0, headEnd)
  return Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
}

function numberAt(bytes: Buffer, at: number): number {
  let value = 0
  for (let i = at; i < bytes.length; i++) {
    const digit = bytes[i]! - DIGIT_0
    if (digit < 0 || digit > 9) break
    value = 10 * value + digit
  }
  return value
}
