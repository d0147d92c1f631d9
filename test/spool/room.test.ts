// What counts as taken of the disk.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Disk, DiskError, MemoryDisk } from '../../src/host/index.ts'
import { fileMethodsOf, methodsOf } from '../changed-disk.ts'
import { Station } from './station.ts'

const kindOf = (name: string) => name.replace(/^.*\./, '.')
const isOfSpool = (name: string) => /\.(log|outcomes)$/.test(name)

async function bytesOn(disk: Disk): Promise<number> {
  const names = (await disk.list()).filter(isOfSpool)
  const sizes = await Promise.all(names.map((name) => disk.sizeOf(name)))
  return sizes.reduce((sum, bytes) => sum + bytes, 0)
}

for (const kind of ['.log', '.outcomes']) {
  test(`a file that cannot be opened at a start counts all the same: ${kind}`, async () => {
    const inner = new MemoryDisk({ maxBytes: 2 ** 26 })
    const first = await Station.open({ disk: inner })
    for (const text of ['one', 'two', 'three']) await first.put(text.repeat(1000))
    first.settle('one'.repeat(1000))
    await first.turn()
    let isFailing = true
    const disk: Disk = {
      ...methodsOf(inner),
      open: async (name) => {
        if (isFailing && kindOf(name) === kind) throw new DiskError('EIO', 'the disk failed')
        return inner.open(name)
      },
    }

    const second = await Station.open({ disk })
    assert.equal(second.spool.stats.bytes, await bytesOn(inner))

    // What is written behind it counts once.
    isFailing = false
    second.settleAll()
    await second.turn()
    assert.equal(second.spool.stats.bytes, await bytesOn(inner))
    await second.put('four'.repeat(1000))
    assert.equal(second.spool.stats.bytes, await bytesOn(inner))
  })
}

test('what a write left that failed counts when it cannot be cut off', async () => {
  const inner = new MemoryDisk({ maxBytes: 2 ** 26 })
  let isFailing = false
  const fails = () => new DiskError('EIO', 'the disk failed')
  const disk: Disk = {
    ...methodsOf(inner),
    open: async (name) => {
      const file = await inner.open(name)
      const append = async ([bytes]: readonly Uint8Array[]) => {
        await file.append([isFailing ? bytes!.subarray(0, 500) : bytes!])
        if (isFailing) throw fails()
      }
      const truncate = async (sizeBytes: number) => {
        if (isFailing) throw fails()
        await file.truncate(sizeBytes)
      }
      return { ...fileMethodsOf(file), append, truncate }
    },
  }
  const station = await Station.open({ disk })
  await station.put('one')
  isFailing = true
  const { refusal } = await station.put('x'.repeat(1000))
  assert.deepEqual([refusal?.code, refusal?.mayBeWritten], ['disk-failed', true])
  assert.equal(station.spool.stats.bytes, await bytesOn(inner))

  isFailing = false
  await station.runFor(20)
  await station.put('two')
  assert.equal(station.spool.stats.segments, 2, 'that file is not written to any more')
  assert.equal(station.spool.stats.bytes, await bytesOn(inner))
})

test('zeros that are written to be written over have room, too', async () => {
  const inner = new MemoryDisk({ maxBytes: 2 ** 26 })
  const reservedEnds = new Map<string, number>()
  const disk: Disk = {
    ...methodsOf(inner),
    open: async (name) => {
      const file = await inner.open(name)
      return {
        ...fileMethodsOf(file),
        appendSynced: async (chunks, { reserveBytes }) => {
          await file.append(chunks)
          const size = file.sizeBytes()
          if (size > (reservedEnds.get(name) ?? 0)) reservedEnds.set(name, size + reserveBytes)
        },
        close: async () => {
          reservedEnds.delete(name)
        },
      }
    },
  }
  const maxBytes = 200_000
  const station = await Station.open({ disk, spool: { maxBytes } })
  let mostBytes = 0
  for (let isFull = false; !isFull; ) {
    isFull = (await station.put('x')).refusal !== null
    let zeros = 0
    for (const [name, end] of reservedEnds) zeros += Math.max(0, end - (await inner.sizeOf(name)))
    const { bytes, unsettledRecords } = station.spool.stats
    // With what is kept free for what will become of each record.
    mostBytes = Math.max(mostBytes, bytes + zeros + unsettledRecords * 128)
  }
  assert.ok(mostBytes <= maxBytes, `${mostBytes} bytes`)
})

