import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { deaggregateSync } from 'aws-kinesis-agg'
import fc from 'fast-check'
import { hashKeyFromDecimal } from '../../src/record/index.ts'
import {
  type Aggregatable,
  AggregateSize,
  deaggregate,
  encodeAggregate,
  hashKeyOf,
  type Md5Piece,
  writeAggregate,
  writeMd5s,
} from '../../src/wire/index.ts'
import { anyRecords } from './arbitraries.ts'
import { plain } from './plain.ts'
import { aggregateVectors } from './vectors.ts'

function record(partitionKey: string, data: string, hashKey?: string): Aggregatable {
  const explicitHashKey = hashKey === undefined ? null : hashKeyFromDecimal(hashKey)
  return { partitionKey, explicitHashKey, data: Buffer.from(data) }
}

function sizeOf(records: readonly Aggregatable[]): AggregateSize {
  const size = new AggregateSize()
  for (const each of records) size.add(each, records)
  return size
}

const EXAMPLE = [record('alpha', 'one'), record('beta', 'two', '42'), record('alpha', 'three')]

test('three records become the 68 bytes that the KPL writes', () => {
  const aggregate = encodeAggregate(EXAMPLE)

  assert.equal(
    aggregate.toString('hex'),
    'f3899ac2' +
      '0a05616c7068610a046265746112023432' +
      '1a0708001a036f6e651a09080110001a0374776f1a0908001a057468726565' +
      'f86f05878aa61e8c8dcf10f6db30200d',
  )
  assert.equal(sizeOf(EXAMPLE).accurateBytes(), 68)
  assert.equal(sizeOf(EXAMPLE).estimatedBytes(), 48)
  assert.equal(hashKeyOf('alpha').toString(), '58606826522850340945736240254012750329')
})

for (const file of ['aggregation-npm', 'aggregation-python'] as const) {
  for (const { name, records, aggregate } of aggregateVectors(file)) {
    test(`${file}: ${name}: we write the same bytes and read the same records`, () => {
      assert.equal(encodeAggregate(records).toString('hex'), aggregate.toString('hex'))
      assert.deepEqual(plain(deaggregate(aggregate)), plain(records))
    })
  }
}

test('npm’s de-aggregator reads what we write, also what its own aggregator mixes up', () => {
  for (const { name, records } of aggregateVectors('aggregation-python')) {
    const data = encodeAggregate(records).toString('base64')
    const kinesisRecord = { data, partitionKey: 'a', explicitPartitionKey: '', sequenceNumber: '1' }
    deaggregateSync(kinesisRecord, true, (error, members) => {
      assert.equal(error ?? null, null, name)
      const read = members!.map((member) => ({
        partitionKey: member.partitionKey,
        // It takes an absent index for 0: whoever has none gets the first of the table.
        explicitHashKey: null,
        data: Buffer.from(member.data, 'base64'),
      }))
      const expected = records.map((each) => ({ ...each, explicitHashKey: null }))
      assert.deepEqual(plain(read), plain(expected), name)
    })
  }
})

test('every shape has a vector of at least one other implementation', () => {
  assert.equal(aggregateVectors('aggregation-python').length, 14)
  assert.equal(aggregateVectors('aggregation-npm').length, 11)
})

test('what we write comes back, whatever the records', () => {
  fc.assert(
    fc.property(anyRecords, (records) => {
      assert.deepEqual(plain(deaggregate(encodeAggregate(records))), plain(records))
    }),
  )
})

test('the accurate size is the size of what is written, after every added record', () => {
  fc.assert(
    fc.property(anyRecords, (records) => {
      const size = new AggregateSize()
      records.forEach((each, i) => {
        size.add(each, records)
        const upToHere = records.slice(0, i + 1)
        const expected = i === 0 ? each.data.length : encodeAggregate(upToHere).length
        assert.equal(size.accurateBytes(), expected)
        assert.equal(size.framedBytes(), encodeAggregate(upToHere).length)
        assert.equal(size.count, i + 1)
      })
    }),
    { numRuns: 30 },
  )
})

test('the estimated size is the sum that the KPL keeps', () => {
  fc.assert(
    fc.property(anyRecords, (records) => {
      const keys = new Set(records.map((each) => each.partitionKey))
      const hashKeys = records.flatMap((each) => each.explicitHashKey?.toString() ?? [])
      let expected = 2 * hashKeys.length
      for (const { data } of records) expected += data.length + 3 + 2
      for (const key of [...keys, ...new Set(hashKeys)]) expected += Buffer.byteLength(key) + 3

      const isAlone = records.length === 1
      assert.equal(sizeOf(records).estimatedBytes(), isAlone ? records[0]!.data.length : expected)
    }),
  )
})

