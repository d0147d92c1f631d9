// Reads the head of a plain HTTP/1.1 request: one of which no two readers can think differently.
// Whatever else HTTP has (chunked bodies, expectations, upgrades, folded lines, two lengths, odd
// bytes) is not decided here but left to Node's parser, so this may say no as often as it likes;
// what it must never do is to say yes to what Node reads otherwise.

import type { HttpHead } from '../network.ts'

/** A longer head is left to Node, which has a bound of its own for it. */
export const PLAIN_HEAD_MAX_BYTES = 4096

/** More header fields are left to Node. */
export const PLAIN_FIELDS_MAX_COUNT = 64

/** Digits of a content-length: what is longer is not exact as a number. */
export const LENGTH_MAX_DIGITS = 15

export interface PlainHead {
  readonly head: HttpHead
  /** Its bytes, the empty line included: where the body begins. */
  readonly headBytes: number
  /** What content-length says; 0 without one. */
  readonly bodyBytes: number
}

const HEAD_END = Buffer.from('\r\n\r\n')
const VERSION = ' HTTP/1.1'

/** Null unless `bytes` begin with a whole head that is plain beyond doubt. */
export function readPlainHead(bytes: Buffer): PlainHead | null {
  const end = bytes.indexOf(HEAD_END)
  const headBytes = end + HEAD_END.length
  if (end < 0 || headBytes > PLAIN_HEAD_MAX_BYTES) return null
  // Each line with its own end, so that a line is read without looking for the end of the text.
  const text = bytes.toString('latin1', 0, end + 2)
  const lineEnd = text.indexOf('\r\n')
  const method = text.startsWith('POST ') ? 'POST' : text.startsWith('GET ') ? 'GET' : null
  if (method === null) return null
  const targetAt = method.length + 1
  const targetEnd = lineEnd - VERSION.length
  if (text.charCodeAt(targetAt) !== SLASH || !text.startsWith(VERSION, targetEnd)) return null
  if (skip(text, targetAt, TARGET) !== targetEnd) return null
  const fields = readFields(text, lineEnd + 2)
  if (fields === null) return null
  const head = { method, target: text.slice(targetAt, targetEnd), headers: fields.headers }
  return { head, headBytes, bodyBytes: fields.bodyBytes }
}

/** Null when a line is not plain, or says something that is for Node to deal with. */
function readFields(
  text: string,
  startAt: number,
): { readonly headers: string[]; readonly bodyBytes: number } | null {
  const headers: string[] = []
  let bodyBytes: number | null = null
  let hasHost = false
  let hasConnection = false
  for (let at = startAt; at < text.length; ) {
    const colon = skip(text, at, NAME)
    if (colon === at || text.charCodeAt(colon) !== COLON) return null
    const valueAt = skip(text, colon + 1, BLANK)
    const lineEnd = skip(text, valueAt, VALUE)
    if (text.charCodeAt(lineEnd) !== CR || text.charCodeAt(lineEnd + 1) !== LF) return null
    const name = text.slice(at, colon)
    const value = text.slice(valueAt, endOfValue(text, valueAt, lineEnd))
    switch (meaningOf(name)) {
      case 'left to Node':
        return null
      case 'host':
        if (hasHost || value === '') return null
        hasHost = true
        break
      case 'connection':
        if (hasConnection || value.toLowerCase() !== 'keep-alive') return null
        hasConnection = true
        break
      case 'content-length':
        if (bodyBytes !== null || !LENGTH.test(value)) return null
        bodyBytes = Number(value)
    }
    headers.push(name, value)
    if (headers.length > 2 * PLAIN_FIELDS_MAX_COUNT) return null
    at = lineEnd + 2
  }
  return hasHost ? { headers, bodyBytes: bodyBytes ?? 0 } : null
}

const LENGTH = new RegExp(`^[0-9]{1,${LENGTH_MAX_DIGITS}}$`)

type Meaning = 'host' | 'connection' | 'content-length' | 'left to Node'

/** Names that say where a request ends or what becomes of its connection, by their lower case. */
const MEANINGS = new Map<string, Meaning>([
  ['host', 'host'],
  ['connection', 'connection'],
  ['content-length', 'content-length'],
  ['expect', 'left to Node'],
  // Node's parser takes it for `connection`.
  ['proxy-connection', 'left to Node'],
  ['te', 'left to Node'],
  ['trailer', 'left to Node'],
  ['transfer-encoding', 'left to Node'],
  ['upgrade', 'left to Node'],
])

/** Bit n: one of these names has n characters; most names of a request need no further look. */
const LENGTHS = [...MEANINGS.keys()].reduce((bits, name) => bits | (1 << name.length), 0)

function meaningOf(name: string): Meaning | undefined {
  const isPossible = name.length < 32 && ((LENGTHS >> name.length) & 1) === 1
  return isPossible ? MEANINGS.get(name.toLowerCase()) : undefined
}

const CR = 0x0d
const LF = 0x0a
const SPACE = 0x20
const TAB = 0x09
const COLON = 0x3a
const SLASH = 0x2f

// What a byte may be part of (RFC 9110, 5.1 and 5.5; RFC 3986, 3.3 and 3.4, without `#`).
const NAME = 1
const VALUE = 2
const TARGET = 4
const BLANK = 8
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

const KINDS = new Uint8Array(256)
for (const char of `${LETTERS}!#$%&'*+-.^_\`|~`) KINDS[char.charCodeAt(0)]! |= NAME
for (const char of `${LETTERS}-._~!$&'()*+,;=:@/?%`) KINDS[char.charCodeAt(0)]! |= TARGET
for (let code = SPACE; code < 0x7f; code++) KINDS[code]! |= VALUE
KINDS[TAB]! |= VALUE
for (const code of [SPACE, TAB]) KINDS[code]! |= BLANK

/** Where from `at` on the first character stands that is not of that kind. */
function skip(text: string, at: number, kind: number): number {
  let i = at
  // Beyond the end there is NaN, which is of no kind.
  while ((KINDS[text.charCodeAt(i)]! & kind) !== 0) i++
  return i
}

/** Without the blanks behind it, which do not belong to it. */
function endOfValue(text: string, valueAt: number, lineEnd: number): number {
  let end = lineEnd
  while (end > valueAt && (KINDS[text.charCodeAt(end - 1)]! & BLANK) !== 0) end--
  return end
}
