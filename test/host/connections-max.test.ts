import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connectionsMax } from '../../src/host/node/index.ts'

test('connections leave half of few files, of more 512, and are never more than 10 000', () => {
  const bounds = [128, 1023, 1024, 1025, 10_511, 10_512, 10_513, Number.POSITIVE_INFINITY]
  assert.deepEqual(
    bounds.map((files) => connectionsMax(files)),
    [64, 511, 512, 513, 9999, 10_000, 10_000, 10_000],
  )
})
