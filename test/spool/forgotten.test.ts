// Receipts and idempotency keys when room is short: what was promised stays, new records do not
// come in; and what goes all the same is told.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Disk, DiskError, MemoryDisk } from '../../src/host/index.ts'
import { fileMethodsOf, methodsOf } from '../changed-disk.ts'
import { Station } from './station.ts'

const isOutcomes = (name: string) => name.endsWith('.outcomes')

async function outcomesBytes(disk: Disk): Promise<number> {
  const names = (await disk.list()).filter(isOutcomes)
  const sizes = await Promise.all(names.map((name) => disk.sizeOf(name)))
  return sizes.reduce((sum, bytes) => sum + bytes, 0)
}

/** One record in a segment of its own, settled. */
async function settledOne(station: Station, text: string, key: string): Promise<string> {
  const sent = station.append([text], { key })
  await station.turn()
  station.settle(text)
  await station.turn()
  return sent.receipts![0]!
}

async function statesOf({ spool }: Station, receipts: readonly string[]): Promise<string[]> {
  return Promise.all(receipts.map(async (receipt) => (await spool.receipt(receipt)).state))
}

function toldOf({ log }: Station): string[] {
  return log.lines.filter((line) => line.includes('before their time'))
}

const TINY = { segmentBytes: 10 }

test('a full spool keeps receipts and keys, and refuses for as long as it takes', async () => {
  const options = { spool: { segmentBytes: 400, maxBytes: 20_000 } }
  const first = await Station.open(options)
  const receipts = [
    await settledOne(first, 'a'.repeat(400), 'key-a'),
    await settledOne(first, 'b'.repeat(400), 'key-b'),
  ]
  // Short, so that what is left is less than what a spool has to have before it takes more.
  const text = 'x'.repeat(50)
  while ((await first.put(text)).refusal === null);
  for (let second = 0; second < 60; second++) {
    await first.runFor(1000)
    assert.equal(first.spool.stats.state, 'spool-full')
    assert.equal((await first.put(text)).refusal?.code, 'spool-full')
  }
  assert.deepEqual(await statesOf(first, receipts), ['delivered', 'delivered'])
  assert.equal(first.spool.stats.forgottenReceipts, 0)

  const second = await Station.open({ ...options, disk: first.disk })
  assert.deepEqual(await statesOf(second, receipts), ['delivered', 'delivered'])
  assert.deepEqual(second.spool.idempotency('key-b')?.receipts, [receipts[1]])
  second.settleAll()
  await second.runFor(3000)
  assert.equal((await second.put(text)).refusal, null)
})

const bounds = [
  { name: 'receipts.maxBytes', spool: {}, receipts: { maxBytes: 5_000 }, mayBytes: 5_000 },
  {
    name: 'a quarter of spool.maxBytes',
    spool: { maxBytes: 40_000 },
    receipts: {},
    mayBytes: 10_000,
  },
]
for (const { name, spool, receipts: config, mayBytes } of bounds) {
  test(`receipts take ${name} at most; the oldest go, and that is told`, async () => {
    const station = await Station.open({
      spool: { ...TINY, ...spool },
      receipts: config,
      idempotency: { maxAgeMs: 0 },
    })
    const { stats: none } = station.spool
    assert.deepEqual([none.forgottenReceipts, none.forgottenKeys], [0, 0])
    const receipts: string[] = []
    let bytes = 0
    for (;;) {
      receipts.push(await settledOne(station, String(receipts.length % 10), 'k'))
      if (station.spool.stats.forgottenReceipts > 0) break
      bytes = await outcomesBytes(station.disk)
      assert.ok(bytes <= mayBytes, `${bytes} bytes`)
    }
    const oneBytes = bytes / (receipts.length - 1)
    assert.ok(bytes > mayBytes - 2 * oneBytes, `only ${bytes} bytes before the first went`)
    assert.ok((await outcomesBytes(station.disk)) <= mayBytes)
    for (let i = 0; i < 5; i++) receipts.push(await settledOne(station, 'y', 'k'))

    const states = await statesOf(station, receipts)
    const { forgottenReceipts } = station.spool.stats
    assert.ok(forgottenReceipts >= 5)
    assert.deepEqual(
      states,
      receipts.map((_, index) => (index < forgottenReceipts ? 'unknown' : 'delivered')),
    )
    assert.deepEqual(toldOf(station), [
      'warn receipts go before their time: they take all they may',
    ])
  })
}

test('a key outlives its receipt, until its own time has come', async () => {
  const options = { receipts: { retentionMs: 0 }, idempotency: { maxAgeMs: 60_000 } }
  const first = await Station.open(options)
  const receipt = await settledOne(first, 'a', 'key-a')
  await first.put('unsettled')
  await first.until(first.spool.close(1000))
  const { clock, disk } = first
  const second = await Station.open({ ...options, disk, clock })
  second.settleAll()
  await second.runFor(3000)
  assert.deepEqual(await statesOf(second, [receipt]), ['unknown'])
  assert.equal(second.spool.stats.forgottenReceipts, 0, 'their time was over')
  assert.equal(second.spool.stats.bytes, await outcomesBytes(disk))
  assert.deepEqual(second.spool.totals, { successes: 2, failures: 0, exhausted: 0, unsettled: 0 })

  const third = await Station.open({ ...options, disk, clock })
  assert.deepEqual(third.spool.idempotency('key-a')?.receipts, [receipt])
  assert.deepEqual(third.spool.totals, { successes: 2, failures: 0, exhausted: 0, unsettled: 0 })
  assert.equal(third.spool.stats.bytes, await outcomesBytes(disk))
  await third.runFor(70_000)
  assert.deepEqual(await disk.list(), ['totals'])
  assert.equal(third.spool.stats.bytes, 0)
  assert.equal(third.spool.stats.forgottenKeys, 0)
})

