// Finds a value in a JSON document without building anything, in one pass over its bytes that also
// proves it to be JSON: what passes here is what `JSON.parse` takes, and where a name is there
// twice the last one counts, as there. Only nesting is bounded, which `JSON.parse` leaves to the
// stack.

import { isUtf8 } from 'node:buffer'

/** Arrays and objects within each other. */
export const JSON_MAX_DEPTH = 512

export type JsonType = 'string' | 'number' | 'boolean' | 'null' | 'object' | 'array'

/** Where a value is: `end` is the place after its last byte. */
export interface JsonValue {
  readonly type: JsonType
  readonly start: number
  readonly end: number
}

/** The bytes are no JSON, or too deep. */
export class JsonError extends Error {
  readonly code: 'not-json' | 'too-deep'
  /** The byte at which that was clear. */
  readonly offset: number
  constructor(code: 'not-json' | 'too-deep', offset: number) {
    super(
      code === 'too-deep'
        ? `more than ${JSON_MAX_DEPTH} arrays and objects within each other at byte ${offset}`
        : `no JSON at byte ${offset}`,
    )
    this.name = 'JsonError'
    this.code = code
    this.offset = offset
  }
}

/** A member's name or an item's index, ready to be looked for. */
export interface JsonName {
  readonly text: string
  readonly utf8: Buffer
  /** The item of an array that it means, or -1. */
  readonly index: number
}

export function jsonName(text: string): JsonName {
  const index = /^(0|[1-9][0-9]*)$/.test(text) ? Number(text) : -1
  return { text, utf8: Buffer.from(text), index }
}

/**
 * The value that a path leads to, or null when there is none; no names mean the whole document.
 * Throws `JsonError`.
 */
export function findJson(document: Buffer, path: readonly JsonName[]): JsonValue | null {
  start(document)
  sought = path
  foundAt = -1
  at = space(at)
  find(0)
  finish()
  return foundAt < 0 ? null : valueAt(document, foundAt, foundEnd)
}

/**
 * The values of the named members of a document that is an object; null for each that is not there.
 */
export function findMembers(document: Buffer, names: readonly JsonName[]): (JsonValue | null)[] {
  start(document)
  const found: (JsonValue | null)[] = names.map(() => null)
  at = space(at)
  if (bytes[at] !== OPEN_BRACE) skip(0)
  else {
    for (let hasMore = open(0, CLOSE_BRACE); hasMore; hasMore = next(CLOSE_BRACE)) {
      const nameStart = at
      memberName()
      const index = names.findIndex((name) => isName(nameStart, name))
      const valueStart = at
      skip(1)
      if (index >= 0) found[index] = valueAt(document, valueStart, at)
    }
  }
  finish()
  return found
}

/** The text of a scalar: a string's value, anything else as it is written. */
export function textOfJson(document: Buffer, value: JsonValue): string {
  if (value.type !== 'string') return document.toString('latin1', value.start, value.end)
  return decodeString(document, value.start, value.end)
}

function decodeString(document: Buffer, from: number, end: number): string {
  const backslash = document.indexOf(BACKSLASH, from)
  const isPlain = backslash < 0 || backslash >= end
  if (isPlain) return document.toString('utf8', from + 1, end - 1)
  return JSON.parse(document.toString('utf8', from, end)) as string
}

function valueAt(document: Buffer, from: number, end: number): JsonValue {
  return { type: TYPES.get(document[from]!) ?? 'number', start: from, end }
}

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_BRACKET = 0x5b
const BACKSLASH = 0x5c
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const [TRUE, FALSE, NULL] = [0x74, 0x66, 0x6e]

/** The type of a value by its first byte; every other byte begins a number. */
const TYPES: ReadonlyMap<number, JsonType> = new Map<number, JsonType>([
  [QUOTE, 'string'],
  [OPEN_BRACE, 'object'],
  [OPEN_BRACKET, 'array'],
  [TRUE!, 'boolean'],
  [FALSE!, 'boolean'],
  [NULL!, 'null'],
])

function bytesOf(text: string): Uint8Array {
  const table = new Uint8Array(256)
  for (const character of text) table[character.charCodeAt(0)] = 1
  return table
}

