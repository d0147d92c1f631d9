// What a start finds that is odd, and what it must still know.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Disk, DiskError, MemoryDisk } from '../../src/host/index.ts'
import { FRAME_HEAD_BYTES, frameOf } from '../../src/spool/frame.ts'
import { LOG_HEADER_BYTES } from '../../src/spool/log-header.ts'
import { parseFileName } from '../../src/spool/segment-name.ts'
import { methodsOf, withBadPlace } from '../changed-disk.ts'
import { Station } from './station.ts'

const isLog = (name: string) => name.endsWith('.log')

async function logOf(disk: Disk): Promise<{ name: string; bytes: Buffer }> {
  const name = (await disk.list()).find(isLog)!
  return { name, bytes: (await disk.load(name))! }
}

test('a whole frame that does not go on from the one before it is none', async () => {
  const first = await Station.open()
  await first.put('one')
  await first.put('two')
  const { name, bytes } = await logOf(first.disk)
  const { marker } = parseFileName(name)!
  const middleAt = bytes.indexOf(marker, LOG_HEADER_BYTES + 1)
  const body = bytes.subarray(LOG_HEADER_BYTES + FRAME_HEAD_BYTES, middleAt)
  const again = frameOf(body, marker, bytes.length)
  await first.disk.replace(name, Buffer.concat([bytes, again]))

  const second = await Station.open({ disk: first.disk })
  assert.equal(second.spool.totals.unsettled, 2)
  second.settleAll()
  assert.deepEqual(second.spool.totals, { successes: 2, failures: 0, exhausted: 0, unsettled: 0 })
})

test('a log whose end the disk does not give stays when all else of it has settled', async () => {
  const inner = new MemoryDisk({ maxBytes: 2 ** 26 })
  const first = await Station.open({ disk: inner })
  const texts = ['a', 'b'].map((letter) => letter.repeat(20_000))
  for (const text of texts) await first.put(text)
  const { name, bytes } = await logOf(inner)
  const badAt = bytes.indexOf('bbbb') + 10_000
  const disk = withBadPlace(inner, name, badAt)
  const second = await Station.open({ disk })
  assert.deepEqual(second.handed, [texts[0]])
  second.settleAll()
  await second.runFor(5000)

  const third = await Station.open({ disk: inner })
  assert.deepEqual(third.handed, [texts[1]])
})

test('damaged totals are kept aside', async () => {
  const disk = new MemoryDisk({ maxBytes: 2 ** 20 })
  const damaged = Buffer.from('00000000 {"version":1}\n')
  await disk.replace('totals', damaged)
  const station = await Station.open({ disk })
  assert.deepEqual(await disk.load('damaged/totals'), damaged)
  assert.ok(station.log.lines.some((line) => line.includes('they begin at zero')))
})

test('who was turned away is counted though the process ends without a word', async () => {
  const first = await Station.open()
  await first.put('one')
  for (let i = 0; i < 3; i++) first.spool.countExhausted()
  await first.runFor(1500)
  const second = await Station.open({ disk: first.disk })
  assert.equal(second.spool.totals.exhausted, 3)
})

test("another spool's receipt is not known, whatever is in its place here", async () => {
  const [first, second] = [await Station.open(), await Station.open()]
  const [theirs] = (await first.put('one')).receipts!
  const [ours] = (await second.put('one')).receipts!
  assert.equal(theirs!.slice(0, 4), ours!.slice(0, 4))
  assert.deepEqual(await second.spool.receipt(theirs!), { state: 'unknown' })
  assert.deepEqual(await second.spool.receipt(ours!), { state: 'pending' })
})

test('a number that may be on the disk is not used again', async () => {
  const inner = new MemoryDisk({ maxBytes: 2 ** 20 })
  let isFailing = true
  const fails = () => Promise.reject(new DiskError('EIO', 'the disk failed'))
  const disk: Disk = {
    ...methodsOf(inner),
    open: async (name) => {
      const file = await inner.open(name)
      return isFailing ? fails() : file
    },
    remove: fails,
  }
  const station = await Station.open({ disk })
  assert.equal((await station.put('one')).refusal?.code, 'disk-failed')
  isFailing = false
  await station.runFor(20)
  await station.put('two')
  const numbers = (await inner.list()).filter(isLog).map((name) => parseFileName(name)!.number)
  assert.deepEqual(numbers, [1, 2])
})

test('the oldest age is that of the oldest record that has not settled', async () => {
  const station = await Station.open({ spool: { windowBytes: 64 * 2 ** 20 } })
  const long = 'x'.repeat(300_000)
  await station.put(long)
  await station.runFor(60_000)
  await station.put('two')
  await station.runFor(1000)
  assert.equal(station.spool.stats.oldestAgeMs, 61_000)
  station.settle(long)
  assert.equal(station.spool.stats.oldestAgeMs, 1000)
})

test('the oldest age is right in a file that fills slowly, too', async () => {
  const station = await Station.open()
  await station.put('one')
  await station.runFor(3_600_000)
  await station.put('two')
  await station.runFor(400)
  await station.put('three')
  station.settle('one')
  assert.equal(station.spool.stats.oldestAgeMs, 400)
  station.settle('two')
  await station.runFor(1000)
  // A second too much at most.
  assert.equal(station.spool.stats.oldestAgeMs, 1400)
})

test('a segment that ends while its last record settles goes once', async () => {
  const station = await Station.open({ spool: { maxBytes: 100_000 } })
  const transaction = { idempotency: null, durable() {}, refused() {} }
  const recordsOf = (sizeBytes: number) => {
    const data = Buffer.alloc(sizeBytes)
    return [{ stream: 's', partitionKey: 'k', explicitHashKey: null, data }]
  }
  const tooMuch = { ...transaction, records: recordsOf(100_000), settled: null }
  const settled = () => station.spool.append(tooMuch)
  station.spool.append({ ...transaction, records: recordsOf(1), settled })
  await station.turn()
  station.settleAll()
  await station.runFor(3000)
  assert.deepEqual(station.spool.totals, { successes: 1, failures: 0, exhausted: 0, unsettled: 0 })
})

test('records that were on the disk and are cut off are told, and count as failures', async () => {
  const disk = new MemoryDisk({ maxBytes: 2 ** 26 })
  const first = await Station.open({ disk })
  await first.put('one')
  const name = (await disk.list()).find((one) => one.endsWith('.log'))!
  const endOfOne = await disk.sizeOf(name)
  await first.put('two')
  await first.put('three')
  first.settle('three')
  await first.until(first.spool.close(1_000))
  await (await disk.open(name)).truncate(endOfOne)

  const second = await Station.open({ disk })
  assert.deepEqual(second.handed, ['one'])
  const { successes, failures, unsettled } = second.spool.totals
  assert.deepEqual({ successes, failures, unsettled }, { successes: 1, failures: 1, unsettled: 1 })
  const told = second.log.lines.filter((line) => line.includes('the end of a segment is gone'))
  assert.match(told.join(), /"records":1/)
})
