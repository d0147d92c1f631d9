// The place of a partition key in the hash key space: its MD5 (RFC 1321) as a big-endian number.
//
// Each user record needs one before it can be put with its neighbours, and `createHash` costs about
// ten times as much as the single block that nearly every key fits in (bench/wire.ts measures it).

import { Buffer } from 'node:buffer'
import { hash } from 'node:crypto'
import { HashKey } from '../record/index.ts'
import { startMd5OneBlock } from './md5-one-block.ts'

/** What fits into one 64-byte block beside the end mark (1 byte) and the length (8 bytes). */
const ONE_BLOCK_MAX_BYTES = 55

const program = startMd5OneBlock()
/** The block as sixteen little-endian words. Kept: nothing here is left half-way. */
const words = program?.words ?? new Int32Array(0)
const digest = program?.digest ?? new Int32Array(0)
const scratch = Buffer.alloc(64)

/**
 * The hash key of a partition key: MD5 of its UTF-8 bytes. A lone surrogate counts as U+FFFD, as
 * everywhere in Node.
 */
export function hashKeyOf(partitionKey: string): HashKey {
  if (!digestOneBlock(partitionKey)) return hashKeyOfLong(partitionKey)
  return new HashKey(
    bigEndian(digest[0]!),
    bigEndian(digest[1]!),
    bigEndian(digest[2]!),
    bigEndian(digest[3]!),
  )
}

/** The upper word of `hashKeyOf`, without an object for all four. */
export function hashTopOf(partitionKey: string): number {
  if (!digestOneBlock(partitionKey)) return hashKeyOfLong(partitionKey).w0
  return bigEndian(digest[0]!)
}

/** Leaves the digest of a key that fits into one block; false when it does not. */
function digestOneBlock(key: string): boolean {
  if (program === null) return false
  const lengthBytes = fillBlock(key)
  if (lengthBytes < 0) return false
  words[14] = lengthBytes << 3
  program.run()
  return true
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
  const md5 = hash('md5', partitionKey, 'buffer')
  return new HashKey(
    md5.readUInt32BE(0),
    md5.readUInt32BE(4),
    md5.readUInt32BE(8),
    md5.readUInt32BE(12),
  )
}

function bigEndian(word: number): number {
  const swapped =
    (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | ((word >>> 24) & 0xff)
  return swapped >>> 0
}