const IS_DIGIT = bytesOf('0123456789')
const IS_HEX = bytesOf('0123456789abcdefABCDEF')
const IS_SPACE = bytesOf(' \t\n\r')
const IS_ESCAPED = bytesOf('"\\/bfnrt')
/** Bytes that end a run of plain text in a string: quote, backslash, control characters. */
const ENDS_PLAIN = bytesOf('"\\').fill(1, 0, 0x20)

/** Strings from this size on are read four bytes at a time; below, making the view costs more. */
const WORDS_FROM_BYTES = 64

// Past the end there is no byte; tables are asked for 0 then, which is nothing's part. Asked for
// `undefined` they would answer the same, and V8 would read them as slowly as any object ever
// after.

// The state of the one scan that is going on. A scan never waits, so there is never a second one;
// an object with methods, closures and results took three times as long.
let bytes: Buffer = Buffer.alloc(0)
/** The next byte to look at. */
let at = 0
let nameEndAt = 0
/** Whether the string that was passed last has an escape in it. */
let hasEscape = false
/** The same of the name that was passed last. */
let isNameEscaped = false
let sought: readonly JsonName[] = []
let foundAt = -1
let foundEnd = -1
/**
 * The document as 32-bit words, from the word boundary at or before its start; made when needed.
 */
let words: Int32Array | null = null

function start(document: Buffer): void {
  bytes = document
  at = 0
  words = null
  // Proved once, by native code: what follows reads strings byte by byte.
  if (!isUtf8(document)) throw new JsonError('not-json', 0)
}

function finish(): void {
  at = space(at)
  const { length } = bytes
  bytes = NOTHING
  words = null
  if (at !== length) throw new JsonError('not-json', at)
}

/** Let go of a document, so that it is not kept until the next one comes. */
const NOTHING = Buffer.alloc(0)

function fail(offset: number): never {
  throw new JsonError('not-json', offset)
}

/** Goes over any value. */
function skip(depth: number): void {
  switch (bytes[at]) {
    case QUOTE:
      return skipString()
    case OPEN_BRACE:
      for (let hasMore = open(depth, CLOSE_BRACE); hasMore; hasMore = next(CLOSE_BRACE)) {
        memberName()
        skip(depth + 1)
      }
      return
    case OPEN_BRACKET:
      for (let hasMore = open(depth, CLOSE_BRACKET); hasMore; hasMore = next(CLOSE_BRACKET)) {
        skip(depth + 1)
      }
      return
    case TRUE:
      return skipWord('true')
    case FALSE:
      return skipWord('false')
    case NULL:
      return skipWord('null')
    default:
      return skipNumber()
  }
}

/** Goes over a value and marks the one in it to which the sought names lead, from `index` on. */
function find(index: number): void {
  if (index === sought.length) {
    const from = at
    skip(index)
    foundAt = from
    foundEnd = at
    return
  }
  const name = sought[index]!
  if (bytes[at] === OPEN_BRACE) findInObject(index, name)
  else if (bytes[at] === OPEN_BRACKET) findInArray(index, name)
  else skip(index)
}

function findInObject(index: number, name: JsonName): void {
  for (let hasMore = open(index, CLOSE_BRACE); hasMore; hasMore = next(CLOSE_BRACE)) {
    const nameStart = at
    memberName()
    if (!isName(nameStart, name)) {
      skip(index + 1)
      continue
    }
    // The same name again replaces all that the first one held.
    foundAt = -1
    find(index + 1)
  }
}

function findInArray(index: number, name: JsonName): void {
  let item = 0
  for (let hasMore = open(index, CLOSE_BRACKET); hasMore; hasMore = next(CLOSE_BRACKET)) {
    if (item++ === name.index) find(index + 1)
    else skip(index + 1)
  }
}

/** Enters an object or array; false when it is empty, and then it has been left. */
function open(depth: number, closing: number): boolean {
  if (depth >= JSON_MAX_DEPTH) throw new JsonError('too-deep', at)
  at = space(at + 1)
  if (bytes[at] !== closing) return true
  at++
  return false
}

