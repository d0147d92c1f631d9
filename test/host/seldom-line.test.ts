import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SELDOM_LINE_MS, SeldomLine } from '../../src/host/index.ts'
import { HandClock } from '../hand-clock.ts'

test('the first is told at once, what follows in one line, and nothing when nothing follows', () => {
  const clock = new HandClock()
  const told: [number, string][] = []
  const line = new SeldomLine<string>(clock, (count, last) => told.push([count, last]))
  line.add('a')
  for (let i = 0; i < 1000; i++) line.add(`b${i}`)
  assert.deepEqual(told, [[1, 'a']])
  clock.advanceBy(SELDOM_LINE_MS)
  assert.deepEqual(told, [
    [1, 'a'],
    [1000, 'b999'],
  ])
  clock.advanceBy(SELDOM_LINE_MS)
  assert.equal(clock.scheduledCount, 0)
  line.add('c')
  line.add('d')
  line.flush()
  line.flush()
  assert.deepEqual(told.slice(2), [
    [1, 'c'],
    [1, 'd'],
  ])
  assert.equal(clock.scheduledCount, 0)
})
