import {
  type BodyTaker,
  CUT,
  type HttpAnswer,
  type HttpHead,
  type HttpService,
} from '../../src/host/index.ts'

export const MAX_BODY_BYTES = 300_000
export const FULL_BYTES = 100_000
/** More than the system keeps for a client that does not read. */
export const LARGE_BYTES = 16 * 1024 * 1024

/**
 * Keeps what it gets. `/refuse` is refused by its head, `/large` answered at once with
 * `LARGE_BYTES`, `/full` is refused when more than `FULL_BYTES` of its body have come, `/hold` is
 * answered by `release`, `/cut` and `/cut-late` are cut before and after their body.
 */
export class RecordingService implements HttpService {
  readonly requests: { readonly head: HttpHead; readonly body: Buffer }[] = []
  beginCount = 0
  abortCount = 0
  readonly #held: ((answer: HttpAnswer) => void)[] = []
  #waiting: (() => void)[] = []

  begin(head: HttpHead): HttpAnswer | BodyTaker {
    this.beginCount++
    this.#look()
    if (head.target === '/refuse') {
      return { status: 429, headers: ['retry-after', '1'], body: 'refused' }
    }
    if (head.target === '/cut') return CUT
    if (head.target === '/large') return { status: 200, headers: [], body: 'x'.repeat(LARGE_BYTES) }
    let roomBytes = head.target === '/full' ? FULL_BYTES : MAX_BODY_BYTES
    return {
      maxBodyBytes: MAX_BODY_BYTES,
      more: (bytes) => {
        roomBytes -= bytes
        return roomBytes < 0 ? { status: 503, headers: [], body: 'full' } : null
      },
      end: (body, answer) => {
        this.requests.push({ head, body })
        if (head.target === '/hold') this.#held.push(answer)
        else if (head.target === '/cut-late') answer(CUT)
        else answer({ status: 200, headers: ['x-answer', 'yes'], body: `got ${body.length}` })
        this.#look()
      },
      tooLarge: () => ({ status: 413, headers: [], body: 'too large' }),
      abort: () => {
        this.abortCount++
        this.#look()
      },
    }
  }

  /** Answers all that is held, or the oldest of it. */
  release(body: string, maxCount = Number.POSITIVE_INFINITY): void {
    for (const answer of this.#held.splice(0, maxCount)) {
      answer({ status: 200, headers: [], body: Buffer.from(body) })
    }
  }

  /** Resolves when something that the service sees has made `isReached` true. */
  until(isReached: () => boolean): Promise<void> {
    if (isReached()) return Promise.resolve()
    return new Promise((resolve) => {
      const look = () => {
        if (isReached()) resolve()
        else this.#waiting.push(look)
      }
      this.#waiting.push(look)
    })
  }

  #look(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const look of waiting) look()
  }
}
