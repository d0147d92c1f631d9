// What settling a record leaves behind.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryDisk } from '../../src/host/index.ts'
import { FailedUpkeep } from '../../src/spool/failed-upkeep.ts'
import { Segment } from '../../src/spool/segment.ts'
import { Settlement } from '../../src/spool/settlement.ts'
import { Usage } from '../../src/spool/usage.ts'
import { HandClock } from '../hand-clock.ts'
import { RecordingLog } from '../recording-log.ts'

const PLACE = { shardId: 'shardId-000000000000', sequenceNumber: '1', subSequenceNumber: null }

test('a record that has settled counts once, and nothing is kept of who waited', async () => {
  const usage = new Usage()
  const disk = new MemoryDisk({ maxBytes: 2 ** 20 })
  const files = {
    disk,
    usage,
    failed: new FailedUpkeep(new HandClock(), new RecordingLog()),
    onWork() {},
  }
  const segment = new Segment(files, { number: 1, marker: Buffer.alloc(8) })
  segment.addFrame({ position: 16, end: 100, firstOrdinal: 0, count: 2, arrivedAtMs: 0 })
  usage.unsettledCount = 2
  const told: string[] = []
  segment.waiting.set(0, ({ kind }) => told.push(kind))
  const settlement = new Settlement({
    clock: new HandClock(),
    deadLetters: { add() {}, onRoom() {} },
    events: { settled() {}, changed() {} },
    usage,
    refused: null,
    parkedMaxCount: 1,
    onSegmentSettled() {},
    onKept() {},
    onLineClosed() {},
    onParked() {},
    onUnparked() {},
  })
  settlement.settle(segment, 0, { kind: 'delivered', place: PLACE })
  settlement.settle(segment, 0, { kind: 'dead-lettered', code: 'C', message: 'M' })

  assert.deepEqual(segment.counts, { successes: 1, failures: 0, exhausted: 0 })
  assert.equal(usage.unsettledCount, 1)
  assert.deepEqual(told, [], 'it is not written yet')
  await new Promise(setImmediate)
  assert.deepEqual(told, ['delivered'])
  assert.equal(segment.waiting.size, 0)
})
