// Reads CBOR (RFC 8949) that anybody may have sent. Nothing is allocated from a length that has not
// been held against the bytes left, nesting is bounded, and maps become objects that inherit
// nothing.

import { isUtf8 } from 'node:buffer'
import { EpochMs } from './epoch-ms.ts'
import { ProtocolError } from './protocol-error.ts'

/** The deepest Kinesis body nests to five; the bound keeps the stack from being anybody's. */
export const CBOR_MAX_DEPTH = 32

/**
 * The value of the one CBOR item that `bytes` are: numbers (a bigint where a number would not be
 * exact), text, booleans, null (also for undefined), arrays, objects that inherit nothing, byte
 * strings as views, `EpochMs` for tag 1; other tags are passed over. Throws only `ProtocolError`.
 */
export function decodeCbor(bytes: Uint8Array): unknown {
  const reader = new CborReader(bytes)
  const value = reader.value(0)
  if (!reader.isAtEnd) throw new ProtocolError(`CBOR: bytes behind the end at ${reader.at}`)
  return value
}

/**
 * Maps are made with this instead of `{}`: no prototype to pollute or to find names in. Unlike
 * those of `Object.create(null)`, V8 keeps their fields in hidden classes and not in hash tables.
 */
class Bare {
  [name: string]: unknown
}
Object.setPrototypeOf(Bare.prototype, null)
Reflect.deleteProperty(Bare.prototype, 'constructor')
Object.freeze(Bare.prototype)

const MAJOR_UNSIGNED = 0
const MAJOR_NEGATIVE = 1
const MAJOR_BYTES = 2
const MAJOR_TEXT = 3
const MAJOR_ARRAY = 4
const MAJOR_MAP = 5
const MAJOR_TAG = 6

const INDEFINITE = 31
const BREAK = 0xff
const TAG_EPOCH = 1

const TWO_TO_32 = 0x1_0000_0000

/**
 * Field names seen before, so that the same few are not made anew five hundred times a body.
 * Bounded: so many names of so many bytes, the latest in each place.
 */
const NAMES_COUNT = 128
const NAME_MAX_BYTES = 32
const names: string[] = new Array<string>(NAMES_COUNT).fill('')

class CborReader {
  readonly #bytes: Buffer
  #at = 0
  /** Of the head that was read last. */
  #info = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  get at(): number {
    return this.#at
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  value(depth: number): unknown {
    const major = this.#head()
    switch (major) {
      case MAJOR_UNSIGNED:
        return this.#argument()
      case MAJOR_NEGATIVE:
        return negative(this.#argument())
      case MAJOR_BYTES:
        return this.#bytesValue()
      case MAJOR_TEXT:
        return this.#text()
      case MAJOR_ARRAY:
        return this.#array(depth)
      case MAJOR_MAP:
        return this.#map(depth)
      case MAJOR_TAG:
        return this.#tagged(depth)
      default:
        return this.#simple()
    }
  }

  #head(): number {
    if (this.#at >= this.#bytes.length) throw this.#truncated()
    const byte = this.#bytes[this.#at++]!
    this.#info = byte & 0x1f
    return byte >> 5
  }

  /** The number in the head: in its own five bits or in the 1, 2, 4 or 8 bytes behind it. */
  #argument(): number | bigint {
    const info = this.#info
    if (info < 24) return info
    if (info > 27) throw this.#broken(`additional information ${info}`)
    const size = 1 << (info - 24)
    const at = this.#take(size)
    if (size === 1) return this.#bytes[at]!
    if (size === 2) return this.#bytes.readUInt16BE(at)
    const high = this.#bytes.readUInt32BE(at)
    if (size === 4) return high
    const value = high * TWO_TO_32 + this.#bytes.readUInt32BE(at + 4)
    return Number.isSafeInteger(value) ? value : this.#bytes.readBigUInt64BE(at)
  }

  /** The start of the next `count` bytes, which are there. */
  #take(count: number): number {
    const at = this.#at
    if (count > this.#bytes.length - at) throw this.#truncated()
    this.#at = at + count
    return at
  }

  /** A count or length: at most the bytes that are left, as each unit takes at least one. */
  #length(): number {
    const length = this.#argument()
    if (typeof length === 'bigint' || length > this.#bytes.length - this.#at)
      throw this.#truncated()
    return length
  }

  #bytesValue(): Buffer {
    if (this.#info === INDEFINITE) return Buffer.concat(this.#chunks(MAJOR_BYTES))
    const at = this.#take(this.#length())
    return this.#bytes.subarray(at, this.#at)
  }

