import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { HashKey } from '../../src/record/index.ts'
import { decimalOf } from '../../src/wire/decimal-of.ts'
import { anyHashKey } from './arbitraries.ts'

test('a hash key in decimal is what its own toString says', () => {
  fc.assert(fc.property(anyHashKey, (key) => assert.equal(decimalOf(key), key.toString())))
  const words = [0, 1, 2 ** 31, 2 ** 32 - 1]
  for (const w0 of words) {
    for (const w1 of words) {
      for (const w3 of words) {
        const key = new HashKey(w0, w1, 0, w3)
        assert.equal(decimalOf(key), key.toString())
      }
    }
  }
})
