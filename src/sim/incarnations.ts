// Which streams of one name there were, one after the other: a stream that is deleted and made
// anew has the old one's name and its shards' names, and none of its records.

import assert from 'node:assert'
import type { HttpService } from '../host/index.ts'
import { contentTypeOf, decodeAnswer, encodeRequest, targetOf } from '../wire/index.ts'

/** One of them; the identifier is learned from the service, a moment later. */
export interface Incarnation {
  readonly number: number
  id: string | null
}

export class Incarnations {
  readonly #current = new Map<string, Incarnation>()
  #count = 0

  /** The one that takes what arrives now. */
  of(stream: string): Incarnation {
    return this.#current.get(stream) ?? this.begin(stream)
  }

  /** From here on it may be another one. */
  begin(stream: string): Incarnation {
    const incarnation = { number: this.#count++, id: null }
    this.#current.set(stream, incarnation)
    return incarnation
  }

  /** Asks the service which one there is now; it answers before the world goes on. */
  learn(service: HttpService, stream: string): void {
    const body = encodeRequest('json', 'DescribeStreamSummary', { StreamName: stream })
    const type = ['content-type', contentTypeOf('json'), 'content-length', `${body.length}`]
    const headers = [...type, 'x-amz-target', targetOf('DescribeStreamSummary')]
    const taker = service.begin({ method: 'POST', target: '/', headers })
    if ('status' in taker) return
    taker.end(body, (answer) => {
      if (answer.status === 200) this.#onLearned(stream, idIn(Buffer.from(answer.body)))
    })
  }

  #onLearned(stream: string, id: string): void {
    const current = this.of(stream)
    if (current.id === id) return
    if (current.id === null) current.id = id
    else this.begin(stream).id = id
  }
}

function idIn(body: Buffer): string {
  const answer = decodeAnswer('json', body) as { StreamDescriptionSummary: { StreamId: string } }
  const { StreamId: id } = answer.StreamDescriptionSummary
  assert(typeof id === 'string', 'a stream without identifier')
  return id
}
