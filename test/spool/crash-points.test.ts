// A small spool, ended at every instant, and with every byte of it damaged.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CLEAR_BYTES } from '../../src/host/index.ts'
import { WRITE_MAX_BYTES } from '../../src/spool/frame.ts'
import { diskWith, filesOf, JournalDisk, type Step, statesAfter } from './journal-disk.ts'
import { Station } from './station.ts'

/** Small, so that the little that is written makes several segments. */
const SPOOL = { segmentBytes: 200 }

const TRANSACTIONS = [['a1', 'a2'], ['b1'], ['c1', 'c2', 'c3'], ['d1'], ['e1', 'e2'], ['f1']]
/** First of the transactions that have a key: the receipts of two of them go. */
const KEYED = ['a1', 'b1', 'e1']

/** Appends all, settles some of each kind, and lets rounds pass. */
async function live(disk: JournalDisk): Promise<Station> {
  const station = await Station.open({ disk, spool: SPOOL, receipts: { retentionMs: 1500 } })
  const settle = async (text: string, code: string | null = null) => {
    disk.tell('settled', [text])
    station.settle(text, code)
    await station.turn()
  }
  for (const texts of TRANSACTIONS) {
    const key = KEYED.find((text) => text === texts[0])
    const sent = station.append(texts, key === undefined ? {} : { key })
    await station.turn()
    assert.ok(sent.receipts !== null)
    disk.tell('durable', texts)
    if (texts[0] === 'c1') await settle('a2')
  }
  await settle('a1', 'Expired')
  await settle('b1')
  await station.runFor(1000)
  for (const text of ['c1', 'c2', 'c3', 'd1']) await settle(text)
  await station.runFor(3000)
  await settle('e2')
  return station
}

/** What is found where logs had bytes that were written to be written over. */
function withReserve(
  files: ReadonlyMap<string, Buffer>,
  reserve = Buffer.alloc(1000),
): Map<string, Buffer> {
  const isLog = (name: string) => name.endsWith('.log')
  return new Map(
    [...files].map(([name, bytes]) => [
      name,
      isLog(name) ? Buffer.concat([bytes, reserve]) : bytes,
    ]),
  )
}

function toldBy(steps: readonly Step[], kind: 'durable' | 'settled'): Set<string> {
  const told = new Set<string>()
  for (const step of steps) if (step.kind === kind) for (const text of step.texts) told.add(text)
  return told
}

/** The same life thrice, in logs that are made of those before. */
async function liveOn(disk: JournalDisk): Promise<void> {
  const station = await Station.open({ disk, spool: SPOOL })
  for (const round of ['', '2', '3']) {
    for (const texts of TRANSACTIONS) {
      const all = texts.map((text) => text + round)
      const sent = await station.put(...all)
      assert.ok(sent.receipts !== null)
      disk.tell('durable', all)
      // The last ones stay, in the log that the next round goes on in.
      if (texts[0] === 'f1') continue
      for (const text of all) {
        disk.tell('settled', [text])
        station.settle(text)
      }
      await station.runFor(1500)
    }
  }
}

test('wherever it ends, whatever is lost of what was not synced: it starts and has all', async () => {
  const disk = new JournalDisk()
  const { spool } = await live(disk)
  assert.ok((await statesThatStart(disk, KEYED)) > 600)
  const [receipt] = spool.idempotency('a1')!.receipts
  assert.equal((await spool.receipt(receipt!)).state, 'unknown')
})

test('so it is where logs are made of old ones', async () => {
  const disk = JournalDisk.renewing()
  await liveOn(disk)
  const renewedCount = disk.steps.filter(({ kind }) => kind === 'renew').length
  assert.ok(renewedCount >= 3, `${renewedCount} logs`)
  assert.ok((await statesThatStart(disk)) > 600)
})

/** How many there are; each starts and has all that was promised. */
async function statesThatStart(disk: JournalDisk, keys: readonly string[] = []): Promise<number> {
  const all = new Set(TRANSACTIONS.flat().flatMap((text) => [text, `${text}2`, `${text}3`]))
  let stateCount = 0
  for (let end = 0; end <= disk.steps.length; end++) {
    const steps = disk.steps.slice(0, end)
    const durable = toldBy(steps, 'durable')
    const settled = toldBy(steps, 'settled')
    for (const state of statesAfter(steps).flatMap((one) => [one, withReserve(one)])) {
      stateCount++
      const { handed, spool, log } = await Station.open({ disk: await diskWith(state) })
      const where = `after ${end} of ${disk.steps.length} steps`
      assert.equal(new Set(handed).size, handed.length, where)
      for (const text of handed) assert.ok(all.has(text), `${where}: ${text}`)
      for (const text of durable) {
        assert.ok(handed.includes(text) || settled.has(text), `${where}: ${text} is lost`)
      }
      for (const key of keys.filter((text) => durable.has(text))) {
        assert.ok(spool.idempotency(key) !== null, `${where}: the key ${key} is lost`)
      }
      assert.equal(spool.totals.unsettled, handed.length, where)
      const errors = log.lines.filter((line) => line.startsWith('error'))
      assert.deepEqual(
        errors.filter((line) => !line.includes('damaged')),
        [],
        where,
      )
    }
  }
  return stateCount
}

