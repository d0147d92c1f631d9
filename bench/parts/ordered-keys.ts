// The same keys in two orders: as they come, each of another shard than the one before, or in runs
// of one shard. Between the two lies what it costs that a shard's records and its state are far
// apart in memory.

import { hashKeyOf } from '../../src/wire/index.ts'

export type KeyOrder = 'runs' | 'mixed'

const HASH_KEY_TOPS = 2 ** 32
const KEYS_PER_SHARD = 200
/** From one shard to the next, so that they are no neighbours; a prime. */
const SPREAD_STEP = 617

/** So many of each shard; a run is what an aggregate takes. */
export function orderedKeys(order: KeyOrder, shardCount: number, runLength: number): string[] {
  const ofShard = Array.from({ length: shardCount }, (): string[] => [])
  let fullCount = 0
  for (let i = 0; fullCount < shardCount; i++) {
    const key = `user-${i}`
    const keys = ofShard[Math.floor((hashKeyOf(key).w0 / HASH_KEY_TOPS) * shardCount)]!
    if (keys.length === KEYS_PER_SHARD) continue
    if (keys.push(key) === KEYS_PER_SHARD) fullCount++
  }
  const ordered: string[] = []
  const step = order === 'runs' ? runLength : 1
  for (let from = 0; from < KEYS_PER_SHARD; from += step) {
    for (let i = 0; i < shardCount; i++) {
      const keys = ofShard[(i * SPREAD_STEP) % shardCount]!
      ordered.push(...keys.slice(from, from + step))
    }
  }
  // Made anew, so that they lie in memory in the order in which they are taken.
  return ordered.map((key) => Buffer.from(key).toString())
}
