import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Bench, base64, type Format, header } from './bench-top.ts'

const JSON_TYPE = 'application/x-amz-json-1.1'
const CBOR_TYPE = 'application/x-amz-cbor-1.1'

test('an answer has the service’s headers and the request’s type', async () => {
  const bench = await Bench.open()
  for (const [format, type] of [
    ['json', JSON_TYPE],
    ['cbor', CBOR_TYPE],
  ] as const) {
    const { http } = await bench.call('ListStreams', {}, format)
    const { http: failed } = await bench.call('DescribeStream', { StreamName: 'x' }, format)
    for (const answer of [http, failed]) {
      assert.equal(header(answer, 'content-type'), type)
      assert.match(
        header(answer, 'x-amzn-requestid')!,
        /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
      )
      assert.match(header(answer, 'x-amz-id-2')!, /^[A-Za-z0-9+/]{64}$/)
      assert.equal(header(answer, 'date'), 'Tue, 14 Nov 2023 22:13:20 GMT')
    }
    assert.notEqual(header(http, 'x-amzn-requestid'), header(failed, 'x-amzn-requestid'))
  }
  bench.clock.advanceBy(1000)
  const { http } = await bench.call('ListStreams', {})
  assert.equal(header(http, 'date'), 'Tue, 14 Nov 2023 22:13:21 GMT')
})

test('an action without an answer has an empty body', async () => {
  const bench = await Bench.open()
  const { http } = await bench.call('CreateStream', { StreamName: 's1', ShardCount: 1 })
  assert.equal(http.body, '')
})

test('what is no request to an operation is refused before its body', async () => {
  const bench = await Bench.open()
  const begin = (method: string, headers: string[]) => {
    const answer = bench.kinesis.begin({ method, target: '/', headers })
    assert.ok('status' in answer)
    const body = Buffer.from(answer.body as string).toString()
    return `${answer.status} ${/[A-Za-z]+Exception/.exec(body)?.[0]}`
  }
  const target = ['X-Amz-Target', 'Kinesis_20131202.ListStreams']
  const json = ['Content-Type', JSON_TYPE]

  assert.equal(begin('GET', []), '403 AccessDeniedException')
  assert.equal(begin('PUT', [...target, ...json]), '403 AccessDeniedException')
  assert.equal(begin('POST', target), '404 UnknownOperationException')
  assert.equal(
    begin('POST', [...target, 'Content-Type', 'text/x']),
    '404 UnknownOperationException',
  )
  assert.equal(begin('POST', json), '400 UnknownOperationException')
  for (const name of ['Kinesis_20131202.Nope', 'ListStreams', 'Kinesis_20131202.', 'x']) {
    const headers = [...json, 'X-Amz-Target', name]
    assert.equal(begin('POST', headers), '400 UnknownOperationException', name)
  }
  const typed = bench.kinesis.begin({
    method: 'POST',
    target: '/any/path?query',
    headers: [...target, 'content-type', `${JSON_TYPE}; charset=utf-8`],
  })
  assert.ok('end' in typed)
})

test('a body that is not written as its type says is a SerializationException', async () => {
  const bench = await Bench.open()
  const bodies: Record<Format, readonly Buffer[]> = {
    json: ['', '{', 'x', '[]', '1', '"a"', 'null', '{"a":1}}', '\ufeff{}'].map((text) =>
      Buffer.from(text),
    ),
    cbor: ['', 'ff', '80', '01', '61', 'f6', 'a1', '5f', 'bf6161'].map((hex) =>
      Buffer.from(hex, 'hex'),
    ),
  }
  for (const format of ['json', 'cbor'] as const) {
    for (const body of bodies[format]) {
      for (const action of ['ListStreams', 'PutRecords']) {
        const answer = await bench.send(action, body, format)
        const found = [answer.status, answer.body.__type]
        assert.deepEqual(found, [400, 'SerializationException'], body.toString('hex'))
      }
    }
  }
})

const WRONG_TYPES: readonly [object, string][] = [
  [{ ShardCount: '1' }, 'class java.lang.String can not be converted to an Integer'],
  [{ ShardCount: true }, 'class java.lang.Boolean can not be converted to an Integer'],
  [{ ShardCount: [] }, 'Start of list found where not expected'],
  [{ ShardCount: {} }, 'Start of structure or map found where not expected.'],
  [
    { StreamName: 1 },
    'class com.amazon.coral.value.json.numbers.TruncatingBigNumber can not be converted to an String',
  ],
  [{ StreamName: false }, 'class java.lang.Boolean can not be converted to an String'],
  [{ StreamModeDetails: [] }, 'Start of list found where not expected'],
  [{ StreamModeDetails: 1 }, 'Expected null'],
  [{ Tags: 'x' }, 'Expected map or null'],
]

