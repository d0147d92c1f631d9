// Records and keys for property tests.

import fc from 'fast-check'
import { type HashKey, hashKeyFromBigInt } from '../../src/record/index.ts'
import type { Aggregatable } from '../../src/wire/index.ts'

export const anyHashKey: fc.Arbitrary<HashKey> = fc
  .bigInt({ min: 0n, max: (1n << 128n) - 1n })
  .map((value) => hashKeyFromBigInt(value)!)

/** Text that is well-formed, of every kind of character. */
export const anyKey: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'grapheme-ascii', maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc.nat(1e6).map(String),
  fc.constantFrom('__proto__', 'constructor', '', '\u0000', '"\\\u2028'),
)

/** Any UTF-16 at all, lone surrogates too. */
export const anyUtf16: fc.Arbitrary<string> = fc
  .array(fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.integer({ min: 0xd800, max: 0xdfff })), {
    maxLength: 70,
  })
  .map((units) => String.fromCharCode(...units))

export const anyData: fc.Arbitrary<Uint8Array> = fc.uint8Array({ maxLength: 300, size: 'max' })

export const anyRecord: fc.Arbitrary<Aggregatable> = fc.record({
  partitionKey: anyKey,
  explicitHashKey: fc.option(anyHashKey),
  data: anyData,
})

/** Few keys among many records, so that the tables are shared. */
export const anyRecords: fc.Arbitrary<Aggregatable[]> = fc
  .tuple(
    fc.array(anyRecord, { minLength: 1, maxLength: 30 }),
    fc.array(fc.nat(), { maxLength: 200 }),
  )
  .map(([records, picks]) => [...records, ...picks.map((pick) => records[pick % records.length]!)])
