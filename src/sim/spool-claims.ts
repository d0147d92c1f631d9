// What must hold of the spool of a world: at each start, after every event, and at rest.

import assert from 'node:assert'
import type { Spool, SpoolTotals } from '../spool/index.ts'
import type { SimDisk } from './sim-disk.ts'
import type { BookedRecord, BookedTransaction, SpoolBook } from './spool-book.ts'
import type { SpoolLife } from './spool-line.ts'
import { hasDiskErrors, type SpoolSettings } from './spool-settings.ts'

const KEYS_MAX_BYTES = 4 * 1024
/** No world lasts so long before it comes to rest. */
const LONG_MS = 3_600_000
/** More than a key takes. */
const KEY_MAX_BYTES = 160
/** Of the spool's size that receipts may take, and keys as much again. */
const RECEIPTS_MAX_SHARE = 0.25
/** More than its receipts, or its keys. */
const ALL_COUNT = 100_000
/** What has to go has gone in so many ms, when the disk works. */
export const TIDIED_AFTER_MS = 5_000

export interface ClaimsParts {
  readonly settings: SpoolSettings
  readonly book: SpoolBook
  readonly disk: SimDisk
  readonly exhaustedCount: () => number
  readonly rotCount: () => number
}

export class SpoolClaims {
  readonly #parts: ClaimsParts
  /** As the last life closed it; null when it did not. */
  #closed: SpoolTotals | null = null
  /** What this life has let go of its receipts by the last event, and whether any life has. */
  #forgottenReceipts = 0
  #hasForgotten = false

  constructor(parts: ClaimsParts) {
    this.#parts = parts
  }

  /** Nothing is lost, damaged or late for reasons of the disk's. */
  get #isExact(): boolean {
    return !hasDiskErrors(this.#parts.settings) && this.#parts.rotCount() === 0
  }

