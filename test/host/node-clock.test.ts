import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import fc from 'fast-check'
import { TimerQueue } from '../../src/host/index.ts'
import { NodeClock, NodeRandom } from '../../src/host/node/index.ts'

test('timers leave the queue in order of instant, then of scheduling; cancelled ones never', () => {
  const operations = fc.array(fc.record({ atMs: fc.nat(20), cancels: fc.option(fc.nat(50)) }))
  fc.assert(
    fc.property(operations, (list) => {
      let emptiedCount = 0
      const queue = new TimerQueue(() => emptiedCount++)
      const timers = list.map(({ atMs }) => queue.add(atMs, () => {}))
      const left = new Set(timers)
      for (const { cancels } of list) {
        const timer = timers[cancels ?? -1]
        timer?.cancel()
        if (timer !== undefined) left.delete(timer)
      }
      const expected = [...left].sort((a, b) => a.atMs - b.atMs || a.sequence - b.sequence)
      assert.equal(queue.size, expected.length)
      assert.equal(emptiedCount, timers.length > 0 && left.size === 0 ? 1 : 0)
      for (const timer of expected) {
        assert.equal(queue.first(), timer)
        assert.equal(queue.takeFirst(), timer)
      }
      assert.equal(queue.takeFirst(), undefined)
    }),
  )
})

test('tasks run in order, never early and never during the call that schedules them', async () => {
  const clock = new NodeClock()
  const startMs = clock.monotonicMs()
  const ran: number[] = []
  const delays = [7.3, 0, 3.9, -1000, 3.9, 12, 0.2, 1.999]
  const early: number[] = []
  await Promise.all(
    delays.map(
      (delayMs, index) =>
        new Promise<void>((resolve) => {
          clock.schedule(startMs + delayMs, () => {
            if (clock.monotonicMs() < startMs + delayMs) early.push(delayMs)
            ran.push(index)
            resolve()
          })
          assert.ok(!ran.includes(index))
        }),
    ),
  )
  assert.deepEqual(early, [])
  const inOrder = delays.map((_, index) => index).sort((a, b) => delays[a]! - delays[b]! || a - b)
  assert.deepEqual(ran, inOrder)
})

test('a cancelled task does not run, and an earlier one is not kept waiting by a later', async () => {
  const clock = new NodeClock()
  const ran: string[] = []
  const later = clock.schedule(clock.monotonicMs() + 100_000, () => ran.push('later'))
  const cancelled = clock.schedule(clock.monotonicMs() + 1, () => ran.push('cancelled'))
  cancelled.cancel()
  await new Promise<void>((resolve) => clock.schedule(clock.monotonicMs() + 2, resolve))
  later.cancel()
  assert.deepEqual(ran, [])
})

test("a task that is due does not wait for Node's timer of an earlier one", async () => {
  const clock = new NodeClock()
  // Often, because that one rings in time now and then.
  for (let i = 0; i < 40; i++) {
    const ran: string[] = []
    await new Promise((resolve) => setImmediate(resolve))
    const earlierAtMs = clock.monotonicMs() + 0.2
    clock.schedule(earlierAtMs, () => ran.push('earlier'))
    while (clock.monotonicMs() < earlierAtMs + 0.1);
    clock.schedule(clock.monotonicMs(), () => ran.push('due'))
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(ran, ['earlier', 'due'])
  }
})

test('a task that always schedules the next for now leaves room for everything else', async () => {
  const clock = new NodeClock()
  let isDone = false
  const again = () => {
    if (!isDone) clock.schedule(0, again)
  }
  again()
  await new Promise((resolve) => setImmediate(resolve))
  isDone = true
})

test('a task that throws keeps no other from running', () => {
  const said = runProgram(`
    process.on('uncaughtException', (error) => console.log(error.message))
    const clock = new NodeClock()
    clock.schedule(0, () => { throw new Error('thrown') })
    clock.schedule(0, () => console.log('ran'))`)
  assert.deepEqual(said, ['thrown', 'ran'])
})

test('a process lives as long as something is scheduled, and no longer', () => {
  const said = runProgram(`
    const clock = new NodeClock()
    const soonMs = clock.monotonicMs() + 20
    clock.schedule(soonMs, () => console.log('scheduled'))
    clock.schedule(soonMs + 1e9, () => console.log('never')).cancel()
    new NodeClock({ keepsProcessAlive: false }).schedule(soonMs + 1e9, () => {})
    process.on('exit', () => console.log('exit'))`)
  assert.deepEqual(said, ['scheduled', 'exit'])
})

function runProgram(program: string): string[] {
  const door = new URL('../../src/host/node/index.ts', import.meta.url).href
  const source = `import { NodeClock } from ${JSON.stringify(door)}\n${program}`
  const args = ['--input-type=module', '-e', source]
  return execFileSync(process.execPath, args, { encoding: 'utf8' }).trim().split('\n')
}

test('draws are below their bound, fair, and the same again for the same key', () => {
  const random = new NodeRandom()
  const counts = new Array<number>(10).fill(0)
  for (let i = 0; i < 100_000; i++) counts[random.below(10)]!++
  // Six standard deviations: one failure in 10**8 runs.
  for (const count of counts) assert.ok(Math.abs(count - 10_000) < 600, `${counts}`)
  assert.equal(random.below(1), 0)
  for (let i = 0; i < 1_000; i++) assert.ok(random.below(2 ** 32) < 2 ** 32)

  const key = Buffer.alloc(32, 'k')
  const draws = (label: string) => {
    const fork = new NodeRandom(key).fork(label)
    return Array.from({ length: 300 }, () => fork.below(1000))
  }
  assert.deepEqual(draws('a'), draws('a'))
  assert.notDeepEqual(draws('a'), draws('b'))
  assert.notEqual(new NodeRandom().below(2 ** 32), new NodeRandom().below(2 ** 32))
})
