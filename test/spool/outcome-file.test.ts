// What became of records, while the disk is slow or fails.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Disk, DiskError, MemoryDisk } from '../../src/host/index.ts'
import { FailedUpkeep } from '../../src/spool/failed-upkeep.ts'
import { FrameReader } from '../../src/spool/frame-reader.ts'
import { OutcomeFile, outcomesFrom } from '../../src/spool/outcome-file.ts'
import { Usage } from '../../src/spool/usage.ts'
import { fileMethodsOf, methodsOf } from '../changed-disk.ts'
import { HandClock } from '../hand-clock.ts'
import { RecordingLog } from '../recording-log.ts'

const MARKER = Buffer.from('a marker')
const NAME = 'one.outcomes'
/** Entries that wait for a disk that fails. */
const PENDING_MAX_COUNT = 10_000
const turn = () => new Promise(setImmediate)

interface Faults {
  open?: () => Promise<void>
  close?: () => void
  /** What an append does beside appending. */
  append?: (append: () => Promise<void>, bytes: Uint8Array) => Promise<void>
  sync?: () => Promise<void>
}

function fileWith(faults: Faults) {
  const inner = new MemoryDisk({ maxBytes: 2 ** 26 })
  const disk: Disk = {
    ...methodsOf(inner),
    open: async (name) => {
      await faults.open?.()
      const file = await inner.open(name)
      const half = ([bytes]: readonly Uint8Array[]) => bytes!.subarray(0, bytes!.length / 2)
      return {
        ...fileMethodsOf(file),
        append: (chunks) =>
          faults.append?.(() => file.append([half(chunks)]), chunks[0]!) ?? file.append(chunks),
        sync: () => faults.sync?.() ?? file.sync(),
        close: async () => faults.close?.(),
      }
    },
  }
  const usage = new Usage()
  const outcomes = new OutcomeFile(
    { disk, usage, failed: new FailedUpkeep(new HandClock(), new RecordingLog()), onWork() {} },
    'one',
    MARKER,
  )
  const deliver = (ordinal: number) => {
    const sequenceNumber = String(ordinal)
    outcomes.delivered(ordinal, { shardId: 's', sequenceNumber, subSequenceNumber: null })
  }
  return { inner, outcomes, usage, deliver }
}

async function ordinalsIn(disk: Disk): Promise<number[]> {
  const file = await disk.open(NAME)
  const reader = new FrameReader(file, MARKER, { from: 0, end: file.sizeBytes() })
  const ordinals: number[] = []
  for await (const entries of outcomesFrom(reader)) {
    for (const entry of entries) if (entry.kind === 'delivered') ordinals.push(...entry.ordinals)
  }
  return ordinals
}

const fails = () => Promise.reject(new DiskError('EIO', 'the disk failed'))

/** An append that ends when it is told to, well or not. */
function heldAppend() {
  const held = { faults: {} as Faults, resolve: () => {}, reject: () => {} }
  held.faults.append = () =>
    new Promise((resolve, reject) => {
      held.resolve = resolve
      held.reject = () => reject(new DiskError('EIO', 'the disk failed'))
    })
  return held
}

test('what became of a record is told when it is written, and so is what its receipt says', async () => {
  const held = heldAppend()
  const { outcomes, deliver } = fileWith(held.faults)
  const told: string[] = []
  const tell = async (what: string) => {
    outcomes.whenWritten(() => told.push(what))
    if ((await outcomes.find(7))?.entry.kind === 'delivered') told.push(`the receipt, ${what}`)
  }
  deliver(7)
  void tell('waits')
  await turn()
  void tell('is being written')
  deliver(8)
  await turn()
  assert.deepEqual(told, [])
  held.resolve()
  await turn()
  assert.deepEqual(told.splice(0), ['waits', 'the receipt, waits'])
  held.resolve()
  await turn()
  assert.deepEqual(told, ['is being written', 'the receipt, is being written'])
})

test('the last that is being written is told, though nothing follows it', async () => {
  const held = heldAppend()
  const { outcomes, deliver } = fileWith(held.faults)
  deliver(7)
  await turn()
  let isTold = false
  outcomes.whenWritten(() => {
    isTold = true
  })
  held.resolve()
  await turn()
  assert.ok(isTold)
  isTold = false
  outcomes.whenWritten(() => {
    isTold = true
  })
  assert.ok(isTold, 'at once, when all is written')
})