test('a size that is cleared counts what comes next as a new one does', () => {
  fc.assert(
    fc.property(fc.array(anyRecords, { minLength: 2, maxLength: 4 }), (aggregates) => {
      const kept = new AggregateSize()
      for (const records of [...aggregates, ...aggregates]) {
        kept.clear()
        const fresh = sizeOf(records)
        records.forEach((each, i) => {
          if (i === 0) assert.deepEqual([kept.count, kept.accurateBytes()], [0, 0])
          kept.add(each, records)
        })
        for (const tell of [
          (size: AggregateSize) => size.estimatedBytes(),
          (size: AggregateSize) => size.framedBytes(),
          (size: AggregateSize) => size.accurateBytes(),
          (size: AggregateSize) => size.areKeysDistinct,
        ]) {
          assert.equal(tell(kept), tell(fresh))
        }
      }
    }),
  )
})

test('sizes of nothing are 0, of one record its data alone', () => {
  assert.equal(sizeOf([]).estimatedBytes(), 0)
  assert.equal(sizeOf([]).accurateBytes(), 0)
  assert.equal(sizeOf([record('a long key that is not counted', 'data')]).estimatedBytes(), 4)
  assert.equal(sizeOf([record('a long key that is not counted', 'data')]).accurateBytes(), 4)
})

test('an aggregate is written where it is told to be, and nowhere else', () => {
  const sizeBytes = sizeOf(EXAMPLE).accurateBytes()
  const into = Buffer.alloc(sizeBytes + 20, 0xee)

  const pieces: Md5Piece[] = []
  const end = writeAggregate(EXAMPLE, into, { at: 7, sizeBytes }, pieces)
  writeMd5s(pieces)

  assert.equal(end, 7 + sizeBytes)

  assert.deepEqual(into.subarray(7, 7 + sizeBytes), encodeAggregate(EXAMPLE))
  assert.deepEqual(into.subarray(0, 7), Buffer.alloc(7, 0xee))
  assert.deepEqual(into.subarray(7 + sizeBytes), Buffer.alloc(13, 0xee))
})

test('keys that are known to be distinct are written as those that are looked up', () => {
  const perhapsDistinct = fc.oneof(
    anyRecords,
    fc.uniqueArray(fc.nat(999), { minLength: 1 }).map((keys) => {
      return keys.map((key) => record(`user-${key}`, `data of ${key}`))
    }),
  )
  fc.assert(
    fc.property(perhapsDistinct, (records) => {
      const size = sizeOf(records)
      const { areKeysDistinct } = size
      const keys = new Set(records.map((each) => each.partitionKey))
      const areTheirOwn = records.every((each) => each.explicitHashKey === null)
      assert.equal(areKeysDistinct, keys.size === records.length && areTheirOwn)
      if (!areKeysDistinct) return

      const written = [true, false].map((areKeysDistinct) => {
        const into = Buffer.alloc(size.framedBytes())
        writeAggregate(records, into, { at: 0, sizeBytes: into.length, areKeysDistinct }, [])
        return into
      })
      assert.deepEqual(written[0], written[1])
    }),
  )
})

test('a wrong size or too little room is a broken promise', () => {
  const sizeBytes = sizeOf(EXAMPLE).accurateBytes()
  const into = Buffer.alloc(200)
  for (const wrong of [sizeBytes - 1, sizeBytes + 1]) {
    const place = { at: 0, sizeBytes: wrong }
    assert.throws(() => writeAggregate(EXAMPLE, into, place, []), assert.AssertionError)
  }
  const tooSmall = Buffer.alloc(sizeBytes - 1)
  const place = { at: 0, sizeBytes }
  assert.throws(() => writeAggregate(EXAMPLE, tooSmall, place, []), assert.AssertionError)
  assert.throws(() => encodeAggregate([]), assert.AssertionError)
})

test('keys with lone surrogates are written as U+FFFD, in the size that was promised', () => {
  const records = [record('\ud800', 'a'), record('x\udc00', 'b'), record('\ufffd', 'c')]
  const keys = deaggregate(encodeAggregate(records)).map((each) => each.partitionKey)
  assert.deepEqual(keys, ['\ufffd', 'x\ufffd', '\ufffd'])
})

test('the last 16 bytes are the MD5 of the message without the magic', () => {
  const aggregate = encodeAggregate(EXAMPLE)
  const md5 = createHash('md5').update(aggregate.subarray(4, -16)).digest()
  assert.deepEqual(aggregate.subarray(-16), md5)
})
