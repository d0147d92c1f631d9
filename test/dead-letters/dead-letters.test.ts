import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DeadLetters, KeptLetter } from '../../src/dead-letters/index.ts'
import { SELDOM_LINE_MS } from '../../src/host/index.ts'
import { hashKeyFromBigInt } from '../../src/record/index.ts'
import type { DeadLetter } from '../../src/spool/index.ts'
import { MemoryDisk } from '../kinesis/memory-disk.ts'
import { ALL, contentOf, letter, openLetters } from './letters.ts'

function expected(...receipts: string[]): Map<string, string> {
  return new Map(receipts.map((receipt) => [receipt, `data of ${receipt}`]))
}

async function onlyLetter(letters: DeadLetters): Promise<KeptLetter> {
  for await (const [letter] of letters.read(letters.find(ALL))) return letter!
  assert.fail('no letter')
}

function onlyFile(disk: MemoryDisk): [string, Buffer] {
  assert.equal(disk.files.size, 1)
  const [[name, content]] = [...disk.files] as [[string, { bytes: Buffer; synced: Buffer }]]
  return [name, content.bytes]
}

test('a letter that is kept is there after a start, whole', async () => {
  const first = await openLetters()
  const sent = letter('a', {
    data: Buffer.from([0, 255, 10, 13]),
    partitionKey: 'schlüssel €',
    explicitHashKey: hashKeyFromBigInt(2n ** 127n + 5n),
    mayBeWritten: true,
    code: 'Expired',
    attemptCount: 70,
  })
  assert.deepEqual(await first.keep(sent), [true])

  const { letters } = await openLetters({ disk: first.disk.afterPowerLoss() })

  const { attempts, number, ...rest } = await onlyLetter(letters)
  const { attempts: _, ...facts } = sent
  assert.deepEqual({ ...rest, data: Buffer.from(rest.data) }, facts)
  assert.equal(number, 1)
  // The test's wall clock is ahead of its monotonic one by this much.
  assert.deepEqual(attempts, [
    {
      startedAtMs: 1_699_999_999_980,
      durationMs: 15,
      code: 'Throttled',
      message: 'slow',
      mayBeWritten: false,
    },
  ])
})

test('what comes while a file is written is one group, in the order of its coming', async () => {
  const { letters, keep, disk } = await openLetters()
  let replaceCount = 0
  disk.fault = (operation) => {
    if (operation === 'replace') replaceCount++
    return null
  }
  const receipts = Array.from({ length: 500 }, (_, i) => `r${i}`)

  const kept = await keep(...receipts.map((receipt) => letter(receipt)))

  assert.ok(kept.every((isKept) => isKept))
  assert.equal(replaceCount, 1)
  assert.deepEqual([...(await contentOf(letters)).keys()], receipts)
})

test('letters one by one make few files, and none is rewritten for ever', async () => {
  const { keep, disk, letters } = await openLetters()
  for (let i = 0; i < 600; i++) await keep(letter(`r${i}`, { data: Buffer.alloc(1_600) }))
  assert.ok(disk.files.size >= 3 && disk.files.size <= 6, `${disk.files.size} files`)
  for (const { bytes } of disk.files.values()) assert.ok(bytes.length < 260 * 1024)
  assert.equal(letters.stats.count, 600)
})

test('removed letters are gone durably, and an empty file with them', async () => {
  const { letters, keep, disk } = await openLetters()
  await keep(letter('a'), letter('b'), letter('c'))

  assert.equal(await letters.remove(letters.find({ ...ALL, receipt: 'b' })), 1)
  const half = await openLetters({ disk: disk.afterPowerLoss() })
  assert.deepEqual(await contentOf(half.letters), expected('a', 'c'))

  assert.equal(await letters.remove(letters.find(ALL)), 2)
  assert.equal(disk.files.size, 0)
  const { count, bytes, damagedBytes, state } = letters.stats
  assert.deepEqual([count, bytes, damagedBytes, state], [0, 0, 0, 'ok'])
})

test('what dies is told at once, not a line each, and the rest with the end', async () => {
  const { letters, keep, logged, clock } = await openLetters()
  const told = () =>
    logged.flatMap(
      (line) => /dead letters;.*"kept":(\d+),"receipt":"(\w+)"/.exec(line)?.slice(1) ?? [],
    )
  await keep(letter('a'))
  assert.deepEqual(told(), ['1', 'a'])
  await keep(letter('b'), letter('c'))
  assert.deepEqual(told(), ['1', 'a'])
  clock.advanceBy(SELDOM_LINE_MS)
  assert.deepEqual(told(), ['1', 'a', '2', 'c'])
  await keep(letter('d'))
  await letters.close()
  assert.deepEqual(told(), ['1', 'a', '2', 'c', '1', 'd'])
  assert.equal(clock.scheduledCount, 0)
})