/** After a member or an item: true at the next one, false when the end has been passed. */
function next(closing: number): boolean {
  at = space(at)
  const byte = bytes[at]
  if (byte !== COMMA && byte !== closing) fail(at)
  at++
  if (byte === closing) return false
  at = space(at)
  return true
}

/** From a member's name to its value. */
function memberName(): void {
  if (bytes[at] !== QUOTE) fail(at)
  skipString()
  nameEndAt = at
  isNameEscaped = hasEscape
  at = space(at)
  if (bytes[at] !== COLON) fail(at)
  at = space(at + 1)
}

/** Whether the member's name that was passed last, and began at `from`, is `name`. */
function isName(from: number, name: JsonName): boolean {
  if (isNameEscaped) return decodeString(bytes, from, nameEndAt) === name.text
  const { utf8 } = name
  if (nameEndAt - from - 2 !== utf8.length) return false
  for (let i = 0; i < utf8.length; i++) if (bytes[from + 1 + i] !== utf8[i]) return false
  return true
}

function space(from: number): number {
  let place = from
  for (let byte = bytes[place]; byte !== undefined && byte <= 0x20; byte = bytes[++place]) {
    if (IS_SPACE[byte] === 0) break
  }
  return place
}

function skipWord(word: string): void {
  for (let i = 1; i < word.length; i++) {
    if (bytes[at + i] !== word.charCodeAt(i)) fail(at + i)
  }
  at += word.length
}

/** -? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)? */
function skipNumber(): void {
  if (bytes[at] === 0x2d) at++
  if (bytes[at] === 0x30) at++
  else skipDigits()
  if (bytes[at] === 0x2e) {
    at++
    skipDigits()
  }
  if (bytes[at] !== 0x65 && bytes[at] !== 0x45) return
  at++
  if (bytes[at] === 0x2b || bytes[at] === 0x2d) at++
  skipDigits()
}

function skipDigits(): void {
  const from = at
  while (IS_DIGIT[bytes[at] ?? 0] === 1) at++
  if (at === from) fail(at)
}

/** Goes over the string that begins here, to the place after its closing quote. */
function skipString(): void {
  hasEscape = false
  let place = at + 1
  let wordsFrom = place + WORDS_FROM_BYTES
  for (;;) {
    while (ENDS_PLAIN[bytes[place] ?? 0] === 0) {
      if (++place < wordsFrom) continue
      place = skipPlainWords(place)
      wordsFrom = Number.POSITIVE_INFINITY
    }
    if (bytes[place] === QUOTE) {
      at = place + 1
      return
    }
    if (bytes[place] !== BACKSLASH) fail(place)
    hasEscape = true
    place = escapeEnd(place)
    wordsFrom = place + WORDS_FROM_BYTES
  }
}

function escapeEnd(from: number): number {
  if (IS_ESCAPED[bytes[from + 1] ?? 0] === 1) return from + 2
  if (bytes[from + 1] !== 0x75) fail(from + 1)
  for (let i = 2; i < 6; i++) {
    if (IS_HEX[bytes[from + i] ?? 0] !== 1) fail(from + i)
  }
  return from + 6
}

/**
 * From a place in plain text to the start of the first 32-bit word that has a quote, a backslash or
 * a control character in it, or to the last whole word. The three tests on four bytes at once are
 * those of "Bit Twiddling Hacks" (has-zero-byte, has-less); as to whether there is such a byte in
 * the word they are exact.
 */
function skipPlainWords(from: number): number {
  const shift = bytes.byteOffset & 3
  words ??= new Int32Array(bytes.buffer, bytes.byteOffset - shift, (shift + bytes.length) >> 2)
  let index = (from + shift) >> 2
  for (; index < words.length; index++) {
    const word = words[index]!
    const quotes = word ^ 0x22222222
    const backslashes = word ^ 0x5c5c5c5c
    const hits =
      ((word - 0x20202020) & ~word) |
      ((quotes - 0x01010101) & ~quotes) |
      ((backslashes - 0x01010101) & ~backslashes)
    if ((hits & 0x80808080) !== 0) break
  }
  return Math.max(from, index * 4 - shift)
}
