// What became of records, where the disk does not tell it at a start.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Disk, DiskError, MemoryDisk } from '../../src/host/index.ts'
import { fileMethodsOf, methodsOf } from '../changed-disk.ts'
import { Station } from './station.ts'

type Fault = 'log is not synced' | 'outcomes are not opened' | 'outcomes are not read'

class FaultyDisk {
  readonly #inner = new MemoryDisk({ maxBytes: 2 ** 26 })
  fault: Fault | null = null

  get disk(): Disk {
    return {
      ...methodsOf(this.#inner),
      open: async (name) => {
        const isOutcomes = name.endsWith('.outcomes')
        if (isOutcomes) this.#check('outcomes are not opened')
        const file = await this.#inner.open(name)
        return {
          ...fileMethodsOf(file),
          sync: async () => {
            if (!isOutcomes) this.#check('log is not synced')
            await file.sync()
          },
          read: async (position, lengthBytes) => {
            if (isOutcomes) this.#check('outcomes are not read')
            return file.read(position, lengthBytes)
          },
        }
      },
    }
  }

  #check(fault: Fault): void {
    if (this.fault === fault) throw new DiskError('EIO', fault)
  }
}

for (const fault of ['outcomes are not opened', 'outcomes are not read'] as const) {
  test(`no key is remembered where it may have been refused: ${fault}`, async () => {
    const faulty = new FaultyDisk()
    const first = await Station.open({ disk: faulty.disk })
    first.append(['kept'], { key: 'kept' })
    await first.turn()
    faulty.fault = 'log is not synced'
    const refused = first.append(['refused'], { key: 'refused' })
    await first.turn()
    faulty.fault = null
    await first.runFor(1_000)
    assert.equal(refused.refusal?.code, 'sync-failed')

    faulty.fault = fault
    const second = await Station.open({ disk: faulty.disk })
    assert.equal(second.spool.idempotency('refused'), null)

    faulty.fault = null
    const third = await Station.open({ disk: faulty.disk })
    assert.equal(third.spool.idempotency('refused'), null)
    assert.equal(third.spool.idempotency('kept')?.receipts.length, 1)
  })
}