  /** No receipt goes before the world ends. */
  get #keepsAll(): boolean {
    const isLong = this.#parts.settings.config.receipts.retentionMs >= LONG_MS
    return this.#isExact && isLong && !this.#hasForgotten
  }

  get #receiptsMaxBytes(): number {
    const { receipts, spool } = this.#parts.settings.config
    return Math.min(receipts.maxBytes, RECEIPTS_MAX_SHARE * spool.maxBytes)
  }

  closed(spool: Spool): void {
    this.#closed = spool.totals
  }

  /** No durable record may be missing in the totals, and none be there that never was. */
  start(spool: Spool, nowWallMs: number): void {
    const { totals } = spool
    const { book, disk } = this.#parts
    const closed = this.#closed
    this.#closed = null
    this.#forgottenReceipts = 0
    // The life before may have decided which receipts go, and ended before it told anybody.
    if (disk.bytesOf(isOutcomes) > this.#receiptsMaxBytes) this.#hasForgotten = true
    this.#promiseKeys(spool)
    this.#checkKeys(spool, nowWallMs)
    if (!this.#isExact) return
    if (closed !== null) assert.deepEqual(totals, closed, 'the totals are not as they were closed')
    assert(totals.exhausted <= this.#parts.exhaustedCount(), `${totals.exhausted} turned away`)
    const sum = totals.successes + totals.failures + totals.unsettled
    const durable = book.countOf('durable')
    const perhaps = book.countOf('perhaps')
    assert(sum >= durable && sum <= durable + perhaps, `${sum} of ${durable} + ${perhaps}`)
  }

  /** Whoever sends a key again whose records are durable is told so: a promise. */
  #promiseKeys(spool: Spool): void {
    for (const booked of this.#parts.book.transactions) {
      if (booked.state !== 'perhaps' || booked.key === null) continue
      const known = spool.idempotency(booked.key)
      if (known?.isDurable) this.#parts.book.promised(booked, known.receipts)
    }
  }

  #checkKeys(spool: Spool, nowWallMs: number): void {
    const { book, settings } = this.#parts
    const { maxAgeMs, maxCount } = settings.config.idempotency
    // Whatever becomes of receipts, and however full the spool was.
    const isKept = this.#isExact && maxCount >= ALL_COUNT
    let knownCount = 0
    for (const booked of book.transactions) {
      const { key, state, arrivedAtMs } = booked
      if (key === null) continue
      const ageMs = nowWallMs - arrivedAtMs
      const isKnown = spool.idempotency(key) !== null
      if (isKnown) knownCount++
      assert(!isKnown || ageMs <= maxAgeMs, `the key ${key} is known after ${ageMs} ms`)
      if (state !== 'durable') continue
      if (isKnown) this.key(spool, booked)
      else assert(!isKept || ageMs >= maxAgeMs - 1, `the key ${key} is not remembered`)
    }
    assert(knownCount <= maxCount, `${knownCount} keys are known`)
  }

  /** A key that is known tells the receipts that were given. */
  key(spool: Spool, { key, records }: BookedTransaction): void {
    const { maxAgeMs, maxCount } = this.#parts.settings.config.idempotency
    if (key === null || maxAgeMs === 0 || maxCount === 0) return
    const known = spool.idempotency(key)
    assert(known !== null, 'a key was forgotten')
    const given = records.map(({ receipt }) => receipt)
    assert.deepEqual(known.receipts, given)
  }

  /** After every event. */
  event({ spool, line }: SpoolLife): void {
    const { settings, disk } = this.#parts
    const { bytes, windowBytes, forgottenReceipts, forgottenKeys } = spool.stats
    if (forgottenReceipts > this.#forgottenReceipts) this.#checkForgotten()
    this.#forgottenReceipts = forgottenReceipts
    assert(forgottenKeys === 0 || !this.#isExact, 'keys went before their time')
    const { maxBytes, damagedMaxBytes, windowBytes: windowMaxBytes } = settings.config.spool
    // The keys of a segment are written down before its log goes.
    assert(bytes <= maxBytes + KEYS_MAX_BYTES, `${bytes} bytes on the disk`)
    const reallyBytes = disk.bytesOf(isOfSpool)
    assert(reallyBytes <= maxBytes + KEYS_MAX_BYTES, `really ${reallyBytes} bytes on the disk`)
    const asideBytes = disk.bytesOf(isKeptAside)
    assert(asideBytes <= damagedMaxBytes, `${asideBytes} bytes are kept aside`)
    const largestBytes = settings.dataMaxBytes + 1024
    assert(windowBytes <= windowMaxBytes + largestBytes, `${windowBytes} bytes in the window`)
    assert(line.heldBytes <= windowMaxBytes + largestBytes, `${line.heldBytes} bytes in the line`)
  }

  /** Receipts went before their time: they took more than they may, or the disk is full. */
  #checkForgotten(): void {
    const { disk, settings } = this.#parts
    this.#hasForgotten = true
    // Counted before they are removed.
    const isTooMuch = disk.bytesOf(isOutcomes) > this.#receiptsMaxBytes
    const mayBeStuck = settings.disk.capacityBytes !== null
    assert(isTooMuch || mayBeStuck, 'receipts went before their time')
  }

  /** Asks with a receipt; what is told must be so, or have been so when it was asked. */
  async receipt({ spool, number }: SpoolLife, receipt: string): Promise<void> {
    const { book, settings } = this.#parts
    const isFollowed = this.#keepsAll && settings.config.receipts.replayedMaxCount >= ALL_COUNT
    const candidates = isFollowed ? book.latestWith(receipt) : book.allWith(receipt)
    const isSettled = (one: BookedRecord) => one.settledLife === number || one.certainty !== 'none'
    const wasSettled = candidates.every(isSettled)
    const told = await spool.receipt(receipt)
    switch (told.state) {
      case 'delivered': {
        const { sequenceNumber } = told.place
        const isThere = candidates.some(({ places }) => places.has(sequenceNumber))
        return assert(isThere, `${receipt} tells another place`)
      }
      case 'dead-lettered': {
        const isDead = told.code === 'Damaged' || candidates.some((one) => one.isDead)
        return assert(isDead, `${receipt} tells of a dead letter`)
      }
      case 'pending':
        return assert(!wasSettled, `${receipt}: pending, though it has settled`)
      case 'unknown':
        assert(!this.#keepsAll, `${receipt} is not known`)
    }
  }

  /** All has settled, and there was time to tidy up. */
  rest(spool: Spool): void {
    const { book, settings, disk, rotCount } = this.#parts
    const { receipts, idempotency } = settings.config
    const lost = book.lost()
    const transactions = new Set(lost.map(({ transaction }) => transaction))
    assert(transactions.size <= rotCount(), `${lost.length} durable records are lost`)
    const { state, bytes, segments } = spool.stats
    assert(state === 'ok', `at rest it is ${state}`)
    const reallyBytes = disk.bytesOf(isOfSpool, { withZeros: false })
    assert(bytes === reallyBytes, `it tells of ${bytes} bytes; there are ${reallyBytes}`)
    assert(segments === 0, `${segments} segments have not gone`)
    const outcomesBytes = disk.bytesOf(isOutcomes)
    const keyCount = idempotency.maxAgeMs < TIDIED_AFTER_MS ? 0 : book.keyCount
    const mayBytes =
      (receipts.retentionMs < TIDIED_AFTER_MS ? 0 : this.#receiptsMaxBytes) +
      keyCount * KEY_MAX_BYTES
    assert(outcomesBytes <= mayBytes, `receipts of ${outcomesBytes} bytes are left`)
  }
}

function isOfSpool(name: string): boolean {
  return (name.endsWith('.log') || isOutcomes(name)) && !name.includes('/')
}

function isOutcomes(name: string): boolean {
  return name.endsWith('.outcomes')
}

function isKeptAside(name: string): boolean {
  return name.startsWith('damaged/') && name !== 'damaged/totals'
}
