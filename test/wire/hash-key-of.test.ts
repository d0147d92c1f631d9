import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { hashKeyOf, hashTopOf } from '../../src/wire/index.ts'
import { startMd5OneBlock } from '../../src/wire/md5-one-block.ts'
import { anyKey, anyUtf16 } from './arbitraries.ts'

function md5(text: string): bigint {
  return BigInt(`0x${createHash('md5').update(Buffer.from(text)).digest('hex')}`)
}

test('a hash key is the MD5 of the key as a big-endian number', () => {
  assert.equal(hashKeyOf('alpha').toString(), '58606826522850340945736240254012750329')
  // RFC 1321, A.5.
  assert.equal(hashKeyOf('').toBigInt(), 0xd41d8cd98f00b204e9800998ecf8427en)
  assert.equal(hashKeyOf('abc').toBigInt(), 0x900150983cd24fb0d6963f7d28e17f72n)
})

test('every length round the one-block border agrees with createHash, in each alphabet', () => {
  for (const letter of ['a', 'é', '鍵', '😀']) {
    for (let count = 0; count <= 130; count++) {
      const key = letter.repeat(count)
      assert.equal(hashKeyOf(key).toBigInt(), md5(key), key)
      // One ASCII letter in front moves the border through every residue.
      assert.equal(hashKeyOf(`x${key}`).toBigInt(), md5(`x${key}`), `x${key}`)
      assert.equal(BigInt(hashTopOf(key)), md5(key) >> 96n, key)
    }
  }
})

test('lone surrogates count as U+FFFD, as in Buffer.from', () => {
  for (const key of ['\ud800', '\udc00a', 'a\ud83d', '\ude00\ud83d', '\ud800'.repeat(19)]) {
    assert.equal(hashKeyOf(key).toBigInt(), md5(key))
  }
})

test('a long key leaves nothing behind for a short one', () => {
  hashKeyOf('z'.repeat(55))
  assert.equal(hashKeyOf('a').toBigInt(), md5('a'))
  hashKeyOf('é'.repeat(27))
  assert.equal(hashKeyOf('é').toBigInt(), md5('é'))
})

test('any text agrees with createHash', () => {
  fc.assert(
    fc.property(fc.oneof(anyKey, anyUtf16), (key) => {
      assert.equal(hashKeyOf(key).toBigInt(), md5(key))
      assert.equal(BigInt(hashTopOf(key)), md5(key) >> 96n)
    }),
    { numRuns: 3000 },
  )
})

test('this Node has a compiler for one block, so that what is tested here is what runs', () => {
  assert.notEqual(startMd5OneBlock(), null)
})
