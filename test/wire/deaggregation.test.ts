import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  AggregationError,
  type AggregationErrorCode,
  deaggregate,
  deaggregateRecord,
  encodeAggregate,
  isAggregated,
} from '../../src/wire/index.ts'
import { anyRecords } from './arbitraries.ts'

const AGGREGATE = encodeAggregate([
  { partitionKey: 'alpha', explicitHashKey: null, data: Buffer.from('one') },
  { partitionKey: 'käfer', explicitHashKey: null, data: Buffer.alloc(0) },
])

/** Magic and the right MD5 round a message written in hex. */
function framed(hex: string): Buffer {
  const message = Buffer.from(hex.replaceAll(' ', ''), 'hex')
  const md5 = createHash('md5').update(message).digest()
  return Buffer.concat([Buffer.from('f3899ac2', 'hex'), message, md5])
}

function codeOf(data: Uint8Array): AggregationErrorCode | 'fine' {
  try {
    deaggregate(data)
    return 'fine'
  } catch (error) {
    assert.ok(error instanceof AggregationError, String(error))
    assert.equal(error.name, 'AggregationError')
    return error.code
  }
}

/** Node's pool for small buffers may be renewed meanwhile, and a digest made. */
const SLACK_BYTES = Buffer.poolSize + 4096

/**
 * Bytes anybody may have written: an `AggregationError`, or records that are views of the input, no
 * more of them than the input has room for, and no buffer larger than the input on the way.
 */
function checkHarmless(data: Buffer): void {
  const before = process.memoryUsage().arrayBuffers
  let records: ReturnType<typeof deaggregate> = []
  try {
    records = deaggregate(data)
  } catch (error) {
    assert.ok(error instanceof AggregationError, String(error))
  }
  const allocatedBytes = process.memoryUsage().arrayBuffers - before
  assert.ok(allocatedBytes <= data.length + SLACK_BYTES, `${allocatedBytes} for ${data.length}`)
  assert.ok(records.length * 6 <= data.length)
  let viewedBytes = 0
  for (const record of records) {
    assert.equal(record.data.buffer, data.buffer)
    viewedBytes += record.data.length
  }
  assert.ok(viewedBytes <= data.length)
}

/** With the MD5 made right, so that the flipped message itself is read. */
function resealed(data: Buffer): Buffer {
  const copy = Buffer.from(data)
  createHash('md5')
    .update(copy.subarray(4, -16))
    .digest()
    .copy(copy, copy.length - 16)
  return copy
}

test('data are views of the aggregate', () => {
  const [first] = deaggregate(AGGREGATE)
  assert.equal(first!.data.buffer, AGGREGATE.buffer)
  assert.equal(first!.data.toString(), 'one')
})

test('an aggregate within a larger buffer is read from its own bytes only', () => {
  const larger = new Uint8Array(AGGREGATE.length + 10).fill(0x0a)
  larger.set(AGGREGATE, 3)
  const inner = larger.subarray(3, 3 + AGGREGATE.length)
  assert.deepEqual(deaggregate(inner), deaggregate(AGGREGATE))
  assert.ok(isAggregated(inner))
})

test('what is no aggregate says so: magic, then MD5', () => {
  assert.equal(codeOf(Buffer.alloc(0)), 'not-aggregated')
  assert.equal(
    codeOf(Buffer.from('{"just":"a record, longer than an aggregate needs"}')),
    'not-aggregated',
  )
  const wrong = Buffer.from(AGGREGATE)
  wrong[wrong.length - 1]! ^= 1
  assert.equal(codeOf(wrong), 'wrong-md5')
  assert.equal(isAggregated(wrong), false)
})

test('an empty message, 20 bytes in all, is no aggregate, as for the KCL', () => {
  assert.equal(codeOf(framed('')), 'not-aggregated')
  assert.equal(isAggregated(framed('')), false)
  // One field, and nobody's record.
  assert.deepEqual(deaggregate(framed('0a00')), [])
  assert.equal(codeOf(framed('0a00').subarray(0, 21)), 'wrong-md5')
})

