// How large an aggregate becomes, record by record, without writing it. The KPL has two answers:
// a cheap estimate that decides when to cut, and the accurate size that decides what must go back.

import type { HashKey } from '../record/index.ts'
import { decimalOf } from './decimal-of.ts'
import { KeyTable } from './key-table.ts'
import { utf8Bytes } from './utf8.ts'
import { varintBytes } from './varint.ts'

/** What aggregation asks of a record; a `UserRecord` is one. */
export interface Aggregatable {
  readonly partitionKey: string
  readonly explicitHashKey: HashKey | null
  readonly data: Uint8Array
}

/** Magic (4) and MD5 (16) round the protobuf message. */
export const FRAME_BYTES = 20

/** The KPL's estimate: so much for each record beside its data, … */
const ESTIMATED_RECORD_BYTES = 5
/** … for its reference to an explicit hash key, … */
const ESTIMATED_REFERENCE_BYTES = 2
/** … and for each new entry of a table beside its text. */
const ESTIMATED_TABLE_ENTRY_BYTES = 3

export class AggregateSize {
  readonly #partitionKeys = new KeyTable()
  readonly #explicitHashKeys = new KeyTable()
  #count = 0
  #dataBytes = 0
  #estimatedBytes = 0
  #messageBytes = 0

  /** Counts one more record, behind those before. Constant time. */
  add(record: Aggregatable): void {
    const dataBytes = record.data.length
    const keyIndex = this.#indexOf(record.partitionKey, this.#partitionKeys)
    let recordBytes = 2 + varintBytes(keyIndex) + varintBytes(dataBytes) + dataBytes
    if (record.explicitHashKey !== null) {
      const index = this.#indexOf(decimalOf(record.explicitHashKey), this.#explicitHashKeys)
      recordBytes += 1 + varintBytes(index)
      this.#estimatedBytes += ESTIMATED_REFERENCE_BYTES
    }
    this.#count++
    this.#dataBytes += dataBytes
    this.#estimatedBytes += dataBytes + ESTIMATED_RECORD_BYTES
    this.#messageBytes += 1 + varintBytes(recordBytes) + recordBytes
  }

  /** For another aggregate. */
  clear(): void {
    this.#partitionKeys.clear()
    this.#explicitHashKeys.clear()
    this.#count = 0
    this.#dataBytes = 0
    this.#estimatedBytes = 0
    this.#messageBytes = 0
  }

  /** Records so far. */
  get count(): number {
    return this.#count
  }

  /** The KPL's estimate; exact below two records, without the frame's 20 bytes from there on. */
  estimatedBytes(): number {
    return this.#count < 2 ? this.#dataBytes : this.#estimatedBytes
  }

  /** What is sent: one record's data as it is, the whole aggregate from two records on. */
  accurateBytes(): number {
    return this.#count < 2 ? this.#dataBytes : this.framedBytes()
  }

  /** The aggregate's size even when it holds fewer than two records. */
  framedBytes(): number {
    return FRAME_BYTES + this.#messageBytes
  }

  #indexOf(key: string, table: KeyTable): number {
    const knownCount = table.count
    const index = table.placeOf(key)
    if (index < knownCount) return index
    const keyBytes = utf8Bytes(key)
    this.#estimatedBytes += keyBytes + ESTIMATED_TABLE_ENTRY_BYTES
    this.#messageBytes += 1 + varintBytes(keyBytes) + keyBytes
    return index
  }
}
