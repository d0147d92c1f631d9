// A mapping made ready: from a request's head to how its body becomes a record.

import type { HttpAnswer, HttpHead } from '../host/index.ts'
import type { Ack, Mapping } from './config.ts'
import { type Ingest, ingestByHeader, ingestByPointer, keyOfHeader } from './ingest.ts'
import { jsonName } from './json-value.ts'
import { parsePointer } from './pointer.ts'

export interface Mapped {
  /** What its answers mean; null leaves it to the configuration. */
  readonly ack: Ack | null
  /** How to read the body, or the answer that the head already deserves. */
  ingestOf(head: HttpHead): Ingest | HttpAnswer
}

export function mapped({ stream, location, specification, ack }: Mapping): Mapped {
  if (location === 'body') {
    const path = parsePointer(specification)!.map(jsonName)
    const ingest = ingestByPointer(stream, specification, path)
    return { ack: ack ?? null, ingestOf: () => ingest }
  }
  const lowerCaseName = specification.toLowerCase()
  return {
    ack: ack ?? null,
    ingestOf(head) {
      const key = keyOfHeader(head, specification, lowerCaseName)
      return typeof key === 'string' ? ingestByHeader(stream, key) : key
    },
  }
}
