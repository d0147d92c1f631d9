// What is handed on while other things happen: each record once, and nothing that is not to go.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Disk, MemoryDisk } from '../../src/host/index.ts'
import type { UserRecord } from '../../src/record/index.ts'
import { fileMethodsOf, methodsOf } from '../changed-disk.ts'
import { Station } from './station.ts'

const isLog = (name: string) => name.endsWith('.log')
/** One record of 1000 bytes is out at a time. */
const ONE_AT_A_TIME = { windowBytes: 1 }
const [ONE, TWO, THREE, FOUR] = ['one', 'two', 'three', 'four'].map((text) => text.padEnd(1000))

/** A disk whose syncs wait until they are let go. */
class HoldingDisk {
  readonly #inner = new MemoryDisk({ maxBytes: 2 ** 26 })
  #held: (() => void)[] = []
  isSyncHeld = false

  get disk(): Disk {
    return {
      ...methodsOf(this.#inner),
      open: async (name) => {
        const file = await this.#inner.open(name)
        return {
          ...fileMethodsOf(file),
          sync: async () => {
            if (this.isSyncHeld) await this.#hold()
          },
        }
      },
    }
  }

  release(): void {
    for (const go of this.#held.splice(0)) go()
  }

  #hold(): Promise<void> {
    return new Promise((resolve) => this.#held.push(resolve))
  }
}

test('what a pass has read before it was told is handed on once', async () => {
  const holding = new HoldingDisk()
  // A lane has four of them.
  const station = await Station.open({
    disk: holding.disk,
    spool: { windowBytes: 16 * 4 * 1500 },
  })
  const texts = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((text) => text.padEnd(1000))
  for (const text of texts.slice(0, 5)) await station.put(text)
  assert.equal(station.held.length, 4)
  holding.isSyncHeld = true
  station.append([texts[5]!])
  station.clock.advanceBy(0)
  await turnOfLoop()
  // While this one is synced the next one comes: it is told when that has begun.
  station.append([texts[6]!])
  holding.isSyncHeld = false
  holding.release()
  await turnOfLoop()
  station.settleAll()
  await turnOfLoop()
  assert.equal(station.handed.length, 6, 'read before it was told')

  await station.turn()
  assert.deepEqual(station.handed, texts)
})

async function turnOfLoop(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise(setImmediate)
}

/** A line that fails each record at once. */
function failing(station: Station, code: string): string[] {
  const handed: string[] = []
  const put = (record: UserRecord) => {
    handed.push(String(record.data))
    record.settle({ isDelivered: false, code, message: '', mayBeWritten: false, attempts: [] })
  }
  const line = { put, laneOf: () => 0, onLanesChanged() {} }
  station.spool.start(line, { settled() {}, changed() {} })
  return handed
}

for (const [what, code] of [
  ['as many are parked as may be', 'Expired'],
  ['the line is closed', 'Closed'],
] as const) {
  test(`of one transaction no more is handed on when ${what}`, async () => {
    const first = await Station.open()
    await first.put('one', 'two', 'three')
    const options = { hasNoRoom: true, spool: { parkedMaxCount: 1 }, isStarted: false }
    const second = await Station.open({ disk: first.disk, ...options })
    const handed = failing(second, code)
    await second.turn()
    await second.put('four')
    assert.deepEqual(handed, ['one'])
  })
}

for (const [where, bad] of [
  ['in the middle', TWO],
  ['at the end', FOUR],
] as const) {
  test(`what rots ${where} while it waits is told, and who waits is told`, async () => {
    const disk = new MemoryDisk({ maxBytes: 2 ** 26 })
    const station = await Station.open({ disk, spool: ONE_AT_A_TIME })
    const sent = []
    for (const text of [ONE!, TWO!, THREE!, FOUR!]) sent.push(await station.put(text))
    assert.deepEqual(station.handed, [ONE])
    const name = (await disk.list()).find(isLog)!
    const file = await disk.open(name)
    const bytes = await file.read(0, file.sizeBytes())
    const at = bytes.indexOf(bad!)
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at)
    await file.truncate(0)
    await file.append([bytes])

    while (station.held.length > 0) {
      station.settleAll()
      await station.runFor(100)
    }
    const kinds = sent.map(({ outcomes }) => outcomes[0]?.kind)
    const expected = [ONE, TWO, THREE, FOUR].map((text) =>
      text === bad ? 'dead-lettered' : 'delivered',
    )
    assert.deepEqual(kinds, expected)
    assert.equal(station.spool.stats.damagedRecords, 1)
    const { successes, failures, unsettled } = station.spool.totals
    assert.deepEqual([successes, failures, unsettled], [3, 1, 0])
  })
}

test('a pass that finds no room reads no further', async () => {
  const first = await Station.open()
  for (let i = 0; i < 50; i++) await first.put(`${i}`)
  let askedCount = 0
  const laneOf = () => askedCount++
  await Station.open({ disk: first.disk, spool: ONE_AT_A_TIME, laneOf })
  assert.ok(askedCount <= 3, `${askedCount} records were looked at`)
})
