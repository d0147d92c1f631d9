import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BufferPool } from '../../src/host/index.ts'
import { BodyCollector } from '../../src/host/node/body-collector.ts'

test('a body is its chunks, whatever was promised, in memory of its own', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1, maxLength: 20 })
  fc.assert(
    fc.property(sizes, fc.constantFrom('exact', 'unknown'), (sizes, promise) => {
      const chunks = sizes.map((size, index) => Buffer.alloc(size, index + 1))
      const body = Buffer.concat(chunks)
      const expected = promise === 'exact' ? body.length : null
      const collector = new BodyCollector(body.length, expected)
      for (const chunk of chunks) assert.ok(collector.add(chunk))
      const taken = collector.take()
      assert.ok(taken.equals(body))
      assert.equal(taken.buffer.byteLength, taken.length)
    }),
  )
})

test('memory follows what came and not what was promised', () => {
  const promised = 6 * 1024 * 1024
  const collector = new BodyCollector(promised, promised)
  let came = 0
  for (let i = 0; i < 1000; i++) {
    collector.add(Buffer.alloc(1 + (i % 7)))
    came += 1 + (i % 7)
    assert.ok(collector.heldBytes <= Math.max(4096, 2 * came), `${collector.heldBytes} of ${came}`)
    assert.ok(collector.heldBytes >= came)
  }
})

test('one byte beyond the bound is refused, and nothing is held any more', () => {
  for (const expected of [null, 10]) {
    const collector = new BodyCollector(10, expected)
    assert.ok(collector.add(Buffer.alloc(9)))
    assert.ok(collector.add(Buffer.alloc(1)))
    assert.equal(collector.add(Buffer.alloc(1)), false)
    assert.equal(collector.heldBytes, 0)
  }
})

test('lent chunks are copied, and memory of the taker goes back with what outgrew it', () => {
  const memory = new BufferPool(1024 * 1024)
  for (const pieces of [1, 2, 40]) {
    for (const owner of [null, memory]) {
      const collector = new BodyCollector(1024 * 1024, null, owner)
      const chunk = Buffer.alloc(5000)
      for (let i = 0; i < pieces; i++) {
        chunk.fill(i + 1)
        assert.ok(collector.add(chunk, true))
      }
      chunk.fill(0)
      const body = collector.take()
      assert.equal(body.length, pieces * 5000)
      for (let i = 0; i < pieces; i++) assert.equal(body[i * 5000 + 4999], i + 1)
      collector.giveBack()
    }
  }
  // Of the last body: the piece it was in, and those that it grew out of.
  assert.equal(memory.idleBytes, (512 + 128 + 32) * 1024)
})
