// Random records between our aggregation and npm's aws-kinesis-agg, both ways.

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { deaggregateSync } from 'aws-kinesis-agg'
import fc from 'fast-check'
import { hashKeyFromBigInt } from '../../src/record/index.ts'
import { type Aggregatable, deaggregate, encodeAggregate } from '../../src/wire/index.ts'
import { anyData, anyKey, anyRecords } from './arbitraries.ts'
import { plain } from './plain.ts'

interface NpmAggregator {
  addUserRecord(record: { partitionKey: string; explicitHashKey?: string; data: Buffer }): void
  build(): { data: Buffer }
}

// Its types leave it out.
const { RecordAggregator } = createRequire(import.meta.url)('aws-kinesis-agg') as {
  RecordAggregator: new () => NpmAggregator
}

/** Its tables are plain objects: digits come first, and they have names of their own. */
const isTakenByNpm = (key: string) =>
  key !== '' && !/^[0-9]+$/.test(key) && !Object.hasOwn(Object.prototype, key)

/** As a number below 2³² a hash key would come first in its table. */
const largeHashKey = fc
  .bigInt({ min: 1n << 32n, max: (1n << 128n) - 1n })
  .map((value) => hashKeyFromBigInt(value)!)

const npmRecord: fc.Arbitrary<Aggregatable> = fc.record({
  partitionKey: anyKey.filter(isTakenByNpm),
  explicitHashKey: fc.option(largeHashKey),
  data: anyData,
})

/** Few keys among many records. */
const npmRecords = fc
  .tuple(
    fc.array(npmRecord, { minLength: 1, maxLength: 20 }),
    fc.array(fc.nat(), { maxLength: 60 }),
  )
  .map(([records, picks]) => [...records, ...picks.map((pick) => records[pick % records.length]!)])

test('what npm’s aggregator writes we read, whatever the records', () => {
  fc.assert(
    fc.property(npmRecords, (records) => {
      const aggregator = new RecordAggregator()
      for (const { partitionKey, explicitHashKey, data } of records) {
        const hashKey = explicitHashKey === null ? {} : { explicitHashKey: String(explicitHashKey) }
        aggregator.addUserRecord({ partitionKey, data: Buffer.from(data), ...hashKey })
      }
      const { data: aggregate } = aggregator.build()

      assert.deepEqual(plain(deaggregate(aggregate)), plain(records))
      assert.deepEqual(encodeAggregate(records), aggregate)
    }),
  )
})

test('what we write npm’s de-aggregator reads, whatever the records', () => {
  fc.assert(
    fc.property(anyRecords, (records) => {
      const data = encodeAggregate(records).toString('base64')
      const kinesisRecord = {
        data,
        partitionKey: 'a',
        explicitPartitionKey: '',
        sequenceNumber: '1',
      }
      let toldCount = 0
      deaggregateSync(kinesisRecord, true, (error, members = []) => {
        toldCount++
        assert.equal(error ?? null, null)
        const read = members.map(({ partitionKey, explicitPartitionKey, data }, i) => ({
          partitionKey,
          // It takes an absent index for 0: whoever has none gets the first of the table.
          explicitHashKey: records[i]?.explicitHashKey === null ? null : explicitPartitionKey,
          data: Buffer.from(data, 'base64'),
        }))
        assert.deepEqual(plain(read), plain(records))
        assert.deepEqual(
          members.map(({ subSequenceNumber }) => subSequenceNumber),
          records.map((_, i) => i),
        )
      })
      assert.equal(toldCount, 1)
    }),
  )
})
