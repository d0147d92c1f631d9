import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decode, encode } from 'cborg'
import fc from 'fast-check'
import {
  CBOR_MAX_DEPTH,
  decodeCbor,
  EpochMs,
  encodeCbor,
  ProtocolError,
} from '../../src/wire/index.ts'
import { anyKey } from './arbitraries.ts'

function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(' ', ''), 'hex')
}

/** Without prototypes and Buffers, so that values of both sides compare. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString('hex') }
  if (value instanceof EpochMs || typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(plain)
  return Object.entries(value).map(([name, member]) => [name, plain(member)])
}

const anyValue = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.maxSafeInteger(),
    // The oracle writes -0 as the integer 0.
    fc.double({ noNaN: true }).map((value) => value + 0),
    anyKey,
    fc.boolean(),
    fc.constant(null),
    fc.uint8Array({ maxLength: 40 }),
    fc.array(tie('value'), { maxLength: 6 }),
    fc.dictionary(anyKey, tie('value'), { maxKeys: 6, noNullPrototype: true }),
  ),
})).value

test('what we write, a strict decoder reads as the same, and so do we', () => {
  fc.assert(
    fc.property(anyValue, (value) => {
      const bytes = encodeCbor(value)
      assert.deepEqual(plain(decodeCbor(bytes)), plain(value))
      if (!hasProto(value)) assert.deepEqual(sorted(decode(bytes)), sorted(value))
    }),
    { numRuns: 2000 },
  )
})

test('what another implementation writes we read as the same', () => {
  fc.assert(
    fc.property(anyValue, (value) => {
      assert.deepEqual(sorted(decodeCbor(encode(value))), sorted(value))
    }),
    { numRuns: 2000 },
  )
})

test('the examples of RFC 8949, appendix A', () => {
  for (const [bytes, value] of [
    ['1bffffffffffffffff', 18446744073709551615n],
    ['1b001fffffffffffff', 9007199254740991],
    ['1b0020000000000000', 9007199254740992n],
    ['3bffffffffffffffff', -18446744073709551616n],
    ['3903e7', -1000],
    ['f98000', -0],
    ['f93c00', 1],
    ['f97bff', 65504],
    ['f90001', 2 ** -24],
    ['f90400', 2 ** -14],
    ['f9c400', -4],
    ['f97c00', Infinity],
    ['f9fc00', -Infinity],
    ['fa47c35000', 100000],
    ['fb3ff199999999999a', 1.1],
    ['f4', false],
    ['f5', true],
    ['f6', null],
    ['f7', null],
    ['c11a514b67b0', new EpochMs(1363896240)],
    ['c1fb41d452d9ec200000', new EpochMs(1363896240.5)],
    ['7f657374726561646d696e67ff', 'streaming'],
    ['9f018202039f0405ffff', [1, [2, 3], [4, 5]]],
    ['3b001fffffffffffff', -9007199254740992n],
    ['62c3bc', 'ü'],
    ['63efbfbd', '\ufffd'],
    ['64f0908591', '\u{10151}'],
  ] as const) {
    assert.deepEqual(decodeCbor(hex(bytes)), value, bytes)
  }
  assert.ok(Number.isNaN(decodeCbor(hex('f97e00'))))
  assert.deepEqual(decodeCbor(hex('5f42010243030405ff')), hex('0102030405'))
  assert.deepEqual(plain(decodeCbor(hex('bf61610161629f0203ffff'))), [
    ['a', 1],
    ['b', [2, 3]],
  ])
  assert.deepEqual(plain(decodeCbor(hex('bf7f61616162ff01ff'))), [['ab', 1]])
})

test('instants are tag 1 round milliseconds, as the SDK for Java has them', () => {
  const bytes = encodeCbor({ Timestamp: new EpochMs(1787036486712) })
  // c1 1b 000001a013accc38 was captured from that SDK (floci-io/floci issue 2368).
  assert.equal(bytes.toString('hex'), 'a16954696d657374616d70c11b000001a013accc38')
  assert.deepEqual(plain(decodeCbor(bytes)), [['Timestamp', new EpochMs(1787036486712)]])
})

test('integers take their shortest form at each border', () => {
  for (const value of [0, 23, 24, 255, 256, 65535, 65536, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1]) {
    for (const signed of [value, -1 - value]) {
      if (!Number.isSafeInteger(signed)) continue
      assert.deepEqual(encodeCbor(signed), Buffer.from(encode(signed)), String(signed))
      assert.equal(decodeCbor(encodeCbor(signed)), signed)
    }
  }
  for (const value of [2n ** 53n, 2n ** 64n - 1n, -(2n ** 53n) - 1n, -(2n ** 64n)]) {
    assert.deepEqual(encodeCbor(value), Buffer.from(encode(value)))
    assert.equal(decodeCbor(encodeCbor(value)), value)
  }
  assert.throws(() => encodeCbor(2n ** 64n), assert.AssertionError)
})

test('undefined fields are left out; what CBOR has no word for is a broken promise', () => {
  assert.deepEqual(plain(decodeCbor(encodeCbor({ a: undefined, b: 1 }))), [['b', 1]])
  assert.throws(() => encodeCbor({ a: () => 1 }), assert.AssertionError)
})

test('minus zero stays what it is', () => {
  assert.ok(Object.is(decodeCbor(encodeCbor(-0)), -0))
})

test('byte strings are views of the input', () => {
  const input = hex('43010203')
  assert.equal((decodeCbor(input) as Buffer).buffer, input.buffer)
})

test('keys of Object.prototype are fields like any other and pollute nothing', () => {
  const bytes = encode(
    new Map<string, unknown>([
      ['__proto__', new Map([['polluted', true]])],
      ['constructor', 1],
      ['toString', 2],
    ]),
  )
  const value = decodeCbor(bytes) as Record<string, unknown>
  assert.deepEqual(Object.keys(value).sort(), ['__proto__', 'constructor', 'toString'])
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined)
  assert.equal(value['polluted'], undefined)
  const empty = decodeCbor(hex('a0')) as Record<string, unknown>
  for (const name of ['constructor', 'toString', '__proto__', 'hasOwnProperty']) {
    assert.equal(empty[name], undefined)
    assert.equal(name in empty, false)
  }
  assert.throws(() => Object.assign(Object.getPrototypeOf(empty), { polluted: true }), TypeError)
})

test('a name that came before lends nothing to bytes that only look like it', () => {
  // In the memory of names both have one place, and their UTF-16 units are those bytes.
  assert.deepEqual(plain(decodeCbor(hex('a163c38a7801'))), [['Êx', 1]])
  assert.throws(() => decodeCbor(hex('a162ca7801')), ProtocolError)
})

test('nesting is read up to the limit and refused beyond', () => {
  for (const opening of ['81', '9f', 'a16161', 'bf6161', 'c2']) {
    const isRead = (depth: number) => {
      try {
        const closing = opening === '9f' || opening === 'bf6161' ? 'ff' : ''
        decodeCbor(hex(`${opening.repeat(depth)}00${closing.repeat(depth)}`))
        return true
      } catch (error) {
        assert.ok(error instanceof ProtocolError)
        return false
      }
    }
    assert.ok(isRead(CBOR_MAX_DEPTH - 1))
    assert.ok(isRead(CBOR_MAX_DEPTH))
    assert.equal(isRead(CBOR_MAX_DEPTH + 1), false)
    assert.equal(isRead(100_000), false)
  }
  assert.equal(CBOR_MAX_DEPTH, 32)
})

test('what nests more deeply than can be read is not written', () => {
  const nested = (depth: number): unknown => (depth === 0 ? 0 : [nested(depth - 1)])
  assert.ok(decodeCbor(encodeCbor(nested(CBOR_MAX_DEPTH))))
  assert.throws(() => encodeCbor(nested(CBOR_MAX_DEPTH + 1)), assert.AssertionError)
})

test('large bodies are written as small ones', () => {
  for (const sizeBytes of [100, 1000, 1023, 1024, 3000, 100_000]) {
    const value = [...'abcdefgh', new Uint8Array(sizeBytes).fill(7), 'x'.repeat(sizeBytes), 1.5]
    assert.deepEqual(sorted(decode(encodeCbor(value))), sorted(value))
  }
})

for (const [what, bytes] of [
  ['nothing', ''],
  ['bytes behind the end', '0000'],
  ['an array of 2^32 of which none is there', '9affffffff'],
  ['an array of 2^64-1', '9bffffffffffffffff'],
  ['a map of 2^53', 'bb0020000000000000'],
  ['text of 2 GiB', '7a80000000'],
  ['bytes of 2^64-1', '5bffffffffffffffff'],
  ['text that ends too early', '626f'],
  ['text that is not UTF-8', '62c328'],
  ['a surrogate in UTF-8', '63eda080'],
  ['a piece that is not UTF-8 by itself', '7f61c361bcff'],
  ['a piece of the other kind', '7f4161ff'],
  ['a piece that has no length itself', '7f7f6161ffff'],
  ['text without an end', '7f6161'],
  ['a key that is a number', 'a10102'],
  ['a key that is a number, though a letter follows', 'a1016100'],
  ['additional information 28 with as many bytes', `1c${'00'.repeat(16)}`],
  ['a key without a value', 'a16161'],
  ['an array without an end', '9f01'],
  ['a break where a value should be', 'ff'],
  ['a break within a fixed array', '8201ff'],
  ['a break for a value', 'bf6161ff'],
  ['additional information 28', '1c'],
  ['a number without a length', '1f'],
  ['a tag without a length', 'df00'],
  ['an instant that is text', 'c16161'],
  ['a simple value nobody defined', 'f0'],
  ['a simple value in a second byte', 'f8ff'],
  ['half a float', 'f93c'],
] as const) {
  test(`${what} is refused`, () => {
    assert.throws(() => decodeCbor(hex(bytes)), ProtocolError)
  })
}

test('any bytes, and any valid bytes with some replaced, throw nothing but ProtocolError', () => {
  // Node's pool for small buffers may be renewed meanwhile.
  const slackBytes = Buffer.poolSize + 4096
  const check = (bytes: Uint8Array) => {
    const before = process.memoryUsage().arrayBuffers
    try {
      decodeCbor(bytes)
    } catch (error) {
      assert.ok(error instanceof ProtocolError, String(error))
    }
    assert.ok(process.memoryUsage().arrayBuffers - before <= bytes.length + slackBytes)
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), check), { numRuns: 5000 })
  const edits = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(anyValue, edits, (value, changes) => {
      const bytes = encodeCbor(value)
      for (const [at, byte] of changes) bytes[at % bytes.length] = byte
      check(bytes)
      for (let length = 0; length < bytes.length; length++) check(bytes.subarray(0, length))
    }),
    { numRuns: 300 },
  )
})

/** The oracle refuses this key or builds objects with it. */
function hasProto(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return false
  return Object.entries(value).some(([name, member]) => name === '__proto__' || hasProto(member))
}

/** Fields in order of their names: the oracle writes them in an order of its own. */
function sorted(value: unknown): unknown {
  const bare = plain(value)
  const walk = (each: unknown): unknown => {
    if (!Array.isArray(each)) return each
    const isFields =
      each.length > 0 && each.every((pair) => Array.isArray(pair) && pair.length === 2)
    return isFields ? each.map(walk).sort((a, b) => compare(a, b)) : each.map(walk)
  }
  return walk(bare)
}

function compare(a: unknown, b: unknown): number {
  const [left, right] = [JSON.stringify(a), JSON.stringify(b)]
  return left! < right! ? -1 : left! > right! ? 1 : 0
}
