// The records of one process, and their counts: what its own counts must agree with.

import assert from 'node:assert'
import type { RecordResult } from '../record/index.ts'
import type { BookedRecord, Pass } from './record-book.ts'

export class Shelf {
  readonly #isOrdered: boolean
  readonly #outstanding = new Set<BookedRecord>()
  /** Where order is kept: of each key, in the order in which they entered. */
  readonly #unsettled = new Map<string, Set<BookedRecord>>()
  readonly #seen = new Set<BookedRecord>()
  /** Further copies of outstanding records. */
  readonly #twins = new Set<Pass>()
  /** Of keys that had such: which copy is where cannot be told. */
  readonly #unordered = new Set<ReadonlySet<BookedRecord>>()
  /** Of the outstanding records, those that came over HTTP. */
  fromClientsCount = 0
  /** Of those that came over HTTP. */
  deliveredCount = 0
  failedCount = 0
  /** Of these, those that the closing of the producer left. */
  closedCount = 0

  constructor(isOrdered: boolean) {
    this.#isOrdered = isOrdered
  }

  get outstandingCount(): number {
    return this.#outstanding.size + this.#twins.size
  }

  /**
   * The unsettled records of its key, oldest first; always the same set. Null without order, and
   * where it cannot be told.
   */
  unsettledLike(booked: BookedRecord): ReadonlySet<BookedRecord> | null {
    if (!this.#isOrdered) return null
    const unsettled = this.#unsettledLike(booked)
    return this.#unordered.has(unsettled) ? null : unsettled
  }

  #unsettledLike({ stream, partitionKey, record }: BookedRecord): Set<BookedRecord> {
    const key = JSON.stringify([stream, partitionKey, `${record!.explicitHashKey}`])
    let unsettled = this.#unsettled.get(key)
    if (unsettled === undefined) {
      unsettled = new Set()
      this.#unsettled.set(key, unsettled)
    }
    return unsettled
  }

  /** The process has had it. */
  has(booked: BookedRecord): boolean {
    return this.#seen.has(booked)
  }

  isOutstanding(booked: BookedRecord): boolean {
    return this.#outstanding.has(booked)
  }

  enterTwin(booked: BookedRecord, twin: Pass): void {
    this.#twins.add(twin)
    this.#unordered.add(this.#unsettledLike(booked))
    if (booked.isFromClient) this.fromClientsCount++
  }

  leaveTwin(booked: BookedRecord, twin: Pass): void {
    assert(this.#twins.delete(twin), `record ${booked.id} settled elsewhere`)
    if (booked.isFromClient) this.#count(twin.result!)
  }

  enter(booked: BookedRecord): void {
    this.#seen.add(booked)
    this.#outstanding.add(booked)
    this.#unsettledLike(booked).add(booked)
    if (booked.isFromClient) this.fromClientsCount++
  }

  leave(booked: BookedRecord): void {
    assert(this.#outstanding.delete(booked), `record ${booked.id} settled elsewhere`)
    this.#unsettledLike(booked).delete(booked)
    if (booked.isFromClient) this.#count(booked.result!)
  }

  #count(result: RecordResult): void {
    this.fromClientsCount--
    if (result.isDelivered) this.deliveredCount++
    else {
      this.failedCount++
      if (result.code === 'Closed') this.closedCount++
    }
  }

  /** The process has crashed with all that it had. */
  abandon(): void {
    for (const pass of [...this.#outstanding, ...this.#twins]) pass.isAbandoned = true
    this.#outstanding.clear()
    this.#twins.clear()
  }
}
