// What goes when all of it has settled, while the disk refuses this or that.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Disk, DiskError, MemoryDisk, SELDOM_LINE_MS } from '../../src/host/index.ts'
import { fileMethodsOf, methodsOf } from '../changed-disk.ts'
import { HandClock } from '../hand-clock.ts'
import { Station } from './station.ts'

type Operation = 'append' | 'remove' | 'replace'

/** A disk that refuses one thing while it is told to. */
class RefusingDisk {
  readonly inner = new MemoryDisk({ maxBytes: 2 ** 26 })
  refused: { operation: Operation; kind: string } | null = null

  get disk(): Disk {
    const { inner } = this
    return {
      ...methodsOf(inner),
      open: async (name) => {
        const file = await inner.open(name)
        const append = async (chunks: readonly Uint8Array[]) => {
          this.#check('append', name)
          await file.append(chunks)
        }
        return { ...fileMethodsOf(file), append }
      },
      remove: async (name) => {
        this.#check('remove', name)
        await inner.remove(name)
      },
      replace: async (name, bytes) => {
        this.#check('replace', name)
        await inner.replace(name, bytes)
      },
    }
  }

  async kinds(): Promise<string[]> {
    return (await this.inner.list()).map((name) => name.replace(/^.*\./, '')).sort()
  }

  #check(operation: Operation, name: string): void {
    const { refused } = this
    if (refused?.operation !== operation || !name.endsWith(refused.kind)) return
    throw new DiskError('EIO', 'the disk failed')
  }
}

/** One record in a segment of its own, delivered, while the disk refuses that. */
async function settledOn(refusing: RefusingDisk, refused: RefusingDisk['refused'] & object) {
  const options = { spool: { segmentBytes: 50 }, receipts: { retentionMs: 10_000 } }
  const station = await Station.open({ disk: refusing.disk, ...options })
  await station.put('one')
  refusing.refused = refused
  station.settleAll()
  await station.runFor(5000)
  return station
}

test('a log stays while what became of its records cannot be written', async () => {
  const refusing = new RefusingDisk()
  const station = await settledOn(refusing, { operation: 'append', kind: '.outcomes' })
  assert.deepEqual(await refusing.kinds(), ['log', 'outcomes'])
  const told = () => station.log.lines.filter((line) => line.includes('outcomes cannot be written'))
  assert.equal(told().length, 1)

  refusing.refused = null
  await station.runFor(3000)
  assert.deepEqual(await refusing.kinds(), ['outcomes'])
})

test('a log that could not be removed goes later, and counts until then', async () => {
  const refusing = new RefusingDisk()
  const station = await settledOn(refusing, { operation: 'remove', kind: '.log' })
  assert.deepEqual(await refusing.kinds(), ['log', 'outcomes'])
  // Without its outcomes it would be read as if nothing of it had settled.
  await station.runFor(20_000)
  assert.deepEqual(await refusing.kinds(), ['log', 'outcomes'])
  const { bytes } = station.spool.stats

  refusing.refused = null
  await station.runFor(3000)
  assert.ok(!(await refusing.kinds()).includes('log'))
  assert.ok(station.spool.stats.bytes < bytes)
})

test('what is tried each second on a disk that refuses it is told each ten', async () => {
  for (const [operation, kind, message] of [
    ['remove', '.log', 'a segment could not be removed yet'],
    ['replace', 'totals', 'the totals could not be saved yet'],
    ['append', '.outcomes', 'outcomes cannot be written now'],
  ] as const) {
    const station = await settledOn(new RefusingDisk(), { operation, kind })
    await station.runFor(55_000)
    const told = station.log.lines.filter((line) => line.includes(message))
    assert.ok(told.length >= 4 && told.length <= 7, `${told.length} lines: ${message}`)
  }
})

test('what was written although the disk refused it, and then again, counts once', async () => {
  const inner = new MemoryDisk({ maxBytes: 2 ** 26 })
  let isRefusing = true
  const fails = () => Promise.reject(new DiskError('EIO', 'the disk failed'))
  const disk: Disk = {
    ...methodsOf(inner),
    open: async (name) => {
      const file = await inner.open(name)
      if (!name.endsWith('.outcomes')) return file
      const append = async (chunks: readonly Uint8Array[]) => {
        await file.append(chunks)
        if (isRefusing) await fails()
      }
      return { ...fileMethodsOf(file), append, truncate: fails }
    },
  }
  const station = await Station.open({ disk })
  await station.put('one')
  station.settleAll()
  await station.turn()
  isRefusing = false
  await station.runFor(3000)

  const next = await Station.open({ disk: inner })
  const once = { successes: 1, failures: 0, exhausted: 0, unsettled: 0 }
  assert.deepEqual(next.spool.totals, once)
})

