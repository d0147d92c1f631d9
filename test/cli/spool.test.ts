// Records that the disk does not give: told, tried again at each start, given up by a person alone.

import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { readSpools } from '../../src/cli/spool-command.ts'
import { readConfig } from '../../src/config/index.ts'
import {
  below,
  type Disk,
  DiskError,
  type LogFile,
  MemoryDisk,
  silentLog,
} from '../../src/host/index.ts'
import { Spool, spoolFields } from '../../src/spool/index.ts'
import { fileMethodsOf, methodsOf } from '../changed-disk.ts'
import { HandClock } from '../hand-clock.ts'
import { counting, Station } from '../spool/station.ts'
import { run, serving, temporaryDirectory } from './program.ts'

const FOLDER = '0/spool'

/** A disk with three records, and a place in their log that is not read; null: it is not opened. */
class BadDisk {
  readonly good = new MemoryDisk({ maxBytes: 2 ** 26 })
  readonly texts = ['a', 'b', 'c'].map((letter) => letter.repeat(20_000))
  receipts: string[] = []
  log = ''
  badAt: number | null = null
  isWell = false

  static async make(letter: string | null): Promise<BadDisk> {
    const made = new BadDisk()
    const station = await Station.open({ disk: below(made.good, FOLDER) })
    for (const text of made.texts) made.receipts.push(...(await station.put(text)).receipts!)
    made.log = (await made.good.list()).find((name) => name.endsWith('.log'))!
    const bytes = (await made.good.load(made.log))!
    if (letter !== null) made.badAt = bytes.indexOf(letter.repeat(4)) + 10_000
    return made
  }

  get disk(): Disk {
    return { ...methodsOf(this.good), open: (name) => this.#open(name) }
  }

  async #open(name: string): Promise<LogFile> {
    const { log, badAt } = this
    if (name === log && badAt === null) throw new DiskError('EIO', 'the disk failed')
    const file = await this.good.open(name)
    return {
      ...fileMethodsOf(file),
      read: async (position, lengthBytes) => {
        const isBad =
          !this.isWell && name === log && position <= badAt! && badAt! < position + lengthBytes
        if (isBad) throw new DiskError('EIO', 'the disk failed')
        return file.read(position, lengthBytes)
      },
    }
  }

  /** What the command finds. */
  async read(givesUp: boolean) {
    const clock = new HandClock()
    const config = readConfig(spoolFields, { overrides: {} })
    const host = { clock, random: counting(), disk: this.disk }
    return moving(clock, readSpools({ host, config, log: silentLog }, { givesUp }))
  }

  /** The next gateway's spool. */
  next(): Promise<Station> {
    return Station.open({ disk: below(this.disk, FOLDER) })
  }
}

/** Waits for work that waits for the clock. */
async function moving<T>(clock: HandClock, work: Promise<T>): Promise<T> {
  let isOver = false
  const over = () => {
    isOver = true
  }
  work.then(over, over)
  while (!isOver) {
    for (let i = 0; i < 5; i++) await new Promise(setImmediate)
    clock.advanceBy(10)
  }
  return work
}

test('what lies in the middle waits at each start until it is given up, and then counts as failed', async () => {
  const bad = await BadDisk.make('b')
  for (let start = 0; start < 2; start++) {
    const found = await bad.read(false)
    const { damagedBytes, ...counts } = found
    assert.ok(damagedBytes > 20_000)
    assert.deepEqual(counts, {
      unsettledRecords: 3,
      failures: 0,
      unreadableRecords: 1,
      unreadableFiles: 1,
      damagedRecords: 0,
    })
  }

  const after = await bad.read(true)
  assert.deepEqual([after.failures, after.unsettledRecords, after.unreadableFiles], [1, 2, 0])

  const station = await bad.next()
  await station.runFor(10_000)
  assert.deepEqual(station.handed, [bad.texts[0], bad.texts[2]])
  assert.equal(station.spool.stats.unreadableFiles, 0)
  assert.deepEqual(await station.spool.receipt(bad.receipts[1]!), {
    state: 'dead-lettered',
    code: 'Damaged',
    message: 'The record could not be read back from the spool.',
  })
  station.settleAll()
  const settled = { successes: 2, failures: 1, exhausted: 0, unsettled: 0 }
  assert.deepEqual(station.spool.totals, settled)
  await station.runFor(5_000)
  assert.ok(!(await bad.good.list()).includes(bad.log), 'the file goes as others do')
})

test('what lies at the end is cut off when it is given up: nobody knows how many there were', async () => {
  const bad = await BadDisk.make('c')
  const found = await bad.read(false)
  assert.deepEqual([found.unsettledRecords, found.unreadableFiles], [2, 1])

  const after = await bad.read(true)
  assert.deepEqual([after.failures, after.unsettledRecords, after.unreadableFiles], [0, 2, 0])
  assert.equal((await bad.read(false)).unreadableFiles, 0)
  const station = await bad.next()
  assert.deepEqual(station.handed, bad.texts.slice(0, 2))
})