  #text(): string {
    if (this.#info === INDEFINITE) {
      return this.#chunks(MAJOR_TEXT)
        .map((chunk) => this.#textOf(chunk))
        .join('')
    }
    const at = this.#take(this.#length())
    return this.#textOf(this.#bytes, at, this.#at)
  }

  #textOf(bytes: Buffer, start = 0, end = bytes.length): string {
    const text = bytes.toString('utf8', start, end)
    // Bytes that are no UTF-8 have become U+FFFD; a text with one is rare enough to look twice.
    if (text.includes('\ufffd') && !isUtf8(bytes.subarray(start, end))) {
      throw this.#broken('text that is not UTF-8')
    }
    return text
  }

  /** Views of an indefinite string's definite pieces. */
  #chunks(major: number): Buffer[] {
    const chunks: Buffer[] = []
    while (!this.#isBreak()) {
      if (this.#head() !== major) throw this.#broken('a wrong piece')
      const at = this.#take(this.#length())
      chunks.push(this.#bytes.subarray(at, this.#at))
    }
    return chunks
  }

  /** Passes over the mark that ends what has no length; false when something else comes. */
  #isBreak(): boolean {
    if (this.#at >= this.#bytes.length) throw this.#truncated()
    if (this.#bytes[this.#at] !== BREAK) return false
    this.#at++
    return true
  }

  #array(depth: number): unknown[] {
    this.#checkDepth(depth)
    const values: unknown[] = []
    if (this.#info === INDEFINITE) {
      while (!this.#isBreak()) values.push(this.value(depth + 1))
      return values
    }
    for (let left = this.#length(); left > 0; left--) values.push(this.value(depth + 1))
    return values
  }

  /** Of a key that comes twice the last value counts, as in `JSON.parse`. */
  #map(depth: number): Record<string, unknown> {
    this.#checkDepth(depth)
    const map = new Bare()
    if (this.#info === INDEFINITE) {
      while (!this.#isBreak()) this.#pair(map, depth)
      return map
    }
    for (let left = this.#length(); left > 0; left--) this.#pair(map, depth)
    return map
  }

  #pair(map: Record<string, unknown>, depth: number): void {
    if (this.#head() !== MAJOR_TEXT) throw this.#broken('a key that is no text')
    const key = this.#key()
    map[key] = this.value(depth + 1)
  }

  #key(): string {
    if (this.#info === INDEFINITE) return this.#text()
    const start = this.#take(this.#length())
    const length = this.#at - start
    if (length === 0 || length > NAME_MAX_BYTES) return this.#textOf(this.#bytes, start, this.#at)
    const slot = (length * 7 + this.#bytes[start]! + 3 * this.#bytes[this.#at - 1]!) % NAMES_COUNT
    const known = names[slot]!
    if (known.length === length && this.#isAt(known, start)) return known
    const key = this.#textOf(this.#bytes, start, this.#at)
    names[slot] = key
    return key
  }

  #isAt(text: string, start: number): boolean {
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i)
      if (code !== this.#bytes[start + i] || code > 0x7f) return false
    }
    return true
  }

  #tagged(depth: number): unknown {
    this.#checkDepth(depth)
    const tag = this.#argument()
    const content = this.value(depth + 1)
    if (tag !== TAG_EPOCH) return content
    if (typeof content !== 'number') throw this.#broken('an instant that is no number')
    return new EpochMs(content)
  }

  #simple(): unknown {
    switch (this.#info) {
      case 20:
        return false
      case 21:
        return true
      case 22:
      case 23:
        return null
      case 25:
        return half(this.#bytes.readUInt16BE(this.#take(2)))
      case 26:
        return this.#bytes.readFloatBE(this.#take(4))
      case 27:
        return this.#bytes.readDoubleBE(this.#take(8))
      default:
        throw this.#broken(`simple value ${this.#info}`)
    }
  }

  #checkDepth(depth: number): void {
    if (depth >= CBOR_MAX_DEPTH) throw this.#broken(`more than ${CBOR_MAX_DEPTH} levels`)
  }

  #truncated(): ProtocolError {
    return new ProtocolError(`CBOR: ends too early at ${this.#at}`)
  }

  #broken(what: string): ProtocolError {
    return new ProtocolError(`CBOR: ${what} at ${this.#at}`)
  }
}

function negative(argument: number | bigint): number | bigint {
  if (typeof argument === 'bigint') return -1n - argument
  const value = -1 - argument
  return Number.isSafeInteger(value) ? value : -1n - BigInt(argument)
}

/** IEEE 754 half precision. */
function half(bits: number): number {
  const exponent = (bits >> 10) & 0x1f
  const fraction = bits & 0x3ff
  const sign = bits & 0x8000 ? -1 : 1
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN
  return sign * (1024 + fraction) * 2 ** (exponent - 25)
}
