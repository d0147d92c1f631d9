// Frames behind damage are found wherever they lie, and what is claimed is not believed.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryDisk } from '../../src/host/index.ts'
import { claimedBytes, FRAME_HEAD_BYTES, FRAME_MAX_BYTES, frameOf } from '../../src/spool/frame.ts'
import { type Found, FrameReader, READ_BYTES } from '../../src/spool/frame-reader.ts'

const MARKER = Buffer.from('a marker')

async function foundIn(bytes: Buffer, end = bytes.length) {
  const file = await new MemoryDisk({ maxBytes: 2 ** 22 }).open('one')
  await file.append([bytes])
  const reader = new FrameReader(file, MARKER, { from: 0, end })
  const found: Found[] = []
  while (!reader.isAtEnd) {
    const one = reader.take()
    if (one === null) await reader.load()
    else found.push(one.kind === 'frame' ? { ...one, body: Buffer.from(one.body) } : one)
  }
  return { found, unreadableBytes: reader.unreadableBytes }
}

for (const beforeBytes of [0, 1, MARKER.length - 1, MARKER.length]) {
  test(`a frame is found that begins ${beforeBytes} bytes before the end of a read`, async () => {
    const position = READ_BYTES - beforeBytes
    const frame = frameOf(Buffer.from('body'), MARKER, position)
    const { found } = await foundIn(Buffer.concat([Buffer.alloc(position, 'x'), frame]))
    assert.deepEqual(found, [
      { kind: 'damage', position: 0, end: position, isTail: false },
      { kind: 'frame', position, end: position + frame.length, body: Buffer.from('body') },
    ])
  })
}

test('what a file has lost of its end counts as not given by the disk', async () => {
  const frame = frameOf(Buffer.from('body'), MARKER, 0)
  const { found, unreadableBytes } = await foundIn(frame, frame.length + 100)
  assert.equal(unreadableBytes, 100)
  assert.deepEqual(found.at(-1), {
    kind: 'damage',
    position: frame.length,
    end: frame.length + 100,
    isTail: true,
  })
})

test('no frame is longer than the longest: what claims to be is none', () => {
  const frame = frameOf(Buffer.from('body'), MARKER, 0)
  for (const [bytes, claimed] of [
    [FRAME_MAX_BYTES - 1, FRAME_MAX_BYTES - 1],
    [FRAME_MAX_BYTES, FRAME_MAX_BYTES],
    [FRAME_MAX_BYTES + 1, 0],
  ] as const) {
    frame.writeUInt32BE(bytes - FRAME_HEAD_BYTES, MARKER.length)
    assert.equal(claimedBytes(frame, 0, MARKER, 0), claimed)
  }
})
