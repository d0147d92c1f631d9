// What a backlog takes of memory while it is read: the same piece for all of it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Disk, MemoryDisk } from '../../src/host/index.ts'
import { fileMethodsOf, methodsOf } from '../changed-disk.ts'
import { Station } from './station.ts'

const KIB = 1024

interface Read {
  readonly lengthBytes: number
  readonly room: Buffer | undefined
}

/** Tells the reads that are longer than a header. */
function watched(inner: Disk, reads: Read[]): Disk {
  return {
    ...methodsOf(inner),
    open: async (name) => {
      const file = await inner.open(name)
      const read = (position: number, lengthBytes: number, room?: Buffer) => {
        if (lengthBytes > 100) reads.push({ lengthBytes, room })
        return file.read(position, lengthBytes, room)
      }
      return { ...fileMethodsOf(file), read }
    },
  }
}

test('a start, and the passes after it, read a backlog of many files into the same memory', async () => {
  const inner = new MemoryDisk({ maxBytes: 2 ** 26 })
  const spool = { segmentBytes: 300 * KIB }
  const first = await Station.open({ disk: inner, spool })
  const texts = Array.from({ length: 60 }, (_, i) => `${i} `.padEnd(20 * KIB, '.'))
  for (const text of texts) await first.put(text)
  await first.until(first.spool.close(1_000))
  const reads: Read[] = []
  const disk = watched(inner, reads)

  const second = await Station.open({ disk, spool, isStarted: false })
  assert.equal(second.spool.stats.segments, 4)
  const ofStart = new Set(reads.splice(0).map(({ room }) => room))
  second.start()
  await second.runFor(1_000)
  const ofPasses = new Set(reads.map(({ room }) => room))

  assert.deepEqual(second.handed, texts)
  assert.ok(reads.length > 4)
  assert.deepEqual(
    [...ofStart].map((room) => room?.length),
    [256 * KIB],
  )
  assert.deepEqual(
    [...ofPasses].map((room) => room?.length),
    [256 * KIB],
  )
})

/** Head, transaction and record beside the data. */
const FRAME_BESIDE_BYTES = 20 + 18 + 12

for (const [name, overBytes] of [
  ['a byte shorter than a read', -1],
  ['as long as a read', 0],
  ['a byte longer than a read', 1],
] as const) {
  test(`a frame ${name} is handed on whole; memory that it alone needs is not kept`, async () => {
    const inner = new MemoryDisk({ maxBytes: 2 ** 26 })
    const first = await Station.open({ disk: inner })
    const text = 'x'.repeat(256 * KIB - FRAME_BESIDE_BYTES + overBytes)
    for (const one of ['before', text, 'after']) await first.put(one)
    await first.until(first.spool.close(1_000))
    const reads: Read[] = []

    const second = await Station.open({ disk: watched(inner, reads) })
    await second.runFor(1_000)

    assert.deepEqual(second.handed, ['before', text, 'after'])
    const long = reads.filter(({ lengthBytes }) => lengthBytes > 256 * KIB)
    assert.equal(new Set(long.map(({ room }) => room)).size, overBytes > 0 ? 2 : 0)
    const kept = reads.filter((read) => !long.includes(read)).map(({ room }) => room)
    assert.equal(new Set(kept).size, 2)
  })
}
