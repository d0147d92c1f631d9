// What was promised about each record that a world of the spool alone has seen, and whether what
// comes out keeps it.

import assert from 'node:assert'
import type { HashKey, UserRecord } from '../record/index.ts'
import type { Outcome, SpoolRecord } from '../spool/index.ts'

export interface BookedRecord {
  readonly fields: SpoolRecord
  readonly transaction: BookedTransaction
  readonly index: number
  /** In the order in which they became durable; -1 when nobody was told so. */
  durableOrder: number
  receipt: string | null
  /** The last life in which it was handed on, and whether it may be once more. */
  handedLife: number
  mayBeHandedAgain: boolean
  /** When it settled, in which life, and how. */
  settledAtMs: number
  settledLife: number
  /** How well the spool knows that it has settled. */
  certainty: Certainty
  readonly places: Set<string>
  isDead: boolean
  /** Its dead letter was sent again, and that is durable. */
  isSentAgain: boolean
  /** Whoever appended it was told what became of it. */
  isTold: boolean
}

/** Written outlives the process, synced the machine's power. */
type Certainty = 'none' | 'written' | 'synced'

export interface EndOfLife {
  readonly life: number
  readonly isPowerLost: boolean
  /** The spool was closed before, and had the time for it. */
  readonly isClosed: boolean
  readonly startedAtMs: number
  readonly nowMs: number
  /** Disk and bits behave, so that something is certain. */
  readonly isExact: boolean
}

/** A settlement this old is on the disk, unless that is slow. */
const WRITTEN_AFTER_MS = 700
const SYNCED_AFTER_MS = 5_000

export interface BookedTransaction {
  readonly records: BookedRecord[]
  readonly key: string | null
  readonly life: number
  /** When it was appended, on the wall clock. */
  readonly arrivedAtMs: number
  state: 'open' | 'durable' | 'refused' | 'perhaps'
}

export class SpoolBook {
  readonly transactions: BookedTransaction[] = []
  readonly #byText = new Map<string, BookedRecord>()
  /** A dead letter that is sent again keeps its receipt: oldest first. */
  readonly #byReceipt = new Map<string, BookedRecord[]>()
  #durableCount = 0
  /** Handed on in a life after the one in which they had settled. */
  duplicateCount = 0

  /** The text stands at the beginning of the record's data. */
  add(
    records: readonly SpoolRecord[],
    about: Pick<BookedTransaction, 'key' | 'life' | 'arrivedAtMs'>,
  ): BookedTransaction {
    const transaction: BookedTransaction = { records: [], ...about, state: 'open' }
    for (const [index, fields] of records.entries()) {
      const record: BookedRecord = {
        fields,
        transaction,
        index,
        durableOrder: -1,
        receipt: null,
        handedLife: -1,
        mayBeHandedAgain: false,
        settledAtMs: Number.POSITIVE_INFINITY,
        settledLife: -1,
        certainty: 'none',
        places: new Set(),
        isDead: false,
        isSentAgain: false,
        isTold: false,
      }
      if (fields.receipt !== undefined) this.#byReceipt.get(fields.receipt)!.push(record)
      transaction.records.push(record)
      this.#byText.set(textOf(fields.data), record)
    }
    this.transactions.push(transaction)
    return transaction
  }

  durable(transaction: BookedTransaction, receipts: readonly string[]): void {
    assert(transaction.state === 'open', 'a transaction was answered twice')
    transaction.state = 'durable'
    assert(receipts.length === transaction.records.length, 'a receipt for each record')
    for (const [index, record] of transaction.records.entries()) {
      record.durableOrder = this.#durableCount++
      this.#give(record, receipts[index]!)
    }
  }

