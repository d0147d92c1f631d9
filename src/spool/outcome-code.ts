// What became of the records of a segment, as the body of a frame of its outcomes: entries, one
// after the other. Whole numbers are varints, texts have their length before them.
//
//    delivered       1  shard id  sequence number  n  n × (ordinal  subsequence number + 1, or 0)
//    dead-lettered   2  code  message  n  n × ordinal
//    void            3  first ordinal  n                       refused: neither success nor failure
//    key             4  key  hash  ack  first ordinal  n  arrival        when its log is going away
//    replayed        5  receipt  ordinal                                 when its log is going away
//    exhausted       6  n                                      turned away before they entered
//    synced          7  n                            so many records of its log are on the disk
//
// Ordinals within one entry are given as the difference to the one before, zigzag.

import type { Place } from '../record/index.ts'
import type { AckLevel } from './transaction.ts'
import { ACK_LEVELS } from './transaction-code.ts'

const DELIVERED = 1
const DEAD_LETTERED = 2
const VOID = 3
const KEY = 4
const REPLAYED = 5
const EXHAUSTED = 6
const SYNCED = 7

/** Longer texts of the service are cut. */
const CODE_MAX_CHARACTERS = 128
const MESSAGE_MAX_CHARACTERS = 256
const HASH_BYTES = 32

export interface Delivered {
  readonly kind: 'delivered'
  readonly shardId: string
  readonly sequenceNumber: string
  readonly ordinals: number[]
  /** Beside the ordinals. */
  readonly subSequenceNumbers: (number | null)[]
}

export interface DeadLettered {
  readonly kind: 'dead-lettered'
  readonly code: string
  readonly message: string
  readonly ordinals: number[]
}

export interface KeptKey {
  readonly kind: 'key'
  readonly key: string
  readonly bodyHash: Uint8Array
  readonly ack: AckLevel
  readonly firstOrdinal: number
  readonly count: number
  readonly arrivedAtMs: number
}

export type OutcomeEntry =
  | Delivered
  | DeadLettered
  | { readonly kind: 'void'; readonly firstOrdinal: number; readonly count: number }
  | KeptKey
  | { readonly kind: 'replayed'; readonly receipt: string; readonly ordinal: number }
  | { readonly kind: 'exhausted'; count: number }
  | { readonly kind: 'synced'; readonly recordCount: number }

export function placeIn(entry: Delivered, index: number): Place {
  const { shardId, sequenceNumber, subSequenceNumbers } = entry
  return { shardId, sequenceNumber, subSequenceNumber: subSequenceNumbers[index]! }
}

export function encodeOutcomes(entries: readonly OutcomeEntry[]): Buffer {
  const writer = new Writer()
  for (const entry of entries) encodeEntry(writer, entry)
  return writer.bytes()
}

function encodeEntry(writer: Writer, entry: OutcomeEntry): void {
  switch (entry.kind) {
    case 'delivered':
      writer.number(DELIVERED)
      writer.text(entry.shardId)
      writer.text(entry.sequenceNumber)
      writer.number(entry.ordinals.length)
      return encodePlaces(writer, entry)
    case 'dead-lettered':
      writer.number(DEAD_LETTERED)
      writer.text(entry.code.slice(0, CODE_MAX_CHARACTERS))
      writer.text(entry.message.slice(0, MESSAGE_MAX_CHARACTERS))
      writer.number(entry.ordinals.length)
      return writer.steps(entry.ordinals)
    case 'void':
      writer.number(VOID)
      writer.number(entry.firstOrdinal)
      return writer.number(entry.count)
    case 'key':
      return encodeKey(writer, entry)
    case 'replayed':
      writer.number(REPLAYED)
      writer.text(entry.receipt)
      return writer.number(entry.ordinal)
    case 'exhausted':
      writer.number(EXHAUSTED)
      return writer.number(entry.count)
    case 'synced':
      writer.number(SYNCED)
      return writer.number(entry.recordCount)
  }
}

function encodePlaces(writer: Writer, { ordinals, subSequenceNumbers }: Delivered): void {
  let before = 0
  for (let i = 0; i < ordinals.length; i++) {
    writer.step(ordinals[i]! - before)
    const subSequenceNumber = subSequenceNumbers[i]!
    writer.number(subSequenceNumber === null ? 0 : subSequenceNumber + 1)
    before = ordinals[i]!
  }
}

