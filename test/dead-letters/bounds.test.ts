// Room among the dead letters, and what is left when the disk has failed.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DeadLetterOffice } from '../../src/dead-letters/index.ts'
import { ALL, letter, openLetters } from './letters.ts'

const MIB = 1024 * 1024
const turn = () => new Promise(setImmediate)

test('letters that come together have room together, and a refusal is told later, once', async () => {
  const { letters, logged } = await openLetters({ maxBytes: 16 * MIB })
  const kept: boolean[] = []
  const large = (receipt: string) => letter(receipt, { data: Buffer.alloc(6 * MIB) })
  for (const receipt of ['a', 'b', 'c', 'd']) {
    letters.add(large(receipt), (isKept) => kept.push(isKept))
  }
  assert.deepEqual(kept, [], 'not from within')
  await turn()
  await letters.close()
  assert.deepEqual(kept.toSorted(), [false, false, true, true])
  assert.equal(logged.filter((line) => line.includes('are full')).length, 1)
})

test('what a failed disk did not keep takes no room, and it is said each time that it may go', async () => {
  const { letters, disk, clock, keep } = await openLetters({ maxCount: 1 })
  let toldCount = 0
  letters.onRoom(() => toldCount++)
  disk.fault = () => 'EIO'
  for (let i = 1; i <= 3; i++) {
    assert.deepEqual(await keep(letter('a')), [false])
    clock.advanceBy(1000)
    assert.equal(toldCount, i)
  }
  disk.fault = () => null
  assert.deepEqual(await keep(letter('a')), [true])
})

test('numbers rise over a start, and a letter that came again is there once', async () => {
  const first = await openLetters()
  await first.keep(letter('a'))
  await first.keep(letter('b'))
  const { letters, keep } = await openLetters({ disk: first.disk })
  await keep(letter('a'))
  assert.deepEqual(
    letters.find(ALL).map(({ receipt, number }) => `${receipt} ${number}`),
    ['b 2', 'a 3'],
  )
})

test('an order that failed does not stop those after it', async () => {
  const { letters, disk, keep } = await openLetters()
  await keep(letter('a'))
  const office = new DeadLetterOffice(letters, { append() {} })
  disk.fault = () => 'EIO'
  await assert.rejects(office.purge(ALL, 10), /disk fails to load/)
  disk.fault = () => null
  assert.deepEqual(await office.purge(ALL, 10), { purged: 1, left: 0 })
})

test('what comes together is written in groups of some MiB, and listed so far as is read at once', async () => {
  const { letters, disk, keep } = await openLetters()
  const large = (receipt: string) => letter(receipt, { data: Buffer.alloc(3 * MIB) })
  assert.deepEqual(await keep(large('a'), large('b'), large('c')), [true, true, true])
  assert.equal(disk.files.size, 3)

  const office = new DeadLetterOffice(letters, { append() {} })
  const { count, letters: listed } = await office.list(ALL, 10)
  assert.deepEqual([count, listed.map(({ receipt }) => receipt)], [3, ['a', 'b']])
})