test('a value of the wrong type is a SerializationException in the service’s words', async () => {
  const bench = await Bench.open()
  for (const [wrong, message] of WRONG_TYPES) {
    const input = { StreamName: 's1', ShardCount: 1, ...wrong }
    for (const format of ['json', 'cbor'] as const) {
      assert.equal(
        await bench.refused('CreateStream', input, format),
        `SerializationException: ${message}`,
      )
    }
  }
  assert.match(
    await bench.refused('PutRecords', { StreamName: 's1', Records: {} }),
    /Start of structure or map found where not expected\.$/,
  )
  assert.match(await bench.refused('PutRecords', { Records: 1 }), /Expected list or null$/)
})

test('data that is not base64 is refused and says why', async () => {
  const bench = await Bench.open()
  await bench.ok('CreateStream', { StreamName: 's1', ShardCount: 1 })
  const put = (Data: unknown) =>
    bench.refused('PutRecords', { StreamName: 's1', Records: [{ PartitionKey: 'k', Data }] })

  assert.match(await put('abc'), /expected a multiple of 4 bytes but found: 3$/)
  assert.match(await put('ab c'), /Invalid Base64 character: ' '$/)
  assert.match(await put('ab-_'), /Invalid Base64 character: '-'$/)
  assert.match(await put('a=bc'), /Invalid Base64 character: '='$/)
  assert.match(await put('===='), /Invalid Base64 character: '='$/)
  assert.match(await put('ab\ncd12'), /Base64/)
  assert.match(await put('YWJ='), /Invalid last non-pad Base64 character detected$/)
  assert.match(await put('YW=='.replace('W', 'X')), /Invalid last non-pad/)
  assert.match(await put(1), /can not be converted to a Blob$/)
  assert.deepEqual(await bench.readAll('s1'), [])
})

test('all that is wrong with a request is said at once', async () => {
  const bench = await Bench.open()
  assert.equal(
    await bench.refused('CreateStream', { ShardCount: 0 }),
    "ValidationException: 2 validation errors detected: Value null at 'streamName' failed to satisfy " +
      "constraint: Member must not be null; Value '0' at 'shardCount' failed to satisfy constraint: " +
      'Member must have value greater than or equal to 1',
  )
  const type = { StreamName: 's1', ShardId: '0', ShardIteratorType: 'X' }
  assert.equal(
    await bench.refused('GetShardIterator', type),
    "ValidationException: 1 validation error detected: Value 'X' at 'shardIteratorType' failed to " +
      'satisfy constraint: Member must satisfy enum value set: [AFTER_SEQUENCE_NUMBER, LATEST, ' +
      'AT_TIMESTAMP, AT_SEQUENCE_NUMBER, TRIM_HORIZON]',
  )
  const Records = Array.from({ length: 20 }, () => ({ PartitionKey: '', Data: '' }))
  const many = await bench.refused('PutRecords', { StreamName: 's1', Records })
  assert.match(many, /^ValidationException: 10 validation errors detected: /)
  const missing = await bench.refused('PutRecords', { StreamName: 's1', Records: [{}] })
  assert.match(
    missing,
    /Value null at 'records\.1\.member\.data' .*'records\.1\.member\.partitionKey'/,
  )
  const long = await bench.refused('DescribeStream', { StreamName: 'x'.repeat(100_000) })
  assert.ok(long.length < 2000)
})

test('one bad entry refuses the request, and nothing of it is stored', async () => {
  const bench = await Bench.open()
  await bench.ok('CreateStream', { StreamName: 's1', ShardCount: 1 })
  const good = { PartitionKey: 'k', Data: base64('good') }
  for (const bad of [
    { ...good, PartitionKey: '' },
    { ...good, Data: '?' },
  ]) {
    const { status } = await bench.call('PutRecords', { StreamName: 's1', Records: [good, bad] })
    assert.equal(status, 400)
  }
  assert.deepEqual(await bench.readAll('s1'), [])
})

test('fields that are unknown or null are passed over, also `__proto__`', async () => {
  const bench = await Bench.open()
  const body = Buffer.from(
    '{"__proto__":{"ShardCount":"x"},"StreamName":"s1","ShardCount":1,"Nope":[1],"Tags":null}',
  )
  assert.equal((await bench.send('CreateStream', body)).status, 200)
  const odd = Buffer.from(
    '{"StreamName":"s2","ShardCount":1,"Tags":{"__proto__":"a","toString":"b"}}',
  )
  assert.equal((await bench.send('CreateStream', odd)).status, 200)
  assert.deepEqual((await (await bench.reopen()).ok('ListStreams', {})).StreamNames, ['s1', 's2'])
})

test('an error of our own is an InternalFailure that is logged', async () => {
  const bench = await Bench.open()
  bench.disk.fault = (operation) => (operation === 'replace' ? 'EIO' : null)

  const answer = await bench.call('CreateStream', { StreamName: 's1', ShardCount: 1 })

  assert.equal(answer.status, 500)
  assert.equal(answer.body.__type, 'InternalFailure')
  assert.match(bench.log.lines.join(), /^error an operation failed/)
})
