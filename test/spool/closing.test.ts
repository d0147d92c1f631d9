// An end in order, while something is under way.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Disk, MemoryDisk } from '../../src/host/index.ts'
import { fileMethodsOf, methodsOf } from '../changed-disk.ts'
import { Station } from './station.ts'

test('closing waits for what is being written, and tells of it', async () => {
  const inner = new MemoryDisk({ maxBytes: 2 ** 20 })
  let release = () => {}
  const disk: Disk = {
    ...methodsOf(inner),
    open: async (name) => {
      const file = await inner.open(name)
      if (!name.endsWith('.log')) return file
      const sync = () =>
        new Promise<void>((resolve) => {
          release = resolve
        })
      return { ...fileMethodsOf(file), sync }
    },
  }
  const first = await Station.open({ disk })
  const sent = first.append(['one'])
  await first.turn()
  let isClosed = false
  const closing = first.spool.close(10_000).then(() => {
    isClosed = true
  })
  await first.turn()
  assert.equal(isClosed, false)
  release()
  await first.until(closing)
  assert.equal(sent.receipts?.length, 1)
  const second = await Station.open({ disk: inner })
  assert.equal(second.handed.length, 1)
})
