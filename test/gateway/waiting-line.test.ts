// Who waits to enter, in which order, and for how long.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Admission } from '../../src/gateway/admission.ts'
import { WaitingLine } from '../../src/gateway/waiting-line.ts'
import { HandClock } from '../hand-clock.ts'

const MAX_WAIT_MS = 100

function admissionOf({ threshold = 1, maxWaiting = 2 } = {}) {
  const clock = new HandClock()
  const backpressure = { threshold, maxWaitMs: MAX_WAIT_MS, strategy: 'wait', maxWaiting } as const
  const start = { insideCount: 0, lendableBytes: 1000 }
  const admission = new Admission(clock, { backpressure }, start)
  const entered: string[] = []
  const turnedAway: string[] = []
  const apply = (name: string, then = () => {}) =>
    admission.apply({
      enter: () => {
        entered.push(name)
        then()
      },
      giveUp: () => turnedAway.push(name),
    })
  return { clock, admission, entered, turnedAway, apply }
}

test('who comes while one is let in and is gone again does not overtake the line', () => {
  const { admission, entered, apply } = admissionOf()
  apply('a')
  apply('b', () => {
    admission.settled()
    apply('d')
  })
  apply('c')
  admission.settled()
  assert.deepEqual(entered, ['a', 'b', 'c'])
  admission.settled()
  assert.deepEqual(entered, ['a', 'b', 'c', 'd'])
})

test('one timer is enough for all who wait, also when the first has left', () => {
  const { clock, admission, turnedAway, apply } = admissionOf()
  apply('a')
  const place = apply('b')!
  clock.advanceBy(MAX_WAIT_MS / 2)
  admission.leave(place)
  apply('c')
  apply('d')
  assert.equal(clock.scheduledCount, 1)
  clock.advanceBy(MAX_WAIT_MS - 1)
  assert.deepEqual(turnedAway, [])
  clock.advanceBy(1)
  assert.deepEqual(turnedAway, ['c', 'd'])
  assert.equal(clock.scheduledCount, 0)
})

test('one who enters past the line counts', () => {
  const { admission, entered, apply } = admissionOf()
  admission.enterAnyway()
  assert.equal(admission.insideCount, 1)
  apply('a')
  assert.deepEqual(entered, [])
  admission.settled()
  assert.deepEqual(entered, ['a'])
})

test('all is lent when nothing is left, though nobody was refused', () => {
  const { admission } = admissionOf()
  assert.ok(admission.lendBytes(999))
  assert.equal(admission.isShortOfBytes, false)
  assert.ok(admission.lendBytes(1))
  assert.equal(admission.isShortOfBytes, true)
  admission.returnBytes(1)
  assert.equal(admission.isShortOfBytes, false)
})

test('who has left a line may leave it again', () => {
  const line = new WaitingLine<string>()
  const [first, second] = [line.join('a'), line.join('b'), line.join('c')]
  line.leave(second!)
  line.leave(second!)
  assert.equal(line.shift(), 'a')
  line.leave(first!)
  assert.deepEqual([line.size, line.shift(), line.shift()], [1, 'c', null])
})