test('a file of keys goes with the last of them, however long receipts were kept', async () => {
  const options = { receipts: { retentionMs: 50_000 }, idempotency: { maxAgeMs: 60_000 } }
  const station = await Station.open({ ...options, spool: TINY })
  await settledOne(station, 'a', 'key-a')
  await station.runFor(55_000)
  assert.deepEqual((await station.disk.list()).map(isOutcomes).sort(), [false, true])
  await station.runFor(7_000)
  assert.deepEqual(await station.disk.list(), ['totals'])
})

test('keys without receipts take a quarter of the spool at most; the oldest go, counted', async () => {
  const options = { spool: { ...TINY, maxBytes: 40_000 }, receipts: { retentionMs: 0 } }
  const first = await Station.open(options)
  let count = 0
  for (; first.spool.stats.forgottenKeys === 0; count++) {
    assert.ok((await outcomesBytes(first.disk)) <= 10_000)
    await settledOne(first, 'x', `key-${1000 + count}`)
    await first.runFor(1000)
  }
  const oneBytes = (await outcomesBytes(first.disk)) / (count - 1)
  assert.equal(count - 1, Math.floor(10_000 / oneBytes))

  const second = await Station.open({ ...options, disk: first.disk })
  assert.equal(second.spool.idempotency('key-1000'), null)
  for (let i = 1; i < count; i++) assert.ok(second.spool.idempotency(`key-${1000 + i}`) !== null)
})

test('what the full disk took no word of is written as soon as its log has gone', async () => {
  const memory = new MemoryDisk({ maxBytes: 2 ** 26 })
  let isFull = false
  const disk: Disk = {
    ...methodsOf(memory),
    open: async (name) => {
      const file = await memory.open(name)
      const append = async (chunks: readonly Uint8Array[]) => {
        const hasLog = (await memory.list()).some((one) => one.endsWith('.log'))
        if (isFull && hasLog) throw new DiskError('ENOSPC', 'no space')
        await file.append(chunks)
      }
      return { ...fileMethodsOf(file), append }
    },
  }
  const first = await Station.open({ disk })
  const sent = first.append(['a'], { key: 'key-a' })
  await first.turn()
  isFull = true
  assert.equal((await first.put('b')).refusal?.code, 'disk-full')
  first.settleAll()
  const hasLog = async () => (await memory.list()).some((name) => name.endsWith('.log'))
  while (await hasLog()) await first.runFor(100)

  const second = await Station.open({ disk: memory })
  assert.deepEqual(await statesOf(second, sent.receipts!), ['delivered'])
  assert.deepEqual(second.spool.idempotency('key-a')?.receipts, sent.receipts)
})

/** A disk that takes no logs while `isFull`. */
function filling(): { disk: Disk; isFull: boolean; memory: MemoryDisk } {
  const memory = new MemoryDisk({ maxBytes: 2 ** 26 })
  const filling = { memory, isFull: false, disk: memory as Disk }
  filling.disk = {
    ...methodsOf(memory),
    open: async (name) => {
      const file = await memory.open(name)
      const append = async (chunks: readonly Uint8Array[]) => {
        if (filling.isFull && name.endsWith('.log')) throw new DiskError('ENOSPC', 'no space')
        await file.append(chunks)
      }
      return { ...fileMethodsOf(file), append }
    },
  }
  return filling
}

test('on a full disk no receipt goes while a record is unsettled, nor while nobody sends', async () => {
  const state = filling()
  const station = await Station.open({ disk: state.disk, spool: TINY })
  const receipts = [await settledOne(station, 'a', 'ka'), await settledOne(station, 'b', 'kb')]
  await station.put('unsettled')
  state.isFull = true
  for (let second = 0; second < 20; second++) {
    assert.equal((await station.put('c')).refusal?.code, 'disk-full')
    await station.runFor(1100)
  }
  assert.deepEqual(await statesOf(station, receipts), ['delivered', 'delivered'])

  // The log that goes may be room enough.
  assert.equal((await station.put('c')).refusal?.code, 'disk-full')
  station.settle('unsettled')
  await station.runFor(60_000)
  assert.deepEqual(await statesOf(station, receipts), ['delivered', 'delivered'])
  assert.equal(station.spool.stats.forgottenReceipts, 0)
})

test('where nothing else can make room, each record refused costs the oldest file of receipts', async () => {
  const state = filling()
  const first = await Station.open({ disk: state.disk, spool: TINY })
  const receipts: string[] = []
  for (const text of ['a', 'b', 'c']) receipts.push(await settledOne(first, text, `key-${text}`))
  state.isFull = true
  assert.equal((await first.put('d')).refusal?.code, 'disk-full')
  await first.runFor(30_000)
  assert.deepEqual(await statesOf(first, receipts), ['unknown', 'delivered', 'delivered'])
  assert.equal((await first.put('d')).refusal?.code, 'disk-full')
  await first.runFor(30_000)
  assert.deepEqual(await statesOf(first, receipts), ['unknown', 'unknown', 'delivered'])
  assert.deepEqual(
    toldOf(first),
    Array(2).fill('warn receipts go before their time: the disk is full'),
  )
  assert.equal(first.spool.stats.forgottenReceipts, 2)
  state.isFull = false
  assert.equal((await first.put('d')).refusal, null)

  const second = await Station.open({ disk: state.disk })
  for (const text of ['a', 'b', 'c']) {
    const known = second.spool.idempotency(`key-${text}`)
    assert.equal(known?.receipts.length, 1, `the key of ${text}`)
  }
  assert.equal(second.spool.totals.successes, 3)
})
