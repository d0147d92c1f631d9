// The entries of a PutRecords body in JSON, found without parsing it whole: names and base64 need
// no unescaping, and their ends are found by the runtime's memory search. Takes only bodies as the
// SDKs write them; gives up on anything else, and then the body is parsed and checked as any other.
// So whatever this takes must mean the same there.

import {
  EXPLICIT_HASH_KEY_PATTERN,
  PARTITION_KEY_MAX_CHARACTERS,
  PUT_RECORDS_MAX_COUNT,
  STREAM_NAME_PATTERN,
} from '../wire/index.ts'
import { characterCount } from './constraints.ts'

export interface ScannedEntry {
  readonly partitionKey: string
  readonly explicitHashKey: string | null
  /** Not looked at yet: whether it is base64 shows when it is decoded. */
  readonly base64: string
}

export interface ScannedPut {
  readonly streamName: string | null
  readonly streamArn: string | null
  readonly entries: readonly ScannedEntry[]
}

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const BACKSLASH = 0x5c
const OPEN_LIST = 0x5b
const CLOSE_LIST = 0x5d
const OPEN = 0x7b
const CLOSE = 0x7d
const SPACE = 0x20

/** The request, or null when the body is not of the plain kind. */
export function scanPutRecords(body: Buffer): ScannedPut | null {
  const scan = new Scan(body)
  return scan.request()
}

class Scan {
  readonly #body: Buffer
  #at = 0

  constructor(body: Buffer) {
    this.#body = body
  }

  request(): ScannedPut | null {
    let streamName: string | null = null
    let streamArn: string | null = null
    let entries: ScannedEntry[] | null = null
    if (!this.#skip(OPEN)) return null
    do {
      const name = this.#name()
      if (name === 'Records' && entries === null) {
        entries = this.#entries()
        if (entries === null) return null
      } else if (name === 'StreamName' && streamName === null) {
        streamName = this.#text()
        if (streamName === null || !STREAM_NAME_PATTERN.test(streamName)) return null
      } else if (name === 'StreamARN' && streamArn === null) {
        streamArn = this.#text()
        if (streamArn === null) return null
      } else return null
    } while (this.#skip(COMMA))
    if (!this.#skip(CLOSE) || !this.#isAtEnd() || entries === null) return null
    return { streamName, streamArn, entries }
  }

  #entries(): ScannedEntry[] | null {
    const entries: ScannedEntry[] = []
    if (!this.#skip(OPEN_LIST)) return null
    do {
      const entry = this.#entry()
      if (entry === null || entries.length === PUT_RECORDS_MAX_COUNT) return null
      entries.push(entry)
    } while (this.#skip(COMMA))
    return this.#skip(CLOSE_LIST) ? entries : null
  }

  #entry(): ScannedEntry | null {
    let partitionKey: string | null = null
    let explicitHashKey: string | null = null
    let base64: string | null = null
    if (!this.#skip(OPEN)) return null
    do {
      const name = this.#name()
      if (name === 'Data' && base64 === null) base64 = this.#base64()
      else if (name === 'PartitionKey' && partitionKey === null) partitionKey = this.#text()
      else if (name === 'ExplicitHashKey' && explicitHashKey === null) {
        explicitHashKey = this.#text()
        if (explicitHashKey === null || !EXPLICIT_HASH_KEY_PATTERN.test(explicitHashKey))
          return null
      } else return null
    } while (this.#skip(COMMA))
    if (!this.#skip(CLOSE) || base64 === null || partitionKey === null) return null
    if (!isPartitionKey(partitionKey)) return null
    return { partitionKey, explicitHashKey, base64 }
  }

  /** A field's name and the colon behind it. */
  #name(): string | null {
    const name = this.#text()
    return name !== null && this.#skip(COLON) ? name : null
  }

  /** A string that means what it looks like: nothing escaped, no control character. */
  #text(): string | null {
    if (!this.#skip(QUOTE)) return null
    const body = this.#body
    const start = this.#at
    let at = start
    let isAscii = true
    for (; at < body.length && body[at] !== QUOTE; at++) {
      const byte = body[at]!
      if (byte === BACKSLASH || byte < SPACE) return null
      if (byte > 0x7f) isAscii = false
    }
    this.#at = at + 1
    return isAscii ? body.toString('latin1', start, at) : body.toString('utf8', start, at)
  }

  /** A string of which the decoder will say whether it is base64; a stray byte makes it none. */
  #base64(): string | null {
    if (!this.#skip(QUOTE)) return null
    const start = this.#at
    const end = this.#body.indexOf(QUOTE, start)
    if (end < 0) return null
    this.#at = end + 1
    return this.#body.toString('latin1', start, end)
  }

  /** Passes over one byte, and over white space before it; false when another one comes. */
  #skip(byte: number): boolean {
    const body = this.#body
    while (isSpace(body[this.#at])) this.#at++
    if (body[this.#at] !== byte) return false
    this.#at++
    return true
  }

  #isAtEnd(): boolean {
    while (isSpace(this.#body[this.#at])) this.#at++
    return this.#at === this.#body.length
  }
}

function isSpace(byte: number | undefined): boolean {
  return byte === SPACE || byte === 0x0a || byte === 0x0d || byte === 0x09
}

function isPartitionKey(key: string): boolean {
  if (key.length === 0) return false
  return (
    key.length <= PARTITION_KEY_MAX_CHARACTERS ||
    characterCount(key) <= PARTITION_KEY_MAX_CHARACTERS
  )
}
