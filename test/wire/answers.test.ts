import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  decodeAnswer,
  decodeCbor,
  decodeError,
  decodeListShardsAnswer,
  decodePutRecordsAnswer,
  decodeStreamSummary,
  EpochMs,
  encodeCbor,
  encodeRequest,
  ProtocolError,
  shardIdOf,
  shardNumberOf,
  type WireFormat,
} from '../../src/wire/index.ts'

const FORMATS: readonly WireFormat[] = ['json', 'cbor']

function bodyOf(format: WireFormat, value: unknown): Buffer {
  return format === 'cbor' ? encodeCbor(value) : Buffer.from(JSON.stringify(value))
}

test('PutRecords answers are read entry by entry, unknown fields passed over', () => {
  const answer = {
    EncryptionType: 'KMS',
    FailedRecordCount: 2,
    NewField: { deep: [1] },
    Records: [
      { SequenceNumber: '49', ShardId: 'shardId-000000000003', ErrorCode: null, Other: 1 },
      { ErrorCode: 'ProvisionedThroughputExceededException', ErrorMessage: 'Rate exceeded' },
      { ErrorCode: 'InternalFailure', SequenceNumber: '' },
    ],
  }
  for (const format of FORMATS) {
    assert.deepEqual(decodePutRecordsAnswer(format, bodyOf(format, answer)), {
      entries: [
        { shardId: 'shardId-000000000003', sequenceNumber: '49' },
        { errorCode: 'ProvisionedThroughputExceededException', errorMessage: 'Rate exceeded' },
        { errorCode: 'InternalFailure', errorMessage: '' },
      ],
    })
  }
})

test('a PutRecords answer that says nothing of an entry is a ProtocolError', () => {
  for (const format of FORMATS) {
    for (const wrong of [
      null,
      [],
      'text',
      {},
      { Records: {} },
      { Records: [null] },
      { Records: [[]] },
      { Records: [{}] },
      { Records: [{ SequenceNumber: '1' }] },
      { Records: [{ SequenceNumber: 1, ShardId: 'shardId-000000000000' }] },
      { Records: [{ ErrorCode: 7 }] },
    ]) {
      const body = bodyOf(format, wrong)
      assert.throws(() => decodePutRecordsAnswer(format, body), ProtocolError)
    }
    for (const broken of ['', '{', '<html>', '\xff\xfe']) {
      const body = Buffer.from(broken, 'latin1')
      assert.throws(() => decodePutRecordsAnswer(format, body), ProtocolError)
    }
  }
})

test('ListShards answers are read: ranges, parents, whether a shard is open', () => {
  const answer = {
    NextToken: 'more',
    Shards: [
      {
        ShardId: 'shardId-000000000000',
        HashKeyRange: {
          StartingHashKey: '0',
          EndingHashKey: '340282366920938463463374607431768211455',
        },
        SequenceNumberRange: { StartingSequenceNumber: '1', EndingSequenceNumber: '2' },
      },
      {
        ShardId: 'shardId-000000000001',
        ParentShardId: 'shardId-000000000000',
        AdjacentParentShardId: 'shardId-000000000007',
        HashKeyRange: { StartingHashKey: '5', EndingHashKey: '10' },
        SequenceNumberRange: { StartingSequenceNumber: '3', EndingSequenceNumber: '' },
      },
      {
        ShardId: 'shardId-000000000002',
        ParentShardId: null,
        HashKeyRange: { StartingHashKey: '11', EndingHashKey: '12' },
        SequenceNumberRange: null,
      },
    ],
  }
  for (const format of FORMATS) {
    const { shards, nextToken } = decodeListShardsAnswer(format, bodyOf(format, answer))
    assert.equal(nextToken, 'more')
    assert.deepEqual(
      shards.map((shard) => [
        shard.shardId,
        shard.parentShardId,
        shard.adjacentParentShardId,
        shard.startingHashKey.toString(),
        shard.endingHashKey.toString(),
        shard.startingSequenceNumber,
        shard.isOpen,
      ]),
      [
        ['shardId-000000000000', null, null, '0', String(2n ** 128n - 1n), '1', false],
        [
          'shardId-000000000001',
          'shardId-000000000000',
          'shardId-000000000007',
          '5',
          '10',
          '3',
          true,
        ],
        ['shardId-000000000002', null, null, '11', '12', null, true],
      ],
    )
    for (const none of [{}, { NextToken: null }, { NextToken: '' }]) {
      const last = decodeListShardsAnswer(format, bodyOf(format, { Shards: [], ...none }))
      assert.deepEqual(last, { shards: [], nextToken: null })
    }
  }
})