test('a file that cannot be opened is left alone until it is given up', async () => {
  const bad = await BadDisk.make(null)
  const found = await bad.read(false)
  assert.deepEqual([found.unsettledRecords, found.unreadableFiles], [0, 1])
  assert.ok((await bad.good.list()).includes(bad.log))

  assert.equal((await bad.read(true)).unreadableFiles, 0)
  assert.ok(!(await bad.good.list()).includes(bad.log))
  assert.equal((await bad.read(false)).unreadableFiles, 0)
})

test('a disk that gives everything again loses nothing to what was found before', async () => {
  const bad = await BadDisk.make('b')
  await bad.read(false)
  const station = await Station.open({ disk: below(bad.good, FOLDER) })
  assert.deepEqual(station.handed, bad.texts)
})

test('a running spool tells of what it cannot read, and keeps the file', async () => {
  const bad = await BadDisk.make('b')
  const station = await bad.next()
  await station.runFor(10_000)
  station.settleAll()
  const { unreadableRecords, unreadableFiles } = station.spool.stats
  assert.deepEqual([unreadableRecords, unreadableFiles], [1, 1])
  assert.match(JSON.stringify(station.log.lines), /headgate spool give-up/)
  await station.runFor(10_000)
  assert.ok((await bad.good.list()).includes(bad.log))
})

test('what goes bad while the gateway runs is no failure either', async () => {
  const bad = await BadDisk.make('b')
  bad.isWell = true
  const station = await Station.open({ disk: below(bad.disk, FOLDER), isStarted: false })
  bad.isWell = false
  station.start()
  await station.runFor(20_000)
  assert.deepEqual(station.handed, [bad.texts[0], bad.texts[2]])
  const { unreadableRecords, unreadableFiles } = station.spool.stats
  assert.deepEqual([unreadableRecords, unreadableFiles], [1, 1])
  assert.equal(station.spool.totals.failures, 0)
})

test('the command says what it finds, and what stands in its way', async (context) => {
  const cwd = temporaryDirectory(context)
  const nothing = await run(['spool', 'check'], { cwd })
  const served = await serving(cwd)
  context.after(() => served.stop('SIGKILL'))
  const open = await run(['spool', 'check'], { cwd })
  await served.stop('SIGTERM')
  const [checked, unasked] = [
    await run(['spool', 'check'], { cwd }),
    await run(['spool', 'give-up'], { cwd }),
  ]
  const givenUp = await run(['spool', 'give-up', '--yes'], { cwd })

  assert.deepEqual([nothing.exitCode, open.exitCode, unasked.exitCode], [1, 1, 2])
  assert.match(nothing.err, /There is no data directory/)
  assert.match(open.err, /stop it first/)
  assert.match(unasked.err, /say --yes/)
  assert.equal(checked.out, '0 records in the spool. Everything can be read.\n')
  assert.equal(
    givenUp.out,
    '0 records in the spool. Everything can be read. There is nothing to give up.\n',
  )
  assert.equal(givenUp.exitCode, 0)
})

test('the command tells of damage: whoever reads it first counts what is lost', async (context) => {
  const { good, log, texts } = await BadDisk.make(null)
  const bytes = (await good.load(log))!
  const at = bytes.indexOf(texts[1]!)
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at)
  const cwd = temporaryDirectory(context)
  const file = join(cwd, '.headgate', log)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, bytes)

  const first = await run(['spool', 'check'], { cwd })
  const again = await run(['spool', 'check'], { cwd })
  const givenUp = await run(['spool', 'give-up', '--yes'], { cwd })

  const damage = /^2 records in the spool\. 20\d\d\d bytes are damaged; /
  assert.match(first.out, damage)
  assert.match(first.out, /lost with them: 1 record, counted as failed \(Damaged\)\.\n$/)
  assert.match(again.out, damage)
  assert.match(again.out, /no record more is lost with them\.\n$/)
  assert.match(givenUp.out, /no record more is lost with them\. There is nothing to give up\.\n$/)
  assert.deepEqual([first.exitCode, again.exitCode, givenUp.exitCode], [1, 1, 0])
})

test('a spool that gives up loses nothing where everything can be read', async () => {
  const disk = new MemoryDisk({ maxBytes: 2 ** 26 })
  const station = await Station.open({ disk })
  await station.put('one', 'two')
  const clock = new HandClock()
  const config = readConfig(spoolFields, { overrides: {} })
  const parts = { deadLetters: { add() {}, onRoom() {} }, givesUp: true }
  const host = { clock, random: counting(), disk }
  const spool = await moving(clock, Spool.open(host, config, parts, silentLog))
  assert.deepEqual(spool.totals, { successes: 0, failures: 0, exhausted: 0, unsettled: 2 })
})
