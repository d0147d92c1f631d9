import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Disk, DiskError, MemoryDisk } from '../../src/host/index.ts'
import { HashKey } from '../../src/record/index.ts'
import { methodsOf } from '../changed-disk.ts'
import { diskWith, JournalDisk, statesAfter } from './journal-disk.ts'
import { recordOf, Station } from './station.ts'

test('a transaction is durable, handed on, settled, and its receipt tells where it is', async () => {
  const station = await Station.open()
  const sent = await station.put('one', 'two')
  assert.deepEqual(station.handed, ['one', 'two'])
  assert.equal(sent.receipts?.length, 2)
  assert.deepEqual(await station.spool.receipt(sent.receipts![0]!), { state: 'pending' })
  assert.equal(station.spool.totals.unsettled, 2)

  station.settle('two')
  await station.turn()

  const place = { shardId: 'shardId-000000000000', sequenceNumber: '1', subSequenceNumber: 3 }
  assert.deepEqual(sent.outcomes, [null, { kind: 'delivered', place }])
  assert.deepEqual(await station.spool.receipt(sent.receipts![1]!), { state: 'delivered', place })
  const counts = { successes: 1, failures: 0, exhausted: 0, unsettled: 1 }
  assert.deepEqual(station.spool.totals, counts)
})

test('after a restart what had not settled is handed on, byte for byte, and nothing else', async () => {
  const first = await Station.open()
  const explicitHashKey = new HashKey(1, 2, 3, 4)
  first.append(['one', 'two'], { partitionKey: 'ключ', explicitHashKey, stream: 'other' })
  await first.put('three')
  first.settle('two')
  await first.turn()

  const second = await Station.open({ disk: first.disk })

  assert.deepEqual(second.handed, ['one', 'three'])
  const [record] = second.held
  assert.equal(record!.partitionKey, 'ключ')
  assert.equal(record!.stream, 'other')
  assert.equal(record!.explicitHashKey!.compare(explicitHashKey), 0)
  assert.deepEqual(second.spool.totals, { successes: 1, failures: 0, exhausted: 0, unsettled: 2 })
})

test('receipts and idempotency keys outlive a restart, and the log they came from', async () => {
  const first = await Station.open()
  const sent = first.append(['one'], { key: 'k1' })
  const other = first.append(['two'], { key: 'events ключ 😀 é' })
  await first.turn()
  first.settle('one')
  first.settle('two')
  await first.turn()

  // The log of a segment that has settled goes with the first round.
  const second = await Station.open({ disk: first.disk })
  await second.runFor(1000)
  assert.deepEqual((await second.disk.list()).map(kindOf), ['outcomes'])
  const third = await Station.open({ disk: first.disk })

  for (const { spool } of [second, third]) {
    assert.equal((await spool.receipt(sent.receipts![0]!)).state, 'delivered')
    assert.deepEqual(spool.idempotency('k1')?.receipts, sent.receipts)
    assert.deepEqual(spool.idempotency('events ключ 😀 é')?.receipts, other.receipts)
    assert.equal(spool.idempotency('k2'), null)
    assert.equal(spool.totals.successes, 2)
  }
})

test('a key of any text is known again from the log of a crash, of any length up to 65 535 bytes', async () => {
  const first = await Station.open()
  const keys = ['ключ', '😀 a', 'é'.repeat(32_767), `${'é'.repeat(32_767)}x`, '\u0000']
  const receipts = keys.map((key) => first.append([key.slice(0, 9)], { key }))
  await first.turn()
  const { spool } = await Station.open({ disk: first.disk })
  for (const [index, key] of keys.entries()) {
    assert.deepEqual(spool.idempotency(key)?.receipts, receipts[index]!.receipts)
  }
})

test('a wall clock that jumps neither forgets a key nor keeps it longer', async () => {
  const station = await Station.open({ idempotency: { maxAgeMs: 1000 } })
  const { spool, clock } = station
  station.append(['one'], { key: 'k' })
  await station.turn()
  clock.wallOffsetMs += 600_000
  assert.notEqual(spool.idempotency('k'), null)
  clock.wallOffsetMs -= 1_200_000
  await station.runFor(999)
  assert.notEqual(spool.idempotency('k'), null)
  await station.runFor(1)
  assert.equal(spool.idempotency('k'), null)
})

