// Looks at the spool of a machine over all its processes: the ledger goes on where it was, receipts
// say what became of their records, and the dead letters are what failed.

import assert from 'node:assert'
import type { Line, SpooledLineParts } from '../assemble.ts'
import { ALL_LETTERS, type KeptLetter } from '../dead-letters/index.ts'
import type { LedgerCounts } from '../gateway/index.ts'
import { DiskError } from '../host/index.ts'
import type { Place } from '../record/index.ts'
import { NO_DISK_FAULTS } from './faults.ts'
import type { NodeSettings } from './line-settings.ts'
import { type BookedRecord, passesOf, type RecordBook } from './record-book.ts'
import type { Shelf } from './shelf.ts'
import type { World } from './world.ts'

export function isSpooled(line: Line): line is SpooledLineParts {
  return 'spool' in line
}

export class SpoolWitness {
  /** Receipts that were given, each with its record. */
  readonly receipts = new Map<string, BookedRecord>()
  /** Records that were in the spool when the process started. */
  startCount = 0
  readonly #world: World
  readonly #book: RecordBook
  readonly #settings: NodeSettings
  readonly #letters = new Set<BookedRecord>()
  /** Records that wait for the disk, as of the last event. */
  #waitingCount = 0
  /** Of these, when a process ended: on the disk in parts, perhaps, and promised to nobody. */
  #undecidedCount = 0
  #start: LedgerCounts | null = null
  /** As the last process closed it; null when it did not. */
  #closed: LedgerCounts | null = null

  constructor(world: World, book: RecordBook, settings: NodeSettings) {
    this.#world = world
    this.#book = book
    this.#settings = settings
  }

  get isDiskFaulty(): boolean {
    return this.#settings.diskFaults !== NO_DISK_FAULTS
  }

  get #maySyncFail(): boolean {
    return this.#settings.diskFaults.errorPerMille > 0
  }

  /** On a full disk the oldest receipts may go; because the spool is full none does. */
  get #mayForget(): boolean {
    return this.#settings.diskFaults.capacityBytes !== null || this.#maySyncFail
  }

  /** The record is among the dead letters, or was thrown away from there; known after `read`. */
  hasLetter(booked: BookedRecord): boolean {
    return this.#letters.has(booked)
  }

  /** Only a disk may keep it from starting, and only while the world lets disks fail. */
  checkNoStart(error: Error): void {
    const isAllowed = error instanceof DiskError && this.#world.areFaultsOn && this.isDiskFaulty
    if (!isAllowed) throw error
  }

  onStart({ gateway, spool }: SpooledLineParts): void {
    const ledger = gateway.ledger
    this.#start = ledger
    this.startCount = ledger.outstanding
    this.#undecidedCount += this.#waitingCount
    this.#waitingCount = 0
    const closed = this.#closed
    this.#closed = null
    // Where a sync failed, what it did not confirm may be torn, or be gone with the power: counts,
    // receipts, records that were refused. Of durable records that is no excuse.
    if (this.#maySyncFail) return
    if (closed !== null) assert.deepEqual(ledger, closed)
    const { successes, failures, outstanding } = ledger
    const keptCount = successes + failures + outstanding
    const { size } = this.receipts
    assert(keptCount >= size, `the ledger knows of ${keptCount} records; ${size} have receipts`)
    const { damagedRecords } = spool.stats
    const undecided = this.#undecidedCount
    assert(damagedRecords <= undecided, `${damagedRecords} records are damaged, not ${undecided}`)
  }

  onClose({ gateway }: SpooledLineParts, left: number): void {
    this.#closed = gateway.ledger
    const { outstanding } = gateway.ledger
    assert(left === outstanding, `closing left ${left} records; the ledger has ${outstanding}`)
  }

  /** After every event. */
  check({ gateway, spool }: SpooledLineParts, shelf: Shelf): void {
    const { successes, failures } = gateway.ledger
    const start = this.#start!
    const delivered = successes - start.successes
    const failed = failures - start.failures
    assert(delivered <= shelf.deliveredCount, `the ledger's successes: ${successes}`)
    assert(failed <= shelf.failedCount - shelf.closedCount, `the ledger's failures: ${failures}`)
    const { unsettledRecords, waitingRecords } = spool.stats
    this.#waitingCount = waitingRecords
    const inside = unsettledRecords + waitingRecords
    assert(
      gateway.insideCount === inside,
      `inside are ${gateway.insideCount}, the spool has ${inside}`,
    )
  }

  /** Whose letter it is, which somebody has read. */
  look({ data, partitionKey, stream }: KeptLetter): BookedRecord {
    const booked = this.#book.find(data)
    const isSame = booked.data.equals(data) && booked.partitionKey === partitionKey
    assert(isSame && booked.stream === stream, `the dead letter of ${booked.id} is another`)
    const hasFailed = passesOf(booked).some(({ result }) => result?.isDelivered === false)
    assert(hasFailed, `record ${booked.id} is a dead letter and has not failed`)
    this.#letters.add(booked)
    return booked
  }

  /** Its letter is to go to the spool again: from now on it is in one of the two. */
  sendAgain(booked: BookedRecord): void {
    booked.isReplayed = true
    this.#letters.delete(booked)
  }

  /** Asks for every receipt, and reads every dead letter. */
  async read({ spool, deadLetters }: SpooledLineParts): Promise<void> {
    for await (const letters of deadLetters.read(deadLetters.find(ALL_LETTERS))) {
      for (const letter of letters) this.look(letter)
    }
    for (const [receipt, booked] of this.receipts) {
      const state = await spool.receipt(receipt)
      const { id } = booked
      if (state.state === 'unknown' && this.#mayForget) continue
      // That it went again is in a file of its own, which a failed sync may have lost.
      if (state.state === 'dead-lettered' && booked.isReplayed && this.#maySyncFail) continue
      assert(state.state !== 'unknown' && state.state !== 'pending', `${receipt}: ${state.state}`)
      if (state.state === 'delivered') assert(wasAt(booked, state.place), `${id}: wrong place`)
      else assert(this.#letters.has(booked), `record ${id}: no dead letter, says its receipt`)
    }
  }
}

function wasAt(booked: BookedRecord, place: Place): boolean {
  return passesOf(booked).some(({ result }) => {
    if (!result?.isDelivered) return false
    const { shardId, sequenceNumber, subSequenceNumber } = result.place
    return (
      shardId === place.shardId &&
      sequenceNumber === place.sequenceNumber &&
      subSequenceNumber === place.subSequenceNumber
    )
  })
}
