// A mapping made ready: from a request's head to how its body becomes a record.

import type { HttpAnswer, HttpHead } from '../host/index.ts'
import type { Ack, Mapping } from './config.ts'
import { type Ingest, reading } from './ingest.ts'
import { findJson } from './json-scan.ts'
import { soughtAt } from './json-value.ts'
import { MappedField, PARTITION_KEY, RECORD_ID } from './mapped-field.ts'
import { Quota } from './quota.ts'
import { keyOfRecordId } from './record-id.ts'

export interface Mapped {
  /** What its answers mean; null leaves it to the configuration. */
  readonly ack: Ack | null
  /** Null when everything may come. */
  readonly quota: Quota | null
  /** Its records bring an id along, which is their idempotency key. */
  readonly hasRecordIds: boolean
  /** How to read the body, or the answer that the head already deserves. */
  ingestOf(head: HttpHead): Ingest | HttpAnswer
}

export function mapped(mapping: Mapping): Mapped {
  const { resource, stream, recordId } = mapping
  const key = new MappedField(PARTITION_KEY, mapping)
  const id = recordId === undefined ? null : new MappedField(RECORD_ID, recordId)
  const sought = soughtAt(...[key.path, id?.path ?? null].filter((path) => path !== null))
  const idAt = key.path === null ? 0 : 1

  /** Null stands for what is in the body. Bytes are stored as they came. */
  const ingestWith = (headKey: string | null, headId: string | null): Ingest =>
    reading((body) => {
      const values = findJson(body, sought)
      const partitionKey = headKey ?? key.ofBody(body, values[0]!)
      if (typeof partitionKey !== 'string') return partitionKey
      if (id === null) return { stream, partitionKey, data: body, idempotencyKey: null }
      const recordId = headId ?? id.ofBody(body, values[idAt]!)
      if (typeof recordId !== 'string') return recordId
      const idempotencyKey = keyOfRecordId(resource, recordId)
      return { stream, partitionKey, data: body, idempotencyKey }
    })

  const ingestOfBody = ingestWith(null, null)
  return {
    ack: mapping.ack ?? null,
    quota: mapping.quota === undefined ? null : new Quota(mapping.quota),
    hasRecordIds: id !== null,
    ingestOf(head) {
      const headKey = key.ofHead(head)
      if (headKey !== null && typeof headKey !== 'string') return headKey
      const headId = id === null ? null : id.ofHead(head)
      if (headId !== null && typeof headId !== 'string') return headId
      return headKey === null && headId === null ? ingestOfBody : ingestWith(headKey, headId)
    },
  }
}
