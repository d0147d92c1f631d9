// What counts as taken of the disk.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Disk, DiskError, MemoryDisk } from '../../src/host/index.ts'
import { methodsOf } from '../changed-disk.ts'
import { Station } from './station.ts'

const kindOf = (name: string) => name.replace(/^.*\./, '.')
const isOfSpool = (name: string) => /\.(log|outcomes)$/.test(name)

async function bytesOn(disk: Disk): Promise<number> {
  const names = (await disk.list()).filter(isOfSpool)
  const sizes = await Promise.all(names.map((name) => disk.sizeOf(name)))
  return sizes.reduce((sum, bytes) => sum + bytes, 0)
}

for (const kind of ['.log', '.outcomes']) {
  test(`a file that cannot be opened at a start counts all the same: ${kind}`, async () => {
    const inner = new MemoryDisk({ maxBytes: 2 ** 26 })
    const first = await Station.open({ disk: inner })
    for (const text of ['one', 'two', 'three']) await first.put(text.repeat(1000))
    first.settle('one'.repeat(1000))
    await first.turn()
    let isFailing = true
    const disk: Disk = {
      ...methodsOf(inner),
      open: async (name) => {
        if (isFailing && kindOf(name) === kind) throw new DiskError('EIO', 'the disk failed')
        return inner.open(name)
      },
    }

    const second = await Station.open({ disk })
    assert.equal(second.spool.stats.bytes, await bytesOn(inner))

    // What is written behind it counts once.
    isFailing = false
    second.settleAll()
    await second.turn()
    assert.equal(second.spool.stats.bytes, await bytesOn(inner))
    await second.put('four'.repeat(1000))
    assert.equal(second.spool.stats.bytes, await bytesOn(inner))
  })
}
