// One HTTP answer after the other out of a socket's bytes. Answers carry a `content-length`.

export interface ReadAnswer {
  readonly status: number
  /** The problem's code, or the status where there is none. */
  readonly code: string
}

export class AnswerReader {
  #text = ''

  /** The answer that these bytes complete; null when more are to come. */
  take(bytes: Buffer): ReadAnswer | null {
    this.#text += bytes.toString('latin1')
    const headEnd = this.#text.indexOf('\r\n\r\n')
    if (headEnd === -1) return null
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(this.#text)?.[1] ?? 0)
    if (this.#text.length < headEnd + 4 + length) return null
    const status = Number(this.#text.slice(9, 12))
    const code = /"code":"([a-z-]+)"/.exec(this.#text)?.[1] ?? String(status)
    this.#text = ''
    return { status, code }
  }
}
