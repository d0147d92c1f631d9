import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Accumulator, Sum, WINDOW_MAX_SECONDS } from '../../../src/producer/metrics/accumulator.ts'
import { PendingSampler } from '../../../src/producer/metrics/pending-sampler.ts'

/** The KPL samples as often, by a timer. */
const SAMPLE_EVERY_MS = 200

test('the samples are those that a timer would have taken, each in its own second', () => {
  const change = fc.record({
    afterMs: fc.oneof(fc.nat(1500), fc.nat(200_000), fc.constantFrom(200, 1000, 60_000, 60_200)),
    count: fc.nat(9),
  })
  fc.assert(
    fc.property(fc.nat(5000), fc.array(change, { maxLength: 12 }), (startMs, changes) => {
      const [sampled, timed] = [new Accumulator(), new Accumulator()]
      const sampler = new PendingSampler(sampled, startMs)
      let nextAtMs = startMs + SAMPLE_EVERY_MS
      let nowMs = startMs
      for (const { afterMs, count } of changes) {
        nowMs += afterMs
        sampler.catchUp(nowMs, count)
        for (; nextAtMs <= nowMs; nextAtMs += SAMPLE_EVERY_MS) timed.add(count, nextAtMs)

        const read = (from: Accumulator, seconds: number) => {
          const sum = new Sum()
          if (seconds === 0) from.lifetime(sum)
          else from.window(sum, seconds, nowMs)
          return { ...sum }
        }
        for (const seconds of [0, 1, 5, WINDOW_MAX_SECONDS]) {
          assert.deepEqual(read(sampled, seconds), read(timed, seconds), `${seconds} s`)
        }
      }
    }),
    { numRuns: 300 },
  )
})