test('an idempotency key is remembered for its time and no longer, and the oldest make room', async () => {
  const station = await Station.open({ idempotency: { maxAgeMs: 1000, maxCount: 2 } })
  const { spool } = station
  for (const key of ['a', 'b', 'c']) station.append([key], { key })
  await station.turn()
  assert.equal(spool.idempotency('a'), null)
  assert.notEqual(spool.idempotency('b'), null)
  await station.runFor(999)
  assert.notEqual(spool.idempotency('c'), null)
  await station.runFor(1)
  assert.equal(spool.idempotency('c'), null)
})

test('a record that fails is settled when the dead letters have it', async () => {
  const station = await Station.open()
  const sent = await station.put('one')
  station.settle(null, 'ResourceNotFoundException')
  await station.turn()
  assert.equal(station.letters[0]!.receipt, sent.receipts![0])
  assert.equal(String(station.letters[0]!.data), 'one')
  assert.equal(sent.outcomes[0]!.kind, 'dead-lettered')
  const told = await station.spool.receipt(sent.receipts![0]!)
  assert.deepEqual(told, {
    state: 'dead-lettered',
    code: 'ResourceNotFoundException',
    message: 'It was ResourceNotFoundException.',
  })
  assert.equal(station.spool.totals.failures, 1)
})

test('without room among the dead letters a record is parked, and goes again when there is', async () => {
  const station = await Station.open({ hasNoRoom: true, spool: { parkedMaxCount: 2 } })
  await station.put('one', 'two', 'three')
  station.settle('one', 'Expired')
  assert.equal(station.spool.stats.state, 'dead-letters-full')
  await station.put('four')
  assert.equal(station.handed.at(-1), 'four')
  station.settle('two', 'Expired')
  await station.put('five')
  assert.equal(station.handed.at(-1), 'four', 'nothing more is handed on')

  station.hasRoom = true
  station.roomCame()
  await station.turn()

  assert.deepEqual(station.handed.slice(4), ['one', 'two', 'five'])
  station.settleAll()
  assert.equal(station.spool.totals.unsettled, 0)
  assert.equal(station.spool.stats.state, 'ok')
})

test('a line that was closed leaves the records where they are', async () => {
  const first = await Station.open()
  await first.put('one', 'two')
  first.settleAll('Closed')
  await first.until(first.spool.close(1000))
  assert.equal(first.letters.length, 0)
  const second = await Station.open({ disk: first.disk })
  assert.deepEqual(second.handed, ['one', 'two'])
})

test('closing waits for letters under way and leaves every outcome synced', async () => {
  const disk = new JournalDisk()
  const first = await Station.open({ disk })
  await first.put('one', 'two')
  let kept = () => {}
  first.keepLetter = (done) => {
    kept = () => done(true)
  }
  first.settle('one')
  first.settle('two', 'Expired')
  first.spool.countExhausted()
  let isClosed = false
  const closing = first.spool.close(10_000).then(() => {
    isClosed = true
  })
  await first.turn()
  assert.ok(!isClosed)
  kept()
  await first.until(closing)

  const totals = { successes: 1, failures: 1, exhausted: 1, unsettled: 0 }
  assert.deepEqual(first.spool.totals, totals)
  const second = await Station.open({ disk: await diskWith(statesAfter(disk.steps)[0]!) })
  assert.deepEqual(second.spool.totals, totals, 'after a power loss')
})

test('a transaction may let go of its records when it is told', async () => {
  const station = await Station.open()
  const transaction = {
    records: [recordOf('one')],
    idempotency: null,
    durable: () => {
      transaction.records = []
    },
    refused: () => assert.fail(),
    settled: null,
  }
  station.spool.append(transaction)
  await station.turn()
  assert.deepEqual(station.handed, ['one'])
})

test('a replayed record keeps its receipt, which leads to its new fate', async () => {
  const first = await Station.open()
  const { receipts } = await first.put('one')
  first.settle(null, 'Expired')
  const again = first.append(['one'], { receipt: receipts![0]! })
  await first.turn()
  assert.deepEqual(again.receipts, receipts)
  assert.deepEqual(await first.spool.receipt(receipts![0]!), { state: 'pending' })
  first.settle()
  await first.turn()

  const second = await Station.open({ disk: first.disk })
  assert.equal((await second.spool.receipt(receipts![0]!)).state, 'delivered')
  const third = await Station.open({ disk: first.disk })
  assert.equal((await third.spool.receipt(receipts![0]!)).state, 'delivered')
})

