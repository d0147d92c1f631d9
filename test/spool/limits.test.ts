// At, below and above each bound; disks that are full or fail.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Disk, DiskError, MemoryDisk } from '../../src/host/index.ts'
import { Spool } from '../../src/spool/index.ts'
import { fileMethodsOf, methodsOf, withBadPlace } from '../changed-disk.ts'
import { HandClock } from '../hand-clock.ts'
import { counting, Station, spoolConfig } from './station.ts'

/** A disk whose logs do what `fault` wants. */
type Operation = 'append' | 'sync' | 'rewrite'

function failing(fault: (operation: Operation, name: string) => DiskError | null): Disk {
  const inner = new MemoryDisk({ maxBytes: 2 ** 26 })
  const attempt = async (operation: Operation, name: string, work: () => Promise<void>) => {
    const error = fault(operation, name)
    if (error !== null) throw error
    await work()
  }
  return {
    ...methodsOf(inner),
    rewrite: (name) => attempt('rewrite', name, () => inner.rewrite(name)),
    open: async (name) => {
      const file = await inner.open(name)
      return {
        ...fileMethodsOf(file),
        append: (chunks) => attempt('append', name, () => file.append(chunks)),
        sync: () => attempt('sync', name, () => file.sync()),
      }
    },
  }
}

const isLog = (name: string) => name.endsWith('.log')

/** A disk whose logs are synced while `works` says so. */
function syncing(works: () => boolean): Disk {
  return failing((operation, name) =>
    operation === 'sync' && isLog(name) && !works() ? new DiskError('EIO', 'it failed') : null,
  )
}

test('a sync that fails refuses the group, and that file is never synced again', async () => {
  const syncs: string[] = []
  let isFailing = false
  const disk = failing((operation, name) => {
    if (operation !== 'sync' || !isLog(name)) return null
    syncs.push(name)
    return isFailing ? new DiskError('EIO', 'the disk failed') : null
  })
  const station = await Station.open({ disk })
  await station.put('kept')
  isFailing = true
  const sent = await station.put('refused')
  assert.equal(sent.refusal?.code, 'sync-failed')
  assert.equal(sent.refusal?.mayBeWritten, true)
  assert.equal(station.spool.stats.state, 'disk-failed')
  isFailing = false
  await station.runFor(20)
  const after = await station.put('after')
  assert.equal(after.receipts?.length, 1)
  assert.equal(station.spool.stats.state, 'ok')
  assert.deepEqual(station.handed, ['kept', 'after'])
  assert.notEqual(syncs.at(-1), syncs[0])
  assert.equal(syncs.filter((name) => name === syncs[0]).length, 2)

  const second = await Station.open({ disk })
  assert.deepEqual(second.handed, ['kept', 'after'], 'what was refused stays refused')
})

test('while syncs fail one segment a pause is ended, not one for each group', async () => {
  let isFailing = true
  const station = await Station.open({ disk: syncing(() => !isFailing) })
  // What is refused has no records, so its log goes at once: that is no reason to try again.
  assert.equal((await station.put('one')).refusal?.code, 'sync-failed')
  for (const pauseMs of [10, 20, 40]) {
    await station.runFor(pauseMs - 1)
    const { code, mayBeWritten } = (await station.put('too early')).refusal!
    assert.deepEqual([code, mayBeWritten], ['disk-failed', false], `${pauseMs} ms`)
    await station.runFor(1)
    assert.equal((await station.put('tried')).refusal?.code, 'sync-failed', `${pauseMs} ms`)
  }
  isFailing = false
  await station.runFor(80)
  assert.equal((await station.put('kept')).refusal, null)
  const outcomes = (await station.disk.list()).filter((name) => name.endsWith('.outcomes'))
  assert.equal(outcomes.length, 4)
})

test('a sync that fails for want of room is told as a full disk to those after it', async () => {
  const noRoom = new DiskError('ENOSPC', 'no room')
  const disk = {
    ...failing((operation, name) => (operation === 'sync' && isLog(name) ? noRoom : null)),
    replace: () => Promise.reject(noRoom),
  }
  const station = await Station.open({ disk })
  assert.equal((await station.put('one')).refusal?.code, 'sync-failed')
  assert.equal(station.spool.stats.state, 'disk-full')
})