function encodeKey(writer: Writer, entry: KeptKey): void {
  writer.number(KEY)
  writer.text(entry.key)
  for (const byte of entry.bodyHash) writer.byte(byte)
  writer.number(ACK_LEVELS.indexOf(entry.ack))
  writer.number(entry.firstOrdinal)
  writer.number(entry.count)
  writer.number(Math.max(0, Math.floor(entry.arrivedAtMs)))
}

/** Of a body whose checksum is right; stops where it understands no more. */
export function decodeOutcomes(body: Buffer): OutcomeEntry[] {
  const reader = new Reader(body)
  const entries: OutcomeEntry[] = []
  while (!reader.isAtEnd) {
    const entry = decodeEntry(reader)
    if (entry === null) break
    entries.push(entry)
  }
  return entries
}

function decodeEntry(reader: Reader): OutcomeEntry | null {
  switch (reader.number()) {
    case DELIVERED:
      return decodeDelivered(reader)
    case DEAD_LETTERED: {
      const code = reader.text()
      const message = reader.text()
      return { kind: 'dead-lettered', code, message, ordinals: reader.steps(reader.number()) }
    }
    case VOID:
      return { kind: 'void', firstOrdinal: reader.number(), count: reader.number() }
    case KEY:
      return {
        kind: 'key',
        key: reader.text(),
        bodyHash: reader.raw(HASH_BYTES),
        ack: ACK_LEVELS[reader.number()]!,
        firstOrdinal: reader.number(),
        count: reader.number(),
        arrivedAtMs: reader.number(),
      }
    case REPLAYED:
      return { kind: 'replayed', receipt: reader.text(), ordinal: reader.number() }
    case EXHAUSTED:
      return { kind: 'exhausted', count: reader.number() }
    case SYNCED:
      return { kind: 'synced', recordCount: reader.number() }
    default:
      return null
  }
}

function decodeDelivered(reader: Reader): Delivered {
  const shardId = reader.text()
  const sequenceNumber = reader.text()
  const count = reader.number()
  const ordinals: number[] = []
  const subSequenceNumbers: (number | null)[] = []
  let ordinal = 0
  for (let i = 0; i < count; i++) {
    ordinal += reader.step()
    ordinals.push(ordinal)
    const next = reader.number()
    subSequenceNumbers.push(next === 0 ? null : next - 1)
  }
  return { kind: 'delivered', shardId, sequenceNumber, ordinals, subSequenceNumbers }
}

class Writer {
  #buffer = Buffer.allocUnsafe(1024)
  #at = 0

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#at)
  }

  byte(value: number): void {
    this.#room(1)
    this.#buffer[this.#at++] = value
  }

  number(value: number): void {
    this.#room(8)
    let rest = value
    while (rest >= 0x80) {
      this.#buffer[this.#at++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    this.#buffer[this.#at++] = rest
  }

  /** A number that may be negative. */
  step(value: number): void {
    this.number(value < 0 ? -2 * value - 1 : 2 * value)
  }

  steps(values: readonly number[]): void {
    let before = 0
    for (const value of values) {
      this.step(value - before)
      before = value
    }
  }

  text(value: string): void {
    const bytes = Buffer.byteLength(value)
    this.number(bytes)
    this.#room(bytes)
    this.#at += this.#buffer.write(value, this.#at)
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return
    const buffer = Buffer.allocUnsafe(2 * (this.#at + bytes))
    this.#buffer.copy(buffer, 0, 0, this.#at)
    this.#buffer = buffer
  }
}

class Reader {
  readonly #body: Buffer
  #at = 0

  constructor(body: Buffer) {
    this.#body = body
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#body.length
  }

  number(): number {
    let value = 0
    let factor = 1
    for (;;) {
      const byte = this.#body[this.#at++] ?? 0
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
      factor *= 0x80
    }
  }

  step(): number {
    const value = this.number()
    return value % 2 === 1 ? -(value + 1) / 2 : value / 2
  }

  steps(count: number): number[] {
    const values: number[] = []
    let value = 0
    for (let i = 0; i < count; i++) {
      value += this.step()
      values.push(value)
    }
    return values
  }

  text(): string {
    const bytes = this.number()
    this.#at += bytes
    return this.#body.toString('utf8', this.#at - bytes, this.#at)
  }

  raw(bytes: number): Buffer {
    this.#at += bytes
    return Buffer.from(this.#body.subarray(this.#at - bytes, this.#at))
  }
}
