// What a producer costs that has nothing to do, and what many shards cost.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ProducerConfig } from '../../src/producer/index.ts'
import { type Line, line } from './line.ts'
import { evenShards } from './scripted-service.ts'

/** Counts the instants at which a task runs from now on. */
function wakeUps({ clock }: Line): number[] {
  const instants: number[] = []
  const schedule = clock.schedule.bind(clock)
  clock.schedule = (atMs, run) =>
    schedule(atMs, () => {
      instants.push(clock.monotonicMs())
      run()
    })
  return instants
}

function callsTo({ service }: Line): number {
  return service.sent.length + service.listShardsCount + service.describeCount
}

const THROTTLED = { entryError: 'ProvisionedThroughputExceededException' } as const

/** A producer that has been used for a minute, with trouble of every kind. */
async function used(settings: Partial<ProducerConfig> = {}): Promise<[Line, number[]]> {
  let keysCount = 0
  const running = line({
    settings: { recordTtl: 5000, metricsLevel: 'detailed', ...settings },
    shards: evenShards(4),
    credentials: () => {
      keysCount++
      const expiresAtMs = running.clock.wallMs() + 900_000
      return Promise.resolve({ accessKeyId: `${keysCount}`, secretAccessKey: 's', expiresAtMs })
    },
  })
  const instants = wakeUps(running)
  running.service.script = (n) => {
    if (n % 7 === 1) return THROTTLED
    if (n % 7 === 2) return { noAnswer: 'timed-out', isStored: false }
    if (n % 7 === 3) return { requestError: 'ExpiredTokenException', status: 400 }
    return 'store'
  }
  for (let tick = 0; tick < 240; tick++) {
    for (const stream of ['s', 't', 'u']) running.put(`k${tick % 9}`, 'x', stream)
    if (tick === 160) running.put('k', 'x', 'never listed')
    if (tick === 100) running.service.shards = evenShards(8, 4)
    if (tick === 150) running.service.listShardsError = 'LimitExceededException'
    if (tick === 180) running.service.describeError = 'AccessDeniedException'
    await running.runFor(250)
  }
  return [running, instants]
}

for (const trouble of [false, true]) {
  const how = trouble ? 'a service that refuses everything' : 'a service that is well'
  test(`idle for a day, before ${how}: no timer, no call`, async () => {
    const [running, instants] = await used()
    if (trouble) {
      running.service.script = () => ({ requestError: 'AccessDeniedException', status: 400 })
    } else {
      running.service.listShardsError = null
      running.service.describeError = null
      running.service.script = () => 'store'
    }
    await running.runFor(60_000)
    assert.equal(running.producer.outstandingCount, 0)
    assert.ok(instants.length > 1000, 'it has been busy')
    instants.length = 0
    const before = callsTo(running)

    await running.runFor(86_400_000)

    assert.deepEqual(instants, [])
    assert.equal(callsTo(running), before)
    assert.equal(running.clock.scheduledCount, 0)
  })
}

test('on the way to rest no second has more than a few wake-ups', async () => {
  const [running, instants] = await used()
  running.service.script = () => 'store'
  await running.runFor(6000)
  assert.equal(running.producer.outstandingCount, 0)
  instants.length = 0

  await running.runFor(120_000)

  const seconds = instants.map((atMs) => Math.floor(atMs / 1000))
  const most = Math.max(
    0,
    ...[...new Set(seconds)].map((s) => seconds.filter((o) => o === s).length),
  )
  assert.ok(most <= 3, `${most} in one second, for three streams`)
  assert.ok(instants.length <= 30, `${instants.length} in two minutes`)
})

test('a closed producer has no timer and calls nothing, whatever was under way', async () => {
  for (let tick = 1; tick <= 6; tick++) {
    // Every other time calls wait for a connection.
    const isBusy = tick % 2 === 0
    const settings = { maxConnections: isBusy ? 1 : 24 }
    const running = line({ settings, shards: evenShards(2) })
    running.put('k', 'x')
    await running.runFor(1000)
    running.service.listShardsError = 'LimitExceededException'
    running.service.describeError = 'InternalFailure'
    running.service.shards = evenShards(4, 2)
    running.service.script = (n) => (n % 2 === 0 ? THROTTLED : 'store')
    for (let i = 0; i < 20; i++) running.put(`k${i}`, 'x')
    if (isBusy) running.service.latencyMs = 100
    await running.runFor(tick * 60)
    void running.producer.close(tick)
    await running.runFor(tick + 1)
    const before = callsTo(running)
    await running.runFor(200)

    assert.equal(running.clock.scheduledCount, 0, `closed after ${tick * 60} ms`)
    await running.runFor(600_000)
    assert.equal(callsTo(running), before)
    assert.equal(running.results.length, 21)
  }
})

test('ten thousand shards cost what their records cost, not what they are', async () => {
  const workOf = async (shardCount: number) => {
    const running = line({ shards: evenShards(shardCount) })
    const instants = wakeUps(running)
    for (let second = 0; second < 600; second++) {
      for (let i = 0; i < 5; i++) running.put(`k${(second * 5 + i) % 100}`, 'x')
      await running.runFor(1000)
    }
    assert.equal(running.results.length, 3000)
    const { listShardsCount } = running.service
    const timerCount = instants.length
    await running.runFor(60_000)
    instants.length = 0
    await running.runFor(3_600_000)
    assert.equal(instants.length, 0)
    return { listShardsCount, timerCount }
  }
  const few = await workOf(100)
  const many = await workOf(10_000)
  // Every 225 s, which is the middle of what is drawn.
  assert.equal(many.listShardsCount, 3)
  assert.equal(few.listShardsCount, 3)
  assert.ok(many.timerCount <= few.timerCount * 1.5, `${few.timerCount}, ${many.timerCount} timers`)
})
