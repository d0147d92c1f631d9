// What may share a Kinesis record, and what must be known before.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ProducerConfig } from '../../src/producer/index.ts'
import { type Line, line } from './line.ts'
import { md5Of } from './scripted-service.ts'

const AUTO = {
  StreamModeDetails: { StreamMode: 'ON_DEMAND' },
  MaxRecordSizeInKiB: 1024,
  RecordDistributionStrategy: 'AUTO',
}

/** Three records of each of two keys; the entries as `key: how many`. */
async function shared(
  settings: Partial<ProducerConfig>,
  prepare: (running: Line) => void = () => {},
): Promise<string[]> {
  const running = line({ settings })
  prepare(running)
  for (let i = 0; i < 3; i++) for (const key of ['k', 'l']) running.put(key, `${i}`)
  await running.runFor(2000)
  assert.equal(running.results.filter((result) => result.isDelivered).length, 6)
  const entries = running.service.sent.flatMap((request) => request.entries)
  for (const { explicitHashKey, userRecords, partitionKey } of entries) {
    const [firstKey] = userRecords[0]!.split(':')
    assert.equal(explicitHashKey, `${md5Of(firstKey!)}`)
    if (partitionKey !== 'a') assert.equal(partitionKey, firstKey)
  }
  return entries.map((entry) => `${entry.partitionKey}: ${entry.userRecords.length}`).sort()
}

const ALONE = ['k: 1', 'k: 1', 'k: 1', 'l: 1', 'l: 1', 'l: 1']
const BY_KEY = ['k: 3', 'l: 3']
const BY_SHARD = ['a: 6']

test('a stream that keeps records where their keys belong is aggregated', async () => {
  assert.deepEqual(await shared({}), BY_SHARD)
  const said = { ...AUTO, RecordDistributionStrategy: 'USER_PARTITION_KEY' }
  const prepare = ({ service }: Line) => {
    service.summary = said
  }
  assert.deepEqual(await shared({}, prepare), BY_SHARD)
})

test('a stream that the service distributes is not, unless one insists', async () => {
  const prepare = ({ service }: Line) => {
    service.summary = AUTO
  }
  assert.deepEqual(await shared({}, prepare), ALONE)
  assert.deepEqual(await shared({ aggregation: 'same-key' }, prepare), BY_KEY)
  assert.deepEqual(await shared({ aggregation: 'always' }, prepare), BY_SHARD)
})

test('without the permission to ask nothing is aggregated that was not asked for', async () => {
  const prepare = ({ service }: Line) => {
    service.describeError = 'AccessDeniedException'
  }
  assert.deepEqual(await shared({}, prepare), ALONE)
  assert.deepEqual(await shared({ aggregation: 'always' }, prepare), BY_SHARD)
})

test('a service that does not know the question has no streams that it matters for', async () => {
  const prepare = ({ service }: Line) => {
    service.describeError = 'UnknownOperationException'
  }
  assert.deepEqual(await shared({}, prepare), BY_SHARD)
})

test('without a map records of one key share a Kinesis record, which has their key', async () => {
  const prepare = ({ service }: Line) => {
    service.listShardsError = 'AccessDeniedException'
  }
  assert.deepEqual(await shared({}, prepare), BY_KEY)
  assert.deepEqual(await shared({ aggregation: 'always' }, prepare), BY_KEY)
})

test('off is off, also in the words of the KPL', async () => {
  assert.deepEqual(await shared({ aggregation: 'off' }), ALONE)
  assert.deepEqual(await shared({ aggregationEnabled: false }), ALONE)
})

test('with off no shard is expected, so nothing waits for the rate of one', async () => {
  const countAfterASecond = async (aggregation: 'off' | 'safe') => {
    const running = line({ settings: { aggregation, rateLimit: 1 } })
    running.put('warm', 'up')
    await running.runFor(1000)
    for (let i = 0; i < 50; i++) running.put(`k${i}`, 'x'.repeat(60_000))
    await running.runFor(1000)
    return running.results.length - 1
  }
  assert.equal(await countAfterASecond('off'), 50)
  assert.ok((await countAfterASecond('safe')) < 20)
})

test('what was refused is asked for again, while records come', async () => {
  const running = line({})
  running.service.describeError = 'AccessDeniedException'
  for (let i = 0; i < 30; i++) {
    running.put('k', 'x')
    await running.runFor(10_000)
  }
  const count = running.service.describeCount
  assert.ok(count >= 5 && count <= 12, `${count} questions in five minutes`)
  await running.runFor(3_600_000)
  assert.equal(running.service.describeCount, count, 'nobody asks for nobody')

  running.service.describeError = null
  running.put('k', 'x')
  await running.runFor(1)
  assert.equal(running.service.describeCount, count + 1, 'before the record goes')
  await running.runFor(999)
  running.put('k', 'y')
  running.put('l', 'y')
  await running.runFor(1000)

  assert.deepEqual(running.service.sent.at(-1)!.entries[0]!.userRecords, ['k:y', 'l:y'])
})

test('what failed is asked for again while a backlog is worked off, without new records', async () => {
  const running = line({ settings: { ordering: 'partition-key' } })
  const { service } = running
  service.describeError = 'InternalFailure'
  for (let i = 0; i < 1000; i++) running.put('k', `${i}`)
  await running.runFor(400)
  service.describeError = null
  await running.runFor(5000)

  assert.equal(running.results.length, 1000)
  const sizes = service.sent.map(({ entries }) => entries[0]!.userRecords.length)
  assert.equal(sizes[0], 1)
  assert.ok(sizes.at(-1)! > 500, `${sizes}`)
})

test('an aggregate and its key keep within what the stream allows for a record', async () => {
  const key = 'k'.repeat(200)
  const running = line({ settings: { aggregation: 'same-key', aggregationMaxSize: 2_097_152 } })
  for (let i = 0; i < 40; i++) running.put(key, 'x'.repeat(52_000))

  await running.runFor(20_000)

  const entries = running.service.sent.flatMap((request) => request.entries)
  const sizes = entries.map(({ data, partitionKey }) => data.length + partitionKey.length)
  assert.equal(running.results.length, 40)
  assert.ok(Math.max(...sizes) <= 1_048_576 && Math.max(...sizes) > 900_000, sizes.join())
})