for (const [what, hex, code] of [
  ['a table entry that reaches past the end', '0a05616c70', 'truncated'],
  ['a length of 2^63', '0affffffffffffffff7f61', 'truncated'],
  ['a length of 2 GiB', '0a8080808008', 'truncated'],
  ['a record that reaches past the end', '0a0161 1a0508001a00', 'truncated'],
  ['data that reach past their record', '0a0161 1a0408001a01', 'truncated'],
  ['a message that ends within a tag', '0a0161 80', 'truncated'],
  ['a message that ends before a length', '0a0161 1a', 'truncated'],
  ['an integer of eleven bytes', '0a0161 1a0e08ffffffffffffffffffff011a00', 'bad-varint'],
  ['a tag of eleven bytes', 'ffffffffffffffffffff01', 'bad-varint'],
  ['a partition key index past the table', '0a0161 1a0408011a00', 'index-out-of-range'],
  ['an index of 2^64-1', '0a0161 1a0d08ffffffffffffffffff011a00', 'index-out-of-range'],
  [
    'an index of 2^32, which is 0 in 32 bits',
    '0a0161 1a08 088080808010 1a00',
    'index-out-of-range',
  ],
  ['an index of 2^35', '0a0161 1a09 08808080808001 1a00', 'index-out-of-range'],
  ['a hash key index without a table', '0a0161 1a06080010001a00', 'index-out-of-range'],
  ['a record and no table', '1a0408001a00', 'index-out-of-range'],
  ['a record without data', '0a0161 1a020800', 'missing-field'],
  ['a record without a partition key index', '0a0161 1a021a00', 'missing-field'],
  ['a record of nothing', '0a0161 1a00', 'missing-field'],
  ['field number 0', '0a0161 0200', 'bad-field'],
  ['a group', '0a0161 2324', 'bad-field'],
  ['wire type 7', '0a0161 27', 'bad-field'],
  ['an unknown field of 8 bytes of which 7 are there', '2100000000000000', 'truncated'],
  ['an unknown field of 4 bytes of which 3 are there', '25000000', 'truncated'],
] as const) {
  test(`${what} is refused: ${code}`, () => {
    assert.equal(codeOf(framed(hex)), code)
    checkHarmless(framed(hex))
  })
}

test('records before their tables and integers longer than need be are read', () => {
  const data = framed('1a05 0880001a00 0a0161')
  assert.deepEqual(
    deaggregate(data).map((record) => [record.partitionKey, record.data.length]),
    [['a', 0]],
  )
})

test('of a field that comes twice the last counts', () => {
  const data = framed('0a0161 0a0162 1a0a 0800 0801 1a0178 1a0179')
  const [record] = deaggregate(data)
  assert.equal(record!.partitionKey, 'b')
  assert.equal(record!.data.toString(), 'y')
})

test('every truncation is refused, also with its MD5 made right', () => {
  for (let length = 0; length < AGGREGATE.length; length++) {
    const cut = AGGREGATE.subarray(0, length)
    assert.match(codeOf(cut), length <= 20 ? /^not-aggregated$/ : /^wrong-md5$/)
    checkHarmless(cut)
    if (length > 20) checkHarmless(resealed(cut))
  }
})

test('every flipped byte is refused; with the MD5 made right nothing else is thrown', () => {
  for (let at = 0; at < AGGREGATE.length; at++) {
    for (let mask = 1; mask < 256; mask++) {
      const flipped = Buffer.from(AGGREGATE)
      flipped[at]! ^= mask
      assert.notEqual(codeOf(flipped), 'fine')
      if (at >= 4 && at < flipped.length - 16) checkHarmless(resealed(flipped))
    }
  }
})

test('random messages under a right MD5 throw nothing but AggregationError', () => {
  const anyMessage = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 200 }),
    // Bytes that the format uses come often, so that more than the first field is read.
    fc.array(fc.constantFrom(0x0a, 0x12, 0x1a, 0x08, 0x10, 0, 1, 2, 3, 4, 6, 0x80, 0xff), {
      minLength: 1,
      maxLength: 60,
    }),
  )
  fc.assert(
    fc.property(anyMessage, (message) => {
      checkHarmless(framed(Buffer.from(message).toString('hex')))
    }),
    { numRuns: 5000 },
  )
})

test('valid aggregates with bytes replaced throw nothing but AggregationError', () => {
  fc.assert(
    fc.property(
      anyRecords,
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 8 }),
      (records, edits) => {
        const aggregate = encodeAggregate(records)
        const messageBytes = aggregate.length - 20
        for (const [at, byte] of edits) aggregate[4 + (at % messageBytes)] = byte
        checkHarmless(resealed(aggregate))
      },
    ),
    { numRuns: 500 },
  )
})

test('a megabyte of lengths that promise everything allocates nothing', () => {
  const promises = Buffer.alloc(1 << 20, Buffer.from('0affffffff7f', 'hex'))
  const data = framed(promises.toString('hex'))
  assert.equal(codeOf(data), 'truncated')
  checkHarmless(data)
})

test('an aggregate comes apart with subsequence numbers', () => {
  const members = deaggregateRecord({ partitionKey: 'a', data: AGGREGATE })
  assert.deepEqual(
    members.map(({ partitionKey, data, subSequenceNumber }) => [
      partitionKey,
      data.toString(),
      subSequenceNumber,
    ]),
    [
      ['alpha', 'one', 0],
      ['käfer', '', 1],
    ],
  )
})

test('what is no readable aggregate comes out as it is', () => {
  const wrongMd5 = Buffer.from(AGGREGATE)
  wrongMd5[30]! ^= 1
  for (const data of [Buffer.from('plain'), Buffer.alloc(0), wrongMd5, framed('0a05')]) {
    const members = deaggregateRecord({ partitionKey: 'own key', data })
    assert.deepEqual(members, [
      { partitionKey: 'own key', explicitHashKey: null, data, subSequenceNumber: null },
    ])
  }
})
