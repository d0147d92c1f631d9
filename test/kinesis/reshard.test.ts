import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Bench, base64, textsOf, untilTrue } from './bench-top.ts'

const SPACE = 2n ** 128n
const HALF = SPACE / 2n
const StreamName = 's1'

async function benchWith(ShardCount: number, config = {}): Promise<Bench> {
  const bench = await Bench.open({ config: { limits: false, ...config } })
  await bench.ok('CreateStream', { StreamName, ShardCount })
  return bench
}

function idOf(number: number): string {
  return `shardId-${String(number).padStart(12, '0')}`
}

function split(number: number, at: bigint) {
  return { StreamName, ShardToSplit: idOf(number), NewStartingHashKey: `${at}` }
}

function merge(left: number, right: number) {
  return { StreamName, ShardToMerge: idOf(left), AdjacentShardToMerge: idOf(right) }
}

function put(bench: Bench, text: string, hashKey = 0n) {
  return bench.ok('PutRecord', {
    StreamName,
    PartitionKey: 'k',
    ExplicitHashKey: `${hashKey}`,
    Data: base64(text),
  })
}

interface ListedShard {
  readonly ShardId: string
  readonly ParentShardId?: string
  readonly AdjacentParentShardId?: string
  readonly HashKeyRange: { StartingHashKey: string; EndingHashKey: string }
  readonly SequenceNumberRange: { StartingSequenceNumber: string; EndingSequenceNumber?: string }
}

async function list(bench: Bench, Type = 'FROM_TRIM_HORIZON'): Promise<ListedShard[]> {
  return (await bench.ok('ListShards', { StreamName, ShardFilter: { Type } })).Shards
}

async function openRanges(bench: Bench): Promise<[bigint, bigint][]> {
  const shards = await list(bench, 'AT_LATEST')
  const ranges = shards.map(({ HashKeyRange: { StartingHashKey, EndingHashKey } }) => {
    return [BigInt(StartingHashKey), BigInt(EndingHashKey)] as [bigint, bigint]
  })
  return ranges.sort(([a], [b]) => (a < b ? -1 : 1))
}

/** From the beginning to where it ends, or where there is no more for now. */
async function readToEnd(bench: Bench, number: number) {
  const start = { StreamName, ShardId: idOf(number), ShardIteratorType: 'TRIM_HORIZON' }
  let { ShardIterator } = await bench.ok('GetShardIterator', start)
  const found: string[] = []
  for (let call = 0; call < 20; call++) {
    const page = await bench.ok('GetRecords', { ShardIterator })
    found.push(...textsOf(page.Records))
    if (page.NextShardIterator === null) return { found, children: page.ChildShards }
    ShardIterator = page.NextShardIterator
  }
  return { found, children: null }
}

test('a split closes the shard; its children take over its hash keys', async () => {
  const bench = await benchWith(1)
  const before = await put(bench, 'before', HALF)

  await bench.ok('SplitShard', split(0, HALF))
  const low = await put(bench, 'low', HALF - 1n)
  const high = await put(bench, 'high', HALF)

  const [parent, left, right] = await list(bench)
  const { EndingSequenceNumber: end } = parent!.SequenceNumberRange
  assert.ok(BigInt(end!) > BigInt(before.SequenceNumber))
  assert.equal(left!.ParentShardId, idOf(0))
  assert.equal(left!.AdjacentParentShardId, undefined)
  assert.equal(right!.ParentShardId, idOf(0))
  assert.deepEqual(await openRanges(bench), [
    [0n, HALF - 1n],
    [HALF, SPACE - 1n],
  ])
  assert.equal(low.ShardId, idOf(1))
  assert.equal(high.ShardId, idOf(2))
  assert.ok(BigInt(low.SequenceNumber) > BigInt(end!), "a child's numbers are above its parent's")
  const { found, children } = await readToEnd(bench, 0)
  assert.deepEqual(found, ['before'])
  assert.deepEqual(
    children.map((child: { ShardId: string }) => child.ShardId),
    [idOf(1), idOf(2)],
  )
})

