import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Fifo } from '../../src/producer/fifo.ts'
import { PriorityQueue } from '../../src/producer/priority-queue.ts'

test('a priority queue gives the smallest rank first, equal ranks as they came', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 20 })), (ranks) => {
      const queue = new PriorityQueue<{ rank: number; at: number }>((item) => item.rank)
      const items = ranks.map((rank, at) => ({ rank, at }))
      for (const item of items) queue.push(item)
      assert.equal(queue.size, items.length)

      const out = items.map(() => {
        assert.ok(queue.peek() !== undefined)
        return queue.pop()!
      })

      assert.deepEqual(
        out,
        items.toSorted((a, b) => a.rank - b.rank || a.at - b.at),
      )
      assert.equal(queue.pop(), undefined)
    }),
  )
})

test('a fifo gives what was pushed, in that order, over pushes and shifts in any mix', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 5000 }), (pushes) => {
      const fifo = new Fifo<number>()
      const model: number[] = []
      pushes.forEach((isPush, i) => {
        if (isPush) {
          fifo.push(i)
          model.push(i)
        } else assert.equal(fifo.shift(), model.shift())
        assert.equal(fifo.size, model.length)
      })
    }),
  )
})

test('a fifo stays right where it cuts off what was taken', () => {
  const fifo = new Fifo<number>()
  for (let i = 0; i < 5000; i++) fifo.push(i)
  for (let i = 0; i < 4000; i++) assert.equal(fifo.shift(), i)
  fifo.push(5000)
  for (let i = 4000; i <= 5000; i++) assert.equal(fifo.shift(), i)
  assert.equal(fifo.shift(), undefined)
})
