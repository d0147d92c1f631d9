// Settled segments found by their number, however many there are.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryDisk } from '../../src/host/index.ts'
import { Archive } from '../../src/spool/archive.ts'
import { FailedUpkeep } from '../../src/spool/failed-upkeep.ts'
import { Keys } from '../../src/spool/keys.ts'
import { sizesOf } from '../../src/spool/log-writer.ts'
import { Replayed } from '../../src/spool/replayed.ts'
import { Segment } from '../../src/spool/segment.ts'
import { Usage } from '../../src/spool/usage.ts'
import { HandClock } from '../hand-clock.ts'
import { RecordingLog } from '../recording-log.ts'
import { spoolConfig } from './station.ts'

const NO_TOTALS = { successes: 0, failures: 0, exhausted: 0, leaving: [], lastNumber: 0 }

test('a segment is found by its number until its receipts go', async () => {
  const [clock, usage, log] = [new HandClock(), new Usage(), new RecordingLog()]
  const disk = new MemoryDisk({ maxBytes: 2 ** 20 })
  const config = spoolConfig({ receipts: { retentionMs: 1000 } })
  const keys = new Keys(config.idempotency, clock, () => undefined)
  const failed = new FailedUpkeep(clock, log)
  const parts = { clock, disk, log, failed, usage, keys, config, sizes: sizesOf(config.spool) }
  const replayed = new Replayed(1)
  const archive = new Archive({ ...parts, replayed, onRoom() {} }, NO_TOTALS)
  const segments = [3, 4].map((number) => {
    const segment = new Segment(
      { disk, usage, failed, onWork() {} },
      { number, marker: Buffer.alloc(8) },
    )
    segment.outcomes.add({ kind: 'exhausted', count: 1 })
    return segment
  })
  for (const segment of segments) {
    archive.add(segment, false)
    clock.advanceBy(500)
  }
  await archive.tidy({ isFull: () => false, isStuck: () => false })
  assert.equal(archive.find(3), undefined, 'its time has come')
  assert.equal(archive.find(4), segments[1])
  assert.equal(archive.find(5), undefined)
})