test('a log that somebody has removed takes no more after a second', async () => {
  const station = await Station.open()
  await station.put('one')
  const [removed] = (await station.disk.list()).filter(isLog)
  const bytes = (await station.disk.load(removed!))!
  await station.disk.remove(removed!)

  await station.runFor(999)
  assert.equal((await station.put('not seen yet')).refusal, null)
  await station.runFor(1)
  const { code, mayBeWritten } = (await station.put('two')).refusal!
  assert.deepEqual([code, mayBeWritten], ['sync-failed', true])
  assert.match(station.log.lines.join(), /0001-[0-9a-f]+\.log was removed/)
  await station.runFor(10)
  assert.equal((await station.put('three')).refusal, null)
  const [next] = (await station.disk.list()).filter(isLog)
  assert.notEqual(next, removed)
  assert.ok(!bytes.equals((await station.disk.load(next!))!))
})

test('a log in which nothing could be written yet is not taken for one that was removed', async () => {
  let isFailing = true
  const disk = failing((operation, name) =>
    operation === 'append' && isLog(name) && isFailing ? new DiskError('EIO', 'it failed') : null,
  )
  const station = await Station.open({ disk })
  assert.equal((await station.put('one')).refusal?.code, 'disk-failed')
  isFailing = false
  await station.runFor(1000)
  assert.equal((await station.put('two')).refusal, null)
})

test('it is looked once a second whether the log is there', async () => {
  const inner = new MemoryDisk({ maxBytes: 2 ** 26 })
  let count = 0
  const sizeOf = (name: string) => {
    count++
    return inner.sizeOf(name)
  }
  const station = await Station.open({ disk: { ...methodsOf(inner), sizeOf } })
  for (const [afterMs, lookedCount] of [
    [0, 0],
    [999, 0],
    [1, 1],
    [999, 1],
    [1, 2],
  ] as const) {
    await station.runFor(afterMs)
    await station.put('one')
    assert.equal(count, lookedCount)
  }
})

test('where nobody can say whether a log is there, it is taken to be', async () => {
  const inner = new MemoryDisk({ maxBytes: 2 ** 26 })
  const sizeOf = () => Promise.reject(new DiskError('EIO', 'the disk failed'))
  const station = await Station.open({ disk: { ...methodsOf(inner), sizeOf } })
  await station.put('one')
  await station.runFor(1000)
  assert.equal((await station.put('two')).refusal, null)
})

test('a log that could not be made for good is not left behind', async () => {
  const inner = new MemoryDisk({ maxBytes: 2 ** 26 })
  let isFailing = true
  const disk: Disk = {
    ...methodsOf(inner),
    open: async (name) => {
      const file = await inner.open(name)
      if (isFailing && isLog(name)) throw new DiskError('EIO', 'its folder cannot be synced')
      return file
    },
  }
  const station = await Station.open({ disk })
  assert.equal((await station.put('one')).refusal?.code, 'disk-failed')
  assert.deepEqual(await inner.list(), [])

  isFailing = false
  await station.runFor(10)
  assert.equal((await station.put('two')).refusal, null)
})

test('what a failed sync left is durable only when it was written anew, in any segment', async () => {
  const isOutcomes = (name: string) => name.endsWith('.outcomes')
  let isFailing = false
  const disk = failing((operation, name) => {
    const isHit = isOutcomes(name) || (operation !== 'append' && name.includes('000000000001-'))
    return isFailing && isHit ? new DiskError('EIO', 'the disk failed') : null
  })
  const station = await Station.open({ disk })
  await station.put('kept')
  isFailing = true
  const sent = station.append(['refused'], { key: 'k' })
  await station.turn()
  assert.equal(sent.refusal?.code, 'sync-failed')
  await station.runFor(20)
  assert.equal((await station.put('in the next segment')).refusal, null)

  // The process has ended without a word of the refusal on the disk.
  const second = await Station.open({ disk })
  assert.equal(second.spool.idempotency('k')?.isDurable, false, 'power loss may take it')
  const told = second.log.lines.filter((line) => line.includes('cannot be written anew'))
  assert.equal(told.length, 1)

  isFailing = false
  const third = await Station.open({ disk })
  assert.equal(third.spool.idempotency('k')?.isDurable, true)
  assert.ok(third.handed.includes('refused'))

  second.settle('kept')
  assert.equal(second.spool.idempotency('k')?.isDurable, false, 'it is another record')
  second.settle('refused')
  assert.equal(second.spool.idempotency('k')?.isDurable, true, 'it is in Kinesis')
})

