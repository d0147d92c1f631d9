import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { MD5_BYTES, writeMd5s } from '../../src/wire/md5-lanes.ts'
import { LANE_BYTES, LANES_MAX_COUNT, startMd5Program } from '../../src/wire/md5-program.ts'

/** Pieces of such lengths, by turns in two buffers, each with room for its MD5 and a gap behind. */
function check(lengths: readonly number[]): void {
  const GAP = 3
  const roomOf = (length: number) => length + MD5_BYTES + GAP
  const size = lengths.reduce((sum, length) => sum + roomOf(length), 0)
  const buffers = [131, 137].map((step) => {
    const buffer = Buffer.alloc(size)
    for (let i = 0; i < size; i++) buffer[i] = (i * step + (i >> 8)) & 0xff
    return buffer
  })
  const expected = buffers.map((buffer) => Buffer.from(buffer))
  let at = 0
  const pieces = lengths.map((length, i) => {
    const piece = { bytes: buffers[i % 2]!, start: at, end: at + length }
    createHash('md5')
      .update(piece.bytes.subarray(piece.start, piece.end))
      .digest()
      .copy(expected[i % 2]!, piece.end)
    at += roomOf(length)
    return piece
  })

  writeMd5s(pieces)

  const areEqual = buffers.every((buffer, i) => buffer.equals(expected[i]!))
  assert.ok(areEqual, `MD5 of ${lengths.length} pieces: ${lengths.slice(0, 20)}`)
}

test('pieces side by side have the MD5s that they have alone', () => {
  const length = fc.oneof(fc.nat(200), fc.nat(3 * LANE_BYTES))
  fc.assert(fc.property(fc.array(length, { maxLength: 3 * LANES_MAX_COUNT }), check))
})

test('every length about the ends of a block, and of what a lane holds', () => {
  const about = [0, 56, 64, 120, 128, LANE_BYTES, LANE_BYTES - 56, 2 * LANE_BYTES]
  const lengths = about.flatMap((middle) => [-9, -8, -1, 0, 1, 8].map((by) => middle + by))
  const valid = lengths.filter((length) => length >= 0)
  check(valid)
  for (const length of valid) check(Array.from({ length: 4 }, () => length))
})

test('any number of pieces, a request of 10 MiB among them', () => {
  for (let count = 0; count <= 2 * LANES_MAX_COUNT + 1; count++) {
    check(Array.from({ length: count }, (_, i) => 5000 + 7 * i))
  }
  check(Array.from({ length: 10 }, () => 1024 * 1024))
})

test('this machine has the vectors, so that what is tested here is what runs', () => {
  assert.notEqual(startMd5Program(), null)
})
