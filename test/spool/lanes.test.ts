// A lane that is full waits on the disk; the others do not notice.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Disk, type LogFile, MemoryDisk } from '../../src/host/index.ts'
import type { UserRecord } from '../../src/record/index.ts'
import { fileMethodsOf, methodsOf } from '../changed-disk.ts'
import { recordOf, Station } from './station.ts'

const KIB = 1024
/** Room for 64 records of a kilobyte and their overhead; for a lane, 4 of them. */
const WINDOW_BYTES = 96 * KIB

const laneOf = ({ partitionKey }: UserRecord) => Number(partitionKey)

interface Lanes {
  readonly station: Station
  put(lane: number, count: number): Promise<void>
  /** How many of a lane are out. */
  out(lane: number): number
  settle(lane: number, count: number): void
}

async function lanes(freshSharePercent = 0): Promise<Lanes> {
  const spool = { windowBytes: WINDOW_BYTES, freshSharePercent }
  const station = await Station.open({ spool, laneOf })
  let number = 0
  const indexesOf = (lane: number) =>
    station.held.flatMap((record, at) => (laneOf(record) === lane ? [at] : []))
  return {
    station,
    put: async (lane, count) => {
      for (let i = 0; i < count; i++) {
        const text = `${lane}/${number++}`.padEnd(KIB, '.')
        station.append([text], { ...recordOf(text), partitionKey: String(lane) })
      }
      await station.turn()
    },
    out: (lane) => indexesOf(lane).length,
    settle: (lane, count) => {
      for (let i = 0; i < count; i++) {
        const [at] = indexesOf(lane)
        station.settle(String(station.held[at!]!.data))
      }
    },
  }
}

test('a lane gets a part of the window and no more; the rest of it waits on the disk', async () => {
  const { station, put, out, settle } = await lanes()
  await put(1, 100)
  assert.equal(out(1), 4)
  await put(2, 3)
  assert.equal(out(2), 3, 'the other lane has room')

  settle(1, 1)
  await station.turn()
  assert.equal(out(1), 3, 'not before half of its part is free')
  settle(1, 2)
  await station.turn()

  assert.equal(out(1), 4, 'the disk has the next ones')
  const order = station.handed.filter((text) => text.startsWith('1/'))
  assert.deepEqual(
    order,
    [...order].sort((a, b) => numberOf(a) - numberOf(b)),
  )
})

test('one lane that stands still costs the others nothing', async () => {
  const deliveredBeside = async (slowCount: number) => {
    const { station, put, out, settle } = await lanes()
    let delivered = 0
    for (let round = 0; round < 60; round++) {
      await put(0, slowCount)
      for (const lane of [1, 2, 3]) await put(lane, 3)
      for (const lane of [1, 2, 3]) {
        const count = Math.min(3, out(lane))
        delivered += count
        settle(lane, count)
      }
      await station.turn()
    }
    return delivered
  }
  const [alone, beside] = [await deliveredBeside(0), await deliveredBeside(5)]
  assert.equal(alone, 60 * 9)
  assert.ok(beside >= 0.95 * alone, `${beside} of ${alone}`)
})

test('two lanes that stand still at different places are both read on where they stopped', async () => {
  const { station, put, out, settle } = await lanes()
  await put(1, 30)
  await put(2, 30)
  await put(1, 30)
  for (let round = 0; round < 40; round++) {
    settle(1, Math.min(1, out(1)))
    settle(2, Math.min(2, out(2)))
    await station.turn()
  }
  for (const lane of [1, 2]) {
    const order = station.handed.filter((text) => text.startsWith(`${lane}/`)).map(numberOf)
    assert.deepEqual(
      order,
      [...order].sort((a, b) => a - b),
    )
  }
  while (station.held.length > 0) {
    station.settleAll()
    await station.turn()
  }
  assert.equal(station.spool.totals.unsettled, 0)
  assert.equal(station.handed.length, 90)
})

test('new records overtake old ones of their lane only within their share', async () => {
  const { station, put } = await lanes(50)
  await put(1, 10)
  const handed = station.handed.map(numberOf)
  assert.deepEqual(handed, [0, 1, 2, 3, 5, 6], 'a part, and half a part of fresh ones')
  await put(1, 1)
  assert.equal(station.handed.length, 6)
  station.settle(station.handed[5]!)
  await put(1, 1)
  assert.equal(numberOf(station.handed.at(-1)!), 11)
})

test('the window bounds all lanes together', async () => {
  const { station, put, out } = await lanes()
  for (let lane = 0; lane < 30; lane++) await put(lane, 5)
  const { windowBytes, windowRecords } = station.spool.stats
  assert.ok(windowBytes <= WINDOW_BYTES + 2 * KIB, `${windowBytes}`)
  assert.equal(windowRecords, station.held.length)
  assert.ok(out(0) > 0)
  while (station.held.length > 0) {
    station.settleAll()
    await station.turn()
  }
  assert.equal(station.handed.length, 150)
})

test('when lanes change, what waits is handed on by the new ones, once', async () => {
  let shift = 0
  const spool = { windowBytes: WINDOW_BYTES }
  const station = await Station.open({ spool, laneOf: (record) => (laneOf(record) + shift) % 3 })
  for (let i = 0; i < 60; i++) {
    const text = `${i}/`.padEnd(KIB, '.')
    station.append([text], { partitionKey: String(i % 2) })
  }
  await station.turn()
  shift = 1
  station.lanesChange()
  await station.turn()
  while (station.held.length > 0) {
    station.settleAll()
    await station.turn()
  }
  assert.equal(new Set(station.handed).size, 60)
  assert.equal(station.handed.length, 60)
})

test('when lanes change while a pass reads, it leaves nothing behind', async () => {
  const inner = new MemoryDisk({ maxBytes: 2 ** 26 })
  let onRead = () => {}
  const disk: Disk = {
    ...methodsOf(inner),
    open: async (name) => {
      const file = await inner.open(name)
      const read: LogFile['read'] = (...args) => {
        onRead()
        return file.read(...args)
      }
      return { ...fileMethodsOf(file), read }
    },
  }
  // A lane has five; a read brings two of them.
  const spool = { windowBytes: 16 * 4 * 101 * KIB }
  const station = await Station.open({ disk, spool, laneOf })
  for (let i = 0; i < 40; i++) {
    const text = `${i % 2}/${i}`.padEnd(100 * KIB, '.')
    station.append([text], { partitionKey: String(i % 2) })
    await station.turn()
  }
  const settle = (lane: number, count: number) => {
    for (let i = 0; i < count; i++) {
      station.settle(String(station.held.find((record) => laneOf(record) === lane)!.data))
    }
  }
  // Lane 0 is full again before the pass has all that lane 1 has room for.
  let hasChanged = false
  onRead = () => {
    if (hasChanged || !station.handed.some((text) => text.startsWith('1/17.'))) return
    hasChanged = true
    station.lanesChange()
  }
  settle(0, 3)
  settle(1, 5)
  await station.turn()
  assert.ok(hasChanged)
  while (station.held.length > 0) {
    station.settleAll()
    await station.turn()
  }
  assert.equal(new Set(station.handed).size, 40)
})

function numberOf(text: string): number {
  return Number(/\/([0-9]+)/.exec(text)![1])
}