test('a log goes only when all that is known of its records is written and synced', async () => {
  const disk = new JournalDisk()
  await live(disk)
  // Segments that settle together, of which each writes its outcomes longer than the one before.
  const slow = new JournalDisk()
  slow.pauseOf = (_, name) => (name.endsWith('.outcomes') ? 10 * Number(name.slice(0, 12)) : 0)
  const station = await Station.open({ disk: slow, spool: { segmentBytes: 50 } })
  for (const texts of TRANSACTIONS) await station.put(...texts)
  station.settleAll()
  for (let i = 0; i < 100; i++) await station.turn()
  assert.equal(removedWhenSynced(disk.steps) + removedWhenSynced(slow.steps), 7)
})

test('what an earlier life wrote and did not sync is synced before its log goes', async () => {
  const disk = new JournalDisk()
  const first = await Station.open({ disk })
  await first.put('one')
  first.settle()
  await first.turn()
  assert.equal(disk.steps.at(-1)?.kind, 'append', 'no round has come by')

  const next = new JournalDisk(disk)
  const second = await Station.open({ disk: next })
  await second.runFor(2000)

  assert.equal(removedWhenSynced([...disk.steps, ...next.steps]), 1)
})

/** How many logs went, none before the outcomes beside it were written and synced. */
function removedWhenSynced(steps: readonly Step[]): number {
  const unsynced = new Set<string>()
  let removedCount = 0
  for (const step of steps) {
    if (!('name' in step)) continue
    if (step.kind === 'begin') unsynced.add(step.name)
    if (step.kind === 'sync' || step.kind === 'replace') unsynced.delete(step.name)
    if (step.kind !== 'remove' || !step.name.endsWith('.log')) continue
    removedCount++
    assert.ok(!unsynced.has(step.name.replace('.log', '.outcomes')), step.name)
  }
  return removedCount
}

/** A spool with two segments of which nothing has gone. */
async function twoSegments(): Promise<Map<string, Buffer>> {
  const station = await Station.open({ spool: SPOOL })
  for (const texts of TRANSACTIONS) await station.put(...texts)
  station.settle('a2')
  station.settle('c1', 'Expired')
  await station.turn()
  return filesOf(station.disk)
}

const UNSETTLED = TRANSACTIONS.flat().filter((text) => text !== 'a2' && text !== 'c1')

/** What is not handed on although it had not settled. */
async function lostWith(files: ReadonlyMap<string, Buffer>, where: string): Promise<string[]> {
  const station = await Station.open({ disk: await diskWith(files) })
  const { handed } = station
  assert.equal(new Set(handed).size, handed.length, where)
  for (const text of handed) assert.ok(TRANSACTIONS.flat().includes(text), `${where}: ${text}`)
  return UNSETTLED.filter((text) => !handed.includes(text))
}

test('one byte of it changed costs the transaction that it is in, and nothing else', async () => {
  const files = await twoSegments()
  assert.ok([...files.keys()].filter((name) => name.endsWith('.log')).length >= 2)
  let lostCount = 0
  for (const [name, bytes] of files) {
    for (let at = 0; at < bytes.length; at++) {
      for (const mask of [0x01, 0x80, 0xff]) {
        const damaged = Buffer.from(bytes)
        damaged[at]! ^= mask
        const where = `${name} at ${at}, ${mask}`
        const lost = await lostWith(new Map(files).set(name, damaged), where)
        const transactions = TRANSACTIONS.filter((texts) =>
          texts.some((text) => lost.includes(text)),
        )
        assert.ok(transactions.length <= (name.endsWith('.log') ? 1 : 0), `${where}: ${lost}`)
        lostCount += lost.length
      }
    }
  }
  assert.ok(lostCount > 0)
})

test('wherever a file of it is cut, all before the cut is there', async () => {
  const files = await twoSegments()
  for (const [name, bytes] of files) {
    let lostBefore = UNSETTLED.length + 1
    for (let length = 0; length <= bytes.length; length++) {
      const where = `${name} cut at ${length}`
      const cut = new Map(files).set(name, bytes.subarray(0, length))
      const lost = await lostWith(cut, where)
      if (name.endsWith('.outcomes')) assert.deepEqual(lost, [], where)
      assert.ok(lost.length <= lostBefore, where)
      lostBefore = lost.length
    }
    assert.equal(lostBefore, 0)
  }
})

