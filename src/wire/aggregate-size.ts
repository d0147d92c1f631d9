// How large an aggregate becomes, record by record, without writing it. The KPL has two answers:
// a cheap estimate that decides when to cut, and the accurate size that decides what must go back.

import type { HashKey } from '../record/index.ts'
import { decimalOf } from './decimal-of.ts'
import { DistinctKeys } from './distinct-keys.ts'
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
  #count = 0
  #dataBytes = 0
  #estimatedBytes = 0
  #messageBytes = 0
  #areKeysDistinct = true
  readonly #distinctKeys = new DistinctKeys()
  /** Of use when a key comes again, or an explicit one comes; made then. */
  #tables: KeyTables | null = null

  /**
   * Counts one more record, behind those before: `records` begins with them. Constant time, for all
   * of them together.
   */
  add(record: Aggregatable, records: readonly Aggregatable[]): void {
    const dataBytes = record.data.length
    const keyIndex = this.#isOfNewKey(record)
      ? this.#newEntry(record.partitionKey, this.#count)
      : this.#indexOf(record.partitionKey, this.#tablesOf(records).partitionKeys)
    let recordBytes = 2 + varintBytes(keyIndex) + varintBytes(dataBytes) + dataBytes
    if (record.explicitHashKey !== null) {
      const hashKeys = this.#tables!.explicitHashKeys
      const index = this.#indexOf(decimalOf(record.explicitHashKey), hashKeys)
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
    this.#count = 0
    this.#dataBytes = 0
    this.#estimatedBytes = 0
    this.#messageBytes = 0
    this.#areKeysDistinct = true
    this.#distinctKeys.clear()
  }

  /**
   * Each record has a partition key that no other has, and none an explicit hash key: whoever
   * writes the aggregate need not look for keys that are there already. False may mean that nobody
   * knows.
   */
  get areKeysDistinct(): boolean {
    return this.#areKeysDistinct
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

  #isOfNewKey({ partitionKey, explicitHashKey }: Aggregatable): boolean {
    if (!this.#areKeysDistinct || explicitHashKey !== null) return false
    return this.#distinctKeys.add(partitionKey)
  }

  /** The tables with the keys of all records so far. */
  #tablesOf(records: readonly Aggregatable[]): KeyTables {
    const tables = this.#tables ?? new KeyTables()
    this.#tables = tables
    if (!this.#areKeysDistinct) return tables
    this.#areKeysDistinct = false
    tables.partitionKeys.clear()
    tables.explicitHashKeys.clear()
    for (let i = 0; i < this.#count; i++) tables.partitionKeys.placeOf(records[i]!.partitionKey)
    return tables
  }

  #indexOf(key: string, table: KeyTable): number {
    const knownCount = table.count
    const index = table.placeOf(key)
    return index < knownCount ? index : this.#newEntry(key, index)
  }

  #newEntry(key: string, index: number): number {
    const keyBytes = utf8Bytes(key)
    this.#estimatedBytes += keyBytes + ESTIMATED_TABLE_ENTRY_BYTES
    this.#messageBytes += 1 + varintBytes(keyBytes) + keyBytes
    return index
  }
}

class KeyTables {
  readonly partitionKeys = new KeyTable()
  readonly explicitHashKeys = new KeyTable()
}
