// What power loss makes of a file's bytes, where a sync failed or a cut was not synced.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimFile } from '../../src/sim/sim-file.ts'
import { SimRandom } from '../../src/sim/sim-random.ts'

/** What of the letters is left, over many seeds; `keepsPerMille` of unsynced sectors are kept. */
function leftOf(keepsPerMille: number, live: (file: SimFile) => void): Set<string> {
  const left = new Set<string>()
  for (let seed = 0; seed < 40; seed++) {
    const file = new SimFile()
    live(file)
    file.losePower(new SimRandom(seed), keepsPerMille)
    left.add(lettersOf(file))
  }
  return left
}

/** One character a sector, `0` for zeros. */
function lettersOf(file: SimFile): string {
  let letters = ''
  for (let at = 0; at < file.sizeBytes; at += 512) {
    letters += String.fromCharCode(file.read(at, 1)[0] || 48)
  }
  return letters
}

function add(file: SimFile, letters: string): void {
  for (const letter of letters) file.append(Buffer.alloc(512, letter))
}

function sync(file: SimFile): void {
  file.beginSync()()
}

test('a cut that was not synced may be undone, with bytes that were not synced either', () => {
  const left = leftOf(1000, (file) => {
    add(file, 'a')
    sync(file)
    add(file, 'bc')
    file.truncate(512)
  })
  assert.ok(
    [...left].some((letters) => letters.startsWith('ab')),
    [...left].join(),
  )
  assert.ok(left.has('a'))
})

test('what is written behind a cut lies over what comes back', () => {
  const left = leftOf(1000, (file) => {
    add(file, 'abc')
    sync(file)
    file.truncate(512)
    add(file, 'x')
  })
  for (const letters of left) assert.match(letters, /^a(x|b|xc|bc)?$/)
  assert.ok(left.has('axc'))
})

test('a cut that was synced is for good', () => {
  const left = leftOf(1000, (file) => {
    add(file, 'abc')
    sync(file)
    file.truncate(512)
    sync(file)
  })
  assert.deepEqual([...left], ['a'])
})

test('what a failed sync dropped is not on the disk, whatever a later one says', () => {
  const live = (file: SimFile) => {
    add(file, 'a')
    sync(file)
    add(file, 'b')
    file.failSync()
    add(file, 'c')
    sync(file)
  }
  assert.deepEqual([...leftOf(0, live)], ['a0c'])
  const file = new SimFile()
  live(file)
  assert.equal(lettersOf(file), 'abc', 'until power is lost it can be read')
})

test('bytes that were cut off after a failed sync and written again are on the disk', () => {
  const left = leftOf(0, (file) => {
    add(file, 'ab')
    file.failSync()
    file.truncate(0)
    add(file, 'cd')
    sync(file)
  })
  assert.deepEqual([...left], ['cd'])
})

test('old bytes lie behind what was written over them, and where it did not reach the medium', () => {
  const live = (file: SimFile) => {
    add(file, 'abc')
    sync(file)
    const made = file.renewed()
    add(made, 'x')
    sync(made)
    add(made, 'y')
    return made
  }
  const left = new Set<string>()
  for (const keepsPerMille of [0, 1000]) {
    for (let seed = 0; seed < 40; seed++) {
      const made = live(new SimFile())
      assert.equal(lettersOf(made), 'xy0', 'the user of the file sees no other')
      made.losePower(new SimRandom(seed), keepsPerMille)
      left.add(lettersOf(made))
      const clear = [...made.read(512, 32)]
      if (lettersOf(made) === 'x0c') assert.ok(clear.every((byte) => byte === 0))
    }
  }
  assert.deepEqual(
    [...left].sort(),
    ['x0c', 'xy0', 'xyc'].filter((one) => left.has(one)),
  )
  assert.ok(left.has('x0c') && left.size > 1, [...left].join())
})