test('at the bound one more is not kept, and whoever waits is told when there is room', async () => {
  const { letters, keep, logged } = await openLetters({ maxCount: 2 })
  let toldCount = 0
  letters.onRoom(() => toldCount++)
  assert.deepEqual(await keep(letter('a'), letter('b'), letter('c')), [true, true, false])
  assert.equal(letters.stats.state, 'full')
  assert.equal(toldCount, 0)
  assert.match(logged.join(), /error dead letters are full.* \{"count":2,"bytes":[1-9]/)

  assert.equal(letters.stats.maxCount, 2)
  const saidRoom = () => logged.filter((line) => line.includes('have room again')).length
  assert.equal(saidRoom(), 0)

  await letters.remove(letters.find({ ...ALL, receipt: 'a' }))

  assert.equal(saidRoom(), 1)
  assert.equal(toldCount, 1)
  assert.equal(letters.stats.state, 'ok')
  assert.deepEqual(await keep(letter('c')), [true])
  assert.deepEqual(await contentOf(letters), expected('b', 'c'))
})

test('bytes are bounded as they are on the disk: at the bound, one byte more, one less', async () => {
  const MAX_BYTES = 16 * 1024 * 1024
  const small = await openLetters()
  await small.keep(letter('a', { data: new Uint8Array(0) }))
  const besideDataBytes = small.letters.stats.bytes
  const [, bytes] = onlyFile(small.disk)
  assert.equal(bytes.length, besideDataBytes)
  const fill = (dataBytes: number) => letter('a', { data: new Uint8Array(dataBytes) })
  for (const [extra, isKept] of [
    [-1, true],
    [0, true],
    [1, false],
  ] as const) {
    const { letters, keep } = await openLetters(LEAST_BYTES)
    assert.deepEqual(await keep(fill(MAX_BYTES - besideDataBytes + extra)), [isKept])
    assert.equal(letters.stats.bytes, isKept ? MAX_BYTES + extra : 0)
  }
})

const LEAST_BYTES = { maxBytes: 16 * 1024 * 1024 }

test('a letter of a receipt that is kept already takes its place', async () => {
  const { letters, keep, disk } = await openLetters()
  await keep(letter('a'), letter('b'))
  await keep(letter('a', { data: Buffer.from('newer'), code: 'Expired' }))
  await keep(letter('c'))

  const now = new Map([
    ['b', 'data of b'],
    ['a', 'newer'],
    ['c', 'data of c'],
  ])
  assert.deepEqual([...(await contentOf(letters))], [...now])
  assert.equal(letters.stats.count, 3)
  const again = await openLetters({ disk: disk.afterPowerLoss() })
  assert.deepEqual([...(await contentOf(again.letters))], [...now])
  assert.equal(again.letters.stats.count, 3)
})

test('removing a letter does not remove the newer one of the same receipt', async () => {
  const { letters, keep } = await openLetters()
  await keep(letter('a'))
  const old = letters.find(ALL)
  await keep(letter('a', { data: Buffer.from('newer') }))

  assert.equal(await letters.remove(old), 0)
  assert.deepEqual(await contentOf(letters), new Map([['a', 'newer']]))
})

test('a disk that fails keeps nothing, says so, and is tried again a second later', async () => {
  const { letters, keep, disk, clock, logged } = await openLetters()
  let toldCount = 0
  letters.onRoom(() => toldCount++)
  await keep(letter('a'))
  disk.fault = (operation) => (operation === 'replace' ? 'ENOSPC' : null)
  assert.deepEqual(await keep(letter('b')), [false])
  assert.equal(letters.stats.state, 'disk-failed')
  assert.match(logged.join(), /cannot be written/)
  clock.advanceBy(999)
  assert.equal(toldCount, 0)
  clock.advanceBy(1)
  assert.equal(toldCount, 1)

  disk.fault = () => null
  assert.deepEqual(await keep(letter('b')), [true])
  assert.equal(letters.stats.state, 'ok')
  assert.deepEqual(await contentOf(letters), expected('a', 'b'))
  assert.equal(letters.stats.count, 2)
})

test('a removal that the disk refuses is told, and the letter is still there', async () => {
  const { letters, keep, disk } = await openLetters()
  await keep(letter('a'), letter('b'))
  disk.fault = (operation) => (operation === 'replace' ? 'EIO' : null)
  await assert.rejects(letters.remove(letters.find({ ...ALL, receipt: 'a' })), { code: 'EIO' })
  assert.deepEqual(await contentOf(letters), expected('a', 'b'))
})

test('after close nothing more is kept, and what was being written is', async () => {
  const { letters, keep, disk } = await openLetters()
  const before = keep(letter('a'))
  await letters.close()
  assert.deepEqual(await before, [true])
  assert.deepEqual(await keep(letter('b')), [false])
  assert.deepEqual(await contentOf((await openLetters({ disk })).letters), expected('a'))
})

test('every byte of a file flipped: no damaged letter is read, no other is lost', async () => {
  const { keep, disk } = await openLetters()
  // A record whose bytes look like the beginning of a frame of this very file, marker and all.
  await keep(letter('a'))
  const [name, one] = onlyFile(disk)
  await keep(letter('forged', { data: Buffer.concat([one, one]) }), letter('c'))
  const { bytes } = disk.content(name)
  const whole = new Map([...expected('a', 'c'), ['forged', String(Buffer.concat([one, one]))]])
  for (let at = 0; at < bytes.length; at++) {
    const broken = new MemoryDisk()
    const flipped = Buffer.from(bytes)
    flipped[at] = flipped[at]! ^ 0x10
    broken.files.set(name, { bytes: flipped, synced: flipped })

    const { letters, disk: after } = await openLetters({ disk: broken })

    const found = await contentOf(letters)
    assert.equal(found.size, 2, `byte ${at}`)
    for (const [receipt, data] of found) assert.equal(data, whole.get(receipt))
    const aside = [...after.files].filter(([path]) => path.startsWith('damaged/'))
    assert.equal(aside.length, 1)
    const [path, { bytes: kept }] = aside[0]!
    const position = Number(path.slice(path.lastIndexOf('-') + 1))
    assert.deepEqual(kept, flipped.subarray(position, position + kept.length))
    assert.equal(letters.stats.damagedBytes, kept.length)
  }
})

test('a file cut anywhere gives up what is behind the cut and no more', async () => {
  const { keep, disk } = await openLetters()
  await keep(letter('a'), letter('b'), letter('c'))
  const [name, bytes] = onlyFile(disk)
  const frame = bytes.length / 3
  for (let length = 0; length < bytes.length; length++) {
    const broken = new MemoryDisk()
    const cut = bytes.subarray(0, length)
    broken.files.set(name, { bytes: cut, synced: cut })
    const { letters, keep: keepMore } = await openLetters({ disk: broken })
    const left = ['a', 'b', 'c'].slice(0, Math.floor(length / frame))
    assert.deepEqual(await contentOf(letters), expected(...left))
    assert.deepEqual(await keepMore(letter('d')), [true])
  }
})

test('a file of a newer format is left alone, and the start says why it ends', async () => {
  const disk = new MemoryDisk()
  const bytes = Buffer.from('who knows')
  disk.files.set('000000000001-0011223344556677.v2', { bytes, synced: bytes })
  await assert.rejects(openLetters({ disk }), /newer Headgate \(format 2; this one knows 1\)/)
  assert.deepEqual(disk.content('000000000001-0011223344556677.v2').bytes, bytes)
})

test('a file that cannot be read now is left for the next start; the others are there', async () => {
  const { keep, disk } = await openLetters()
  await keep(letter('a', { data: Buffer.alloc(300_000) }))
  await keep(letter('b'))
  const [first] = [...disk.files.keys()].sort()
  disk.fault = (operation, name) => (operation === 'load' && name === first ? 'EIO' : null)
  const broken = await openLetters({ disk })
  assert.deepEqual(await contentOf(broken.letters), expected('b'))
  await broken.keep(letter('c'))
  disk.fault = () => null
  const { letters } = await openLetters({ disk })
  assert.deepEqual([...(await contentOf(letters)).keys()], ['a', 'b', 'c'])
})

test('the filters choose by stream, code, receipt, time of death and number', async () => {
  const { letters, keep } = await openLetters()
  const some: DeadLetter[] = [
    letter('a', { diedAtMs: 10 }),
    letter('b', { diedAtMs: 20, stream: 's2' }),
    letter('c', { diedAtMs: 30, code: 'Expired' }),
  ]
  await keep(...some)
  const found = (filter: object) =>
    letters.find({ ...ALL, ...filter }).map(({ receipt }) => receipt)
  assert.deepEqual(found({ stream: 's1' }), ['a', 'c'])
  assert.deepEqual(found({ code: 'Expired' }), ['c'])
  assert.deepEqual(found({ receipt: 'b' }), ['b'])
  assert.deepEqual(found({ receipt: 'b', stream: 's1' }), [])
  assert.deepEqual(found({ receipt: 'none' }), [])
  for (const [sinceMs, receipts] of [
    [19, 'bc'],
    [20, 'bc'],
    [21, 'c'],
    [31, ''],
  ] as const) {
    assert.equal(found({ sinceMs }).join(''), receipts)
  }
  assert.deepEqual(found({ after: 1 }), ['b', 'c'])
  assert.deepEqual(found({ upTo: 2 }), ['a', 'b'])
})
