// Damaged bytes are kept once, and within their bound.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryDisk } from '../../src/host/index.ts'
import { KeptAside } from '../../src/spool/kept-aside.ts'
import { SharedFile } from '../../src/spool/shared-file.ts'
import { methodsOf } from '../changed-disk.ts'
import { RecordingLog } from '../recording-log.ts'

const MAX_BYTES = 1000

async function aside() {
  const inner = new MemoryDisk({ maxBytes: 2 ** 20 })
  const log = new RecordingLog()
  await (await inner.open('one.log')).append([Buffer.alloc(5000, 'x')])
  const copied: string[] = []
  const replace = (name: string, bytes: Uint8Array) => {
    copied.push(name)
    return inner.replace(name, bytes)
  }
  const disk = { ...methodsOf(inner), replace }
  const shared = new SharedFile(disk, 'one.log')
  const keptAside = async () => new KeptAside(disk, MAX_BYTES, await inner.list(), log)
  return { inner, log, copied, shared, keptAside }
}

test('damage that is found twice at a time is kept within the bound, and told beyond it', async () => {
  const { inner, log, shared, keptAside } = await aside()
  const kept = await keptAside()
  await Promise.all([
    kept.keep(shared, { position: 0, end: MAX_BYTES - 1 }),
    kept.keep(shared, { position: 2000, end: 2001 }),
    kept.keep(shared, { position: 3000, end: 3001 }),
  ])
  const names = (await inner.list()).filter((name) => name.startsWith('damaged/'))
  assert.deepEqual(names, ['damaged/one.log-0', 'damaged/one.log-2000'])
  assert.equal(log.lines.filter((line) => line.includes('too many')).length, 1)
})

test('what an earlier start has kept is not copied again', async () => {
  const { log, copied, shared, keptAside } = await aside()
  const range = { position: 0, end: MAX_BYTES }
  await (await keptAside()).keep(shared, range)
  await (await keptAside()).keep(shared, range)
  assert.deepEqual(copied, ['damaged/one.log-0'])
  assert.deepEqual(log.lines, [])
})
