import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ShardLimiter, shardRatesOf } from '../../src/kinesis/shard-limiter.ts'
import { UserRecord } from '../../src/record/index.ts'
import { SimRandom } from '../../src/sim/index.ts'
import { line } from './line.ts'
import { evenShards } from './scripted-service.ts'

const DATA = Buffer.alloc(1612, 'x')
/** What the shard takes in 1.5 s, all records outstanding together. */
const OUTSTANDING_COUNT = 975
const RUN_MS = 20_000
const THROTTLED = { entryError: 'ProvisionedThroughputExceededException' } as const

for (const seed of [1, 2, 3]) {
  test(`on a saturated shard nobody is overtaken for long (seed ${seed})`, async () => {
    // A fixed rate above the shard's: a third of what is sent is refused and goes again.
    const settings = { recordTtl: 2400, rateLimit: 150 }
    const running = line({ settings, shards: evenShards(1), random: new SimRandom(seed) })
    const rates = shardRatesOf({ writeBurstMs: 1000, readBurstMs: 1000 })
    const limiter = new ShardLimiter(rates, running.clock.monotonicMs())
    running.service.script = (_n, entries) =>
      entries.map(({ data, partitionKey }) => {
        const sizeBytes = data.length + partitionKey.length
        const isTaken = limiter.tryWrite(sizeBytes, running.clock.monotonicMs())
        return isTaken ? 'store' : THROTTLED
      })
    const latenciesMs: number[] = []
    const codes = new Map<string, number>()
    let putCount = 0
    const put = () => {
      const putAtMs = running.clock.monotonicMs()
      const onSettle = (result: { isDelivered: boolean; code?: string }) => {
        const code = result.code ?? 'delivered'
        codes.set(code, (codes.get(code) ?? 0) + 1)
        latenciesMs.push(running.clock.monotonicMs() - putAtMs)
        put()
      }
      const partitionKey = String(putCount++)
      running.producer.put(new UserRecord({ stream: 's', partitionKey, data: DATA, onSettle }))
    }
    for (let i = 0; i < OUTSTANDING_COUNT; i++) put()

    await running.runFor(RUN_MS)

    assert.deepEqual([...codes.keys()], ['delivered'])
    const settledBytes = latenciesMs.length * DATA.length
    assert.ok(settledBytes > (0.97 * (RUN_MS - 100) * 1024 * 1024) / 1000, `${settledBytes} bytes`)
    const longestMs = latenciesMs.reduce((longest, latency) => Math.max(longest, latency), 0)
    assert.ok(longestMs < 2200, `${longestMs} ms`)
  })
}
