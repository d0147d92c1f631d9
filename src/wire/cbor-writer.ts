// Writes CBOR (RFC 8949): shortest heads, definite lengths.

import assert from 'node:assert'
import { CBOR_MAX_DEPTH } from './cbor-reader.ts'
import { EpochMs } from './epoch-ms.ts'
import { writeUtf8 } from './utf8.ts'

export const CBOR_BYTES = 0x40
export const CBOR_TEXT = 0x60
export const CBOR_ARRAY = 0x80
export const CBOR_MAP = 0xa0
const UNSIGNED = 0x00
const NEGATIVE = 0x20
const TAG_EPOCH = 0xc1
const FALSE = 0xf4
const TRUE = 0xf5
const NULL = 0xf6
const FLOAT_64 = 0xfb

/** The longest head: one byte and a 64-bit number. */
export const CBOR_HEAD_MAX_BYTES = 9

const TWO_TO_32 = 0x1_0000_0000

/**
 * The CBOR of a value made of numbers, bigints of 64 bits, text, booleans, null, `Uint8Array`s,
 * `EpochMs`, arrays and plain objects. Fields that are undefined are left out. Integers are
 * written as such, other numbers with 64 bits.
 */
export function encodeCbor(value: unknown): Buffer {
  const writer = new CborWriter()
  writer.value(value, 0)
  return writer.finish()
}

/** Writes the head of an item whose argument is an integer in 0..2^53-1; answers the end. */
export function writeCborHead(major: number, argument: number, into: Buffer, at: number): number {
  if (argument < 24) {
    into[at] = major | argument
    return at + 1
  }
  if (argument < 0x100) {
    into[at] = major | 24
    into[at + 1] = argument
    return at + 2
  }
  if (argument < 0x1_0000) {
    into[at] = major | 25
    return into.writeUInt16BE(argument, at + 1)
  }
  if (argument < TWO_TO_32) {
    into[at] = major | 26
    return into.writeUInt32BE(argument, at + 1)
  }
  into[at] = major | 27
  into.writeUInt32BE(Math.floor(argument / TWO_TO_32), at + 1)
  return into.writeUInt32BE(argument % TWO_TO_32, at + 5)
}

/** Writes text of `textBytes` UTF-8 bytes; answers the end. */
export function writeCborText(text: string, textBytes: number, into: Buffer, at: number): number {
  return writeUtf8(text, into, writeCborHead(CBOR_TEXT, textBytes, into, at))
}

const FIRST_SIZE_BYTES = 1024

class CborWriter {
  #bytes = Buffer.allocUnsafe(FIRST_SIZE_BYTES)
  #at = 0

  finish(): Buffer {
    return this.#bytes.subarray(0, this.#at)
  }

  value(value: unknown, depth: number): void {
    assert(depth <= CBOR_MAX_DEPTH, 'a value that nests too deeply for CBOR')
    switch (typeof value) {
      case 'string':
        return this.#text(value)
      case 'number':
        return this.#number(value)
      case 'bigint':
        return this.#bigint(value)
      case 'boolean':
        return this.#byte(value ? TRUE : FALSE)
      case 'object':
        return this.#object(value, depth)
      default:
        assert.fail(`CBOR has no ${typeof value}`)
    }
  }

  #object(value: object | null, depth: number): void {
    if (value === null) this.#byte(NULL)
    else if (value instanceof Uint8Array) this.#bytesValue(value)
    else if (value instanceof EpochMs) {
      this.#byte(TAG_EPOCH)
      this.#number(value.ms)
    } else if (Array.isArray(value)) {
      this.#head(CBOR_ARRAY, value.length)
      for (const element of value) this.value(element, depth + 1)
    } else {
      const fields = Object.entries(value).filter((field) => field[1] !== undefined)
      this.#head(CBOR_MAP, fields.length)
      for (const [name, field] of fields) {
        this.#text(name)
        this.value(field, depth + 1)
      }
    }
  }

  #text(text: string): void {
    const textBytes = Buffer.byteLength(text)
    this.#reserve(CBOR_HEAD_MAX_BYTES + textBytes)
    this.#at = writeCborText(text, textBytes, this.#bytes, this.#at)
  }

  #bytesValue(value: Uint8Array): void {
    this.#reserve(CBOR_HEAD_MAX_BYTES + value.length)
    this.#at = writeCborHead(CBOR_BYTES, value.length, this.#bytes, this.#at)
    this.#bytes.set(value, this.#at)
    this.#at += value.length
  }

  #number(value: number): void {
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
      if (value >= 0) this.#head(UNSIGNED, value)
      else this.#head(NEGATIVE, -1 - value)
      return
    }
    this.#byte(FLOAT_64)
    this.#reserve(8)
    this.#at = this.#bytes.writeDoubleBE(value, this.#at)
  }

  #bigint(value: bigint): void {
    const argument = value >= 0n ? value : -1n - value
    assert(argument < 1n << 64n, 'an integer of more than 64 bits')
    if (argument <= BigInt(Number.MAX_SAFE_INTEGER)) {
      return this.#head(value >= 0n ? UNSIGNED : NEGATIVE, Number(argument))
    }
    this.#byte((value >= 0n ? UNSIGNED : NEGATIVE) | 27)
    this.#reserve(8)
    this.#at = this.#bytes.writeBigUInt64BE(argument, this.#at)
  }

  #byte(byte: number): void {
    this.#reserve(1)
    this.#bytes[this.#at++] = byte
  }

  #head(major: number, argument: number): void {
    this.#reserve(CBOR_HEAD_MAX_BYTES)
    this.#at = writeCborHead(major, argument, this.#bytes, this.#at)
  }

  #reserve(count: number): void {
    const neededBytes = this.#at + count
    if (neededBytes <= this.#bytes.length) return
    const grown = Buffer.allocUnsafe(Math.max(neededBytes, 2 * this.#bytes.length))
    this.#bytes.copy(grown, 0, 0, this.#at)
    this.#bytes = grown
  }
}