test('however often its shards change, a stream keeps files open for the open ones alone', async () => {
  const bench = await benchWith(1)
  await put(bench, 'first')

  for (let last = 0; last < 60; last += 3) {
    await bench.ok('SplitShard', split(last, HALF))
    await Promise.all([put(bench, `${last} low`), put(bench, `${last} high`, HALF)])
    await bench.ok('MergeShards', merge(last + 1, last + 2))
    await put(bench, `${last} both`)
  }

  await untilTrue(() => bench.disk.openNames.length === 1)
  assert.match(bench.disk.openNames[0]!, /\/000000000060\//)
  assert.deepEqual((await readToEnd(bench, 57)).found, ['54 both'])
  assert.deepEqual((await readToEnd(bench, 59)).found, ['57 high'])
  await untilTrue(() => bench.disk.openNames.length === 1)
})

test('a record that comes while its shard is closed is there, and its file closes', async () => {
  const bench = await benchWith(1)
  let open = () => {}
  bench.disk.syncGate = new Promise((resolve) => {
    open = resolve
  })
  const putting = put(bench, 'while it closes')
  const splitting = bench.ok('SplitShard', split(0, HALF))
  open()
  await Promise.all([putting, splitting])

  assert.deepEqual((await readToEnd(bench, 0)).found, ['while it closes'])
  await untilTrue(() => bench.disk.openNames.length === 0)
})

test('a merge closes two neighbours; their child names both', async () => {
  const bench = await benchWith(3)

  await bench.ok('MergeShards', merge(1, 2))
  const after = await put(bench, 'after', SPACE - 1n)

  const child = (await list(bench)).at(-1)!
  assert.equal(child.ParentShardId, idOf(1))
  assert.equal(child.AdjacentParentShardId, idOf(2))
  assert.equal(after.ShardId, idOf(3))
  assert.equal((await openRanges(bench)).length, 2)
  const [first] = (await readToEnd(bench, 1)).children
  assert.deepEqual(first.ParentShards, [idOf(1), idOf(2)])
})

for (const [from, to, total] of [
  [2, 4, 6],
  [4, 5, 15],
  [4, 2, 6],
  [10, 13, 43],
  [1, 2, 3],
  [2, 1, 3],
] as const) {
  test(`${from} shards become ${to} of the same width, with ${total} in all`, async () => {
    const bench = await benchWith(from)
    const input = { StreamName, TargetShardCount: to, ScalingType: 'UNIFORM_SCALING' }

    const answer = await bench.ok('UpdateShardCount', input)

    assert.equal(answer.CurrentShardCount, from)
    assert.equal(answer.TargetShardCount, to)
    assert.equal((await list(bench)).length, total)
    const width = SPACE / BigInt(to)
    const starts = (await openRanges(bench)).map(([start]) => start)
    assert.deepEqual(
      starts,
      Array.from({ length: to }, (_, i) => width * BigInt(i)),
    )
  })
}

test('what may not be resharded is refused in the words of the service', async () => {
  const bench = await benchWith(4, { maxShards: 5 })
  const quarter = SPACE / 4n
  const refused = (action: string, input: object) => bench.refused(action, input)

  assert.match(
    await refused('SplitShard', split(9, HALF)),
    /^ResourceNotFound.*Could not find shard/,
  )
  assert.match(
    await refused('SplitShard', split(0, 1n)),
    /^InvalidArgument.* is not both greater than one plus the shard's StartingHashKey 0 and less/,
  )
  assert.match(await refused('SplitShard', split(0, quarter - 1n)), /^InvalidArgument/)
  assert.match(await refused('MergeShards', merge(0, 2)), /^InvalidArgument.*not an adjacent pair/)
  assert.match(await refused('MergeShards', merge(1, 0)), /^InvalidArgument.*not an adjacent pair/)
  await bench.ok('SplitShard', split(0, 2n))
  assert.match(
    await refused('SplitShard', split(0, 3n)),
    /^InvalidArgument.* has already been merged or split, and thus is not eligible for/,
  )
  assert.match(await refused('MergeShards', merge(0, 1)), /^InvalidArgument.* not eligible/)
  assert.match(await refused('SplitShard', split(1, quarter + 9n)), /^LimitExceeded.* Limit: 5\./)
  const scaled = { StreamName, ScalingType: 'UNIFORM_SCALING' }
  const scale = (TargetShardCount: number) => ({ ...scaled, TargetShardCount })
  assert.match(await refused('UpdateShardCount', scale(11)), /^LimitExceededException/)
  assert.match(await refused('UpdateShardCount', scale(2)), /^LimitExceededException/)
  assert.match(await refused('UpdateShardCount', scale(5)), /^InvalidArgumentException/)
  assert.match(
    await refused('SplitShard', { ...split(1, HALF), NewStartingHashKey: '01' }),
    /^ValidationException/,
  )
  const mode = { StreamModeDetails: { StreamMode: 'ON_DEMAND' } }
  await bench.ok('DeleteStream', { StreamName })
  await bench.ok('CreateStream', { StreamName, ...mode })
  assert.match(await refused('SplitShard', split(0, 9n)), /^ValidationException.*ON_DEMAND/)
})

test('while a stream is UPDATING it takes records and no second change', async () => {
  const bench = await benchWith(1, { updatingMs: 500 })
  await bench.ok('SplitShard', split(0, HALF))

  const refusal = await bench.refused('SplitShard', split(1, 9n))
  const deletion = await bench.refused('DeleteStream', { StreamName })
  const record = await put(bench, 'x')
  bench.clock.advanceBy(500)
  await untilTrue(async () => {
    const { StreamDescription } = await bench.ok('DescribeStream', { StreamName })
    return StreamDescription.StreamStatus === 'ACTIVE'
  })

  assert.match(refusal, /^ResourceInUse.* s1 under account [0-9]+ not ACTIVE, instead in state UPD/)
  assert.match(deletion, /^ResourceInUseException/)
  assert.equal(record.ShardId, idOf(1))
})

test('what the parent had taken is read to its end, also what was still being written', async () => {
  const bench = await benchWith(1)
  const opened = Promise.withResolvers<void>()
  bench.disk.syncGate = opened.promise
  const late = put(bench, 'late')
  await bench.ok('SplitShard', split(0, HALF))
  const start = { StreamName, ShardId: idOf(0), ShardIteratorType: 'TRIM_HORIZON' }
  const { ShardIterator } = await bench.ok('GetShardIterator', start)

  const early = await bench.ok('GetRecords', { ShardIterator })
  bench.disk.syncGate = null
  opened.resolve()
  const answer = await late
  const { found } = await readToEnd(bench, 0)

  assert.equal(typeof early.NextShardIterator, 'string', 'it has not ended yet')
  assert.equal(answer.ShardId, idOf(0))
  assert.deepEqual(found, ['late'])
})

test('a reshard and all records are there after a power loss', async () => {
  const bench = await benchWith(2)
  await put(bench, 'parent')
  await bench.ok('SplitShard', split(0, HALF / 2n))
  await put(bench, 'child')
  await bench.ok('MergeShards', merge(3, 1))
  await put(bench, 'merged', HALF)
  const before = await list(bench)

  const after = await bench.reopen(bench.disk.afterPowerLoss())

  assert.deepEqual(await list(after), before)
  assert.deepEqual((await readToEnd(after, 0)).found, ['parent'])
  assert.deepEqual(textsOf(await after.readAll(StreamName, 2)), ['child'])
  assert.deepEqual(textsOf(await after.readAll(StreamName, 4)), ['merged'])
})

test('a reshard that the disk does not take changes nothing, now or after a start', async () => {
  const bench = await benchWith(1)
  bench.disk.fault = (operation) => (operation === 'replace' ? 'ENOSPC' : null)

  const refusal = await bench.refused('SplitShard', split(0, HALF))
  bench.disk.fault = () => null
  const record = await put(bench, 'still')
  const after = await bench.reopen(bench.disk.afterPowerLoss())

  assert.match(refusal, /^InternalFailure/)
  assert.equal(record.ShardId, idOf(0))
  assert.equal((await list(after)).length, 1)
  assert.deepEqual(textsOf(await after.readAll(StreamName)), ['still'])
  await after.ok('SplitShard', split(0, HALF))
})

test('after a clock was set back no shard with records is hidden from a listing', async () => {
  const bench = await benchWith(1)
  await put(bench, 'before')
  const wallMs = bench.clock.wallMs.bind(bench.clock)
  bench.clock.wallMs = () => wallMs() - 600_000

  await bench.ok('SplitShard', split(0, HALF))

  assert.equal((await list(bench)).length, 3)
  assert.equal((await list(bench, 'AT_LATEST')).length, 2)
})

test('AFTER the EndingSequenceNumber there is the end', async () => {
  const bench = await benchWith(1)
  await put(bench, 'x')
  await bench.ok('SplitShard', split(0, HALF))
  const [parent] = await list(bench)
  const StartingSequenceNumber = parent!.SequenceNumberRange.EndingSequenceNumber
  const start = { StreamName, ShardId: idOf(0), ShardIteratorType: 'AFTER_SEQUENCE_NUMBER' }

  const input = { ...start, StartingSequenceNumber }
  const { ShardIterator } = await bench.ok('GetShardIterator', input)
  const page = await bench.ok('GetRecords', { ShardIterator })

  assert.deepEqual(page.Records, [])
  assert.equal(page.NextShardIterator, null)
  assert.equal(page.ChildShards.length, 2)
})

test('closed shards are forgotten when all that was in them has expired', async () => {
  const bench = await benchWith(1)
  await put(bench, 'old')
  await bench.ok('SplitShard', split(0, HALF))
  const names = () => [...bench.disk.files.keys()].filter((name) => name.includes('/000000000000/'))
  assert.equal(names().length, 1)

  for (let hour = 0; hour < 26; hour++) {
    bench.clock.advanceBy(3_600_000)
    await new Promise(setImmediate)
  }
  await untilTrue(() => names().length === 0)

  const { StreamDescription } = await bench.ok('DescribeStream', { StreamName })
  assert.deepEqual(
    StreamDescription.Shards.map((shard: ListedShard) => shard.ShardId),
    [idOf(1), idOf(2)],
  )
  await bench.ok('SplitShard', split(1, 9n))
  const reopened = await bench.reopen()
  assert.equal((await list(reopened, 'AT_LATEST')).length, 3)
})
