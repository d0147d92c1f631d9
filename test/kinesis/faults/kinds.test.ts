// What each kind of fault does to a request, and what is in the stream afterwards.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type HttpAnswer, isCut } from '../../../src/host/index.ts'
import type { Fault } from '../../../src/kinesis/index.ts'
import { Bench, base64, header, textsOf, untilTrue } from '../bench-top.ts'

const StreamName = 's'
const HALF = 2n ** 127n

/** Entries by the shard they belong to, 0 or 1 of two. */
function entries(...shards: number[]) {
  return shards.map((shard, index) => ({
    PartitionKey: 'k',
    ExplicitHashKey: shard === 0 ? '0' : `${HALF}`,
    Data: base64(`v${index}`),
  }))
}

async function benchWith(faults: readonly Fault[], shardCount = 2): Promise<Bench> {
  const bench = await Bench.open({ config: { limits: false } })
  await bench.ok('CreateStream', { StreamName, ShardCount: shardCount })
  bench.kinesis.setFaults(faults)
  return bench
}

function put(bench: Bench, records = entries(0), headers: readonly string[] = []) {
  const body = Buffer.from(JSON.stringify({ StreamName, Records: records }))
  const type = ['Content-Type', 'application/x-amz-json-1.1']
  const target = ['X-Amz-Target', 'Kinesis_20131202.PutRecords']
  return bench.exchange('POST', [...type, ...target, ...headers], body)
}

async function stored(bench: Bench, shard = 0): Promise<string[]> {
  bench.kinesis.setFaults([])
  return textsOf(await bench.readAll(StreamName, shard))
}

function said(answer: HttpAnswer): string {
  const { __type, message } = JSON.parse(String(answer.body))
  return `${answer.status} ${__type}: ${message}`
}

test('a throttle refuses entries of its shard in the service’s words, and no others', async () => {
  const bench = await benchWith([{ kind: 'throttle', shard: 'shardId-000000000001' }])
  for (const format of ['json', 'cbor'] as const) {
    const Records = entries(0, 1, 0).map((entry) =>
      format === 'json' ? entry : { ...entry, Data: Buffer.from(entry.Data, 'base64') },
    )
    const answer = await bench.ok('PutRecords', { StreamName, Records }, format)
    assert.equal(answer.FailedRecordCount, 1)
    assert.equal(answer.Records[1].ErrorCode, 'ProvisionedThroughputExceededException')
    assert.equal(
      answer.Records[1].ErrorMessage,
      'Rate exceeded for shard shardId-000000000001 in stream s under account 111122223333.',
    )
    assert.ok(answer.Records[0].SequenceNumber && answer.Records[2].SequenceNumber)
  }
  assert.deepEqual(bench.kinesis.struckCounts, [2])
  assert.deepEqual(await stored(bench, 0), ['v0', 'v2', 'v0', 'v2'])
  assert.deepEqual(await stored(bench, 1), [])
})

test('what is not PutRecords is throttled as a whole', async () => {
  const bench = await benchWith([])
  const [{ ShardId }] = (await bench.ok('ListShards', { StreamName })).Shards
  const start = { StreamName, ShardId, ShardIteratorType: 'TRIM_HORIZON' }
  const { ShardIterator } = await bench.ok('GetShardIterator', start)
  bench.kinesis.setFaults([{ kind: 'throttle' }])

  const ofShard = `Rate exceeded for shard ${ShardId} in stream s under account 111122223333.`
  const throttled = `ProvisionedThroughputExceededException: ${ofShard}`
  assert.equal(await bench.refused('GetRecords', { ShardIterator }), throttled)
  const entry = { StreamName, PartitionKey: 'k', ExplicitHashKey: '0', Data: base64('v') }
  assert.equal(await bench.refused('PutRecord', entry), throttled)
  assert.equal(
    await bench.refused('ListShards', { StreamName }),
    'LimitExceededException: Rate exceeded for stream s under account 111122223333.',
  )
  assert.match(await bench.refused('ListStreams', {}), /^LimitExceededException: Rate exceeded /)
  assert.deepEqual(bench.kinesis.struckCounts, [4])
})

test('an internal failure of an entry stores nothing, or stores it and says the same', async () => {
  for (const [when, left] of [
    ['before', []],
    ['after', ['v0', 'v1']],
  ] as const) {
    const bench = await benchWith([{ kind: 'internal-failure', when }])
    const { Records } = JSON.parse(String((await put(bench, entries(0, 0))).body))
    const failed = { ErrorCode: 'InternalFailure', ErrorMessage: 'Internal Service Failure' }
    assert.deepEqual(Records, [failed, failed])
    assert.deepEqual(await stored(bench), left)
  }
})

test('a request that is not PutRecords fails internally as a whole', async () => {
  for (const when of ['before', 'after'] as const) {
    const bench = await benchWith([{ kind: 'internal-failure', when }])
    const answer = await bench.call('DeleteStream', { StreamName })
    assert.equal(said(answer.http), '500 InternalFailure: Internal Service Failure')
    bench.kinesis.setFaults([])
    const { StreamNames } = await bench.ok('ListStreams', {})
    assert.deepEqual(StreamNames, when === 'before' ? [StreamName] : [])
  }
})

test('a server error comes in the place of the write, or of its answer', async () => {
  for (const [fault, words, left] of [
    [{}, '500 InternalFailure: Internal Service Failure', []],
    [{ status: 503 }, '503 ServiceUnavailable: The service is unavailable.', []],
    [{ status: 599, when: 'after' }, '599 ServiceUnavailable: The service is unavailable.', ['v0']],
  ] as const) {
    const bench = await benchWith([{ kind: 'server-error', ...fault }])
    assert.equal(said(await put(bench)), words)
    assert.deepEqual(await stored(bench), left)
  }
})