  #give(record: BookedRecord, receipt: string): void {
    record.receipt = receipt
    const { receipt: kept } = record.fields
    assert(kept === undefined || kept === receipt, 'what is sent again has another receipt')
    const known = this.#byReceipt.get(receipt) ?? [record]
    assert(kept !== undefined || known[0] === record, `${receipt} was given twice`)
    this.#byReceipt.set(receipt, known)
    for (const one of known) one.isSentAgain ||= one !== record
  }

  /** It had no answer, and was found after a start. */
  promised(transaction: BookedTransaction, receipts: readonly string[]): void {
    transaction.state = 'durable'
    for (const [index, record] of transaction.records.entries())
      this.#give(record, receipts[index]!)
  }

  refused(transaction: BookedTransaction, mayBeWritten: boolean): void {
    assert(transaction.state === 'open', 'a transaction was answered twice')
    transaction.state = mayBeWritten ? 'perhaps' : 'refused'
  }

  /** What had no answer when the process ended may be there or not. */
  crashed(end: EndOfLife): void {
    for (const record of this.records()) {
      checkTold(record, end)
      record.certainty = certaintyOf(record, end)
    }
    for (const transaction of this.transactions) {
      if (transaction.state === 'open') transaction.state = 'perhaps'
    }
  }

  /** The spool hands a record on: it must be one of ours, as it was, and not a second time. */
  handed(record: UserRecord, life: number): BookedRecord {
    const booked = this.#byText.get(textOf(record.data))
    assert(booked !== undefined, 'a record was handed on that nobody appended')
    const { fields, transaction } = booked
    const isSame =
      fields.stream === record.stream &&
      fields.partitionKey === record.partitionKey &&
      decimal(fields.explicitHashKey) === decimal(record.explicitHashKey) &&
      Buffer.compare(fields.data, record.data) === 0
    assert(isSame, 'a record was handed on that is not as it was appended')
    assert(transaction.state !== 'refused', 'a record was handed on that was refused for good')
    assert(transaction.state !== 'open', 'a record was handed on before it was durable')
    assert(booked.handedLife < life || booked.mayBeHandedAgain, 'a record was handed on twice')
    assert(booked.certainty === 'none', 'a record was handed on that had settled for good')
    if (booked.settledLife !== -1) this.duplicateCount++
    booked.handedLife = life
    booked.mayBeHandedAgain = false
    return booked
  }

  settled(booked: BookedRecord, outcome: Outcome, at: { life: number; nowMs: number }): void {
    booked.settledAtMs = at.nowMs
    booked.settledLife = at.life
    booked.certainty = 'none'
    booked.isSentAgain = false
    if (outcome.kind === 'delivered') booked.places.add(outcome.place.sequenceNumber)
    else booked.isDead = true
  }

  /** Whoever appended it is told that it has settled: from then on that outlives the process. */
  told(booked: BookedRecord): void {
    assert(booked.transaction.state === 'durable' && !booked.isTold, 'told before, or twice')
    booked.isTold = true
  }

  receipts(): string[] {
    return [...this.#byReceipt.keys()]
  }

  /** What a receipt may stand for: the last durable record that has it, and what may have come. */
  latestWith(receipt: string): BookedRecord[] {
    const all = this.allWith(receipt)
    const last = all.findLastIndex(({ transaction }) => transaction.state === 'durable')
    return all.slice(Math.max(0, last))
  }

  allWith(receipt: string): BookedRecord[] {
    const all = this.#byReceipt.get(receipt)!
    return all.filter(({ transaction }) => transaction.state !== 'refused')
  }

  /** Dead letters that were not sent again. */
  letters(): BookedRecord[] {
    return this.records().filter(
      ({ isDead, isSentAgain, receipt }) => isDead && !isSentAgain && receipt !== null,
    )
  }

  countOf(state: BookedTransaction['state']): number {
    return this.records().filter(({ transaction }) => transaction.state === state).length
  }

  get keyCount(): number {
    return this.transactions.filter(({ key }) => key !== null).length
  }

  records(): BookedRecord[] {
    return this.transactions.flatMap(({ records }) => records)
  }

  /** Durable records of which nobody ever learnt what became of them. */
  lost(): BookedRecord[] {
    return this.records().filter(
      ({ transaction, settledLife }) => transaction.state === 'durable' && settledLife === -1,
    )
  }
}

/** What has settled long ago has been told, and all by an orderly end. */
function checkTold(
  { transaction, settledLife, settledAtMs, isTold }: BookedRecord,
  end: EndOfLife,
) {
  if (settledLife !== end.life || transaction.life !== end.life) return
  const isLate = end.isExact && end.nowMs - settledAtMs > WRITTEN_AFTER_MS
  assert(isTold || !(end.isClosed || isLate), 'a record has settled and nobody was told')
}

function certaintyOf(record: BookedRecord, end: EndOfLife): Certainty {
  const { settledLife, settledAtMs, certainty, transaction, isTold } = record
  if (settledLife === -1 || !end.isExact) return 'none'
  const isOfThisLife = settledLife === end.life
  if (end.isClosed && (isOfThisLife || certainty !== 'none')) return 'synced'
  if (!isOfThisLife && certainty !== 'written') return certainty
  // What an earlier life wrote is synced by this one.
  const ageMs = end.nowMs - (isOfThisLife ? settledAtMs : end.startedAtMs)
  if (ageMs > SYNCED_AFTER_MS) return 'synced'
  if (end.isPowerLost) return 'none'
  const isToldNow = isTold && transaction.life === end.life
  return !isOfThisLife || isToldNow || ageMs > WRITTEN_AFTER_MS ? 'written' : 'none'
}

/** `17.3:` of a record's data: its transaction and its index in it. */
function textOf(data: Uint8Array): string {
  const end = data.indexOf(':'.charCodeAt(0))
  return Buffer.from(data.subarray(0, Math.max(0, end))).toString('latin1')
}

function decimal(key: HashKey | null): string {
  return key === null ? '' : key.toString()
}
