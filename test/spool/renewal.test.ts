// Logs that are made of those that settled.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Disk, DiskError, type LogFile, MemoryDisk } from '../../src/host/index.ts'
import { fileMethodsOf, methodsOf } from '../changed-disk.ts'
import { Station, type StationOptions } from './station.ts'

const SEGMENT_BYTES = 1000

/** A disk in memory, with what was renewed on it. */
class RenewingDisk {
  readonly renewed: string[] = []
  isFailing = false
  isFull = false
  waiting: Promise<void> | null = null
  readonly inner = new MemoryDisk({ maxBytes: 2 ** 30 })
  readonly disk: Disk = {
    ...methodsOf(this.inner),
    open: async (name) => this.#filling(await this.inner.open(name)),
    renew: async (oldName, name) => {
      if (this.isFailing) throw new DiskError('EIO', 'it fails')
      await this.waiting
      this.renewed.push(oldName)
      await this.inner.remove(oldName)
      return this.#filling(await this.inner.open(name))
    },
  }

  async logs(): Promise<string[]> {
    return (await this.inner.list()).filter((name) => name.endsWith('.log')).sort()
  }

  /** Of logs and outcomes. */
  async bytes(): Promise<number> {
    const names = (await this.inner.list()).filter((name) => /log|outcomes/.test(name))
    const sizes = await Promise.all(names.map((name) => this.inner.sizeOf(name)))
    return sizes.reduce((sum, one) => sum + one, 0)
  }

  #filling(file: LogFile): LogFile {
    const append = async (chunks: readonly Uint8Array[]) => {
      if (this.isFull) throw new DiskError('ENOSPC', 'it is full')
      await file.append(chunks)
    }
    return { ...fileMethodsOf(file), append }
  }
}

/** Fills a segment, which settles; its outcomes are synced some time later. */
async function settleOne(station: Station, dataBytes = SEGMENT_BYTES): Promise<void> {
  await station.put('x'.repeat(dataBytes))
  station.settleAll()
  await station.runFor(1500)
}

async function stationOn(disk: Disk, options: StationOptions = {}): Promise<Station> {
  const spool = { segmentBytes: SEGMENT_BYTES, maxBytes: 100_000, ...options.spool }
  return Station.open({ ...options, disk, spool })
}

test('the next log is made of one that settled, and counts as it did', async () => {
  const renewing = new RenewingDisk()
  const station = await stationOn(renewing.disk)
  await settleOne(station)
  const [first] = await renewing.logs()
  const { bytes } = station.spool.stats
  assert.ok(bytes > SEGMENT_BYTES)

  await station.put('one')
  assert.deepEqual(renewing.renewed, [first])
  assert.equal(station.spool.stats.bytes, bytes, 'written over')
  await station.put('y'.repeat(SEGMENT_BYTES))
  assert.ok(station.spool.stats.bytes > bytes, 'and beyond')
  assert.equal((await renewing.logs()).length, 1)

  station.settleAll()
  await station.until(station.spool.close(1000))
  assert.deepEqual(await renewing.logs(), [], 'none is kept by an end in order')
  const again = await stationOn(renewing.disk)
  assert.equal(again.spool.totals.successes, 3)
})

test('one log is kept, as long as its receipts, and a whole one only', async () => {
  const renewing = new RenewingDisk()
  const station = await stationOn(renewing.disk, { receipts: { retentionMs: 5000 } })
  await settleOne(station)
  assert.equal((await renewing.logs()).length, 1)
  await station.put('a'.repeat(SEGMENT_BYTES), 'b')
  await station.put('c'.repeat(SEGMENT_BYTES))
  station.settleAll()
  await station.runFor(1500)
  assert.equal((await renewing.logs()).length, 1, 'of two')
  await station.runFor(6000)
  assert.deepEqual(await renewing.logs(), [])
  assert.equal(station.spool.stats.bytes, 0)
})

