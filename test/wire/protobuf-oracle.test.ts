// Another implementation of protobuf as the judge of ours, both ways.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import protobuf from 'protobufjs'
import { type Aggregatable, deaggregate, encodeAggregate } from '../../src/wire/index.ts'
import { anyKey, anyRecords } from './arbitraries.ts'

const root = protobuf.parse(
  `syntax = "proto2";
  message AggregatedRecord {
    repeated string partition_key_table = 1;
    repeated string explicit_hash_key_table = 2;
    repeated Record records = 3;
    optional string unknown_text = 4;
    repeated fixed32 unknown_32 = 5 [packed = false];
    repeated fixed64 unknown_64 = 1000 [packed = false];
  }
  message Tag { required string key = 1; optional string value = 2; }
  message Record {
    required uint64 partition_key_index = 1;
    optional uint64 explicit_hash_key_index = 2;
    required bytes data = 3;
    repeated Tag tags = 4;
    optional uint64 unknown_number = 16;
    optional double unknown_double = 17;
    optional Tag unknown_message = 2047;
  }`,
  { keepCase: true },
).root
const AggregatedRecord = root.lookupType('AggregatedRecord')

interface Message {
  partition_key_table: string[]
  explicit_hash_key_table: string[]
  records: { partition_key_index: number; explicit_hash_key_index?: number; data: Uint8Array }[]
}

/** Magic and MD5 round a message of the oracle's. */
function framed(message: object): Buffer {
  const bytes = AggregatedRecord.encode(AggregatedRecord.create(message)).finish()
  const md5 = createHash('md5').update(bytes).digest()
  return Buffer.concat([Buffer.from('f3899ac2', 'hex'), bytes, md5])
}

function listed(
  records: readonly { partitionKey: string; explicitHashKey: unknown; data: Uint8Array }[],
) {
  return records.map(({ partitionKey, explicitHashKey, data }) => [
    partitionKey,
    explicitHashKey === null ? null : String(explicitHashKey),
    Buffer.from(data).toString('hex'),
  ])
}

/** A table entry for each record instead of for each key: consumers take that too. */
function tablePerRecord(records: readonly Aggregatable[]): Message {
  const withHashKey = records.filter((each) => each.explicitHashKey !== null)
  return {
    partition_key_table: records.map((each) => each.partitionKey),
    explicit_hash_key_table: withHashKey.map((each) => String(each.explicitHashKey)),
    records: records.map((each, i) => ({
      partition_key_index: i,
      ...(each.explicitHashKey === null
        ? {}
        : { explicit_hash_key_index: withHashKey.indexOf(each) }),
      data: each.data,
    })),
  }
}

test('the oracle reads what we wrote, and would have written the same bytes', () => {
  fc.assert(
    fc.property(anyRecords, (records) => {
      const aggregate = encodeAggregate(records)
      const message = AggregatedRecord.decode(aggregate.subarray(4, -16))
      const read = AggregatedRecord.toObject(message, { longs: Number, arrays: true }) as Message

      const own = read.records.map((each) => ({
        partitionKey: read.partition_key_table[each.partition_key_index]!,
        explicitHashKey:
          each.explicit_hash_key_index === undefined
            ? null
            : read.explicit_hash_key_table[each.explicit_hash_key_index]!,
        data: each.data,
      }))
      assert.deepEqual(listed(own), listed(records))
      assert.equal(new Set(read.partition_key_table).size, read.partition_key_table.length)
      assert.deepEqual(framed(read), aggregate)
    }),
  )
})

test('we read what the oracle wrote with a table entry for each record', () => {
  fc.assert(
    fc.property(anyRecords, (records) => {
      assert.deepEqual(listed(deaggregate(framed(tablePerRecord(records)))), listed(records))
    }),
  )
})

test('unknown fields of every wire type, and tags, are passed over', () => {
  const anyExtra = fc.record(
    {
      tags: fc.array(fc.record({ key: anyKey, value: anyKey }), { maxLength: 3 }),
      unknown_number: fc.nat(),
      unknown_double: fc.double(),
      unknown_message: fc.record({ key: anyKey }),
    },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(
      anyRecords,
      fc.array(anyExtra, { minLength: 1 }),
      fc.uint8Array(),
      (records, extras, bytes) => {
        const message = tablePerRecord(records)
        const extended = {
          ...message,
          records: message.records.map((each, i) => ({ ...each, ...extras[i % extras.length] })),
          unknown_text: Buffer.from(bytes).toString('latin1'),
          unknown_32: [...bytes],
          unknown_64: [...bytes],
        }
        assert.deepEqual(listed(deaggregate(framed(extended))), listed(records))
      },
    ),
  )
})
