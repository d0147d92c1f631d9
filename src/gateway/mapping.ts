// A mapping made ready: from a request's head to how its body becomes a record.

import type { HttpAnswer, HttpHead } from '../host/index.ts'
import type { Ack, Mapping } from './config.ts'
import { type Ingest, ingestByHeader, ingestByPointer, keyOfHeader } from './ingest.ts'
import { jsonName } from './json-value.ts'
import { parsePointer } from './pointer.ts'
import { Quota } from './quota.ts'

export interface Mapped {
  /** What its answers mean; null leaves it to the configuration. */
  readonly ack: Ack | null
  /** Null when everything may come. */
  readonly quota: Quota | null
  /** How to read the body, or the answer that the head already deserves. */
  ingestOf(head: HttpHead): Ingest | HttpAnswer
}

export function mapped(mapping: Mapping): Mapped {
  const { stream, location, specification } = mapping
  const ack = mapping.ack ?? null
  const quota = mapping.quota === undefined ? null : new Quota(mapping.quota)
  if (location === 'body') {
    const path = parsePointer(specification)!.map(jsonName)
    const ingest = ingestByPointer(stream, specification, path)
    return { ack, quota, ingestOf: () => ingest }
  }
  const lowerCaseName = specification.toLowerCase()
  return {
    ack,
    quota,
    ingestOf(head) {
      const key = keyOfHeader(head, specification, lowerCaseName)
      return typeof key === 'string' ? ingestByHeader(stream, key) : key
    },
  }
}
