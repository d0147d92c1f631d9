import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
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
