import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Window } from '../../src/producer/index.ts'

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
