// Finds values in a JSON document without building anything, in one pass over its bytes that also
// proves it to be JSON: what passes here is what `JSON.parse` takes, and where a name is there
// twice the last one counts, as there. Only nesting is bounded, which `JSON.parse` leaves to the
// stack.

import { isUtf8 } from 'node:buffer'

import { plainTextEnd, startPlainText } from './json-plain-text.ts'
import { escapeEnd, FALSE, fail, NULL, plainValueEnd, space, TRUE } from './json-tokens.ts'
import {
  JSON_MAX_DEPTH,
  JsonError,
  type JsonName,
  type JsonType,
  type JsonValue,
  type Sought,
} from './json-value.ts'

/**
 * The values that the sought paths lead to, in their order; null for each that leads nowhere.
 * Throws `JsonError`.
 */
export function findJson(document: Buffer, sought: Sought): (JsonValue | null)[] {
  start(document)
  forget(sought)
  at = space(bytes, at)
  find(sought, 0)
  finish()
  return sought.allPaths.map((path) => valueAt(document, path))
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

function valueAt(document: Buffer, path: number): JsonValue | null {
  const from = foundAt[path]!
  if (from < 0) return null
  return { type: TYPES.get(document[from]!) ?? 'number', start: from, end: foundEnd[path]! }
}

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_BRACKET = 0x5b
const BACKSLASH = 0x5c
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
/** From the byte that opens an object or array to the one that closes it. */
const TO_CLOSING = 2

/** The type of a value by its first byte; every other byte begins a number. */
const TYPES: ReadonlyMap<number, JsonType> = new Map<number, JsonType>([
  [QUOTE, 'string'],
  [OPEN_BRACE, 'object'],
  [OPEN_BRACKET, 'array'],
  [TRUE, 'boolean'],
  [FALSE, 'boolean'],
  [NULL, 'null'],
])

/**
 * Runs of plain text from this size on are given to the faster search; below, asking costs more.
 */
const LONG_FROM_BYTES = 32

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
/** Of each path where its value begins, or -1, and where it ends. */
const foundAt: number[] = []
const foundEnd: number[] = []

function start(document: Buffer): void {
  bytes = document
  at = 0
  startPlainText(document)
  // Proved once, by native code: what follows reads strings byte by byte.
  if (!isUtf8(document)) throw new JsonError('not-utf8', 0)
}

function finish(): void {
  at = space(bytes, at)
  const { length } = bytes
  bytes = NOTHING
  startPlainText(NOTHING)
  if (at !== length) throw new JsonError('not-json', at)
}

/** Let go of a document, so that it is not kept until the next one comes. */
const NOTHING = Buffer.alloc(0)

/** What is open around the value that `skip` is at: the bytes that began it, outermost first. */
const nesting = new Uint8Array(JSON_MAX_DEPTH)

/**
 * Goes over any value, which has `depth` arrays and objects around it. One loop with its state in
 * local variables: with a call for each value within it took twice as long.
 */
function skip(depth: number): void {
  const document = bytes
  let place = at
  let level = depth
  for (;;) {
    const first = document[place]
    if (first === QUOTE) place = stringEnd(document, place)
    else if (first === OPEN_BRACE || first === OPEN_BRACKET) {
      if (level >= JSON_MAX_DEPTH) throw new JsonError('too-deep', place)
      place = space(document, place + 1)
      if (document[place] !== first + TO_CLOSING) {
        nesting[level++] = first
        if (first === OPEN_BRACE) place = valueStart(document, place)
        continue
      }
      place++
    } else place = plainValueEnd(document, place)
    // The value is over, and with it perhaps what is around it.
    for (;;) {
      if (level === depth) {
        at = place
        return
      }
      place = space(document, place)
      const opening = nesting[level - 1]!
      if (document[place] === COMMA) {
        place = space(document, place + 1)
        if (opening === OPEN_BRACE) place = valueStart(document, place)
        break
      }
      if (document[place] !== opening + TO_CLOSING) fail(place)
      place++
      level--
    }
  }
}

/** From a member's name to its value. */
function valueStart(document: Buffer, nameStart: number): number {
  if (document[nameStart] !== QUOTE) fail(nameStart)
  const place = space(document, stringEnd(document, nameStart))
  if (document[place] !== COLON) fail(place)
  return space(document, place + 1)
}

/** Goes over a value, which has `depth` around it, and marks what is sought in it. */
function find(sought: Sought, depth: number): void {
  const from = at
  if (sought.inner.length === 0) skip(depth)
  else if (bytes[at] === OPEN_BRACE) findInObject(sought, depth)
  else if (bytes[at] === OPEN_BRACKET) findInArray(sought, depth)
  else skip(depth)
  for (const path of sought.paths) {
    foundAt[path] = from
    foundEnd[path] = at
  }
}

function findInObject({ inner }: Sought, depth: number): void {
  for (let hasMore = open(depth, CLOSE_BRACE); hasMore; hasMore = next(CLOSE_BRACE)) {
    const nameStart = at
    memberName()
    let i = 0
    while (i < inner.length && !isName(nameStart, inner[i]!.name)) i++
    if (i === inner.length) {
      skip(depth + 1)
      continue
    }
    const { sought } = inner[i]!
    // The same name again replaces all that the first one held.
    forget(sought)
    find(sought, depth + 1)
  }
}

function findInArray({ inner }: Sought, depth: number): void {
  let item = 0
  for (let hasMore = open(depth, CLOSE_BRACKET); hasMore; hasMore = next(CLOSE_BRACKET)) {
    const within = inner.find(({ name }) => name.index === item)
    item++
    if (within === undefined) skip(depth + 1)
    else find(within.sought, depth + 1)
  }
}

function forget({ allPaths }: Sought): void {
  for (const path of allPaths) foundAt[path] = -1
}

/** Enters an object or array; false when it is empty, and then it has been left. */
function open(depth: number, closing: number): boolean {
  if (depth >= JSON_MAX_DEPTH) throw new JsonError('too-deep', at)
  at = space(bytes, at + 1)
  if (bytes[at] !== closing) return true
  at++
  return false
}

/** After a member or an item: true at the next one, false when the end has been passed. */
function next(closing: number): boolean {
  at = space(bytes, at)
  const byte = bytes[at]
  if (byte !== COMMA && byte !== closing) fail(at)
  at++
  if (byte === closing) return false
  at = space(bytes, at)
  return true
}

/** From a member's name to its value. */
function memberName(): void {
  const nameStart = at
  if (bytes[at] !== QUOTE) fail(at)
  nameEndAt = stringEnd(bytes, nameStart)
  isNameEscaped = hasEscape
  at = space(bytes, nameEndAt)
  if (bytes[at] !== COLON) fail(at)
  at = space(bytes, at + 1)
}

/** Whether the member's name that was passed last, and began at `from`, is `name`. */
function isName(from: number, name: JsonName): boolean {
  if (isNameEscaped) return decodeString(bytes, from, nameEndAt) === name.text
  const { utf8 } = name
  if (nameEndAt - from - 2 !== utf8.length) return false
  for (let i = 0; i < utf8.length; i++) if (bytes[from + 1 + i] !== utf8[i]) return false
  return true
}

/** The place after the closing quote of the string that begins at `from`; sets `hasEscape`. */
function stringEnd(document: Buffer, from: number): number {
  hasEscape = false
  const { length } = document
  let place = from + 1
  for (;;) {
    const end = Math.min(place + LONG_FROM_BYTES, length)
    let byte = 0
    for (; place < end; place++) {
      byte = document[place]!
      if (byte === QUOTE) return place + 1
      if (byte === BACKSLASH || byte < 0x20) break
    }
    if (place === end) {
      if (end === length) fail(place)
      place = plainTextEnd(place)
    } else if (byte === BACKSLASH) {
      hasEscape = true
      place = escapeEnd(document, place)
    } else fail(place)
  }
}