test('outcomes stay until what they count is in the totals', async () => {
  const refusing = new RefusingDisk()
  const station = await settledOn(refusing, { operation: 'replace', kind: 'totals' })
  await station.runFor(20_000)
  assert.deepEqual(await refusing.kinds(), ['outcomes'])
  assert.equal(station.spool.totals.successes, 1)

  refusing.refused = null
  await station.runFor(20_000)
  assert.deepEqual(await refusing.kinds(), ['totals'])
  const next = await Station.open({ disk: refusing.disk })
  assert.equal(next.spool.totals.successes, 1)
})

test('the number of a segment that is gone does not come again', async () => {
  const refusing = new RefusingDisk()
  const first = await settledOn(refusing, { operation: 'append', kind: 'nothing' })
  await first.runFor(20_000)
  assert.deepEqual(await refusing.kinds(), ['totals'])

  const second = await Station.open({ disk: refusing.disk })
  await second.put('two')
  const logs = (await refusing.inner.list()).filter((name) => name.endsWith('.log'))
  assert.match(logs.join(), /^000000000002-/)
})

test('who is turned away while no segment is written to counts after a crash, too', async () => {
  const inner = new MemoryDisk({ maxBytes: 2 ** 26 })
  let isFailing = true
  const disk: Disk = {
    ...methodsOf(inner),
    replace: async (name, bytes) => {
      if (isFailing) throw new DiskError('EIO', 'the disk failed')
      await inner.replace(name, bytes)
    },
  }
  const station = await Station.open({ disk })
  const totals = { successes: 0, failures: 0, exhausted: 3, unsettled: 0 }
  for (let i = 0; i < 3; i++) station.spool.countExhausted()
  assert.deepEqual(station.spool.totals, totals)
  await station.runFor(1_500)
  assert.deepEqual(station.spool.totals, totals)
  isFailing = false
  await station.runFor(1_000)
  assert.deepEqual(station.spool.totals, totals)

  const second = await Station.open({ disk: inner })
  assert.deepEqual(second.spool.totals, totals)
  await station.runFor(SELDOM_LINE_MS)
  assert.equal(station.clock.scheduledCount, 0, 'there is nothing more to do')
})

test('who is turned away while the totals are saved is counted once', async () => {
  const inner = new MemoryDisk({ maxBytes: 2 ** 26 })
  const clock = new HandClock()
  let saves = 0
  const disk: Disk = {
    ...methodsOf(inner),
    replace: async (name, bytes) => {
      if (saves++ < 2) station.spool.countExhausted()
      await new Promise<void>((resolve) => clock.schedule(clock.monotonicMs() + 1_500, resolve))
      await inner.replace(name, bytes)
    },
  }
  const station = await Station.open({ disk, clock, receipts: { retentionMs: 0 } })
  await station.put('one')
  station.settle()
  station.spool.countExhausted()
  await station.runFor(500)
  await station.until(station.spool.close(10_000))
  const totals = { successes: 1, failures: 0, exhausted: 3, unsettled: 0 }
  assert.deepEqual(station.spool.totals, totals)

  const second = await Station.open({ disk: inner })
  assert.deepEqual(second.spool.totals, totals)
})

test('a log that could not be removed is tried again soon, not when its receipts go', async () => {
  const refusing = new RefusingDisk()
  const station = await settledOn(refusing, { operation: 'remove', kind: '.log' })
  refusing.refused = null
  await station.runFor(2000)
  assert.deepEqual(await refusing.kinds(), ['outcomes'])
})

test('what could not be removed is told to be counted as long as it is there', async () => {
  const refusing = new RefusingDisk()
  const station = await settledOn(refusing, { operation: 'remove', kind: '.outcomes' })
  await station.runFor(10_000)
  assert.deepEqual(await refusing.kinds(), ['outcomes', 'totals'])
  // The totals are written again when another one leaves, and when it closes.
  await station.put('two')
  station.settleAll()
  await station.runFor(15_000)
  const again = await Station.open({ disk: refusing.inner, isStarted: false })
  assert.equal(again.spool.totals.successes, 2)
  await station.until(station.spool.close(1000))
  const closed = await Station.open({ disk: refusing.inner, isStarted: false })
  assert.equal(closed.spool.totals.successes, 2)
})