test('what comes together has room for what becomes of each of them', async () => {
  const maxBytes = 100_000
  const station = await Station.open({ spool: { maxBytes } })
  while (station.append(['x']).refusal === null);
  await station.turn()
  const { bytes, unsettledRecords } = station.spool.stats
  assert.ok(bytes + unsettledRecords * 128 <= maxBytes, `${bytes} and ${unsettledRecords} records`)
})

test('a record fits that takes all there is with header, zeros and its outcome', async () => {
  const maxBytes = 8 * 1024
  const reserveBytes = maxBytes / 8 / 8
  const longest = async (bytes: number) => {
    const station = await Station.open({ spool: { maxBytes } })
    const { refusal } = await station.put('x'.repeat(bytes))
    const name = (await station.disk.list()).find((one) => one.endsWith('.log'))
    return refusal === null ? (await station.disk.sizeOf(name!)) + reserveBytes + 128 : null
  }
  let bytes = maxBytes
  let allBytes = await longest(bytes)
  while (allBytes === null) allBytes = await longest(--bytes)
  assert.equal(allBytes, maxBytes)
})

test('a full spool is full until some room has come', async () => {
  const station = await Station.open({ spool: { maxBytes: 100_000 } })
  while ((await station.put('x'.repeat(100))).refusal === null);
  station.settle()
  await station.runFor(1_500)
  assert.equal(station.spool.refusal()?.code, 'spool-full', 'one has settled')
  station.settleAll()
  await station.runFor(1_500)
  assert.equal(station.spool.refusal(), null)
})

test('what is larger than the room there is makes it full for a moment only', async () => {
  const station = await Station.open({ spool: { maxBytes: 100_000 } })
  assert.equal((await station.put('x'.repeat(100_000))).refusal?.code, 'spool-full')
  assert.equal(station.spool.refusal()?.code, 'spool-full')
  await station.runFor(1_500)
  assert.equal((await station.put('x')).refusal, null)
})

test('what does not fit makes the newest log go when all in it has settled', async () => {
  const small = { maxBytes: 20_000 }
  const ofDisk = await Station.open({ disk: new MemoryDisk(small) })
  const ofSpool = await Station.open({ spool: { maxBytes: 200_000 } })
  const spools = [
    { station: ofDisk, first: ['x'.repeat(12_000)], code: 'disk-full' },
    { station: ofSpool, first: fitting(ofSpool), code: 'spool-full' },
  ]
  for (const { station, first, code } of spools) {
    for (const text of first) assert.equal((await station.put(text)).refusal, null)
    const last = first.at(-1)!
    station.settle(last)
    // Nothing is left to be done, so nobody looks by himself.
    await station.runFor(10_000)
    assert.equal((await station.put(last)).refusal?.code, code)
    await station.runFor(3_000)
    assert.equal((await station.put(last)).refusal, null, code)
  }
})

/** Whole segments, each with one record, and half of one that goes on. */
function fitting({ spool }: Station): string[] {
  assert.equal(spool.stats.bytes, 0)
  const whole = Array.from({ length: 7 }, (_, i) => String(i).repeat(25_500))
  return [...whole, 'y'.repeat(15_000)]
}

test('a segment that is not written to keeps no file open, however many there are', async () => {
  const inner = new MemoryDisk({ maxBytes: 2 ** 26 })
  const open = new Map<string, number>()
  const count = (name: string, change: number) => open.set(name, (open.get(name) ?? 0) + change)
  const disk: Disk = {
    ...methodsOf(inner),
    open: async (name) => {
      const file = await inner.open(name)
      count(name, 1)
      const close = async () => {
        count(name, -1)
        await file.close()
      }
      return { ...fileMethodsOf(file), close }
    },
  }
  const openNames = () => [...open].filter(([, files]) => files > 0).map(([name]) => name)
  const station = await Station.open({ disk, spool: { segmentBytes: 64 * 1024 } })
  const texts = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(70_000))
  for (const text of texts) await station.put(text)
  await station.put('e')
  await station.runFor(2_000)
  const [newest, ...others] = openNames()
  assert.match(newest!, /^0*5-.*\.log$/)
  assert.deepEqual(others, [])

  // They are opened again for what becomes of the records, and closed again.
  station.settle(texts[0]!)
  await station.runFor(2_000)
  assert.equal(openNames().filter((name) => !/^0*5-/.test(name)).length, 0)
  const second = await Station.open({ disk: inner })
  assert.deepEqual(second.spool.totals, { successes: 1, failures: 0, exhausted: 0, unsettled: 4 })
})
