// How much one key gets through when its records keep their order, in hand-moved time.

import { line } from './line.ts'

const DATA = '0'.repeat(100)
const OUTSTANDING_COUNT = 2000
const SECONDS = 5
/** So that no shard's rate is in the way. */
const NO_RATE_LIMIT = 1_000_000

/** Data bytes a second, in records of 100 bytes, with so long a round trip. */
export async function oneKeyBytesPerSecond(latencyMs: number): Promise<number> {
  const running = line({ settings: { ordering: 'partition-key', rateLimit: NO_RATE_LIMIT } })
  // Until the shards are known.
  running.put('k', DATA)
  await running.runFor(1000)
  running.results.length = 0
  running.service.latencyMs = latencyMs
  running.service.isForgetful = true
  const untilMs = running.clock.monotonicMs() + SECONDS * 1000
  while (running.clock.monotonicMs() < untilMs) {
    while (running.producer.outstandingCount < OUTSTANDING_COUNT) running.put('k', DATA)
    await running.runFor(1)
  }
  return (running.results.length * DATA.length) / SECONDS
}