test('damage is told, counted, and kept aside; the records in it count as failures', async () => {
  const files = await twoSegments()
  const [[name, bytes]] = [...files].filter(([one]) => one.endsWith('.log')) as [[string, Buffer]]
  const damaged = Buffer.from(bytes)
  damaged[bytes.indexOf('b1')]! ^= 0x40

  const disk = await diskWith(new Map(files).set(name, damaged))
  const station = await Station.open({ disk })

  const { stats, totals } = station.spool
  assert.equal(stats.damagedRecords, 1)
  assert.ok(stats.damagedBytes > 0)
  assert.equal(totals.failures, 2, 'c1 and b1')
  assert.match(station.log.lines.join('\n'), /error a segment is damaged/)
  const aside = (await disk.list()).filter((one) => one.startsWith(`damaged/${name}-`))
  assert.equal(aside.length, 1)
  assert.ok((await disk.load(aside[0]!))!.includes('"1'))
  // Told once: the next start knows.
  await station.until(station.spool.close(1000))
  const again = await Station.open({ disk })
  assert.equal(again.spool.totals.failures, 2)
  assert.equal(again.spool.stats.damagedRecords, 0)
})

test('zeros that were written to be written over are no damage', async () => {
  const files = await twoSegments()
  for (const zeroCount of [1, 7, 8, 20, 4096, 256 * 1024, 600 * 1024]) {
    const padded = withReserve(files, Buffer.alloc(zeroCount))
    const disk = await diskWith(padded)
    const { handed, spool, log } = await Station.open({ disk })
    const where = `${zeroCount} zeros`
    assert.deepEqual(handed, UNSETTLED, where)
    assert.deepEqual(log.lines, [], where)
    assert.equal(spool.stats.damagedBytes, 0, where)
    const aside = (await disk.list()).filter((one) => one.startsWith('damaged/'))
    assert.deepEqual(aside, [], where)
  }
})

test('old bytes that were to be written over are no damage, either', async () => {
  const files = await twoSegments()
  const [[, other]] = [...files].filter(([one]) => one.endsWith('.log')) as [[string, Buffer]]
  for (const oldCount of [1, 100, 600 * 1024]) {
    const old = Buffer.alloc(oldCount, other)
    const disk = await diskWith(withReserve(files, Buffer.concat([Buffer.alloc(CLEAR_BYTES), old])))
    const { handed, spool, log } = await Station.open({ disk })
    assert.deepEqual(handed, UNSETTLED)
    assert.deepEqual(log.lines, [])
    assert.equal(spool.stats.damagedBytes, 0)
    const logs = (await disk.list()).filter((one) => one.endsWith('.log'))
    for (const name of logs) assert.equal(await disk.sizeOf(name), files.get(name)!.length)
  }
})

test('a log that was made of another one and not written to is empty', async () => {
  const files = await twoSegments()
  const [[name, bytes]] = [...files].filter(([one]) => one.endsWith('.log')) as [[string, Buffer]]
  const made = name.replace(/[0-9]+-[0-9a-f]+/, '000000000099-0123456789abcdef')
  const disk = await diskWith(new Map(files).set(made, bytes))
  const { handed, spool, log } = await Station.open({ disk })
  assert.deepEqual(handed, UNSETTLED)
  assert.deepEqual(log.lines, [])
  assert.equal(spool.stats.damagedBytes, 0)
  assert.ok(!(await disk.list()).includes(made) || (await disk.sizeOf(made)) === 0)
})

test('a torn end is told and kept aside, without what was to be written over', async () => {
  const files = await twoSegments()
  for (const behind of [Buffer.alloc(1000), Buffer.alloc(8 * 1024 * 1024, 'old')]) {
    const disk = await diskWith(withReserve(files, Buffer.concat([Buffer.from('torn'), behind])))
    const { handed, log } = await Station.open({ disk })
    assert.deepEqual(handed, UNSETTLED)
    assert.deepEqual(new Set(log.lines), new Set(['warn the end of a segment is torn']))
    const aside = (await disk.list()).filter((one) => one.startsWith('damaged/'))
    assert.equal(aside.length, log.lines.length)
    // No write is longer: what is behind cannot belong to it.
    const bytes = behind[0] === 0 ? 4 : WRITE_MAX_BYTES
    for (const name of aside) assert.equal((await disk.load(name))!.length, bytes)
  }
})
