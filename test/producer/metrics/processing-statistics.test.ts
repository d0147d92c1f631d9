import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Log } from '../../../src/host/index.ts'
import { type Line, type LineOptions, line } from '../line.ts'
import { md5Of } from '../scripted-service.ts'

/** A line and what it says, each line with its level. */
function loud(options: LineOptions = {}): { running: Line; said: string[] } {
  const said: string[] = []
  const log: Log = {
    info: (message) => said.push(`info ${message}`),
    warn: (message) => said.push(`warn ${message}`),
    error: (message) => said.push(`error ${message}`),
  }
  return { running: line({ ...options, log }), said }
}

const NOTHING = 'manual: 0, count: 0, size: 0, matches: 0, timed: 0'

test('after 15 seconds the triggers and the average are said in the words of the KPL', async () => {
  const { running, said } = loud()
  running.put('a', 'x')
  running.put('b', 'x')

  await running.runFor(14_999)
  assert.deepEqual(said, [])
  await running.runFor(1)

  assert.deepEqual(said, [
    "info Stage 1 Triggers: { stream: 's', manual: 0, count: 0, size: 0, matches: 0, timed: 1, " +
      'UserRecords: 2, KinesisRecords: 1 }',
    "info Stage 2 Triggers: { stream: 's', manual: 0, count: 0, size: 0, matches: 0, timed: 1, " +
      'KinesisRecords: 1, PutRecords: 1 }',
    'info (s) Average Processing Time: 10 ms',
  ])
})

test('a line with nothing to say says nothing, and no timer waits', async () => {
  const { running, said } = loud()
  running.put('a', 'x')
  await running.runFor(15_000)
  said.length = 0

  await running.runFor(100_000)
  assert.deepEqual(said, [])
  assert.equal(running.clock.scheduledCount, 0)

  running.put('a', 'x')
  await running.runFor(5000)
  assert.equal(said.length, 3)
  assert.match(said[0]!, /timed: 1, UserRecords: 1, KinesisRecords: 1 }/)
  assert.match(said[1]!, /timed: 1, KinesisRecords: 1, PutRecords: 1 }/)
})

test('a line that is closed says nothing any more, and no timer waits', async () => {
  const { running, said } = loud()
  running.put('a', 'x')
  await running.runFor(1000)
  const closed = running.producer.close(1000)
  await running.runFor(1)
  assert.equal(await closed, 0)

  assert.equal(running.clock.scheduledCount, 0)
  await running.runFor(30_000)
  assert.deepEqual(said, [])
})

test('of a stream that does not exist nothing is said, until it does', async () => {
  const { running, said } = loud()
  running.service.listShardsError = 'ResourceNotFoundException'
  running.service.script = () => ({ requestError: 'ResourceNotFoundException', status: 400 })
  running.put('a', 'x')
  await running.runFor(31_000)
  running.put('a', 'x')
  await running.runFor(31_000)
  assert.equal(said.filter((text) => text.startsWith('info')).length, 0)

  running.service.listShardsError = null
  running.service.script = () => 'store'
  running.put('a', 'x')
  await running.runFor(15_000)
  assert.equal(said.filter((text) => text.startsWith('info')).length, 3)
})

test('without a request that ended there is no average', async () => {
  const { running, said } = loud()
  running.put('a', 'x')
  await running.runFor(15_000)
  said.length = 0
  running.service.latencyMs = 20_000
  running.put('a', 'x')

  await running.runFor(15_000)

  assert.equal(said.length, 2)
  assert.ok(said.every((text) => !text.includes('nan') && !text.includes('NaN')))

  await running.runFor(15_000)
  assert.equal(said.at(-1), 'info (s) Average Processing Time: 20000 ms', 'when it has ended')
})

test('each reason of a cut is counted, several at once too', async () => {
  const { running, said } = loud({
    settings: { aggregationMaxCount: 2, aggregationMaxSize: 120, rateLimit: 1_000_000 },
  })
  await running.runFor(100)
  running.put('a', 'x')
  await running.runFor(500)
  running.put('a', 'x')
  running.put('b', 'x')
  running.put('c', 'x'.repeat(60))
  running.put('d', 'x'.repeat(60))
  running.put('e', 'x')
  running.put('f', 'x')
  const flushed = running.producer.flush()
  await running.runFor(15_000)
  await flushed

  assert.match(said[0]!, /manual: 1, count: 3, size: 1, matches: 0, timed: 1, UserRecords: 7, Kin/)
})

test('256 KiB of one shard are a match of stage 2, beside other reasons too', async () => {
  for (const [collectionMaxCount, countCount] of [
    [500, 0],
    [6, 1],
  ] as const) {
    const { running, said } = loud({ settings: { rateLimit: 1_000_000, collectionMaxCount } })
    running.put('a', 'x')
    await running.runFor(500)
    for (let i = 0; i < 6; i++) running.put(`k${md5Of(String(i))}`, 'x'.repeat(51_000))

    await running.runFor(15_000)

    const counts = `count: ${countCount}, size: 0, matches: 1, timed: \\d`
    assert.match(said[1]!, new RegExp(`${counts}, KinesisRecords: \\d, PutRecords: \\d }$`))
  }
})

test('slow requests are warned of before the average, with eight digits of it', async () => {
  const { running, said } = loud()
  running.service.latencyMs = 500
  running.put('a', 'x')
  await running.runFor(15_000)
  assert.deepEqual(said.slice(2), ['info (s) Average Processing Time: 500 ms'])
  running.service.latencyMs = 501 + 1 / 3
  running.put('a', 'x')

  await running.runFor(15_000)

  assert.deepEqual(said.slice(5), [
    'warn PutRecords processing time is taking longer than 500 ms to complete.  You may need ' +
      'to adjust your configuration to reduce the processing time.',
    'info (s) Average Processing Time: 501.33333 ms',
  ])
})

test('failed requests count for the average', async () => {
  const { running, said } = loud({ settings: { recordTtl: 200 } })
  running.service.script = () => ({ noAnswer: 'timed-out', isStored: false })
  running.put('a', 'x')

  await running.runFor(15_000)

  assert.ok(!said[1]!.includes(NOTHING))
  assert.equal(said.at(-1), 'info (s) Average Processing Time: 10 ms')
})
