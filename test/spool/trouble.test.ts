// A disk that took nothing is found good again also when nobody sends anything: a gateway that is
// unready is sent nothing.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DiskError, MemoryDisk } from '../../src/host/index.ts'
import { TRIAL_NAME } from '../../src/spool/segment-name.ts'
import { fileMethodsOf, methodsOf } from '../changed-disk.ts'
import { Station } from './station.ts'

/** A disk that takes nothing as long as it is told so. */
function failingDisk(code: string) {
  const inner = new MemoryDisk({ maxBytes: 2 ** 26 })
  const state = { isFailing: false, tries: 0 }
  const check = () => {
    if (!state.isFailing) return
    state.tries++
    throw new DiskError(code, 'it takes nothing')
  }
  const disk = {
    ...methodsOf(inner),
    replace: async (name: string, bytes: Uint8Array) => {
      check()
      return inner.replace(name, bytes)
    },
    open: async (name: string) => {
      const file = await inner.open(name)
      const append = async (chunks: readonly Uint8Array[]) => {
        check()
        return file.append(chunks)
      }
      return { ...fileMethodsOf(file), append }
    },
  }
  return { inner, disk, state }
}

for (const [code, expected] of [
  ['ENOSPC', 'disk-full'],
  ['EDQUOT', 'disk-full'],
  ['EROFS', 'disk-failed'],
  ['EIO', 'disk-failed'],
] as const) {
  test(`a disk that took nothing (${code}) is tried while nobody comes, until it takes something`, async () => {
    const { inner, disk, state } = failingDisk(code)
    const station = await Station.open({ disk })
    await station.put('one')
    state.isFailing = true
    assert.equal((await station.put('two')).refusal?.code, expected)

    await station.runFor(60_000)
    assert.equal(station.spool.stats.state, expected)
    assert.ok(state.tries >= 30 && state.tries <= 34, `${state.tries} tries`)
    const said = () => station.log.lines.filter((line) => line.includes('the spool can'))
    assert.equal(said().length, 1)

    const changedCount = station.changedCount
    state.isFailing = false
    await station.runFor(2000)
    assert.equal(station.spool.stats.state, 'ok')
    assert.equal(station.changedCount, changedCount + 1)
    assert.equal(said().length, 2)
    assert.ok(said()[1]!.includes('can be written again'))
    assert.ok(!(await inner.list()).includes(TRIAL_NAME))
    assert.equal((await station.put('three')).refusal, null)
  })
}

test('where its own logs filled the disk it is tried as soon as one of them has gone', async () => {
  const disk = new MemoryDisk({ maxBytes: 1_000_000 })
  const station = await Station.open({ disk, spool: { segmentBytes: 65_536 } })
  const text = 'x'.repeat(100_000)
  let refusal = null
  while (refusal === null) ({ refusal } = await station.put(text))
  assert.equal(refusal.code, 'disk-full')

  station.settleAll()
  await station.runFor(1000)
  assert.equal(station.spool.stats.state, 'ok')
})

test('a trial needs as much room as is reserved in a log: on a disk that is nearly full all stays', async () => {
  const disk = new MemoryDisk({ maxBytes: 1_000_000 })
  const station = await Station.open({ disk, spool: { segmentBytes: 2 ** 23 } })
  const text = 'x'.repeat(300_000)
  for (let i = 0; i < 3; i++) assert.equal((await station.put(text)).refusal, null)
  assert.equal((await station.put(text)).refusal?.code, 'disk-full')

  // The 100 kB that are left are fewer than 512 KiB.
  await station.runFor(10_000)
  assert.equal(station.spool.stats.state, 'disk-full')
})

test('who comes while the disk is tried is written right after it', async () => {
  const { inner, disk, state } = failingDisk('EIO')
  const trial = Promise.withResolvers<void>()
  const slow = {
    ...disk,
    replace: async (name: string, bytes: Uint8Array) => {
      if (name === TRIAL_NAME) await trial.promise
      return inner.replace(name, bytes)
    },
  }
  const station = await Station.open({ disk: slow })
  state.isFailing = true
  await station.put('one')
  state.isFailing = false
  await station.runFor(2000)
  const sent = station.append(['two'])
  await station.turn()
  assert.deepEqual([sent.receipts, sent.refusal], [null, null])

  trial.resolve()
  await station.turn()
  assert.equal(sent.receipts?.length, 1)
})

test('what a crash leaves of a trial goes with the next start', async () => {
  const disk = new MemoryDisk({ maxBytes: 2 ** 20 })
  await disk.replace(TRIAL_NAME, Buffer.alloc(1000))
  await Station.open({ disk })
  assert.ok(!(await disk.list()).includes(TRIAL_NAME))
})

test('after closing nothing is tried any more', async () => {
  const { disk, state } = failingDisk('EIO')
  const station = await Station.open({ disk })
  state.isFailing = true
  await station.put('one')
  await station.until(station.spool.close(1000))
  const { tries } = state
  await station.runFor(10_000)
  assert.equal(state.tries, tries)
})
