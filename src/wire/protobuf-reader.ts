// Reads protobuf's fields, one by one, from bytes that anybody may have written. Makes nothing but
// numbers: every length is held against the bytes that are left.

import { AggregationError } from './aggregation-error.ts'

const WIRE_VARINT = 0
const WIRE_64_BIT = 1
const WIRE_BYTES = 2
const WIRE_32_BIT = 5

/** 64 bits in sevens. */
const VARINT_MAX_BYTES = 10

export class ProtobufReader {
  readonly #bytes: Uint8Array
  readonly #end: number
  #at: number

  /** Reads `bytes` from `start` up to, not including, `end`. */
  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes
    this.#at = start
    this.#end = end
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#end
  }

  /** Where the next byte is read. */
  get at(): number {
    return this.#at
  }

  /** The number and wire type of the next field, as one integer: number × 8 + type. */
  tag(): number {
    const tag = this.varint()
    if (tag < 8) throw new AggregationError('bad-field', `a field with the number 0 (tag ${tag})`)
    return tag
  }

  /** An unsigned integer; from 2^53 on not exact, but never smaller than that. */
  varint(): number {
    let value = 0
    let weight = 1
    for (let count = 0; count < VARINT_MAX_BYTES; count++) {
      if (this.#at >= this.#end) throw truncated('an integer')
      const byte = this.#bytes[this.#at++]!
      value += (byte & 0x7f) * weight
      if (byte < 0x80) return value
      weight *= 0x80
    }
    throw new AggregationError('bad-varint', 'an integer of more than ten bytes')
  }

  /** The end of a length-delimited field whose content begins at `at` after this call. */
  lengthDelimitedEnd(): number {
    const length = this.varint()
    if (length > this.#end - this.#at) {
      throw truncated(`${length} bytes, of which ${this.#end - this.#at} are there`)
    }
    return this.#at + length
  }

  /** Goes on at `at`, which `lengthDelimitedEnd` has answered. */
  moveTo(at: number): void {
    this.#at = at
  }

  /** Passes over the content of a field that nobody asked for. */
  skip(tag: number): void {
    switch (tag % 8) {
      case WIRE_VARINT:
        this.varint()
        return
      case WIRE_64_BIT:
        return this.#skipBytes(8)
      case WIRE_BYTES:
        return this.moveTo(this.lengthDelimitedEnd())
      case WIRE_32_BIT:
        return this.#skipBytes(4)
      default:
        throw new AggregationError('bad-field', `a field of wire type ${tag % 8}`)
    }
  }

  #skipBytes(count: number): void {
    if (count > this.#end - this.#at) throw truncated(`a field of ${count} bytes`)
    this.#at += count
  }
}

function truncated(what: string): AggregationError {
  return new AggregationError('truncated', `the message ends too early for ${what}`)
}