test('a cut comes in the place of the write, or of its answer', async () => {
  for (const [when, left] of [
    ['before', []],
    ['after', ['v0']],
  ] as const) {
    const bench = await benchWith([{ kind: 'cut', when }])
    assert.ok(isCut(await put(bench)))
    assert.deepEqual(await stored(bench), left)
  }
})

test('latency delays the write, or the answer to it', async () => {
  for (const [when, during] of [
    ['before', []],
    ['after', ['v0']],
  ] as const) {
    const bench = await benchWith([{ kind: 'latency', when, latencyMs: 300 }])
    let answer: HttpAnswer | null = null
    put(bench).then((made) => {
      answer = made
    })
    await untilTrue(() => dueInMs(bench) === 300)
    bench.clock.advanceBy(299)
    await settled()
    assert.deepEqual(await stored(bench), during)
    assert.equal(answer, null)
    bench.clock.advanceBy(1)
    await untilTrue(() => answer !== null)
    assert.equal(answer!['status'], 200)
    assert.deepEqual(await stored(bench), ['v0'])
  }
})

test('jitter comes on top, from nothing to all of it, and latencies add up', async () => {
  const bench = await benchWith([
    { kind: 'latency', latencyMs: 100, jitterMs: 9 },
    { kind: 'latency', latencyMs: 50 },
  ])
  const delaysMs = new Set<number>()
  for (let i = 0; i < 200; i++) {
    const answer = put(bench)
    await untilTrue(() => dueInMs(bench) < 1000)
    delaysMs.add(dueInMs(bench))
    bench.clock.advanceTo(bench.clock.nextAtMs())
    assert.equal((await answer).status, 200)
  }
  const expected = Array.from({ length: 10 }, (_, i) => 150 + i)
  assert.deepEqual([...delaysMs].map(Math.round).sort(), expected)
})

test('a stop cuts what latency holds back, and it is not written', async () => {
  const bench = await benchWith([{ kind: 'latency', latencyMs: 300 }])
  const answer = put(bench)
  await untilTrue(() => dueInMs(bench) === 300)
  await bench.kinesis.close()
  assert.ok(isCut(await answer))
  assert.ok(dueInMs(bench) > 300)
  const again = await bench.reopen()
  assert.deepEqual(await stored(again), [])
})

test('access is denied with the action and the stream that it is denied for', async () => {
  const bench = await benchWith([{ kind: 'access-denied' }])
  assert.equal(
    said(await put(bench)),
    '400 AccessDeniedException: User: arn:aws:iam::111122223333:user/headgate is not authorized ' +
      'to perform: kinesis:PutRecords on resource: ' +
      'arn:aws:kinesis:us-east-1:111122223333:stream/s because no identity-based policy allows ' +
      'the kinesis:PutRecords action',
  )
  assert.deepEqual(await stored(bench), [])
})

/** The bench's clock begins at 2023-11-14 22:13:20. */
const signedAt = (time: string) => ['X-Amz-Date', `20231114T${time}Z`]

test('an expired signature is refused in the service’s words, and its clock is right', async () => {
  const bench = await benchWith([{ kind: 'expired-signature' }])
  const answer = await put(bench, entries(0), signedAt('221320'))
  assert.equal(
    said(answer),
    '400 InvalidSignatureException: Signature expired: 20231114T221320Z is now earlier than ' +
      '20231114T221321Z (20231114T221821Z - 5 min.)',
  )
  assert.equal(header(answer, 'date'), 'Tue, 14 Nov 2023 22:13:20 GMT')
  assert.match(said(await put(bench)), /InvalidSignatureException: Signature expired: /)
  assert.deepEqual(await stored(bench), [])
})

test('a clock that is ten minutes ahead refuses what is signed by the right time', async () => {
  const bench = await benchWith([{ kind: 'clock-skew', skewMs: 600_000 }])
  const refused = await put(bench, entries(0), signedAt('221320'))
  assert.equal(
    said(refused),
    '400 InvalidSignatureException: Signature expired: 20231114T221320Z is now earlier than ' +
      '20231114T221820Z (20231114T222320Z - 5 min.)',
  )
  assert.equal(header(refused, 'date'), 'Tue, 14 Nov 2023 22:23:20 GMT')
  // Five minutes off are allowed, to the second.
  assert.equal((await put(bench, entries(0), signedAt('221819'))).status, 400)
  assert.equal((await put(bench, entries(0), signedAt('221820'))).status, 200)
  const taken = await put(bench, entries(0), signedAt('222320'))
  assert.equal(header(taken, 'date'), 'Tue, 14 Nov 2023 22:23:20 GMT')
  assert.equal((await put(bench)).status, 200, 'what is not signed is not judged')
})

test('a clock that is ten minutes behind refuses what is signed by the right time', async () => {
  const bench = await benchWith([{ kind: 'clock-skew', skewMs: -600_000 }])
  const refused = await put(bench, entries(0), signedAt('221320'))
  assert.equal(
    said(refused),
    '400 InvalidSignatureException: Signature not yet current: 20231114T221320Z is still later ' +
      'than 20231114T220820Z (20231114T220320Z + 5 min.)',
  )
  assert.equal(header(refused, 'date'), 'Tue, 14 Nov 2023 22:03:20 GMT')
  assert.equal((await put(bench, entries(0), signedAt('220821'))).status, 400)
  assert.equal((await put(bench, entries(0), signedAt('220820'))).status, 200)
})

function dueInMs({ clock }: Bench): number {
  return clock.nextAtMs() - clock.monotonicMs()
}

/** Lets all that can go on without the clock go on. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
}
