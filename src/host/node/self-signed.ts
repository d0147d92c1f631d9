// A certificate that nobody vouches for, made at the start of a server that needs one and was given
// none. Node makes keys and signatures but no certificates; these are the few bytes between.

import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { isIP } from 'node:net'

/** A certificate, with those above it if there are any, and its key: PEM. */
export interface TlsIdentity {
  readonly certificate: string
  readonly key: string
}

const DAY_MS = 86_400_000
/** Longer than anything runs that makes its certificate itself. */
const VALID_DAYS = 3650
/** Clients' clocks may be behind. */
const VALID_BEFORE_DAYS = 1

/**
 * For these host names and addresses, the loopback's among them in any case. `drawn`: 16 bytes that
 * its serial number is made of.
 */
export function selfSigned(hosts: readonly string[], drawn: Buffer = randomBytes(16)): TlsIdentity {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const names = [...new Set(['localhost', '127.0.0.1', '::1', ...hosts])]
  const content = sequence(
    tagged(0xa0, integer([2])),
    integer(positive(drawn)),
    ECDSA_WITH_SHA256,
    NAME,
    validity(Date.now()),
    NAME,
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, sequence(subjectAltName(names))),
  )
  const signature = sign('sha256', content, privateKey)
  const certificate = sequence(content, ECDSA_WITH_SHA256, bitString(signature))
  return {
    certificate: pemOf(certificate),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

/** X.690: a tag, the length, the content. */
function tagged(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content])
  const lengthBytes = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...lengthBytes]), content])
}

function sequence(...parts: readonly Uint8Array[]): Buffer {
  return tagged(0x30, ...parts)
}

/** The first bit is the sign, and the first nine must not be all the same. */
function integer(bytes: readonly number[]): Buffer {
  return tagged(0x02, Buffer.from(bytes))
}

function positive(bytes: Buffer): readonly number[] {
  const [first = 0, ...rest] = bytes
  return [(first & 0x3f) | 0x40, ...rest]
}

function bitString(bytes: Uint8Array): Buffer {
  return tagged(0x03, Buffer.from([0]), bytes)
}

/** 1.2.840.10045.4.3.2 */
const ECDSA_WITH_SHA256 = sequence(tagged(0x06, Buffer.from('2a8648ce3d040302', 'hex')))
/** 2.5.4.3, the common name. */
const COMMON_NAME = tagged(0x06, Buffer.from('550403', 'hex'))
const NAME = sequence(
  tagged(0x31, sequence(COMMON_NAME, tagged(0x0c, Buffer.from('Headgate, self-signed')))),
)
/** 2.5.29.17 */
const SUBJECT_ALT_NAME = tagged(0x06, Buffer.from('551d11', 'hex'))

function subjectAltName(names: readonly string[]): Buffer {
  const entries = names.map((name) =>
    isIP(name) === 0 ? tagged(0x82, Buffer.from(name)) : tagged(0x87, addressBytes(name)),
  )
  return sequence(SUBJECT_ALT_NAME, tagged(0x04, sequence(...entries)))
}

function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number))
  // The URL parser writes it without an embedded IPv4 address.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const groupsOf = (text = '') => (text === '' ? [] : text.split(':'))
  const [first, last] = [groupsOf(head), groupsOf(tail)]
  const zeros = Array.from({ length: 8 - first.length - last.length }, () => '0')
  const groups = [...first, ...zeros, ...last]
  return Buffer.from(groups.map((group) => group.padStart(4, '0')).join(''), 'hex')
}

function validity(nowMs: number): Buffer {
  const from = nowMs - VALID_BEFORE_DAYS * DAY_MS
  return sequence(utcTime(from), utcTime(from + VALID_DAYS * DAY_MS))
}

/** `YYMMDDHHMMSSZ`; good until 2049. */
function utcTime(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replaceAll(/[-T:]|\..*/g, '')
  return tagged(0x17, Buffer.from(`${digits.slice(2)}Z`))
}

function pemOf(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g)!
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}