test('a ListShards answer without what a shard map needs is a ProtocolError', () => {
  const range = { StartingHashKey: '0', EndingHashKey: '1' }
  for (const format of FORMATS) {
    for (const wrong of [
      {},
      { Shards: [null] },
      { Shards: [{ HashKeyRange: range }] },
      { Shards: [{ ShardId: 'a' }] },
      { Shards: [{ ShardId: 'a', HashKeyRange: { StartingHashKey: '0' } }] },
      { Shards: [{ ShardId: 'a', HashKeyRange: { ...range, EndingHashKey: '-1' } }] },
      {
        Shards: [
          {
            ShardId: 'a',
            HashKeyRange: { ...range, EndingHashKey: '340282366920938463463374607431768211456' },
          },
        ],
      },
      { Shards: [{ ShardId: 'a', HashKeyRange: range, SequenceNumberRange: 7 }] },
      { Shards: [{ ShardId: 'a', HashKeyRange: range, SequenceNumberRange: [] }] },
    ]) {
      const body = bodyOf(format, wrong)
      assert.throws(() => decodeListShardsAnswer(format, body), ProtocolError)
    }
  }
})

test('of a summary what is not said, or said as nothing, is null', () => {
  const said = {
    StreamModeDetails: { StreamMode: 'ON_DEMAND' },
    MaxRecordSizeInKiB: 1,
    RecordDistributionStrategy: 'AUTO',
  }
  const nothing = { maxRecordSizeKiB: null, mode: null, recordDistribution: null }
  for (const format of FORMATS) {
    const read = (StreamDescriptionSummary: unknown) =>
      decodeStreamSummary(format, bodyOf(format, { StreamDescriptionSummary }))
    assert.deepEqual(read(said), {
      ...{ maxRecordSizeKiB: 1, mode: 'ON_DEMAND', recordDistribution: 'AUTO' },
    })
    for (const none of [
      {},
      { StreamModeDetails: null, MaxRecordSizeInKiB: null, RecordDistributionStrategy: null },
      {
        StreamModeDetails: { StreamMode: '' },
        MaxRecordSizeInKiB: 0,
        RecordDistributionStrategy: '',
      },
    ]) {
      assert.deepEqual(read(none), nothing)
    }
    for (const wrong of [null, 'text', { StreamModeDetails: 5 }]) {
      assert.throws(() => read(wrong), ProtocolError)
    }
  }
})

test('requests and answers of other actions mean the same in both formats', () => {
  const data = Buffer.from('00ff80', 'hex')
  const record = { Data: data, PartitionKey: 'k', ApproximateArrivalTimestamp: 1700000000.123 }
  for (const format of FORMATS) {
    const body = encodeRequest(format, 'GetRecords', { Records: [record], Left: undefined })
    assert.deepEqual(decodeAnswer(format, body), { Records: [record] })
  }
  assert.equal(
    encodeRequest('json', 'GetRecords', record).toString(),
    '{"Data":"AP+A","PartitionKey":"k","ApproximateArrivalTimestamp":1700000000.123}',
  )
  const cbor = decodeCbor(encodeRequest('cbor', 'GetRecords', record)) as Record<string, unknown>
  assert.deepEqual(cbor['ApproximateArrivalTimestamp'], new EpochMs(1700000000123))
  assert.deepEqual(cbor['Data'], data)
})

test('an instant may be given as seconds or as EpochMs in both formats', () => {
  // 1.005 × 1000 is 1004.9999999999999.
  const seconds = decodeCbor(encodeRequest('cbor', 'GetShardIterator', { Timestamp: 1.005 }))
  assert.deepEqual({ ...(seconds as object) }, { Timestamp: new EpochMs(1005) })
  const payload = { Timestamp: new EpochMs(1500) }
  assert.equal(encodeRequest('json', 'GetShardIterator', payload).toString(), '{"Timestamp":1.5}')
  const cbor = encodeRequest('cbor', 'GetShardIterator', payload)
  assert.deepEqual(decodeAnswer('cbor', cbor), { Timestamp: 1.5 })
})

test('answers keep odd names as fields and pollute nothing', () => {
  const body = Buffer.from('{"__proto__":{"polluted":1},"Data":5,"Records":[{"Data":"eA=="}]}')
  const answer = decodeAnswer('json', body) as Record<string, unknown>
  assert.deepEqual(Object.keys(answer), ['__proto__', 'Data', 'Records'])
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined)
  assert.deepEqual(answer['Records'], [{ Data: Buffer.from('x') }])
})