test('a replayed record of which nothing is known any more is no dead letter again', async () => {
  const receipts = { retentionMs: 1000 }
  const station = await Station.open({ spool: { segmentBytes: 1000 }, receipts })
  const text = 'x'.repeat(400)
  const [receipt] = (await station.put(text)).receipts!
  // Unsettled, so that what became of the first stays.
  const second = 'y'.repeat(800)
  await station.put(second)
  station.settle(text, 'Expired')
  station.append(['z'.repeat(1000)], { receipt: receipt! })
  await station.turn()
  station.settle('z'.repeat(1000))
  await station.turn()
  assert.equal((await station.spool.receipt(receipt!)).state, 'delivered')
  await station.runFor(5_000)
  assert.equal(station.held.length, 1)
  assert.equal((await station.spool.receipt(receipt!)).state, 'unknown')
})

test('texts that are no receipt of ours are unknown', async () => {
  const { spool } = await Station.open()
  for (const text of [
    '',
    '1-0',
    '1-0-00000000',
    '1-0-zzzzzzzz',
    '01-0-00000000',
    `1-0-${'0'.repeat(9)}`,
  ]) {
    assert.deepEqual(await spool.receipt(text), { state: 'unknown' }, text)
  }
})

test('outcomes go when their time has come; the totals stay', async () => {
  const first = await Station.open({ receipts: { retentionMs: 5000 } })
  const { receipts } = await first.put('one')
  first.settle()
  first.spool.countExhausted()
  await first.until(first.spool.close(1000))

  const second = await Station.open({ disk: first.disk, receipts: { retentionMs: 5000 } })
  await second.runFor(4900)
  assert.equal((await second.spool.receipt(receipts![0]!)).state, 'delivered')
  await second.runFor(2100)
  assert.equal((await second.spool.receipt(receipts![0]!)).state, 'unknown')
  assert.deepEqual(await second.disk.list(), ['totals'])
  const third = await Station.open({ disk: first.disk })
  assert.deepEqual(third.spool.totals, { successes: 1, failures: 0, exhausted: 1, unsettled: 0 })
  const later = await third.put('two')
  assert.notEqual(segmentOf(later.receipts![0]!), segmentOf(receipts![0]!), 'no number comes again')
})

test('outcomes that are in the totals and could not go are counted once', async () => {
  const inner = new MemoryDisk({ maxBytes: 2 ** 26 })
  const disk: Disk = {
    ...methodsOf(inner),
    remove: async (name) => {
      if (name.endsWith('.outcomes')) throw new DiskError('EIO', 'it stays')
      await inner.remove(name)
    },
  }
  const first = await Station.open({ disk, receipts: { retentionMs: 5000 } })
  await first.put('one')
  first.settle()
  await first.until(first.spool.close(1000))
  const second = await Station.open({ disk, receipts: { retentionMs: 5000 } })
  await second.runFor(7000)
  assert.deepEqual((await inner.list()).map(kindOf).sort(), ['outcomes', 'totals'])

  const third = await Station.open({ disk: inner })

  assert.deepEqual(third.spool.totals, { successes: 1, failures: 0, exhausted: 0, unsettled: 0 })
})

function segmentOf(receipt: string): string {
  return receipt.slice(0, receipt.indexOf('-'))
}

function kindOf(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1)
}

test('who is forgotten is not told, and holds nothing', async () => {
  const station = await Station.open()
  const sent = await station.put('one', 'two')
  station.spool.forget(sent.receipts![1]!)
  station.spool.forget('no receipt')
  station.spool.forget('zz-0-00000000')
  station.settleAll()
  await station.turn()
  assert.deepEqual(
    sent.outcomes.map((outcome) => outcome?.kind),
    ['delivered', undefined],
  )
  assert.equal(station.spool.totals.successes, 2)
})

test('a record that came before keeps its arrival, from memory and from the disk', async () => {
  const first = await Station.open()
  first.append(['again'], { receipt: '1-0-9f86d081', arrivedAtMs: 1234.5 })
  first.append(['new'])
  const cameAtMs = first.clock.wallMs()
  await first.turn()
  first.settle('again', 'Gone')
  assert.equal(first.letters[0]!.arrivedAtMs, 1234.5)

  first.hasRoom = false
  first.append(['parked'], { receipt: '1-1-9f86d081', arrivedAtMs: 77 })
  await first.turn()
  const { clock } = first
  const second = await Station.open({ disk: first.disk, clock })
  second.settleAll('Gone')
  const arrivals = second.letters.map(({ data, arrivedAtMs }) => [String(data), arrivedAtMs])
  assert.deepEqual(Object.fromEntries(arrivals)['parked'], 77)
  assert.equal(Object.fromEntries(arrivals)['new'], cameAtMs)
})
