// AWS Signature Version 4, in headers, with the whole body hashed.
//
//   canonical request = method ⏎ path ⏎ query ⏎ name:value ⏎ … ⏎ ⏎ names ⏎ hex(SHA-256(body))
//   string to sign    = AWS4-HMAC-SHA256 ⏎ date and time ⏎ scope ⏎ hex(SHA-256(canonical request))
//   signature         = HMAC(day key, string to sign), the day key cached

import { hash } from 'node:crypto'
import type { RawHeaders } from './raw-headers.ts'

export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** Of temporary credentials. */
  readonly sessionToken?: string
  /** Milliseconds since the epoch; absent for credentials that last. */
  readonly expiresAtMs?: number
}

export interface SignableRequest {
  readonly method: string
  /** Path and query as they are sent. Dots in the path are left alone. */
  readonly target: string
  /** The `host` header: name, and port unless it is the scheme's own. */
  readonly host: string
  /** What else is to be signed. */
  readonly headers: RawHeaders
  readonly body: Uint8Array
}

export interface SignerOptions {
  readonly region: string
  readonly service: string
}

const ALGORITHM = 'AWS4-HMAC-SHA256'

export class Signer {
  readonly #region: string
  readonly #service: string
  #dayKey: { secret: string; day: string; key: HmacKey } | null = null

  constructor({ region, service }: SignerOptions) {
    this.#region = region
    this.#service = service
  }

  /**
   * The headers to send: `host`, those of the request, `x-amz-date`, `x-amz-security-token` with
   * temporary credentials, and `authorization`. `wallMs` is the time as the service sees it.
   */
  sign(request: SignableRequest, credentials: Credentials, wallMs: number): RawHeaders {
    const dateTime = dateTimeOf(wallMs)
    const day = dateTime.slice(0, 8)
    const headers = ['host', request.host, ...request.headers, 'x-amz-date', dateTime]
    if (credentials.sessionToken !== undefined) {
      headers.push('x-amz-security-token', credentials.sessionToken)
    }
    const signed = canonicalHeaders(headers)
    const scope = `${day}/${this.#region}/${this.#service}/aws4_request`
    const toSign = [ALGORITHM, dateTime, scope, sha256(canonicalRequest(request, signed))]
    const key = this.#keyOf(credentials.secretAccessKey, day)
    const signature = key.sign(toSign.join('\n')).toString('hex')
    const credential = `Credential=${credentials.accessKeyId}/${scope}`
    headers.push(
      'authorization',
      `${ALGORITHM} ${credential}, SignedHeaders=${signed.names}, Signature=${signature}`,
    )
    return headers
  }

  #keyOf(secret: string, day: string): HmacKey {
    const kept = this.#dayKey
    if (kept !== null && kept.day === day && kept.secret === secret) return kept.key
    let key = new HmacKey(Buffer.from(`AWS4${secret}`))
    for (const part of [day, this.#region, this.#service, 'aws4_request']) {
      key = new HmacKey(key.sign(part))
    }
    this.#dayKey = { secret, day, key }
    return key
  }
}

const BLOCK_BYTES = 64
const SHA256_BYTES = 32

/**
 * HMAC-SHA-256 (RFC 2104) with one key. Written out because `createHmac` looks its algorithm up in
 * OpenSSL each time: 18 µs against 4 µs.
 */
class HmacKey {
  readonly #inner = Buffer.alloc(BLOCK_BYTES, 0x36)
  readonly #outer = Buffer.alloc(BLOCK_BYTES + SHA256_BYTES, 0x5c)

  constructor(key: Buffer) {
    const short = key.length > BLOCK_BYTES ? hash('sha256', key, 'buffer') : key
    short.forEach((byte, i) => {
      this.#inner[i]! ^= byte
      this.#outer[i]! ^= byte
    })
  }

  sign(content: string): Buffer {
    const inner = Buffer.concat([this.#inner, Buffer.from(content)])
    this.#outer.write(hash('sha256', inner, 'binary'), BLOCK_BYTES, 'binary')
    return hash('sha256', this.#outer, 'buffer')
  }
}

interface CanonicalHeaders {
  /** `name:value` and a line feed for each. */
  readonly lines: string
  /** `name;name;…` */
  readonly names: string
}

function canonicalRequest(request: SignableRequest, headers: CanonicalHeaders): string {
  const { method, target, body } = request
  const mark = target.indexOf('?')
  const path = canonicalPath(mark < 0 ? target : target.slice(0, mark))
  const query = mark < 0 ? '' : canonicalQuery(target.slice(mark + 1))
  return [method, path, query, headers.lines, headers.names, sha256(body)].join('\n')
}

/** Names in lower case and in order; values trimmed, runs of white space made one space. */
function canonicalHeaders(headers: RawHeaders): CanonicalHeaders {
  const values = new Map<string, string>()
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i]!.toLowerCase()
    const value = headers[i + 1]!.trim().replaceAll(/\s+/g, ' ')
    const before = values.get(name)
    values.set(name, before === undefined ? value : `${before},${value}`)
  }
  const names = [...values.keys()].sort()
  const lines = names.map((name) => `${name}:${values.get(name)}\n`).join('')
  return { lines, names: names.join(';') }
}

/** Each part encoded once more than it is sent, as every service but S3 wants it. */
function canonicalPath(path: string): string {
  return path === '/' || path === '' ? '/' : path.split('/').map(encode).join('/')
}

/** Decoded, encoded in the one way that the signature knows, in the order of names, then values. */
function canonicalQuery(query: string): string {
  const pairs = query
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const equals = pair.indexOf('=')
      const name = equals < 0 ? pair : pair.slice(0, equals)
      return [encode(decode(name)), encode(equals < 0 ? '' : decode(pair.slice(equals + 1)))]
    })
  return pairs
    .sort((a, b) => compare(a[0]!, b[0]!) || compare(a[1]!, b[1]!))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
}

/** Every byte but RFC 3986's unreserved ones as %XX. */
function encode(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function sha256(content: string | Uint8Array): string {
  return hash('sha256', content, 'hex')
}

const DAY_MS = 86_400_000

/** `20130524T000000Z`. Written out, as the room may not ask `Date`. */
function dateTimeOf(wallMs: number): string {
  const days = Math.floor(wallMs / DAY_MS)
  const seconds = Math.floor((wallMs - days * DAY_MS) / 1000)
  const hour = Math.floor(seconds / 3600)
  const minute = Math.floor(seconds / 60) % 60
  return `${dayOf(days)}T${two(hour)}${two(minute)}${two(seconds % 60)}Z`
}

/**
 * Year, month and day of a day counted from 1970-01-01, in the Gregorian calendar: years are taken
 * to begin in March, so that the leap day is the last of its year; 400 of them are 146 097 days.
 */
function dayOf(daysSince1970: number): string {
  const days = daysSince1970 + 719_468
  const era = Math.floor(days / 146_097)
  const dayOfEra = days - era * 146_097
  const leapDays =
    Math.floor(dayOfEra / 1460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096)
  const yearOfEra = Math.floor((dayOfEra - leapDays) / 365)
  const dayOfYear =
    dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153)
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  return `${String(year).padStart(4, '0')}${two(month)}${two(day)}`
}

function two(number: number): string {
  return String(number).padStart(2, '0')
}
