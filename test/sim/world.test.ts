import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Machine, SimNetwork, World } from '../../src/sim/index.ts'

test('events happen in the order of their instants, then of their scheduling', async () => {
  const world = new World({ seed: 1 })
  const happened: string[] = []
  const at = (atMs: number, name: string) => {
    world.schedule(atMs, 'timer', () => happened.push(`${name}@${world.nowMs}`))
  }
  at(20, 'c')
  at(10, 'a')
  at(20, 'd')
  at(10, 'b')
  at(-5, 'past')

  await world.runFor(15)
  assert.deepEqual(happened, ['past@0', 'a@10', 'b@10'])
  assert.equal(world.nowMs, 15)

  await world.runFor(5)
  assert.deepEqual(happened.slice(3), ['c@20', 'd@20'])
})

test('a task for now runs after the call that scheduled it, a cancelled one never', async () => {
  const world = new World({ seed: 1 })
  const happened: string[] = []
  world.schedule(1, 'timer', () => {
    world.schedule(0, 'timer', () => happened.push('inner'))
    const cancelled = world.schedule(2, 'timer', () => happened.push('cancelled'))
    cancelled.cancel()
    cancelled.cancel()
    happened.push('outer')
  })
  await world.runFor(10)
  assert.deepEqual(happened, ['outer', 'inner'])
})

test('promises settle before the next event and before the checkers look', async () => {
  const world = new World({ seed: 1 })
  let steps = 0
  const seen: number[] = []
  world.addChecker(() => seen.push(steps))
  world.schedule(1, 'timer', async () => {
    for (let i = 0; i < 100; i++) await null
    steps = 100
  })
  world.schedule(1, 'timer', () => assert.equal(steps, 100))
  await world.runFor(2)
  assert.deepEqual(seen, [0, 100, 100])
})

test('what a checker throws ends the run, and so does what fails outside of events', async () => {
  const world = new World({ seed: 1 })
  world.addChecker(() => assert.ok(world.nowMs < 5, 'too late'))
  world.schedule(4, 'timer', () => {})
  world.schedule(5, 'timer', () => {})
  await assert.rejects(world.runFor(10), /too late/)

  const other = new World({ seed: 1 })
  other.schedule(1, 'timer', () => other.fail(new Error('lost promise')))
  await assert.rejects(other.runFor(10), /lost promise/)
})

test('a world runs until something is true, or no longer than told', async () => {
  const world = new World({ seed: 1 })
  let count = 0
  const tick = () => {
    count++
    world.schedule(world.nowMs + 10, 'timer', tick)
  }
  tick()
  assert.equal(await world.runUntil(() => count === 5, 1_000), true)
  assert.equal(world.nowMs, 40)
  assert.equal(await world.runUntil(() => false, 100), false)
  assert.equal(world.nowMs, 140)
})

test('a world runs as long as something is done again and again, until all is done', async () => {
  const world = new World({ seed: 1 })
  let count = 4
  const change = (atMs: number, to: number) => {
    world.schedule(atMs, 'timer', () => {
      count = to
    })
  }
  change(90, 3)
  change(180, 5)
  change(185, 3)
  change(190, 2)
  change(290, 0)
  assert.equal(await world.runDown(() => count, 100), true)
  assert.equal(world.nowMs, 290)

  count = 4
  change(380, 3)
  change(430, 4)
  change(470, 3)
  assert.equal(await world.runDown(() => count, 100), false)
  assert.equal(world.nowMs, 480)
})

test('equal worlds have equal digests; one event more, or one a moment later, shows', async () => {
  const digestOf = async (events: readonly number[]) => {
    const world = new World({ seed: 1 })
    for (const atMs of events) world.schedule(atMs, 'timer', () => {})
    await world.runFor(1_000)
    return world.trace.digest
  }
  assert.equal(await digestOf([1, 2, 3]), await digestOf([1, 2, 3]))
  const digests = await Promise.all(
    [[1, 2, 3], [1, 2], [1, 2, 3.001], [1, 2, 3, 3], []].map(digestOf),
  )
  assert.equal(new Set(digests).size, digests.length)
})

test('the last events are kept in order, and no more than the bound', async () => {
  const world = new World({ seed: 1 })
  for (let i = 0; i < 1_000; i++) world.note('step', i)
  const last = world.trace.lastEvents()
  assert.equal(last.length, 200)
  assert.match(last[0]!, /step 800 0$/)
  assert.match(last[199]!, /step 999 0$/)
})

test('what a process scheduled ends with it, and its machine can start another', async () => {
  const world = new World({ seed: 1 })
  const machine = new Machine(world, new SimNetwork(world), { name: 'box' })
  const happened: string[] = []
  const first = machine.start()
  first.clock.schedule(5, () => happened.push('first'))
  first.clock.schedule(15, () => happened.push('never'))
  world.schedule(10, 'crash', () => machine.crash({ isPowerLost: false }))
  world.schedule(12, 'start', () => {
    const second = machine.start()
    second.clock.schedule(20, () => happened.push('second'))
  })
  await world.runFor(100)
  assert.deepEqual(happened, ['first', 'second'])
  assert.equal(first.isAlive, false)
})

test('the wall clock jumps, the monotonic one does not', async () => {
  const world = new World({ seed: 1 })
  const machine = new Machine(world, new SimNetwork(world), { name: 'box' })
  const { clock } = machine.start()
  const wallMs = clock.wallMs()
  await world.runFor(1_000)
  assert.equal(clock.wallMs() - wallMs, 1_000)
  machine.jumpWallClock(-600_000)
  assert.equal(clock.wallMs() - wallMs, -599_000)
  assert.equal(clock.monotonicMs(), 1_000)
})
