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

  success(body: AnswerBody, format: BodyFormat): HttpAnswer {
    return this.#answer(200, format.contentType, encoded(body, format))
  }

  failure({ status, code, message }: ServiceError, format: BodyFormat): HttpAnswer {
    return this.#answer(status, format.contentType, format.encode({ __type: code, message }))
  }

  /** To what does not speak the protocol at all. */
  plainFailure({ status, code, message }: ServiceError): HttpAnswer {
    const xml = `<${code}>\n  <Message>${message}</Message>\n</${code}>\n`
    return this.#answer(status, 'application/xml', xml)
  }

  #answer(status: number, contentType: string, body: Buffer | string): HttpAnswer {
    const requestId = this.#newRequestId()
    const headers = [
      'x-amzn-RequestId',
      requestId,
      'x-amz-id-2',
      createHash('sha384').update(requestId).digest('base64'),
      'Date',
      this.#dateNow(),
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

  #dateNow(): string {
    const second = Math.floor(this.#clock.wallMs() / 1000)
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