test('of a log that had to go unwritten the receipts stay, and are written later', async () => {
  const refusing = new RefusingDisk()
  const options = { spool: { maxBytes: 8000 } }
  const first = await Station.open({ disk: refusing.disk, ...options })
  refusing.refused = { operation: 'append', kind: '.outcomes' }
  const sent = await first.put('x'.repeat(990))
  first.append(['y'.repeat(8000)])
  assert.equal(first.spool.refusal()?.code, 'spool-full')
  first.settleAll()
  await first.turn()
  assert.deepEqual(await refusing.kinds(), ['outcomes'])
  await first.runFor(5000)
  const stateOf = async ({ spool }: Station) => (await spool.receipt(sent.receipts![0]!)).state
  assert.equal(await stateOf(first), 'delivered')

  refusing.refused = null
  await first.runFor(3000)
  const second = await Station.open({ disk: refusing.disk, ...options })
  assert.equal(await stateOf(second), 'delivered')
})

test('what has no receipts leaves at once: a disk that fails for long leaves nothing behind', async () => {
  const inner = new MemoryDisk({ maxBytes: 2 ** 26 })
  const fails = () => Promise.reject(new DiskError('EIO', 'the disk failed'))
  const disk: Disk = {
    ...methodsOf(inner),
    open: async (name) => ({
      ...fileMethodsOf(await inner.open(name)),
      append: fails,
      truncate: fails,
    }),
  }
  const station = await Station.open({ disk })
  await station.put('one')
  await station.runFor(3000)
  assert.deepEqual(await inner.list(), ['totals'])
  assert.match(String(await inner.load('totals')), /"lastNumber":1/)
  assert.deepEqual(
    station.log.lines.filter((line) => line.includes('receipts go')),
    [],
  )
})

test('what has gone from the totals is tried again soon when it could not be removed', async () => {
  const refusing = new RefusingDisk()
  const station = await settledOn(refusing, { operation: 'remove', kind: '.outcomes' })
  await station.runFor(10_000)
  assert.deepEqual(await refusing.kinds(), ['outcomes', 'totals'])
  refusing.refused = null
  await station.runFor(2000)
  assert.deepEqual(await refusing.kinds(), ['totals'])
})

/** A disk that says which files of outcomes are open, and hold what is not synced. */
class WatchedDisk {
  readonly open = new Map<string, number>()
  readonly unsynced = new Set<string>()
  sync = async () => {}
  readonly disk: Disk

  constructor() {
    const inner = new MemoryDisk({ maxBytes: 2 ** 26 })
    this.disk = {
      ...methodsOf(inner),
      open: async (name) => {
        const file = await inner.open(name)
        if (!name.endsWith('.outcomes')) return file
        this.open.set(name, (this.open.get(name) ?? 0) + 1)
        return {
          ...fileMethodsOf(file),
          append: async (chunks) => {
            this.unsynced.add(name)
            await file.append(chunks)
          },
          sync: () => {
            this.unsynced.delete(name)
            return this.sync()
          },
          close: async () => {
            this.open.set(name, this.open.get(name)! - 1)
          },
        }
      },
    }
  }

  get openCount(): number {
    return [...this.open.values()].reduce((sum, one) => sum + one, 0)
  }
}

test('of segments that have settled no file stays open', async () => {
  const watched = new WatchedDisk()
  const station = await Station.open({ disk: watched.disk, spool: { segmentBytes: 50 } })
  for (let i = 0; i < 5; i++) {
    await station.put('one')
    station.settleAll()
    await station.turn()
  }
  await station.runFor(2000)
  assert.equal(watched.open.size, 5)
  assert.equal(watched.openCount, 0)
})

test('a close that comes while outcomes are synced syncs what has come since', async () => {
  const watched = new WatchedDisk()
  const station = await Station.open({ disk: watched.disk })
  await station.put('one', 'two')
  let release = () => {}
  watched.sync = () =>
    new Promise((resolve) => {
      release = resolve
    })
  station.settle()
  await station.runFor(1500)
  station.settle()
  await station.turn()
  watched.sync = async () => {}
  const closing = station.spool.close(10_000)
  await station.turn()
  release()
  await station.until(closing)
  assert.deepEqual([...watched.unsynced], [])
})

test('a spool that is closed keeps no file open, also when the disk takes nothing', async () => {
  const inner = new MemoryDisk({ maxBytes: 2 ** 26 })
  const open = new Set<string>()
  let isFailing = false
  const fail = async () => {
    if (isFailing) throw new DiskError('EIO', 'the disk failed')
  }
  const disk: Disk = {
    ...methodsOf(inner),
    rewrite: fail,
    open: async (name) => {
      const file = await inner.open(name)
      open.add(name)
      const close = async () => {
        open.delete(name)
      }
      return { ...fileMethodsOf(file), sync: fail, close }
    },
  }
  const station = await Station.open({ disk, spool: { segmentBytes: 64 * 1024 } })
  await station.put('a'.repeat(70_000))
  isFailing = true
  station.settle()
  await station.turn()
  assert.equal(open.size, 1, 'its outcomes')
  await station.until(station.spool.close(60_000))
  assert.deepEqual([...open], [])
})
