// Logs that are made of those that settled.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Disk, DiskError, MemoryDisk } from '../../src/host/index.ts'
import { methodsOf } from '../changed-disk.ts'
import { Station, type StationOptions } from './station.ts'

const SEGMENT_BYTES = 1000

/** A disk in memory, with what was renewed on it. */
class RenewingDisk {
  readonly renewed: string[] = []
  isFailing = false
  readonly inner = new MemoryDisk({ maxBytes: 2 ** 30 })
  readonly disk: Disk = {
    ...methodsOf(this.inner),
    renew: async (oldName, name) => {
      if (this.isFailing) throw new DiskError('EIO', 'it fails')
      this.renewed.push(oldName)
      await this.inner.remove(oldName)
      return this.inner.open(name)
    },
  }

  async logs(): Promise<string[]> {
    return (await this.inner.list()).filter((name) => name.endsWith('.log')).sort()
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
  const names = await renewing.inner.list()
  const sizes = await Promise.all(
    names.filter((name) => /log|outcomes/.test(name)).map((name) => renewing.inner.sizeOf(name)),
  )
  assert.equal(
    station.spool.stats.bytes,
    sizes.reduce((sum, one) => sum + one, 0),
  )
})
