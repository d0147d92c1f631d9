// The place of a partition key in the hash key space: its MD5 (RFC 1321) as a big-endian number.
//
// Each user record needs one before it can be put with its neighbours, and `createHash` costs about
// ten times as much as the single block that nearly every key fits in (bench/wire.ts measures it).
// The 64 steps are written out, so that shifts, constants and places are constants to the compiler.

import { hash } from 'node:crypto'
import { HashKey } from '../record/index.ts'

/** What fits into one 64-byte block beside the end mark (1 byte) and the length (8 bytes). */
const ONE_BLOCK_MAX_BYTES = 55

/** The block as sixteen little-endian words. Kept: nothing here is left half-way. */
const words = new Int32Array(16)
const state = new Int32Array(4)
const scratch = Buffer.alloc(64)

/**
 * The hash key of a partition key: MD5 of its UTF-8 bytes. A lone surrogate counts as U+FFFD, as
 * everywhere in Node.
 */
export function hashKeyOf(partitionKey: string): HashKey {
  const lengthBytes = fillBlock(partitionKey)
  if (lengthBytes < 0) return hashKeyOfLong(partitionKey)
  words[14] = lengthBytes << 3
  state[0] = 0x67452301
  state[1] = -0x10325477
  state[2] = -0x67452302
  state[3] = 0x10325476
  round1()
  round2()
  round3()
  round4()
  return new HashKey(
    bigEndian(state[0]! + 0x67452301),
    bigEndian(state[1]! - 0x10325477),
    bigEndian(state[2]! - 0x67452302),
    bigEndian(state[3]! + 0x10325476),
  )
}

/** Puts key and end mark into the block; answers the key's bytes, or -1 when it does not fit. */
function fillBlock(key: string): number {
  const length = key.length
  if (length > ONE_BLOCK_MAX_BYTES) return -1
  let word = 0
  for (let i = 0; i < length; i++) {
    const code = key.charCodeAt(i)
    if (code > 0x7f) return fillBlockWithUtf8(key)
    word |= code << ((i & 3) << 3)
    if ((i & 3) === 3) {
      words[i >> 2] = word
      word = 0
    }
  }
  words[length >> 2] = word | (0x80 << ((length & 3) << 3))
  // The length takes word 14, and word 15 is 0 for ever.
  for (let i = (length >> 2) + 1; i < 14; i++) words[i] = 0
  return length
}

function fillBlockWithUtf8(key: string): number {
  const lengthBytes = Buffer.byteLength(key)
  if (lengthBytes > ONE_BLOCK_MAX_BYTES) return -1
  scratch.fill(0)
  scratch.write(key, 0, 'utf8')
  scratch[lengthBytes] = 0x80
  for (let i = 0; i < 16; i++) words[i] = scratch.readInt32LE(i << 2)
  return lengthBytes
}

function hashKeyOfLong(partitionKey: string): HashKey {
  const digest = hash('md5', partitionKey, 'buffer')
  return new HashKey(
    digest.readUInt32BE(0),
    digest.readUInt32BE(4),
    digest.readUInt32BE(8),
    digest.readUInt32BE(12),
  )
}