test('outcomes whose sync failed are written anew before their log goes', async () => {
  const inner = new MemoryDisk({ maxBytes: 2 ** 26 })
  const done: string[] = []
  let syncs = 0
  let mayRewrite = false
  const gate = Promise.withResolvers<void>()
  let isUnderWay = false
  const disk: Disk = {
    ...methodsOf(inner),
    remove: async (name) => {
      done.push(isLog(name) ? 'log removed' : 'outcomes removed')
      await inner.remove(name)
    },
    rewrite: async (name) => {
      if (!mayRewrite) throw new DiskError('EIO', 'the disk failed')
      const bytes = (await inner.load(name))!
      isUnderWay = true
      await gate.promise
      // As on a real disk, who has the old one open sees nothing of the new one.
      await inner.replace(name, bytes)
      done.push('outcomes written anew')
    },
    open: async (name) => {
      const file = await inner.open(name)
      const sync = async () => {
        if (!isLog(name) && ++syncs === 1) throw new DiskError('EIO', 'the disk failed')
      }
      return { ...fileMethodsOf(file), sync }
    },
  }
  const station = await Station.open({ disk, spool: { segmentBytes: 64 * 1024 } })
  const keyed = station.append(['a'.repeat(70_000)], { key: 'k' })
  const other = station.append(['b'])
  await station.turn()
  assert.deepEqual([keyed.refusal, other.refusal], [null, null])
  station.settle('b')
  await station.runFor(5_000)
  assert.equal(syncs, 1, 'never again')

  mayRewrite = true
  await station.runFor(2_000)
  assert.ok(isUnderWay)
  station.settle()
  await station.turn()
  gate.resolve()
  await station.runFor(5_000)
  const base = (await inner.list()).find((name) => !isLog(name))
  assert.notEqual(base, undefined)
  assert.deepEqual(done, ['outcomes written anew', 'log removed'])
  const warnings = station.log.lines.filter((line) => line.includes('outcomes could not be'))
  assert.equal(warnings.length, 2, 'at once, and ten seconds later how often')

  const second = await Station.open({ disk: inner })
  assert.deepEqual(second.handed, [])
  assert.equal(second.spool.totals.successes, 2)
  assert.deepEqual(second.spool.idempotency('k')?.receipts, keyed.receipts)
})

test('only a log that may be in doubt is written anew, and once', async () => {
  const rewritten: string[] = []
  const disk = failing((operation, name) => {
    if (operation === 'rewrite' && isLog(name)) rewritten.push(name.slice(0, name.indexOf('-')))
    return null
  })
  const first = await Station.open({ disk, spool: { segmentBytes: 64 * 1024 } })
  await first.put('a'.repeat(70_000))
  await first.put('b')
  // It ends without a word: the first segment had been full, the second had not.
  const second = await Station.open({ disk })
  assert.deepEqual(rewritten, ['000000000002'])
  await second.put('c')
  await second.until(second.spool.close(1_000))

  const third = await Station.open({ disk })
  assert.deepEqual(rewritten, ['000000000002'])
  assert.equal(third.handed.length, 3)
})

test('a start that takes long, with something to write down meanwhile, ends well', async () => {
  const inner = new MemoryDisk({ maxBytes: 2 ** 26 })
  const first = await Station.open({ disk: inner })
  for (const text of ['one', 'two', 'three']) await first.put(text)
  const name = (await inner.list()).find(isLog)!
  const bytes = (await inner.load(name))!
  bytes.writeUInt8(bytes.readUInt8(bytes.indexOf('two')) ^ 1, bytes.indexOf('two'))
  await inner.replace(name, bytes)
  const clock = new HandClock()
  const slow = async <T>(work: Promise<T>): Promise<T> => {
    await new Promise<void>((resolve) => clock.schedule(clock.monotonicMs() + 1_500, resolve))
    return work
  }
  const disk: Disk = {
    ...methodsOf(inner),
    open: async (one) => slow(inner.open(one)),
    replace: async (one, content) => slow(inner.replace(one, content)),
  }

  const second = await Station.open({ disk, clock })
  await second.runFor(10_000)

  assert.deepEqual(second.handed, ['one', 'three'])
  assert.equal(second.spool.totals.failures, 1)
})