test('a disk that takes nothing holds up nobody who waits for the outcome', async () => {
  const held = heldAppend()
  const { outcomes, deliver } = fileWith(held.faults)
  const told: string[] = []
  deliver(7)
  outcomes.whenWritten(() => told.push('under way'))
  await turn()
  deliver(8)
  outcomes.whenWritten(() => told.push('next'))
  held.reject()
  await turn()
  assert.deepEqual(told, ['under way', 'next'])
  deliver(9)
  outcomes.whenWritten(() => told.push('later'))
  assert.deepEqual(told, ['under way', 'next', 'later'])
  assert.equal((await outcomes.find(7))?.entry.kind, 'delivered')
})

test('what a failed append left is cut off, however often it fails', async () => {
  const faults: Faults = { append: (half) => half().then(fails) }
  const { inner, outcomes, usage, deliver } = fileWith(faults)
  deliver(1)
  for (let i = 0; i < 5; i++) await outcomes.care()
  assert.equal(await inner.sizeOf(NAME), 0)
  assert.equal(usage.bytes, 0)
  delete faults.append
  await outcomes.care()
  assert.deepEqual(await ordinalsIn(inner), [1])
})

test('of what waits for a disk that fails the newest are kept, and no more than that', async () => {
  const faults: Faults = { append: fails }
  const { inner, outcomes, deliver } = fileWith(faults)
  for (let ordinal = 0; ordinal < PENDING_MAX_COUNT + 3; ordinal++) deliver(ordinal)
  await turn()
  for (let i = 0; i < 4; i++) deliver(PENDING_MAX_COUNT + 3 + i)
  delete faults.append
  await outcomes.care()
  const ordinals = await ordinalsIn(inner)
  assert.deepEqual([ordinals.length, ordinals[0]], [PENDING_MAX_COUNT, 7])
})

test('what comes while a sync is under way is synced before it is finished', async () => {
  let syncCount = 0
  const syncs: (() => void)[] = []
  const faults: Faults = {
    sync: () => {
      syncCount++
      return new Promise((resolve) => syncs.push(resolve))
    },
  }
  const { outcomes, deliver } = fileWith(faults)
  deliver(1)
  void outcomes.care()
  await turn()
  assert.equal(syncCount, 1)
  deliver(2)
  await turn()
  const finishing = outcomes.finish()
  syncs.shift()!()
  await turn()
  assert.equal(syncCount, 2)
  syncs.shift()!()
  await finishing
  assert.ok(!outcomes.needsCare)
})

test('a file that is opened for two things at a time can go', async () => {
  let open = () => {}
  const faults: Faults = {
    open: () =>
      new Promise((resolve) => {
        open = resolve
      }),
  }
  const { inner, outcomes, deliver } = fileWith(faults)
  outcomes.recovered(1, false)
  const caring = outcomes.care()
  await turn()
  deliver(1)
  await turn()
  open()
  await caring
  await outcomes.finish()
  let isGone = false
  void outcomes.remove().then(() => {
    isGone = true
  })
  await turn()
  assert.ok(isGone)
  assert.deepEqual(await inner.list(), [])
})

test('a file of which only keys are kept is not open any more', async () => {
  let closeCount = 0
  const faults: Faults = {
    close: () => {
      closeCount++
    },
  }
  const { inner, outcomes, usage, deliver } = fileWith(faults)
  deliver(1)
  await outcomes.care()
  await outcomes.keepOnly([{ kind: 'exhausted', count: 1 }])
  await turn()
  assert.equal(closeCount, 1)
  assert.equal(usage.bytes, await inner.sizeOf(NAME))
  assert.deepEqual(await ordinalsIn(inner), [])
})

test('after a sync that failed the file is not synced again', async () => {
  let syncCount = 0
  const faults: Faults = {
    sync: () => {
      syncCount++
      return fails()
    },
  }
  const { outcomes, deliver } = fileWith(faults)
  deliver(1)
  await outcomes.care()
  deliver(2)
  await outcomes.care()
  assert.equal(syncCount, 1)
})

test('failures are told apart by code and message', async () => {
  const { outcomes } = fileWith({})
  outcomes.deadLettered(0, 'A', 'one')
  outcomes.deadLettered(1, 'A', 'one')
  outcomes.deadLettered(2, 'A', 'two')
  outcomes.deadLettered(3, 'B', 'two')
  await outcomes.care()
  const told: string[] = []
  for (let ordinal = 0; ordinal < 4; ordinal++) {
    const { entry } = (await outcomes.find(ordinal))!
    if (entry.kind === 'dead-lettered') told.push(`${entry.code} ${entry.message}`)
  }
  assert.deepEqual(told, ['A one', 'A one', 'A two', 'B two'])
})
