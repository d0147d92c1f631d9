import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BufferPool } from '../../src/host/index.ts'

const KIB = 1024

test('a piece that was given back is taken again by whoever wants about as much', () => {
  const pool = new BufferPool(1024 * KIB)
  const piece = pool.take(100 * KIB)
  assert.equal(piece.length, 128 * KIB)
  pool.giveBack(piece)
  assert.equal(pool.idleBytes, 128 * KIB)
  const others = [pool.take(64 * KIB), pool.take(129 * KIB)]
  assert.ok(others.every((other) => other.buffer !== piece.buffer))
  assert.equal(pool.take(65 * KIB).buffer, piece.buffer)
  assert.notEqual(pool.take(65 * KIB).buffer, piece.buffer)
  assert.equal(pool.idleBytes, 0)
})

test('it keeps what is at most its bound, and nothing small', () => {
  const pool = new BufferPool(64 * KIB)
  for (const sizeBytes of [32 * KIB, 16 * KIB, 16 * KIB, 16 * KIB]) {
    pool.giveBack(Buffer.alloc(sizeBytes))
  }
  assert.equal(pool.idleBytes, 64 * KIB)
  pool.take(32 * KIB)
  pool.giveBack(Buffer.alloc(64 * KIB))
  assert.equal(pool.idleBytes, 32 * KIB)

  assert.equal(pool.take(16 * KIB - 1).length, 16 * KIB - 1)
  pool.giveBack(Buffer.alloc(16 * KIB - 1))
  assert.equal(pool.idleBytes, 32 * KIB)
  assert.equal(pool.take(0).length, 0)
})
