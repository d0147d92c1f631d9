// Calls Kinesis as a program with an SDK would, for what in the world is no producer.

import { isAnswer, type Network } from '../host/index.ts'
import { contentTypeOf, decodeAnswer, encodeRequest, targetOf } from '../wire/index.ts'
import type { SimProcess } from './machine.ts'

const REQUEST_TIMEOUT_MS = 60_000

export type Fields = Record<string, unknown>

export interface CallAnswer {
  /** 0 when none came. */
  readonly status: number
  readonly fields: Fields
}

export class KinesisCaller {
  readonly #network: Network
  readonly #process: SimProcess
  readonly #origin: string

  constructor(process: SimProcess, origin: string) {
    this.#network = process.network
    this.#process = process
    this.#origin = origin
  }

  async call(action: string, payload: object): Promise<CallAnswer> {
    const answer = await this.#network.exchange(
      {
        origin: this.#origin,
        method: 'POST',
        target: '/',
        headers: ['content-type', contentTypeOf('json'), 'x-amz-target', targetOf(action)],
        body: encodeRequest('json', action, payload),
      },
      this.#process.clock.monotonicMs() + REQUEST_TIMEOUT_MS,
    )
    if (!isAnswer(answer)) return { status: 0, fields: {} }
    const { status, body } = answer
    return { status, fields: fieldsIn(Buffer.from(body)) }
  }
}

/** Something in front of the service may answer with what is no JSON. */
function fieldsIn(body: Buffer): Fields {
  try {
    return decodeAnswer('json', body) as Fields
  } catch {
    return {}
  }
}
