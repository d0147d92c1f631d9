import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ANSWER_TIMEOUT_MS,
  type FromWorker,
  RESTART_FIRST_MS,
  RESTART_FORGIVEN_MS,
  RESTART_MAX_MS,
  STOP_GRACE_MS,
  type ToWorker,
  WATCH_EACH_MS,
  type WorkerEvents,
  WorkerFailedError,
  WorkerLink,
  Workforce,
} from '../../src/workers/index.ts'
import { HandClock } from '../hand-clock.ts'
import { RecordingLog } from '../recording-log.ts'

/** A process that does what the test makes it do. */
class FakeProcess {
  readonly got: ToWorker[] = []
  isKilled = false
  /** Gives no sign of life. */
  isStopped = false
  readonly index: number
  readonly port: number | null
  readonly events: WorkerEvents

  constructor(index: number, port: number | null, events: WorkerEvents) {
    this.index = index
    this.port = port
    this.events = events
  }

  send(message: ToWorker): void {
    if (message.type !== 'ask for life') this.got.push(message)
    else if (!this.isStopped) this.says({ type: 'alive' })
  }

  kill(): void {
    this.isKilled = true
    this.events.ended('SIGKILL')
  }

  says(message: FromWorker): void {
    this.events.message(message)
  }
}

const SILENCE_MAX_MS = 10_000
const LAST_OF_ALL = { below: (bound: number) => bound - 1, fork: () => LAST_OF_ALL }

