// While the disk fails: how long new transactions are refused at once, and what is told of it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Disk, DiskError, MemoryDisk } from '../../src/host/index.ts'
import { fileMethodsOf, methodsOf } from '../changed-disk.ts'
import { Station } from './station.ts'

const MIB = 1024 * 1024
const isLog = (name: string) => name.endsWith('.log')

/** Logs that are written to as `append` has it. */
function appending(append: (bytes: Uint8Array, write: () => Promise<void>) => Promise<void>): Disk {
  const inner = new MemoryDisk({ maxBytes: 2 ** 26 })
  return {
    ...methodsOf(inner),
    open: async (name) => {
      const file = await inner.open(name)
      if (!isLog(name)) return file
      return {
        ...fileMethodsOf(file),
        append: (chunks) => append(chunks[0]!, () => file.append(chunks)),
      }
    },
  }
}

test('a pause doubles up to a second, and is short again when the disk has worked', async () => {
  let isFailing = true
  const disk = appending(async (_, write) => {
    if (isFailing) throw new DiskError('EIO', 'the disk failed')
    await write()
  })
  const station = await Station.open({ disk })
  assert.equal((await station.put('first')).refusal?.code, 'disk-failed')
  const triedAfter = async (pauseMs: number) => {
    await station.runFor(pauseMs - 1)
    assert.notEqual(station.spool.refusal(), null, `before ${pauseMs} ms`)
    await station.runFor(1)
    assert.equal(station.spool.refusal(), null, `after ${pauseMs} ms`)
    return station.put('tried')
  }
  for (const pauseMs of [10, 20, 40, 80, 160, 320, 640, 1000, 1000]) await triedAfter(pauseMs)
  isFailing = false
  assert.equal((await triedAfter(1000)).refusal, null)
  isFailing = true
  await station.put('fails')
  await triedAfter(10)

  const told = station.log.lines.filter((line) => line.includes('the spool'))
  assert.deepEqual(told, [
    'error the spool cannot be written {"reason":"the disk failed"}',
    'info the spool can be written again',
    'error the spool cannot be written {"reason":"the disk failed"}',
  ])
})

test('what comes together is written in groups of 4 MiB, and what is longer alone', async () => {
  const writes: number[] = []
  const disk = appending((bytes, write) => {
    writes.push(Math.round(bytes.length / MIB))
    return write()
  })
  const station = await Station.open({ disk })
  for (const mib of [1.1, 1.1, 1.1, 1.1, 6, 1.1]) station.append(['x'.repeat(mib * MIB)])
  await station.turn()
  assert.deepEqual(writes, [3, 1, 6, 1])
})

for (const code of ['ENOSPC', 'EDQUOT']) {
  test(`a disk is full that says ${code}`, async () => {
    const disk = appending(async () => {
      throw new DiskError(code, 'no room')
    })
    const station = await Station.open({ disk })
    assert.equal((await station.put('one')).refusal?.code, 'disk-full')
    assert.equal(station.spool.stats.state, 'disk-full')
  })
}