test('none is kept by a spool that is half full, or without receipts', async () => {
  const half = new RenewingDisk()
  const station = await stationOn(half.disk, { spool: { maxBytes: 16_000 } })
  await station.put('x'.repeat(SEGMENT_BYTES))
  station.settle()
  for (let i = 0; i < 8; i++) await station.put('x'.repeat(SEGMENT_BYTES))
  await station.runFor(1500)
  assert.equal((await half.logs()).length, 8)

  const forgetful = new RenewingDisk()
  await settleOne(await stationOn(forgetful.disk, { receipts: { retentionMs: 0 } }))
  assert.deepEqual(await forgetful.logs(), [])

  const small = new RenewingDisk()
  await settleOne(await stationOn(small.disk, { receipts: { maxBytes: 10 } }))
  assert.deepEqual(await small.logs(), [])
})

test('where it cannot be renewed the next log is a new one, and nothing is counted twice', async () => {
  const renewing = new RenewingDisk()
  const station = await stationOn(renewing.disk)
  await settleOne(station)
  renewing.isFailing = true
  assert.equal((await station.put('x')).refusal?.code, 'disk-failed')
  await station.runFor(1500)
  assert.deepEqual(await renewing.logs(), [])
  assert.equal((await station.put('y')).refusal, null)
  station.settleAll()
  await station.runFor(1500)
  assert.equal(station.spool.stats.bytes, await renewing.bytes())
})

test('a log that is being renewed neither goes meanwhile nor is renewed again', async () => {
  const renewing = new RenewingDisk()
  const station = await stationOn(renewing.disk)
  await settleOne(station)
  let go = () => {}
  renewing.waiting = new Promise((resolve) => {
    go = resolve
  })
  const sent = station.append(['one'])
  station.spool.countExhausted()
  await station.runFor(2000)
  assert.equal((await renewing.logs()).length, 1)
  go()
  await station.turn()
  assert.equal(sent.receipts?.length, 1)
  await station.put('y'.repeat(SEGMENT_BYTES))
  await station.put('in the next one')
  assert.equal(renewing.renewed.length, 1)
  assert.equal(station.spool.stats.bytes, await renewing.bytes())
})

test('what a log was not written over counts no longer than it is there', async () => {
  const renewing = new RenewingDisk()
  const station = await stationOn(renewing.disk)
  await settleOne(station, 3 * SEGMENT_BYTES)
  const { bytes } = station.spool.stats
  await station.put('one')
  assert.equal(station.spool.stats.bytes, bytes, 'as long as it may be')
  renewing.isFull = true
  await station.put('what is cut off again')
  assert.equal(station.spool.stats.bytes, await renewing.bytes())
  renewing.isFull = false
  station.settleAll()
  await station.until(station.spool.close(1000))

  const next = await stationOn(renewing.disk)
  await settleOne(next, 3 * SEGMENT_BYTES)
  await next.put('y'.repeat(SEGMENT_BYTES))
  await next.turn()
  assert.equal(next.spool.stats.bytes, await renewing.bytes(), 'it has ended')
})

test('a log that did not become whole, or beyond a half of the spool, is not kept', async () => {
  const renewing = new RenewingDisk()
  const options = { spool: { segmentBytes: SEGMENT_BYTES, maxBytes: 16_000 } }
  const first = await stationOn(renewing.disk, options)
  await first.put('short')
  first.settleAll()
  await first.turn()
  // It ends without a word.
  const station = await stationOn(renewing.disk, options)
  await station.runFor(1500)
  assert.deepEqual(await renewing.logs(), [])

  await station.put('x'.repeat(SEGMENT_BYTES))
  for (let i = 0; i < 5; i++) await station.put('y'.repeat(SEGMENT_BYTES))
  station.settle('x'.repeat(SEGMENT_BYTES))
  await station.runFor(1500)
  assert.equal((await renewing.logs()).length, 6, 'less than a half')
  await station.put('y'.repeat(SEGMENT_BYTES))
  await station.put('y'.repeat(SEGMENT_BYTES))
  station.settle()
  await station.runFor(1500)
  assert.equal((await renewing.logs()).length, 6, 'more than a half')
})
