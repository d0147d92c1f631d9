// What a file of the spool knows of its records.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryDisk } from '../../src/host/index.ts'
import { FailedUpkeep } from '../../src/spool/failed-upkeep.ts'
import { LOG_HEADER_BYTES } from '../../src/spool/log-header.ts'
import { Segment } from '../../src/spool/segment.ts'
import { Usage } from '../../src/spool/usage.ts'
import { HandClock } from '../hand-clock.ts'
import { RecordingLog } from '../recording-log.ts'

const FRAME_BYTES = 200
const DAY_SECONDS = 86_400

/** A record a second, for days. */
function segmentOf(secondCount: number): Segment {
  const files = {
    disk: new MemoryDisk({ maxBytes: 2 ** 20 }),
    usage: new Usage(),
    failed: new FailedUpkeep(new HandClock(), new RecordingLog()),
    onWork() {},
  }
  const segment = new Segment(files, { number: 1, marker: Buffer.alloc(8) })
  for (let second = 0; second < secondCount; second++) {
    const position = LOG_HEADER_BYTES + second * FRAME_BYTES
    const extent = { position, end: position + FRAME_BYTES, firstOrdinal: second, count: 1 }
    segment.addFrame({ ...extent, arrivedAtMs: second * 1000 })
  }
  return segment
}

test('in a file that fills for days the arrival of the oldest record is known to a 32nd of its age', () => {
  const endSecond = 3 * DAY_SECONDS
  const segment = segmentOf(endSecond)

  let settledCount = 0
  for (const second of [0, 1000, DAY_SECONDS, endSecond - 5000, endSecond - 60, endSecond - 1]) {
    while (settledCount < second) segment.settled.set(settledCount++)
    const tooEarlyMs = second * 1000 - segment.oldestArrivalAtMs()!
    assert.ok(tooEarlyMs >= 0)
    assert.ok(tooEarlyMs <= Math.max(1000, ((endSecond - second) * 1000) / 32), `${tooEarlyMs}`)
  }
  segment.settled.set(settledCount)
  assert.equal(segment.oldestArrivalAtMs(), null)
})

test('the marks of a file that fills for days are few', () => {
  const segment = segmentOf(3 * DAY_SECONDS)
  const positions = new Set<number>()
  for (let second = 0; second < 3 * DAY_SECONDS; second++) {
    positions.add(segment.startBefore(LOG_HEADER_BYTES + second * FRAME_BYTES).position)
  }
  assert.ok(positions.size <= 2048, `${positions.size}`)
})

test('a pass through a file that filled for days begins near its place', () => {
  const segment = segmentOf(3 * DAY_SECONDS)
  for (const second of [0, 1000, DAY_SECONDS, 3 * DAY_SECONDS - 1]) {
    const at = LOG_HEADER_BYTES + second * FRAME_BYTES
    const { position, ordinal } = segment.startBefore(at)
    assert.equal(position, LOG_HEADER_BYTES + ordinal * FRAME_BYTES)
    assert.ok(position <= at && at - position < 256 * 1024 + FRAME_BYTES, `${at - position}`)
  }
})
