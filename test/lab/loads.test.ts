import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ClosedLoad, type ClosedPlan } from '../../src/lab/closed-load.ts'
import { LabWorld } from '../../src/lab/lab-world.ts'
import { OpenLoad, type OpenPlan } from '../../src/lab/open-load.ts'
import { Samples } from '../../src/lab/samples.ts'
import type { Ending } from '../../src/lab/target.ts'
import { SimRandom } from '../../src/sim/index.ts'

/** A server that answers each request after `serviceMs(atMs)`. */
function bench(serviceMs: (atMs: number) => number) {
  const world = new LabWorld()
  const samples = new Samples()
  const sentAtMs: number[] = []
  const target = {
    sentBytes: 100,
    send(_thread: number, done: (ending: Ending) => void) {
      sentAtMs.push(world.nowMs)
      const atMs = world.nowMs + serviceMs(world.nowMs)
      world.schedule(atMs, () => done({ status: 202, receivedBytes: 10 }))
    },
  }
  const clock = {
    nowMs: () => world.nowMs,
    schedule: (atMs: number, task: () => void) => void world.schedule(atMs, task),
  }
  return { world, samples, sentAtMs, target, clock }
}

async function runClosed(plan: Partial<ClosedPlan>) {
  const { world, samples, sentAtMs, target, clock } = bench(() => 10)
  const whole = { threads: 2, rampUpMs: 0, loops: 3, stopAfterSamples: null, ...plan }
  const load = new ClosedLoad(whole, clock, target, samples)
  load.start()
  await world.run(() => load.isOver)
  return { load, samples, sentAtMs, endMs: world.nowMs }
}

test('each thread of a closed loop sends when its answer has come, so often as it loops', async () => {
  const { samples, sentAtMs, endMs } = await runClosed({})

  assert.deepEqual(sentAtMs, [0, 0, 10, 10, 20, 20])
  assert.equal(samples.count, 6)
  assert.equal(endMs, 30)
  assert.deepEqual(samples.at(5), {
    startMs: 20,
    elapsedMs: 10,
    status: 202,
    receivedBytes: 10,
    sentBytes: 100,
    thread: 1,
    active: 1,
  })
})

test('threads start at equal distances within the ramp-up', async () => {
  const { sentAtMs } = await runClosed({ threads: 4, rampUpMs: 1000, loops: 1 })

  assert.deepEqual(sentAtMs, [0, 250, 500, 750])
})

test('no request is begun beyond the number of samples, and what is under way ends', async () => {
  const { samples, load, endMs } = await runClosed({ stopAfterSamples: 3, rampUpMs: 10_000 })

  assert.equal(samples.count, 3)
  assert.equal(load.plannedCount, 3)
  // It does not wait for a thread that would have nothing to do.
  assert.equal(endMs, 30)
})

async function runOpen(plan: Partial<OpenPlan>, serviceMs: (atMs: number) => number = () => 10) {
  const { world, samples, sentAtMs, target, clock } = bench(serviceMs)
  const whole: OpenPlan = {
    steps: [{ ratePerSecond: 10, forMs: 1000 }],
    arrivals: 'constant',
    stopAfterSamples: null,
    ...plan,
  }
  const load = new OpenLoad(whole, { clock, random: new SimRandom(3) }, target, samples)
  load.start()
  await world.run(() => load.isOver)
  return { samples, sentAtMs, load }
}

test('an open loop keeps its times, whatever the server does', async () => {
  const { sentAtMs, samples } = await runOpen({}, (atMs) => (atMs < 350 ? 2000 : 10))

  assert.deepEqual(sentAtMs, [100, 200, 300, 400, 500, 600, 700, 800, 900, 1000])
  assert.equal(samples.count, 10)
})

test('a schedule of several rates', async () => {
  const steps = [
    { ratePerSecond: 2, forMs: 1000 },
    { ratePerSecond: 4, forMs: 1000 },
  ]

  const { sentAtMs } = await runOpen({ steps })

  assert.deepEqual(sentAtMs, [500, 1000, 1250, 1500, 1750, 2000])
})

test('Poisson arrivals have the rate on average and its spread', async () => {
  const steps = [{ ratePerSecond: 100, forMs: 100_000 }]

  const { sentAtMs } = await runOpen({ steps, arrivals: 'poisson' })

  const gaps = sentAtMs.slice(1).map((atMs, i) => atMs - sentAtMs[i]!)
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length
  const variance = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length
  // The gaps of a Poisson process: mean and standard deviation are equal, 10 ms here.
  assert.ok(Math.abs(mean - 10) < 0.4, `mean gap ${mean} ms`)
  assert.ok(Math.abs(Math.sqrt(variance) - 10) < 0.6, `standard deviation ${variance ** 0.5} ms`)
})

test('an open loop measures from the scheduled time, not from when it could send', async () => {
  const { world, samples, target, clock } = bench(() => 10)
  // A generator that is asleep for half a second: its clock's tasks come late.
  const late = {
    nowMs: clock.nowMs,
    schedule: (atMs: number, task: () => void) => clock.schedule(Math.max(atMs, 500), task),
  }
  const plan: OpenPlan = {
    steps: [{ ratePerSecond: 10, forMs: 1000 }],
    arrivals: 'constant',
    stopAfterSamples: null,
  }
  const load = new OpenLoad(plan, { clock: late, random: new SimRandom(1) }, target, samples)

  load.start()
  await world.run(() => load.isOver)

  assert.equal(samples.count, 10)
  assert.deepEqual([samples.at(0).startMs, samples.at(0).elapsedMs], [100, 410])
  assert.equal(load.takeLateMs(), 400)
})
