// What a start makes of letters that came twice, were damaged, or lie in several files.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scanFile } from '../../src/dead-letters/letter-file.ts'
import { sealFrame } from '../../src/spool/index.ts'
import { MemoryDisk } from '../kinesis/memory-disk.ts'
import { ALL, letter, openLetters } from './letters.ts'

const MIB = 1024 * 1024
const turn = () => new Promise(setImmediate)

const numbersOf = ({ files }: MemoryDisk) =>
  [...files.keys()].filter((name) => !name.includes('/')).map((name) => Number.parseInt(name, 10))

/** The same letter twice on the disk: the second is kept, and the first could not be removed. */
async function keptTwice(data: readonly Buffer[]): Promise<MemoryDisk> {
  const { disk, keep } = await openLetters()
  let replaceCount = 0
  disk.fault = (operation) =>
    operation !== 'list' && operation !== 'load' && ++replaceCount > 2 ? 'EIO' : null
  for (const one of data) assert.deepEqual(await keep(letter('a', { data: one })), [true])
  await turn()
  disk.fault = () => null
  return disk
}

test('a letter whose place another takes leaves the disk, at once or at the next start', async () => {
  const data = Buffer.alloc(1000)
  const { letters, keep } = await openLetters()
  await keep(letter('a', { data }))
  const { bytes } = letters.stats
  await keep(letter('a', { data }))
  await turn()
  assert.equal(letters.stats.bytes, bytes)

  const disk = await keptTwice([data, data])
  const second = await openLetters({ disk })
  await turn()
  assert.deepEqual([second.letters.stats.count, second.letters.stats.bytes], [1, bytes])
})

test('the newer of two letters counts, in whatever order the disk lists their files', async () => {
  const disk = await keptTwice([Buffer.alloc(6 * MIB, 'o'), Buffer.from('newer')])
  assert.equal(disk.files.size, 2)
  const reversed = new MemoryDisk()
  for (const [name, content] of [...disk.files].reverse()) reversed.files.set(name, content)
  const { letters } = await openLetters({ disk: reversed })
  const [found] = letters.find(ALL)
  assert.equal(found!.number, 2)
})

test('a start goes on in the newest file, and a new one has a number of its own', async () => {
  const { disk, keep } = await openLetters()
  await keep(letter('a'))
  for (const receipt of ['b', 'c']) {
    const { keep: keepMore } = await openLetters({ disk })
    await keepMore(letter(receipt))
    assert.equal(disk.files.size, 1)
  }
  const large = await openLetters({ disk })
  await large.keep(letter('d', { data: Buffer.alloc(6 * MIB) }))
  const last = await openLetters({ disk })
  await last.keep(letter('e'))
  assert.deepEqual(numbersOf(disk).toSorted(), [1, 2])
})

test('what was damaged takes room among the letters, also after the next start', async () => {
  const { disk, keep } = await openLetters()
  await keep(letter('a', { data: Buffer.alloc(10 * MIB) }))
  const [content] = disk.files.values()
  content!.bytes[MIB]! ^= 1
  for (let start = 1; start <= 2; start++) {
    const { letters, keep: keepMore } = await openLetters({ disk, maxBytes: 16 * MIB })
    assert.ok(letters.stats.damagedBytes >= 10 * MIB)
    assert.deepEqual(await keepMore(letter('b', { data: Buffer.alloc(7 * MIB) })), [false])
  }
})

test('a store that is closed is not said to be full, and tries nothing again', async () => {
  const { letters, disk, clock, keep, logged } = await openLetters()
  disk.fault = () => 'EIO'
  const keeping = keep(letter('a'))
  const closing = letters.close()
  assert.deepEqual(await keeping, [false])
  await closing
  assert.deepEqual(await keep(letter('b')), [false])
  assert.equal(logged.filter((line) => line.includes('are full')).length, 0)
  assert.equal(clock.nextAtMs(), Number.POSITIVE_INFINITY)
})

test('a file that was damaged whole is not written to again: what was put aside of it stays', async () => {
  const { disk, keep } = await openLetters()
  await keep(letter('a'))
  const [name] = [...disk.files.keys()]
  await disk.replace(name!, Buffer.alloc(100, 1))
  const { keep: keepMore } = await openLetters({ disk })
  await keepMore(letter('b'))
  const names = [...disk.files.keys()]
  assert.ok(names.includes(`damaged/${name}-0`))
  assert.ok(!names.includes(name!))
  assert.equal(names.length, 2)
})

test('a frame that claims more than its file has is a hole, though its checksum holds for what is there', () => {
  const marker = Buffer.from('a marker')
  const file = Buffer.alloc(60, 7)
  sealFrame(file, { at: 0, end: 100 }, marker, 0)
  assert.deepEqual(scanFile(file, marker), { bodies: [], holes: [{ position: 0, bytes: file }] })
  sealFrame(file, { at: 0, end: 60 }, marker, 0)
  assert.deepEqual(scanFile(file, marker).holes, [])
})

test('a disk that fails for long is told when it begins and when it ends, not for each record', async () => {
  const { letters, disk, clock, keep, logged } = await openLetters({ maxCount: 3 })
  // As the spool does it: what was refused comes again.
  letters.onRoom(() => void keep(letter('a'), letter('b'), letter('c'), letter('d')))
  disk.fault = (operation) => (operation === 'replace' ? 'ENOSPC' : null)
  for (let i = 0; i < 5; i++) {
    await keep(letter('a'), letter('b'), letter('c'), letter('d'))
    clock.advanceBy(1000)
    await turn()
  }
  disk.fault = () => null
  await keep(letter('e'))
  assert.deepEqual(withoutFacts(logged), [
    'error dead letters are full; records stay in the spool',
    'error dead letters cannot be written; it is tried again',
    'info dead letters can be written again',
    'info dead letters have room again',
  ])

  disk.fault = (operation) => (operation === 'replace' ? 'EIO' : null)
  await keep(letter('f'))
  assert.match(logged.at(-1)!, /^error dead letters cannot be written/)
})

test('a store that is full again after there was room says so again', async () => {
  const { letters, keep, logged } = await openLetters({ maxCount: 1 })
  for (let i = 0; i < 3; i++) {
    await keep(letter('a'), letter('b'), letter('c'))
    await letters.remove(letters.find(ALL))
  }
  assert.equal(logged.filter((line) => line.includes('are full')).length, 3)
})

function withoutFacts(lines: readonly string[]): string[] {
  return lines.map((line) => line.replace(/ \{.*/, '')).filter((line) => !line.includes('became'))
}
