import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ClosedError, Window } from '../../src/producer/index.ts'

const TURN = () => new Promise(setImmediate)

test('room that was given to one who does not use it goes to the next', async () => {
  const outstanding = { outstandingCount: 1, outstandingBytes: 0 }
  const config = { maxOutstandingRecords: 1, maxOutstandingBytes: 100 }
  const window = new Window(config, outstanding)
  const letIn: string[] = []
  const wait = (name: string, isAdding: boolean) =>
    window.ready().then(() => {
      letIn.push(name)
      if (isAdding) outstanding.outstandingCount++
    })
  void wait('goes away', false)
  void wait('adds', true)
  void wait('waits', true)
  await TURN()
  assert.deepEqual(letIn, [])

  outstanding.outstandingCount = 0
  window.changed()
  await TURN()

  assert.deepEqual(letIn, ['goes away', 'adds'])
})

/** Asks for room `callerCount` times at one instant, and adds a record of 10 bytes for each. */
async function askAtOnce(config: { maxOutstandingRecords: number; maxOutstandingBytes: number }) {
  const outstanding = { outstandingCount: 0, outstandingBytes: 0 }
  const window = new Window(config, outstanding)
  const settle = () => {
    outstanding.outstandingCount--
    outstanding.outstandingBytes -= 10
    window.changed()
  }
  let addedCount = 0
  const callerCount = 50
  const callers = Array.from({ length: callerCount }, async () => {
    await window.ready()
    addedCount++
    outstanding.outstandingCount++
    outstanding.outstandingBytes += 10
    window.added()
  })
  const most: number[] = []
  while (addedCount < callerCount || outstanding.outstandingCount > 0) {
    await TURN()
    most.push(outstanding.outstandingCount)
    settle()
  }
  await Promise.all(callers)
  return Math.max(...most)
}

test('of many who ask at one instant only so many are let go on as there is room', async () => {
  const much = 1_000_000
  assert.equal(await askAtOnce({ maxOutstandingRecords: 3, maxOutstandingBytes: much }), 3)
  assert.equal(await askAtOnce({ maxOutstandingRecords: much, maxOutstandingBytes: 30 }), 3)
  // A record more than fits is let go on: how long it is nobody knew.
  assert.equal(await askAtOnce({ maxOutstandingRecords: much, maxOutstandingBytes: 31 }), 4)
})

test('who was let go on and does not add keeps nobody waiting', async () => {
  const outstanding = { outstandingCount: 0, outstandingBytes: 0 }
  const window = new Window({ maxOutstandingRecords: 1, maxOutstandingBytes: 1 }, outstanding)
  await window.ready()
  await TURN()
  await Promise.all([window.ready(), window.ready(), window.ready()])
})

test('when nothing more is taken, who waits is told, and who asks', async () => {
  const outstanding = { outstandingCount: 1, outstandingBytes: 1 }
  const window = new Window({ maxOutstandingRecords: 1, maxOutstandingBytes: 1 }, outstanding)
  const waiting = Promise.allSettled([window.ready(), window.ready()])
  window.close()
  for (const { status } of await waiting) assert.equal(status, 'rejected')
  outstanding.outstandingCount = 0
  await assert.rejects(window.ready(), ClosedError)
})
