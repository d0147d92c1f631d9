// A stream of which the service does not say what it allows: nothing is aggregated meanwhile, and a
// backlog must not expire for that.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ShardLimiter, shardRatesOf } from '../../src/kinesis/shard-limiter.ts'
import type { ProducerConfig } from '../../src/producer/index.ts'
import { SimRandom } from '../../src/sim/index.ts'
import { type Line, line } from './line.ts'

const RATES = shardRatesOf({ writeBurstMs: 1000, readBurstMs: 1000 })
const THROTTLED = { entryError: 'ProvisionedThroughputExceededException' } as const
const FAILED_PERCENT = 60

interface Backlog {
  readonly seed: number
  readonly count: number
  readonly ordering: ProducerConfig['ordering']
}

/** So many records at one instant, for one shard with its limits. */
function backlogOf({ seed, count, ordering }: Backlog): Line {
  const running = line({ settings: { ordering }, random: new SimRandom(seed) })
  const { service, clock } = running
  service.isForgetful = true
  service.latencyMs = 100
  const limiter = new ShardLimiter(RATES, 0)
  service.script = (_n, entries) =>
    entries.map(({ data, partitionKey }) => {
      const bytes = data.length + partitionKey.length
      return limiter.tryWrite(bytes, clock.monotonicMs()) ? 'store' : THROTTLED
    })
  const isOrdered = ordering === 'partition-key'
  for (let i = 0; i < count; i++) running.put(isOrdered ? 'k' : `k${i}`, `record ${i}`)
  return running
}

const lostOf = ({ results }: Line) => results.filter(({ isDelivered }) => !isDelivered).length

// In 30 s the shard takes 30 000 records that go alone, and one key 300 of them.
for (const { count, ordering } of [
  { count: 3000, ordering: 'partition-key' },
  { count: 40_000, ordering: 'none' },
] as const) {
  test(`a backlog, ordering ${ordering}, lives on although most questions fail`, async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const draws = new SimRandom(seed).fork('describe')
      const running = backlogOf({ seed, count, ordering })
      running.service.describeScript = () =>
        draws.below(100) < FAILED_PERCENT ? 'InternalFailure' : null
      await running.runFor(40_000)

      assert.equal(running.results.length, count)
      assert.equal(lostOf(running), 0, `seed ${seed}`)
    }
  })
}

test('a permission that comes some seconds late costs no record of a backlog', async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const running = backlogOf({ seed, count: 3000, ordering: 'partition-key' })
    running.service.describeError = 'AccessDeniedException'
    await running.runFor(5000)
    running.service.describeError = null
    await running.runFor(35_000)

    assert.equal(running.results.length, 3000)
    assert.equal(lostOf(running), 0, `seed ${seed}`)
  }
})

/** The waits between questions that all fail, while a thousand records come in that time. */
async function waitsMs(
  error: string,
  settings: Partial<ProducerConfig>,
  ms: number,
): Promise<number[]> {
  const running = line({ settings, random: new SimRandom(1) })
  running.service.isForgetful = true
  const atMs: number[] = []
  running.service.describeScript = () => {
    atMs.push(running.clock.monotonicMs())
    return error
  }
  for (let i = 0; i < 1000; i++) {
    running.put('k', 'v')
    await running.runFor(ms / 1000)
  }
  return atMs.slice(1).map((ms, i) => ms - atMs[i]!)
}

/** Of the longest wait: the next record may come so much later. */
const LATE_SHARE = 0.05

for (const { recordTtl, longestMs } of [
  { recordTtl: 100, longestMs: 1000 },
  { recordTtl: 10_000, longestMs: 1000 },
  { recordTtl: 10_001, longestMs: 1001 },
  { recordTtl: 30_000, longestMs: 3000 },
  { recordTtl: 600_000, longestMs: 60_000 },
  { recordTtl: 601_000, longestMs: 60_000 },
  { recordTtl: 'none', longestMs: 60_000 },
] as const) {
  test(`records that live ${recordTtl} ms: questions at most ${longestMs} ms apart`, async () => {
    const waits = await waitsMs('InternalFailure', { recordTtl }, 20 * longestMs)

    const [least, most] = [Math.min(...waits), Math.max(...waits)]
    assert.ok(least >= 500, `${least} ms`)
    assert.ok(most <= longestMs * (1 + LATE_SHARE), `${most} ms`)
    assert.ok(most > longestMs / 2, `${most} ms`)
  })
}

test('a permission that is missing is asked for ever less often, up to once a minute', async () => {
  const waits = await waitsMs('AccessDeniedException', {}, 300_000)

  assert.ok(waits[0]! <= 1500, `${waits}`)
  assert.ok(waits.at(-1)! >= 30_000 && waits.length <= 12, `${waits}`)
})

test('what waits for its shard alone finds company as soon as that is known to be safe', async () => {
  const running = backlogOf({ seed: 1, count: 5000, ordering: 'none' })
  running.service.describeError = 'InternalFailure'
  await running.runFor(2000)
  running.service.describeError = null
  await running.runFor(2000)

  // One by one they take five seconds.
  assert.equal(running.results.length, 5000)
  assert.equal(lostOf(running), 0)
})
