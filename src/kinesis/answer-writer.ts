// From what an operation gives to an HTTP answer with the headers that the service sends.

import { createHash } from 'node:crypto'
import type { Clock, HttpAnswer, Random } from '../host/index.ts'
import type { BodyFormat } from './body-format.ts'
import { httpDate } from './civil-time.ts'
import type { AnswerBody } from './operation.ts'
import type { ServiceError } from './service-error.ts'

export class AnswerWriter {
  readonly #clock: Clock
  readonly #random: Random
  #dateSecond = Number.NaN
  #date = ''

  constructor(clock: Clock, random: Random) {
    this.#clock = clock
    this.#random = random
  }

  /** `skewMs`: how far the clock that it tells is ahead of ours. */
  success(body: AnswerBody, format: BodyFormat, skewMs = 0): HttpAnswer {
    return this.#answer(200, format.contentType, encoded(body, format), skewMs)
  }

  failure({ status, code, message }: ServiceError, format: BodyFormat, skewMs = 0): HttpAnswer {
    const body = format.encode({ __type: code, message })
    return this.#answer(status, format.contentType, body, skewMs)
  }

  /** To what does not speak the protocol at all. */
  plainFailure({ status, code, message }: ServiceError): HttpAnswer {
    const xml = `<${code}>\n  <Message>${message}</Message>\n</${code}>\n`
    return this.#answer(status, 'application/xml', xml)
  }

  #answer(status: number, contentType: string, body: Buffer | string, skewMs = 0): HttpAnswer {
    const requestId = this.#newRequestId()
    const headers = [
      'x-amzn-RequestId',
      requestId,
      'x-amz-id-2',
      createHash('sha384').update(requestId).digest('base64'),
      'Date',
      this.#dateNow(skewMs),
      'Content-Type',
      contentType,
    ]
    return { status, headers, body }
  }

  /** In the form of a UUID. */
  #newRequestId(): string {
    const words = Array.from({ length: 4 }, () => this.#random.below(2 ** 32))
    const digits = words.map((word) => word.toString(16).padStart(8, '0')).join('')
    return [
      digits.slice(0, 8),
      digits.slice(8, 12),
      digits.slice(12, 16),
      digits.slice(16, 20),
      digits.slice(20),
    ].join('-')
  }

  #dateNow(skewMs: number): string {
    const second = Math.floor((this.#clock.wallMs() + skewMs) / 1000)
    if (second !== this.#dateSecond) {
      this.#dateSecond = second
      this.#date = httpDate(second * 1000)
    }
    return this.#date
  }
}

function encoded(body: AnswerBody, format: BodyFormat): Buffer | string {
  if (body === null) return ''
  return typeof body === 'string' || Buffer.isBuffer(body) ? body : format.encode(body)
}