test('deep JSON is refused, not followed', () => {
  const nested = (depth: number) => Buffer.from('['.repeat(depth) + ']'.repeat(depth))
  assert.ok(decodeAnswer('json', nested(32)))
  assert.throws(() => decodeAnswer('json', nested(34)), ProtocolError)
  assert.throws(() => decodeAnswer('json', nested(200_000)), ProtocolError)
})

test('errors are named whatever way the service says it', () => {
  const code = 'ResourceNotFoundException'
  for (const format of FORMATS) {
    for (const [headers, fields] of [
      [[], { __type: code }],
      [[], { __type: `com.amazonaws.kinesis.v20131202#${code}` }],
      [[], { code: `${code}:http://internal.amazon.com/coral/` }],
      [['X-Amzn-ErrorType', `${code}:http://internal.amazon.com/coral/`], {}],
      [['x-amzn-errortype', code], { __type: 'SomethingElse' }],
      [['x-amzn-errortype', ` ${code} `], {}],
    ] as const) {
      for (const name of ['message', 'Message', 'errorMessage']) {
        const body = bodyOf(format, { ...fields, [name]: 'no such stream' })
        assert.deepEqual(decodeError(format, 400, headers, body), {
          code,
          message: 'no such stream',
        })
      }
    }
  }
})

test('what cannot be read is an error all the same, with the status', () => {
  for (const format of FORMATS) {
    assert.deepEqual(decodeError(format, 502, [], Buffer.from('<html>\n<b>Bad\0\0Gateway')), {
      code: 'Http502',
      message: 'HTTP 502: <html> <b>Bad Gateway',
    })
    assert.deepEqual(decodeError(format, 503, ['lonely'], Buffer.alloc(0)), {
      code: 'Http503',
      message: 'HTTP 503',
    })
    for (const odd of [
      { __type: 7, message: ['x'] },
      { __type: ':http://x', message: null },
    ]) {
      const { code, message } = decodeError(format, 400, [], bodyOf(format, odd))
      assert.equal(code, 'Http400')
      assert.match(message, /^HTTP 400: /)
    }
    const page = decodeError(format, 502, [], Buffer.from('x'.repeat(9999)))
    assert.equal(page.message, `HTTP 502: ${'x'.repeat(200)}`)
  }
})

test('names and messages without an end are cut', () => {
  const body = Buffer.from(JSON.stringify({ __type: 'x'.repeat(9999), message: 'y'.repeat(9999) }))
  const { code, message } = decodeError('json', 400, [], body)
  assert.equal(code.length, 128)
  assert.equal(message.length, 1024)
})

test('reading errors never throws', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...FORMATS),
      fc.nat(999),
      fc.array(fc.oneof(fc.constant('x-amzn-errortype'), fc.string()), { maxLength: 5 }),
      fc.oneof(
        fc.uint8Array({ maxLength: 60 }),
        fc.json().map((text) => Buffer.from(text)),
        fc.jsonValue().map((value) => encodeCbor(value)),
      ),
      (format, status, headers, body) => {
        const { code, message } = decodeError(format, status, headers, body)
        assert.notEqual(code, '')
        assert.equal(typeof message, 'string')
      },
    ),
    { numRuns: 2000 },
  )
})

test('any bytes as an answer throw nothing but ProtocolError', () => {
  const anyBody = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.json().map((text) => Buffer.from(text)),
    fc.jsonValue().map((value) => encodeCbor({ Records: value, Shards: value })),
    fc
      .jsonValue()
      .map((value) => Buffer.from(JSON.stringify({ Records: [value], Shards: [value] }))),
  )
  fc.assert(
    fc.property(fc.constantFrom(...FORMATS), anyBody, (format, body) => {
      for (const read of [decodePutRecordsAnswer, decodeListShardsAnswer, decodeAnswer]) {
        try {
          read(format, body)
        } catch (error) {
          assert.ok(error instanceof ProtocolError, String(error))
        }
      }
    }),
    { numRuns: 2000 },
  )
})

test('shards have a number and a name of twelve digits', () => {
  assert.equal(shardIdOf(0), 'shardId-000000000000')
  assert.equal(shardIdOf(123456789012), 'shardId-123456789012')
  for (const number of [0, 1, 42, 999_999_999_999])
    assert.equal(shardNumberOf(shardIdOf(number)), number)
  assert.equal(shardNumberOf(`shardId-${'9'.repeat(15)}`), 999_999_999_999_999)
  for (const odd of [
    '',
    '-',
    'shardId-',
    'shardId-1-2',
    `shardId-${'9'.repeat(16)}`,
    'shardId-12x',
    '000000000001',
    `shardId-${'9'.repeat(30)}`,
  ]) {
    assert.equal(shardNumberOf(odd), -1)
  }
})
