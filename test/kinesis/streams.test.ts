import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Bench, base64, header, textsOf } from './bench-top.ts'

test('a record that was put comes back with its key, its number and its time', async () => {
  const bench = await Bench.open()
  await bench.ok('CreateStream', { StreamName: 's1', ShardCount: 1 })

  const put = await bench.ok('PutRecord', {
    StreamName: 's1',
    PartitionKey: 'k',
    Data: base64('hello'),
  })
  const [record, ...others] = await bench.readAll('s1')

  assert.equal(put.ShardId, 'shardId-000000000000')
  assert.match(put.SequenceNumber, /^[0-9]{56}$/)
  assert.deepEqual(others, [])
  assert.deepEqual(record, {
    SequenceNumber: put.SequenceNumber,
    PartitionKey: 'k',
    Data: base64('hello'),
    ApproximateArrivalTimestamp: bench.clock.wallMs() / 1000,
    EncryptionType: 'NONE',
  })
})

test('CBOR carries the same as JSON', async () => {
  const bench = await Bench.open()
  await bench.ok('CreateStream', { StreamName: 's1', ShardCount: 1 }, 'cbor')
  const Records = [{ PartitionKey: 'ключ', Data: Buffer.from([0, 255, 1]) }]
  const put = await bench.ok('PutRecords', { StreamName: 's1', Records }, 'cbor')
  const start = { StreamName: 's1', ShardId: '0', ShardIteratorType: 'TRIM_HORIZON' }

  const { ShardIterator } = await bench.ok('GetShardIterator', start, 'cbor')
  const page = await bench.ok('GetRecords', { ShardIterator }, 'cbor')

  assert.equal(put.FailedRecordCount, 0)
  assert.equal(page.Records[0].PartitionKey, 'ключ')
  assert.deepEqual([...page.Records[0].Data], [0, 255, 1])
  assert.equal(page.Records[0].ApproximateArrivalTimestamp.ms, bench.clock.wallMs())
  assert.equal(page.Records[0].SequenceNumber, put.Records[0].SequenceNumber)
})
