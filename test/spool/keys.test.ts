// What is remembered of keys and of records that were sent again, and for how long.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Keys } from '../../src/spool/keys.ts'
import { Replayed } from '../../src/spool/replayed.ts'
import { HandClock } from '../hand-clock.ts'

const MAX_AGE_MS = 1000

function keysWith(maxCount: number) {
  const clock = new HandClock()
  const keys = new Keys({ maxAgeMs: MAX_AGE_MS, maxCount }, clock, () => undefined)
  const remember = (key: string) => {
    const segment = { number: 1, marker: Buffer.alloc(8) }
    const origin = { segment, firstOrdinal: 0, count: 1, arrivedAtMs: clock.wallMs() }
    keys.remember({ key, bodyHash: Buffer.alloc(32), ack: 'durable' }, origin)
  }
  return { clock, keys, remember }
}

test('of a log that goes no key is kept whose time has come', () => {
  const { clock, keys, remember } = keysWith(10)
  remember('a')
  clock.advanceBy(MAX_AGE_MS - 1)
  assert.deepEqual(
    keys.of(1).map(({ key }) => key),
    ['a'],
  )
  clock.advanceBy(1)
  assert.deepEqual(keys.of(1), [])
})

test('a key that is used again when its time has come is the newest one', () => {
  const { clock, keys, remember } = keysWith(2)
  remember('a')
  remember('b')
  clock.advanceBy(MAX_AGE_MS)
  remember('a')
  remember('c')
  assert.notEqual(keys.find('a'), null)
  assert.notEqual(keys.find('c'), null)
})

test('of receipts that lead elsewhere so many are known, and the newest', () => {
  const replayed = new Replayed(2)
  for (const receipt of ['a', 'b', 'a', 'c']) replayed.remember(receipt, { number: 1, ordinal: 0 })
  const known = ['a', 'b', 'c'].filter((receipt) => replayed.find(receipt) !== null)
  assert.deepEqual(known, ['a', 'c'])
})