function bigEndian(word: number): number {
  const swapped =
    (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | ((word >>> 24) & 0xff)
  return swapped >>> 0
}

function mixF(a: number, b: number, c: number, d: number, word: number, shift: number): number {
  const sum = (a + ((b & c) | (~b & d)) + word) | 0
  return (b + ((sum << shift) | (sum >>> (32 - shift)))) | 0
}

function mixG(a: number, b: number, c: number, d: number, word: number, shift: number): number {
  const sum = (a + ((b & d) | (c & ~d)) + word) | 0
  return (b + ((sum << shift) | (sum >>> (32 - shift)))) | 0
}

function mixH(a: number, b: number, c: number, d: number, word: number, shift: number): number {
  const sum = (a + (b ^ c ^ d) + word) | 0
  return (b + ((sum << shift) | (sum >>> (32 - shift)))) | 0
}

function mixI(a: number, b: number, c: number, d: number, word: number, shift: number): number {
  const sum = (a + (c ^ (b | ~d)) + word) | 0
  return (b + ((sum << shift) | (sum >>> (32 - shift)))) | 0
}

function round1(): void {
  let a = state[0]!
  let b = state[1]!
  let c = state[2]!
  let d = state[3]!
  a = mixF(a, b, c, d, words[0]! - 0x28955b88, 7)
  d = mixF(d, a, b, c, words[1]! - 0x173848aa, 12)
  c = mixF(c, d, a, b, words[2]! + 0x242070db, 17)
  b = mixF(b, c, d, a, words[3]! - 0x3e423112, 22)
  a = mixF(a, b, c, d, words[4]! - 0x0a83f051, 7)
  d = mixF(d, a, b, c, words[5]! + 0x4787c62a, 12)
  c = mixF(c, d, a, b, words[6]! - 0x57cfb9ed, 17)
  b = mixF(b, c, d, a, words[7]! - 0x02b96aff, 22)
  a = mixF(a, b, c, d, words[8]! + 0x698098d8, 7)
  d = mixF(d, a, b, c, words[9]! - 0x74bb0851, 12)
  c = mixF(c, d, a, b, words[10]! - 0x0000a44f, 17)
  b = mixF(b, c, d, a, words[11]! - 0x76a32842, 22)
  a = mixF(a, b, c, d, words[12]! + 0x6b901122, 7)
  d = mixF(d, a, b, c, words[13]! - 0x02678e6d, 12)
  c = mixF(c, d, a, b, words[14]! - 0x5986bc72, 17)
  b = mixF(b, c, d, a, words[15]! + 0x49b40821, 22)
  state[0] = a
  state[1] = b
  state[2] = c
  state[3] = d
}

function round2(): void {
  let a = state[0]!
  let b = state[1]!
  let c = state[2]!
  let d = state[3]!
  a = mixG(a, b, c, d, words[1]! - 0x09e1da9e, 5)
  d = mixG(d, a, b, c, words[6]! - 0x3fbf4cc0, 9)
  c = mixG(c, d, a, b, words[11]! + 0x265e5a51, 14)
  b = mixG(b, c, d, a, words[0]! - 0x16493856, 20)
  a = mixG(a, b, c, d, words[5]! - 0x29d0efa3, 5)
  d = mixG(d, a, b, c, words[10]! + 0x02441453, 9)
  c = mixG(c, d, a, b, words[15]! - 0x275e197f, 14)
  b = mixG(b, c, d, a, words[4]! - 0x182c0438, 20)
  a = mixG(a, b, c, d, words[9]! + 0x21e1cde6, 5)
  d = mixG(d, a, b, c, words[14]! - 0x3cc8f82a, 9)
  c = mixG(c, d, a, b, words[3]! - 0x0b2af279, 14)
  b = mixG(b, c, d, a, words[8]! + 0x455a14ed, 20)
  a = mixG(a, b, c, d, words[13]! - 0x561c16fb, 5)
  d = mixG(d, a, b, c, words[2]! - 0x03105c08, 9)
  c = mixG(c, d, a, b, words[7]! + 0x676f02d9, 14)
  b = mixG(b, c, d, a, words[12]! - 0x72d5b376, 20)
  state[0] = a
  state[1] = b
  state[2] = c
  state[3] = d
}

function round3(): void {
  let a = state[0]!
  let b = state[1]!
  let c = state[2]!
  let d = state[3]!
  a = mixH(a, b, c, d, words[5]! - 0x0005c6be, 4)
  d = mixH(d, a, b, c, words[8]! - 0x788e097f, 11)
  c = mixH(c, d, a, b, words[11]! + 0x6d9d6122, 16)
  b = mixH(b, c, d, a, words[14]! - 0x021ac7f4, 23)
  a = mixH(a, b, c, d, words[1]! - 0x5b4115bc, 4)
  d = mixH(d, a, b, c, words[4]! + 0x4bdecfa9, 11)
  c = mixH(c, d, a, b, words[7]! - 0x0944b4a0, 16)
  b = mixH(b, c, d, a, words[10]! - 0x41404390, 23)
  a = mixH(a, b, c, d, words[13]! + 0x289b7ec6, 4)
  d = mixH(d, a, b, c, words[0]! - 0x155ed806, 11)
  c = mixH(c, d, a, b, words[3]! - 0x2b10cf7b, 16)
  b = mixH(b, c, d, a, words[6]! + 0x04881d05, 23)
  a = mixH(a, b, c, d, words[9]! - 0x262b2fc7, 4)
  d = mixH(d, a, b, c, words[12]! - 0x1924661b, 11)
  c = mixH(c, d, a, b, words[15]! + 0x1fa27cf8, 16)
  b = mixH(b, c, d, a, words[2]! - 0x3b53a99b, 23)
  state[0] = a
  state[1] = b
  state[2] = c
  state[3] = d
}

function round4(): void {
  let a = state[0]!
  let b = state[1]!
  let c = state[2]!
  let d = state[3]!
  a = mixI(a, b, c, d, words[0]! - 0x0bd6ddbc, 6)
  d = mixI(d, a, b, c, words[7]! + 0x432aff97, 10)
  c = mixI(c, d, a, b, words[14]! - 0x546bdc59, 15)
  b = mixI(b, c, d, a, words[5]! - 0x036c5fc7, 21)
  a = mixI(a, b, c, d, words[12]! + 0x655b59c3, 6)
  d = mixI(d, a, b, c, words[3]! - 0x70f3336e, 10)
  c = mixI(c, d, a, b, words[10]! - 0x00100b83, 15)
  b = mixI(b, c, d, a, words[1]! - 0x7a7ba22f, 21)
  a = mixI(a, b, c, d, words[8]! + 0x6fa87e4f, 6)
  d = mixI(d, a, b, c, words[15]! - 0x01d31920, 10)
  c = mixI(c, d, a, b, words[6]! - 0x5cfebcec, 15)
  b = mixI(b, c, d, a, words[13]! + 0x4e0811a1, 21)
  a = mixI(a, b, c, d, words[4]! - 0x08ac817e, 6)
  d = mixI(d, a, b, c, words[11]! - 0x42c50dcb, 10)
  c = mixI(c, d, a, b, words[2]! + 0x2ad7d2bb, 15)
  b = mixI(b, c, d, a, words[9]! - 0x14792c6f, 21)
  state[0] = a
  state[1] = b
  state[2] = c
  state[3] = d
}
