import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Bench, type BenchOptions, base64 } from './bench-top.ts'

const MIB = 1024 * 1024
const REFUSAL = {
  ErrorCode: 'ProvisionedThroughputExceededException',
  ErrorMessage:
    'Rate exceeded for shard shardId-000000000000 in stream s1 under account 111122223333.',
}

async function benchWithStream(options: BenchOptions & { maxKiB?: number } = {}): Promise<Bench> {
  const bench = await Bench.open(options)
  const MaxRecordSizeInKiB = options.maxKiB ?? 1024
  await bench.ok('CreateStream', { StreamName: 's1', ShardCount: 1, MaxRecordSizeInKiB })
  return bench
}

/** One letter an entry: s stored, r refused. */
async function fates(bench: Bench, sizes: readonly number[]): Promise<string> {
  const Records = sizes.map((size) => ({ PartitionKey: 'k', Data: base64(Buffer.alloc(size - 1)) }))
  const answer = await bench.ok('PutRecords', { StreamName: 's1', Records })
  const letters = answer.Records.map((entry: object) => {
    if ('SequenceNumber' in entry) return 's'
    assert.deepEqual(entry, REFUSAL)
    return 'r'
  })
  const refusedCount = letters.filter((letter: string) => letter === 'r').length
  assert.equal(answer.FailedRecordCount, refusedCount)
  return letters.join('')
}

test('a shard takes 1000 records a second and refuses the rest by themselves', async () => {
  const bench = await benchWithStream()
  const many = (count: number) => Array.from({ length: count }, () => 2)

  assert.equal(await fates(bench, many(500)), 's'.repeat(500))
  assert.equal(await fates(bench, many(499)), 's'.repeat(499))
  assert.equal(await fates(bench, many(3)), 'srr')
  bench.clock.advanceBy(1)
  assert.equal(await fates(bench, many(2)), 'sr')
  bench.clock.advanceBy(100)
  assert.equal(await fates(bench, many(102)), `${'s'.repeat(100)}rr`)
  bench.clock.advanceBy(60_000)
  assert.equal(await fates(bench, many(500)), 's'.repeat(500))
  assert.equal(await fates(bench, many(500)), 's'.repeat(500))
  assert.equal(await fates(bench, many(1)), 'r')
})

test('a shard takes 1 MiB a second, keys counted; a smaller entry may pass behind a refused one', async () => {
  const bench = await benchWithStream()

  assert.equal(await fates(bench, [MIB - 100, 101, 50, 50, 2]), 'srssr')
  bench.clock.advanceBy(1000)
  assert.equal(await fates(bench, [MIB, 2]), 'sr')
  bench.clock.advanceBy(500)
  assert.equal(await fates(bench, [MIB / 2 + 2, MIB / 2]), 'rs')
})

test('a refused entry takes no sequence number', async () => {
  const bench = await benchWithStream()
  const full = { StreamName: 's1', PartitionKey: 'k', Data: base64(Buffer.alloc(MIB - 1)) }
  const numberOf = (text: string) => (BigInt(text) >> 80n) & 0xffff_ffff_ffff_ffffn
  const first = await bench.ok('PutRecord', full)

  for (let i = 0; i < 5; i++) await fates(bench, [100, 100])
  bench.clock.advanceBy(1000)
  const second = await bench.ok('PutRecord', full)

  assert.equal(numberOf(second.SequenceNumber) - numberOf(first.SequenceNumber), 1n)
  assert.equal((await bench.readAll('s1')).length, 2)
})

test('PutRecord is refused as a whole with the same words', async () => {
  const bench = await benchWithStream()
  const one = { StreamName: 's1', PartitionKey: 'k', Data: base64(Buffer.alloc(MIB - 1)) }
  await bench.ok('PutRecord', one)

  const { status, body } = await bench.call('PutRecord', one)

  assert.equal(status, 400)
  assert.deepEqual(body, { __type: REFUSAL.ErrorCode, message: REFUSAL.ErrorMessage })
})

test('a record above 1 MiB passes when the shard is rested, and is paid for afterwards', async () => {
  const bench = await benchWithStream({ maxKiB: 10_240 })

  assert.equal(await fates(bench, [10 * MIB - 1]), 's')
  assert.equal(await fates(bench, [2]), 'r')
  bench.clock.advanceBy(8_999)
  assert.equal(await fates(bench, [2]), 'r')
  bench.clock.advanceBy(2)
  assert.equal(await fates(bench, [2]), 's')
})

test('shards have rates of their own', async () => {
  const bench = await Bench.open()
  await bench.ok('CreateStream', { StreamName: 's2', ShardCount: 2 })
  const keys = [0n, 2n ** 127n, 0n, 2n ** 127n]
  const Records = keys.map((key) => ({
    PartitionKey: 'k',
    ExplicitHashKey: `${key}`,
    Data: base64(Buffer.alloc(MIB - 1)),
  }))

  const answer = await bench.ok('PutRecords', { StreamName: 's2', Records })

  const codes = answer.Records.map((entry: { ErrorCode?: string }) => entry.ErrorCode ?? 'stored')
  const throttled = 'ProvisionedThroughputExceededException'
  assert.deepEqual(codes, ['stored', 'stored', throttled, throttled])
  assert.match(answer.Records[3].ErrorMessage, /for shard shardId-000000000001 in stream s2 /)
})

test('writeBurstMs says how much an idle shard saves up', async () => {
  const bench = await benchWithStream({ config: { writeBurstMs: 3000 } })

  assert.equal(await fates(bench, [MIB, MIB, MIB, 2]), 'sssr')
})

test('without limits nothing is refused for its rate', async () => {
  const bench = await benchWithStream({ config: { limits: false } })

  assert.equal(await fates(bench, [MIB, MIB, MIB, 2]), 'ssss')
  for (let i = 0; i < 10; i++) await bench.readAll('s1')
})

test('a shard is read five times a second', async () => {
  const bench = await benchWithStream()
  const start = { StreamName: 's1', ShardId: '0', ShardIteratorType: 'TRIM_HORIZON' }
  const { ShardIterator } = await bench.ok('GetShardIterator', start)
  const read = async () => (await bench.call('GetRecords', { ShardIterator })).status

  for (let i = 0; i < 5; i++) assert.equal(await read(), 200)
  const refused = await bench.refused('GetRecords', { ShardIterator })
  assert.equal(refused, `${REFUSAL.ErrorCode}: ${REFUSAL.ErrorMessage}`)
  bench.clock.advanceBy(199)
  assert.equal(await read(), 400)
  bench.clock.advanceBy(2)
  assert.equal(await read(), 200)
  assert.equal(await read(), 400)
})

test('a read of 10 MiB costs the next seconds', async () => {
  const bench = await benchWithStream({ maxKiB: 10_240 })
  const Data = base64(Buffer.alloc(10 * MIB - 1))
  await bench.ok('PutRecord', { StreamName: 's1', PartitionKey: 'k', Data })
  bench.clock.advanceBy(5000)
  const start = { StreamName: 's1', ShardId: '0', ShardIteratorType: 'TRIM_HORIZON' }
  const { ShardIterator } = await bench.ok('GetShardIterator', start)
  const read = async () => (await bench.call('GetRecords', { ShardIterator, Limit: 1 })).status

  assert.equal(await read(), 200)
  // 2 MiB had been saved up; 8 MiB of debt at 2 MiB/s are four seconds.
  bench.clock.advanceBy(3_999)
  assert.equal(await read(), 400)
  bench.clock.advanceBy(2)
  assert.equal(await read(), 200)
})
