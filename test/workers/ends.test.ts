// What the end of a worker changes for the others, and what it does not.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KeyRegistry, type WorkerEvents, Workforce } from '../../src/workers/index.ts'
import { HandClock } from '../hand-clock.ts'
import { RecordingLog } from '../recording-log.ts'

interface Known {
  readonly entry: { readonly hash: string } | null
  readonly isComplete: boolean
}

function registry() {
  const answers: ((known: Known) => void)[] = []
  const keys = new KeyRegistry<{ readonly hash: string }>({
    known: () => new Promise((resolve) => answers.push(resolve)),
    hashOf: ({ hash }) => hash,
  })
  const claimed = async (worker: number, key: string) => {
    const claim = keys.claim(worker, key, 'a')
    answers.shift()!({ entry: null, isComplete: true })
    return (await claim).kind
  }
  return { answers, keys, claimed }
}

test('a question whose worker has ended meanwhile takes no key from the one who has it now', async () => {
  const { answers, keys, claimed } = registry()
  const old = keys.claim(0, 'k', 'a')
  const answerOld = answers.shift()!
  keys.workerEnded(0)
  keys.workerReady(0)
  assert.equal(await claimed(1, 'k'), 'mine')
  answerOld({ entry: null, isComplete: false })
  assert.equal((await old).kind, 'running')
  assert.equal(keys.size, 1)
})

test('the end of a worker frees no keys of another, and another that is ready none of its own', async () => {
  const { keys, claimed } = registry()
  await claimed(0, 'a')
  await claimed(1, 'b')
  keys.workerEnded(0)
  keys.workerReady(1)
  assert.equal(keys.size, 2)
  keys.workerEnded(1)
  keys.workerReady(0)
  assert.equal(keys.size, 1)
  assert.equal((await keys.claim(0, 'b', 'a')).kind, 'running')
})

function twoWorkers() {
  const clock = new HandClock()
  const events: WorkerEvents[] = []
  const asked: number[] = []
  const launch = (index: number, _port: number | null, told: WorkerEvents) => {
    events[index] = told
    return { send: () => void asked.push(index), kill() {} }
  }
  const random = { below: () => 1, fork: () => random }
  const force = new Workforce(
    { clock, random },
    { count: 2, silenceMaxMs: 60_000, launch, answer: async () => null },
    new RecordingLog(),
  )
  return { clock, events, asked, force }
}

async function startedTwo() {
  const two = twoWorkers()
  const started = two.force.start()
  for (const index of [0, 1]) two.events[index]!.message({ type: 'ready', port: 1 })
  await started
  return two
}

test('a worker that has ended is not ready, and is not asked', async () => {
  const { events, asked, force } = await startedTwo()
  events[0]!.ended('SIGKILL')
  assert.equal(force.readyCount, 1)
  void force.ask({ about: 'x', detail: '' })
  assert.deepEqual(asked, [1])
  events[1]!.ended('SIGKILL')
  assert.deepEqual(await force.ask({ about: 'x', detail: '' }), [], 'nobody is waited for')
})

test('what a worker said stands for it while it is away, to the same question only', async () => {
  for (const [first, second] of [
    ['', 'detail'],
    ['detail', ''],
  ] as const) {
    const { events, force } = await startedTwo()
    const answers = force.ask({ about: 'x', detail: first })
    for (const index of [0, 1]) events[index]!.message({ type: 'answer', id: 0, answer: index })
    assert.deepEqual(await answers, [0, 1])
    for (const index of [0, 1]) events[index]!.ended('SIGKILL')
    assert.deepEqual(await force.ask({ about: 'x', detail: second }), [])
  }
})

test('a worker that ends before it is ready is a start that fails', async () => {
  const { events, force } = twoWorkers()
  const started = force.start()
  events[0]!.ended('exit code 1')
  await assert.rejects(started, /Worker 0 ended before it was ready: exit code 1/)
})

test('when all have stopped nothing is scheduled any more', async () => {
  const { clock, events, force } = await startedTwo()
  const stopped = force.stop(1000)
  for (const index of [0, 1]) events[index]!.ended('exit code 0')
  await stopped
  assert.equal(clock.scheduledCount, 0)
})
