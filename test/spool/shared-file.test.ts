// A file that several use: it goes only when they have left.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DiskError, MemoryDisk } from '../../src/host/index.ts'
import { SharedFile } from '../../src/spool/shared-file.ts'
import { methodsOf } from '../changed-disk.ts'

const turn = () => new Promise(setImmediate)

test('a file goes when those who have it have left, and nobody gets it meanwhile', async () => {
  const disk = new MemoryDisk({ maxBytes: 2 ** 20 })
  const shared = new SharedFile(disk, 'one')
  await shared.acquire()
  await shared.acquire()
  const removing = shared.remove()
  shared.release()
  await turn()
  assert.deepEqual(await disk.list(), ['one'])
  await assert.rejects(shared.acquire(), /one is being removed/)

  shared.release()
  await removing
  assert.deepEqual(await disk.list(), [])
})

test('a file that could not be opened is opened anew for the next one', async () => {
  const inner = new MemoryDisk({ maxBytes: 2 ** 20 })
  let isFailing = true
  const open = (name: string) =>
    isFailing ? Promise.reject(new DiskError('EIO', 'the disk failed')) : inner.open(name)
  const shared = new SharedFile({ ...methodsOf(inner), open }, 'one')
  await assert.rejects(shared.acquire(), /the disk failed/)
  isFailing = false
  assert.equal((await shared.acquire()).name, 'one')
})