function workforce(count: number) {
  const clock = new HandClock()
  const log = new RecordingLog()
  const launched: FakeProcess[] = []
  const launch = (index: number, port: number | null, events: WorkerEvents) => {
    const process = new FakeProcess(index, port, events)
    launched.push(process)
    return process
  }
  const changes: string[] = []
  const force = new Workforce(
    { clock, random: LAST_OF_ALL },
    {
      count,
      silenceMaxMs: SILENCE_MAX_MS,
      launch,
      answer: async (index, { about }) => {
        if (about === 'broken') throw new Error('broken')
        return `${about} for ${index}`
      },
      changed: (index, isReady) => changes.push(`${index} ${isReady ? 'up' : 'down'}`),
    },
    log,
  )
  return { clock, log, launched, force, changes }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

async function started(count: number) {
  const world = workforce(count)
  const isStarted = world.force.start()
  for (let index = 0; index < count; index++) {
    world.launched[index]!.says({ type: 'ready', port: 8080 })
  }
  assert.equal(await isStarted, 8080)
  return world
}

test('the first worker takes the port, then the others share it', async () => {
  const { force, launched } = workforce(3)
  const isStarted = force.start()
  assert.deepEqual(
    launched.map(({ index, port }) => [index, port]),
    [[0, null]],
  )

  launched[0]!.says({ type: 'ready', port: 4321 })
  launched[2]!.says({ type: 'ready', port: 4321 })
  assert.equal(force.readyCount, 2)
  launched[1]!.says({ type: 'ready', port: 4321 })

  assert.equal(await isStarted, 4321)
  assert.deepEqual(
    launched.map(({ index, port }) => [index, port]),
    [
      [0, null],
      [1, 4321],
      [2, 4321],
    ],
  )
})

test('a worker that cannot start ends the others, and its reason is told', async () => {
  const { force, launched } = workforce(2)
  const isStarted = force.start()
  launched[0]!.says({ type: 'ready', port: 1 })
  launched[1]!.says({ type: 'failed', reason: 'The port is taken.' })
  launched[1]!.events.ended('code 1')

  assert.deepEqual(launched[0]!.got, [{ type: 'stop', deadlineMs: 0 }])
  launched[0]!.events.ended('code 0')
  await assert.rejects(isStarted, new WorkerFailedError('The port is taken.'))
})

test('a worker that ends is replaced under its number, ever later, until it lasts', async () => {
  const { clock, launched, log, force } = await started(2)
  let boundMs = RESTART_FIRST_MS
  for (let times = 0; times < 10; times++) {
    launched.at(-1)!.events.ended('signal SIGKILL')
    const { length } = launched
    clock.advanceBy(boundMs - 2)
    assert.equal(launched.length, length, `too early after ${boundMs} ms`)
    clock.advanceBy(1)
    assert.equal(launched.length, length + 1)
    const { index, port } = launched.at(-1)!
    assert.deepEqual([index, port], [1, 8080])
    launched.at(-1)!.says({ type: 'ready', port: 8080 })
    boundMs = Math.min(RESTART_MAX_MS, boundMs * 2)
  }
  assert.equal(force.restartCount, 10)
  assert.match(log.lines[0]!, /a worker ended and is replaced .*"worker":1.*SIGKILL/)
  assert.equal(log.lines[1], 'info a worker that ended is back')
  assert.equal(log.lines.length, 20)

  clock.advanceBy(RESTART_FORGIVEN_MS)
  launched.at(-1)!.events.ended('code 1')
  const { length } = launched
  clock.advanceBy(RESTART_FIRST_MS)
  assert.equal(launched.length, length + 1)
})

test('a worker that gives no sign of life is ended in time, and replaced as any other', async () => {
  const { clock, launched, log, force } = await started(2)
  launched[1]!.isStopped = true
  // The first look asks; whole looks without an answer follow.
  clock.advanceBy(WATCH_EACH_MS + SILENCE_MAX_MS - 1)
  assert.equal(launched[1]!.isKilled, false)
  clock.advanceBy(1)
  assert.equal(launched[1]!.isKilled, true)
  assert.equal(force.hungCount, 1)
  assert.deepEqual(log.lines, [
    'error a worker does not answer and is ended {"worker":1,"silentMs":10000}',
    'error a worker ended and is replaced {"worker":1,"how":"SIGKILL","waitMs":199}',
  ])
  clock.advanceBy(RESTART_FIRST_MS)
  assert.equal(launched[2]!.index, 1)
  launched[2]!.says({ type: 'ready', port: 8080 })
  clock.advanceBy(10 * SILENCE_MAX_MS)
  assert.deepEqual([force.hungCount, force.restartCount, force.readyCount], [1, 1, 2])
})

test('a worker that is slow, or busy with its start, is left alone as long as it says anything', async () => {
  const { clock, launched, force } = await started(2)
  launched[1]!.events.ended('code 9')
  clock.advanceBy(RESTART_FIRST_MS)
  for (const process of [launched[0]!, launched[2]!]) process.isStopped = true
  for (let times = 0; times < 10; times++) {
    clock.advanceBy(SILENCE_MAX_MS)
    launched[0]!.says({ type: 'question', id: times, question: { about: 'x', detail: '' } })
    launched[2]!.says({ type: 'alive' })
  }
  assert.deepEqual([force.hungCount, launched[2]!.isKilled], [0, false])
  clock.advanceBy(WATCH_EACH_MS + SILENCE_MAX_MS)
  assert.deepEqual([force.hungCount, launched[2]!.isKilled], [2, true])
})

test('while the supervisor itself does not run, nobody is silent', async () => {
  const { clock, launched, force } = await started(2)
  const answers = ([first, second] = launched) => {
    first!.says({ type: 'alive' })
    second!.says({ type: 'alive' })
  }
  for (const process of launched) process.isStopped = true
  clock.advanceBy(WATCH_EACH_MS)
  for (let times = 0; times < 20; times++) {
    clock.oversleepBy(60 * SILENCE_MAX_MS)
    // Its timers run first, then it reads what came.
    answers()
  }
  assert.equal(force.hungCount, 0)
  for (let times = 0; times < SILENCE_MAX_MS / WATCH_EACH_MS; times++) {
    clock.oversleepBy(60 * SILENCE_MAX_MS)
  }
  assert.equal(force.hungCount, 0, 'one look heard what was said before')
  clock.oversleepBy(60 * SILENCE_MAX_MS)
  assert.equal(force.hungCount, 2)
})

test('a worker that hangs in the first start is a start that fails', async () => {
  const { clock, force, launched } = workforce(2)
  const isStarted = force.start()
  launched[0]!.isStopped = true
  clock.advanceBy(WATCH_EACH_MS + SILENCE_MAX_MS)
  await assert.rejects(isStarted, /Worker 0 ended before it was ready: SIGKILL/)
})

test('a worker that is told to finish has its own deadline', async () => {
  const { clock, launched, force } = await started(1)
  launched[0]!.isStopped = true
  const isStopped = force.stop(10 * SILENCE_MAX_MS)
  clock.advanceBy(10 * SILENCE_MAX_MS)
  assert.equal(launched[0]!.isKilled, false)
  launched[0]!.events.ended('code 0')
  await isStopped
  assert.equal(clock.scheduledCount, 0)
})

test('a question goes to all, and one who does not answer is spoken for by its last answer', async () => {
  const { clock, launched, force } = await started(2)
  const ask = () => force.ask({ about: 'ledger', detail: '' })
  const answer = (index: number, value: unknown) => {
    const { id } = launched[index]!.got.at(-1) as { id: number }
    launched[index]!.says({ type: 'answer', id, answer: value })
  }

  const first = ask()
  answer(1, 'b')
  answer(0, 'a')
  assert.deepEqual(await first, ['a', 'b'])

  const second = ask()
  answer(0, 'a again')
  clock.advanceBy(ANSWER_TIMEOUT_MS)
  assert.deepEqual(await second, ['a again', 'b'])

  const third = ask()
  launched[1]!.events.ended('code 9')
  answer(0, 'a once more')
  assert.deepEqual(await third, ['a once more', 'b'])
})

test('what depends on a detail is not answered from memory', async () => {
  const { clock, launched, force } = await started(1)
  const ask = () => force.ask({ about: 'receipt', detail: '1-2-3' })

  const first = ask()
  launched[0]!.says({ type: 'answer', id: 0, answer: 'pending' })
  assert.deepEqual(await first, ['pending'])

  const second = ask()
  clock.advanceBy(ANSWER_TIMEOUT_MS)
  assert.deepEqual(await second, [])
  launched[0]!.says({ type: 'answer', id: 1, answer: 'too late' })
})

test('a worker is answered, but not in the place of one that ended', async () => {
  const { launched, clock, changes } = await started(2)
  const ask = (id: number, about: string) => {
    launched[1]!.says({ type: 'question', id, question: { about, detail: '' } })
  }

  ask(77, 'sum')
  ask(78, 'broken')
  await settled()
  assert.deepEqual(launched[1]!.got, [
    { type: 'answer', id: 77, answer: 'sum for 1' },
    { type: 'answer', id: 78, answer: null },
  ])

  ask(79, 'sum')
  launched[1]!.events.ended('SIGKILL')
  clock.advanceBy(RESTART_FIRST_MS)
  await settled()
  assert.deepEqual(launched[2]!.got, [])
  assert.deepEqual(changes, ['0 up', '1 up', '1 down'])
})

test('stopping waits for all, sums what was left, and replaces nobody', async () => {
  const { clock, launched, force } = await started(2)
  const isStopped = force.stop(1000)
  for (const process of launched) {
    assert.deepEqual(process.got.at(-1), { type: 'stop', deadlineMs: 1000 })
    process.says({ type: 'stopped', left: 2 + process.index })
    process.events.ended('code 0')
  }
  assert.equal(await isStopped, 5)
  clock.advanceBy(RESTART_MAX_MS)
  assert.equal(launched.length, 2)
  assert.equal(clock.scheduledCount, 0)
})

test('a worker that does not stop is ended after the deadline and a grace', async () => {
  const { clock, launched, force } = await started(2)
  const isStopped = force.stop(1000)
  launched[0]!.events.ended('code 0')
  clock.advanceBy(1000 + STOP_GRACE_MS - 1)
  assert.equal(launched[1]!.isKilled, false)
  clock.advanceBy(1)
  assert.equal(launched[1]!.isKilled, true)
  await isStopped
})

test('a worker that is being replaced when all stop is not started any more', async () => {
  const { clock, launched, force } = await started(1)
  launched[0]!.events.ended('code 9')
  await force.stop(1000)
  clock.advanceBy(RESTART_MAX_MS)
  assert.equal(launched.length, 1)
})

test("a worker's end of the channel: start, questions both ways, stop", async () => {
  const sent: FromWorker[] = []
  const ends: boolean[] = []
  const send = async (message: FromWorker) => {
    sent.push(message)
  }
  const link = new WorkerLink(send, {
    start: async (job) => (job === 'good' ? 99 : Promise.reject(new Error('no such job'))),
    stop: async (deadlineMs) => deadlineMs / 100,
    answer: async ({ about }) => {
      if (about === 'broken') throw new Error('broken')
      return `my ${about}`
    },
    end: (hasStarted) => ends.push(hasStarted),
  })

  link.receive({ type: 'start', job: 'good' })
  await settled()
  link.receive({ type: 'ask for life' })
  link.receive({ type: 'question', id: 5, question: { about: 'ledger', detail: '' } })
  link.receive({ type: 'question', id: 6, question: { about: 'broken', detail: '' } })
  await settled()
  const answers = link.ask({ about: 'ledger', detail: '' })
  link.receive({ type: 'answer', id: 0, answer: ['x', 'y'] })
  assert.deepEqual(await answers, ['x', 'y'])
  link.receive({ type: 'stop', deadlineMs: 300 })
  await settled()

  assert.deepEqual(sent, [
    { type: 'ready', port: 99 },
    { type: 'alive' },
    { type: 'answer', id: 5, answer: 'my ledger' },
    { type: 'answer', id: 6, answer: null },
    { type: 'question', id: 0, question: { about: 'ledger', detail: '' } },
    { type: 'stopped', left: 3 },
  ])
  assert.deepEqual(ends, [true])

  link.receive({ type: 'start', job: 'bad' })
  await settled()
  assert.deepEqual(sent.at(-1), { type: 'failed', reason: 'no such job' })
  assert.deepEqual(ends, [true, false])
})
