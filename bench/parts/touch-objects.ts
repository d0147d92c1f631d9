// What a record costs that waits among many others, with no line to go through: it is made, put to
// those of its shard, whose size as an aggregate is kept, read when they are full, and settled when
// so many are outstanding. It touches memory in the order of the line, which touches it more often.

import { UserRecord } from '../../src/record/index.ts'
import { AggregateSize, hashKeyOf } from '../../src/wire/index.ts'

export interface TouchPlan {
  readonly shardCount: number
  readonly windowCount: number
  readonly groupCount: number
  readonly data: Buffer
  readonly nextKey: () => string
}

const HASH_KEY_TOPS = 2 ** 32
const BLOCK_COUNT = 1000

export function touchObjects(plan: TouchPlan, endAtMs: number): number {
  const { shardCount, windowCount, groupCount, data, nextKey } = plan
  const body = Buffer.alloc(groupCount * data.length)
  const sizes = Array.from({ length: shardCount }, () => new AggregateSize())
  const groups = Array.from({ length: shardCount }, (): UserRecord[] => [])
  let outstandingCount = 0
  let settledCount = 0
  const onSettle = () => {
    outstandingCount--
    settledCount++
  }
  const full: UserRecord[][] = []
  const add = () => {
    const record = new UserRecord({ stream: 'bench', partitionKey: nextKey(), data, onSettle })
    // Not kept, as the line does not keep it.
    const { w0 } = hashKeyOf(record.partitionKey)
    outstandingCount++
    const shard = Math.floor((w0 / HASH_KEY_TOPS) * shardCount)
    const group = groups[shard]!
    sizes[shard]!.add(record, group)
    if (group.push(record) < groupCount) return
    groups[shard] = []
    sizes[shard]!.clear()
    full.push(group)
  }
  while (performance.now() < endAtMs) {
    while (outstandingCount < windowCount) add()
    for (const group of full.splice(0, BLOCK_COUNT)) {
      let at = 0
      for (const record of group) {
        body.set(record.data, at)
        at += record.data.length
      }
      const attempt = { startAtMs: at, endAtMs: at, code: null, message: null, mayBeWritten: false }
      for (const record of group) {
        record.addAttempt(attempt)
        const place = { shardId: '', sequenceNumber: '', subSequenceNumber: 0 }
        record.settle({ isDelivered: true, place, attempts: record.attempts })
      }
    }
  }
  return settledCount
}