test('what the disk does not give waits for the next start, and everything else goes on', async () => {
  const inner = new MemoryDisk({ maxBytes: 2 ** 26 })
  const first = await Station.open({ disk: inner })
  const texts = ['a', 'b', 'c'].map((letter) => letter.repeat(20_000))
  for (const text of texts) await first.put(text)
  const name = (await inner.list()).find(isLog)!
  const badAt = (await inner.load(name))!.indexOf('bbbb') + 10_000
  const disk = withBadPlace(inner, name, badAt)

  const second = await Station.open({ disk })
  second.settleAll()
  await second.runFor(5_000)
  assert.deepEqual(second.handed, [texts[0], texts[2]])
  assert.deepEqual([second.spool.totals.failures, second.spool.totals.unsettled], [0, 1])
  const { damagedRecords, unreadableRecords, unreadableFiles } = second.spool.stats
  assert.deepEqual([damagedRecords, unreadableRecords, unreadableFiles], [0, 1, 1])
  await second.until(second.spool.close(1_000))

  const third = await Station.open({ disk: inner })
  assert.deepEqual(third.handed, [texts[1]])
  third.settleAll()
  assert.deepEqual(third.spool.totals, { successes: 3, failures: 0, exhausted: 0, unsettled: 0 })
})

test('a full disk refuses at once, is tried once a second, and recovers by itself', async () => {
  let appendCount = 0
  let isFull = false
  const disk = failing((operation, name) => {
    if (operation !== 'append' || !isLog(name)) return null
    appendCount++
    return isFull ? new DiskError('ENOSPC', 'no space') : null
  })
  const station = await Station.open({ disk })
  await station.put('one')
  isFull = true
  const sent = await station.put('two')
  assert.equal(sent.refusal?.code, 'disk-full')
  // Clients see it, whom names of our files do not concern.
  assert.equal(sent.refusal?.message, 'The spool cannot be written (ENOSPC).')
  assert.match(station.log.lines.join(), /error the spool cannot be written \{"reason":"no space"/)
  assert.equal(sent.refusal?.mayBeWritten, false)
  appendCount = 0
  for (let i = 0; i < 10; i++) assert.equal((await station.put('x')).refusal?.code, 'disk-full')
  assert.equal(appendCount, 0)
  assert.equal(station.spool.refusal()?.code, 'disk-full')
  await station.runFor(1000)
  assert.equal(station.spool.refusal(), null, 'the next one is tried')
  await station.put('y')
  assert.equal(appendCount, 1)
  isFull = false
  await station.runFor(1000)
  assert.equal((await station.put('three')).refusal, null)
  assert.equal(station.spool.stats.state, 'ok')
  assert.ok(station.changedCount > 0)
  assert.deepEqual(station.handed, ['one', 'three'])
})

test('maxBytes: what fits is kept, one byte more is not; room comes when records settle', async () => {
  const maxBytes = 20_000
  const station = await Station.open({ spool: { maxBytes } })
  const text = 'x'.repeat(1000)
  let kept = 0
  for (;;) {
    const sent = await station.put(text)
    if (sent.refusal !== null) {
      assert.equal(sent.refusal.code, 'spool-full')
      break
    }
    kept++
  }
  assert.ok(station.spool.stats.bytes <= maxBytes)
  assert.ok(kept >= 16, `${kept} of 1000 bytes in ${maxBytes}`)
  assert.equal(station.spool.stats.state, 'spool-full')
  assert.equal(station.spool.refusal()?.code, 'spool-full')

  station.settleAll()
  await station.runFor(3000)

  assert.equal(station.spool.refusal(), null)
  assert.equal((await station.put(text)).refusal, null)
  assert.ok(station.changedCount > 0)
})

test('a start that cannot sync knows all the same where a replayed record is', async () => {
  let isFailing = false
  const disk = syncing(() => !isFailing)
  const first = await Station.open({ disk })
  const { receipts } = await first.put('one')
  first.settle('one', 'Expired')
  first.append(['one'], { receipt: receipts![0]! })
  await first.turn()

  isFailing = true
  const second = await Station.open({ disk })
  assert.deepEqual(second.handed, ['one'])
  second.settleAll()
  await second.turn()
  assert.equal((await second.spool.receipt(receipts![0]!)).state, 'delivered')
})

test('a replay that was refused leaves its receipt where it was', async () => {
  let isFailing = false
  const disk = syncing(() => !isFailing)
  const first = await Station.open({ disk })
  const { receipts } = await first.put('one')
  // Unsettled, so that the log stays.
  await first.put('other')
  first.settle('one', 'Expired')
  await first.turn()
  isFailing = true
  const again = first.append(['one'], { receipt: receipts![0]! })
  await first.turn()
  assert.equal(again.refusal?.code, 'sync-failed')

  isFailing = false
  const second = await Station.open({ disk })
  assert.equal((await second.spool.receipt(receipts![0]!)).state, 'dead-lettered')
})

test('the log that goes is room enough: receipts and keys outlive a spool that was full', async () => {
  const first = await Station.open({ spool: { maxBytes: 20_000 } })
  const sent = first.append(['one'], { key: 'k1' })
  await first.turn()
  while ((await first.put('x'.repeat(1000))).refusal === null);
  assert.equal(first.spool.stats.state, 'spool-full')
  first.settleAll()
  await first.runFor(3000)
  assert.equal(first.spool.stats.state, 'ok')

  const second = await Station.open({ disk: first.disk })

  for (const { spool } of [first, second]) {
    assert.equal((await spool.receipt(sent.receipts![0]!)).state, 'delivered')
    assert.deepEqual(spool.idempotency('k1')?.receipts, sent.receipts)
  }
})

test('a transaction of 64 MiB is kept in one piece; a larger one is refused', async () => {
  const station = await Station.open()
  const overhead = 20 + 18 + 1 + 2 + 'key'.length + 4 + 1 + 's'.length
  const data = Buffer.alloc(64 * 1024 * 1024 - overhead)
  const fits = station.append([''], { data })
  const tooLarge = station.append([''], { data: Buffer.alloc(data.length + 1) })
  await station.turn()
  assert.equal(fits.receipts?.length, 1)
  assert.equal(tooLarge.refusal?.code, 'transaction-too-large')
  const again = await Station.open({ disk: station.disk })
  assert.equal(again.held[0]!.data.length, data.length)
})

test('a segment ends at its size, and goes without the others when its records have settled', async () => {
  const station = await Station.open({ spool: { segmentBytes: 1000 } })
  for (let i = 0; i < 10; i++) await station.put(String(i).repeat(300))
  const logs = async () => (await station.disk.list()).filter(isLog).sort()
  assert.equal((await logs()).length, 4)
  const [first, second] = await logs()
  for (const digit of ['3', '4', '5']) station.settle(digit.repeat(300))
  await station.turn()
  assert.ok(!(await logs()).includes(second!))
  assert.ok((await logs()).includes(first!))
})

test('what a later program wrote is not touched', async () => {
  const disk = new MemoryDisk({ maxBytes: 2 ** 20 })
  const station = await Station.open({ disk })
  await station.put('one')
  const [name] = (await disk.list()).filter(isLog)
  const bytes = (await disk.load(name!))!
  bytes.writeUInt32BE(2, 8)
  const { crc32 } = await import('node:zlib')
  bytes.writeUInt32BE(crc32(bytes.subarray(0, 28)), 28)
  await disk.replace(name!, bytes)
  const host = { disk, clock: new HandClock(), random: counting() }
  const parts = { deadLetters: { add() {}, onRoom() {} } }

  const opening = Spool.open(host, spoolConfig({}), parts, station.log)

  await assert.rejects(opening, { name: 'NewerFormatError', message: /version 2 .* knows 1/ })
  assert.deepEqual(await disk.load(name!), bytes)
})

test('the oldest age, the bytes and the counts are told', async () => {
  const station = await Station.open()
  await station.put('one')
  await station.runFor(5000)
  await station.put('two')
  const { stats } = station.spool
  assert.equal(stats.oldestAgeMs, 5000)
  assert.equal(stats.unsettledRecords, 2)
  assert.equal(stats.segments, 1)
  assert.equal(stats.syncs, 2)
  assert.ok(stats.bytes > 32)
})

test('after closing it takes nothing more', async () => {
  const station = await Station.open()
  await station.put('one')
  await station.until(station.spool.close(1000))
  assert.equal(station.append(['two']).refusal?.code, 'closed')
  assert.equal(station.spool.stats.state, 'closed')
})

test('while nothing is to be done no timer runs', async () => {
  const station = await Station.open({ receipts: { retentionMs: 1000 } })
  await station.put('one')
  station.settleAll()
  await station.runFor(10_000)
  assert.equal(station.clock.nextAtMs(), Number.POSITIVE_INFINITY)
})
