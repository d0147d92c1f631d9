// The small parts of JSON: each function goes from the place where a part begins to the place after
// it, and throws where it is none.

import { JsonError } from './json-value.ts'

export const TRUE = 0x74
export const FALSE = 0x66
export const NULL = 0x6e
const PLUS = 0x2b
const MINUS = 0x2d
const POINT = 0x2e
const ZERO = 0x30
const CAPITAL_E = 0x45
const SMALL_E = 0x65
const SMALL_U = 0x75

function bytesOf(text: string): Uint8Array {
  const table = new Uint8Array(256)
  for (const character of text) table[character.charCodeAt(0)] = 1
  return table
}

const IS_DIGIT = bytesOf('0123456789')
const IS_HEX = bytesOf('0123456789abcdefABCDEF')
const IS_SPACE = bytesOf(' \t\n\r')
const IS_ESCAPED = bytesOf('"\\/bfnrt')

// Past the end there is no byte; tables are asked for 0 then, which is nothing's part. Asked for
// `undefined` they would answer the same, and V8 would read them as slowly as any object ever
// after.

export function fail(offset: number): never {
  throw new JsonError('not-json', offset)
}

export function space(document: Buffer, from: number): number {
  let place = from
  for (let byte = document[place]; byte !== undefined && byte <= 0x20; byte = document[++place]) {
    if (IS_SPACE[byte] === 0) break
  }
  return place
}

/** The end of a number or a literal. */
export function plainValueEnd(document: Buffer, from: number): number {
  switch (document[from]) {
    case TRUE:
      return wordEnd(document, from, 'true')
    case FALSE:
      return wordEnd(document, from, 'false')
    case NULL:
      return wordEnd(document, from, 'null')
    default:
      return numberEnd(document, from)
  }
}

function wordEnd(document: Buffer, from: number, word: string): number {
  for (let i = 1; i < word.length; i++) {
    if (document[from + i] !== word.charCodeAt(i)) fail(from + i)
  }
  return from + word.length
}

/** -? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)? */
function numberEnd(document: Buffer, from: number): number {
  let place = document[from] === MINUS ? from + 1 : from
  place = document[place] === ZERO ? place + 1 : digitsEnd(document, place)
  if (document[place] === POINT) place = digitsEnd(document, place + 1)
  const byte = document[place]
  if (byte !== SMALL_E && byte !== CAPITAL_E) return place
  const sign = document[++place]
  if (sign === PLUS || sign === MINUS) place++
  return digitsEnd(document, place)
}

/** At least one digit. */
function digitsEnd(document: Buffer, from: number): number {
  let place = from
  while (IS_DIGIT[document[place] ?? 0] === 1) place++
  if (place === from) fail(from)
  return place
}

/** The escape that begins with the backslash at `from`. */
export function escapeEnd(document: Buffer, from: number): number {
  if (IS_ESCAPED[document[from + 1] ?? 0] === 1) return from + 2
  if (document[from + 1] !== SMALL_U) fail(from + 1)
  for (let i = 2; i < 6; i++) {
    if (IS_HEX[document[from + i] ?? 0] !== 1) fail(from + i)
  }
  return from + 6
}
