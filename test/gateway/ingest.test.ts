import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codeOf, headerOfAnswer, Station } from './station.ts'

const accepted = { 'Headgate-Ack': 'accepted' }

function says(station: Station, body: string): [number, string] {
  const { answer } = station.post('/writeToStream', body, accepted)
  return [answer!.status, String(answer!.body)]
}

test('writeToStream stores the text of data under the key', () => {
  const station = new Station()
  const { answer } = station.post(
    '/writeToStream',
    '{"streamName":"s1","key":"k","data":"v\\u00e9\\n"}',
    accepted,
  )
  const [record] = station.inside
  assert.deepEqual([answer!.status, answer!.body], [202, 'got it'])
  assert.deepEqual([record!.stream, record!.partitionKey], ['s1', 'k'])
  assert.equal(Buffer.from(record!.data).toString(), 'vé\n')
})

test('writeToStream stores data that is no text as it is written', () => {
  const station = new Station()
  says(station, '{"streamName":"s1","key":1.50,"data": {"a" : [1, 2.0]} }')
  says(station, '{"streamName":"s1","key":true,"data":""}')
  assert.deepEqual(
    station.inside.map((record) => [record.partitionKey, Buffer.from(record.data).toString()]),
    [
      ['1.50', '{"a" : [1, 2.0]}'],
      ['true', ''],
    ],
  )
})

test('writeToStream says what is missing in the words that clients test for', () => {
  const station = new Station()
  const noStream: [number, string] = [400, 'stream name not specified']
  const noKey: [number, string] = [400, 'partition key not specified']
  assert.deepEqual(says(station, '{"key":"k","data":"v"}'), noStream)
  assert.deepEqual(says(station, '{"streamName":"","key":"k","data":"v"}'), noStream)
  assert.deepEqual(says(station, '{"streamName":7,"key":"k","data":"v"}'), noStream)
  assert.deepEqual(says(station, '[]'), noStream)
  assert.deepEqual(says(station, '{"streamName":"s1","data":"v"}'), noKey)
  assert.deepEqual(says(station, '{"streamName":"s1","key":"","data":"v"}'), noKey)
  assert.deepEqual(says(station, '{"streamName":"s1","key":null,"data":"v"}'), noKey)
  assert.deepEqual(says(station, '{"streamName":"s1","key":{},"data":"v"}'), noKey)
  assert.equal(station.ledger()['attempts'], 0)
})

test('writeToStream names other faults in problem documents', () => {
  const station = new Station()
  const codeFor = (body: string) => {
    const { answer } = station.post('/writeToStream', body)
    assert.equal(headerOfAnswer(answer, 'content-type'), 'application/problem+json')
    return [answer!.status, codeOf(answer)]
  }
  assert.deepEqual(codeFor('{"streamName":"s 1","key":"k","data":"v"}'), [
    422,
    'stream-name-invalid',
  ])
  assert.deepEqual(codeFor('{"streamName":"s1","key":"k"}'), [422, 'data-not-specified'])
  assert.deepEqual(codeFor('{"streamName":"s1","key":"k","data":"v"'), [400, 'body-not-json'])
  assert.deepEqual(codeFor(''), [400, 'body-not-json'])
  assert.deepEqual(codeFor('['.repeat(600)), [422, 'body-too-deep'])
  assert.deepEqual(codeFor('{"streamName":"s1","key":"k","data":"a\\ud800b"}'), [
    422,
    'data-invalid',
  ])
})

test('bytes that are no UTF-8 are named as what they are', () => {
  const { answer } = new Station().post('/mappedIngest/s2', Buffer.from('["\xe9"]', 'latin1'))
  assert.equal(codeOf(answer), 'body-not-json')
  assert.match(String(answer!.body), /The body has bytes in it that are no UTF-8\./)
})

test('a stream name is taken at 128 characters and refused at 129', () => {
  const station = new Station()
  const ask = (length: number) =>
    station.post(
      '/writeToStream',
      `{"streamName":"${'s'.repeat(length)}","key":"k","data":"v"}`,
      accepted,
    )
  assert.equal(ask(127).answer!.status, 202)
  assert.equal(ask(128).answer!.status, 202)
  assert.equal(codeOf(ask(129).answer), 'stream-name-invalid')
})

test('mapped ingest stores the body unchanged, whatever its spaces', () => {
  const station = new Station()
  const body = ' {"foo" : {"foopart1":\t1 , "foopart2":2},"bar":"\\u00e9"}\n'
  station.post('/mappedIngest/s2', body, accepted)
  const [record] = station.inside
  assert.deepEqual([record!.stream, record!.partitionKey], ['s2', '1'])
  assert.equal(Buffer.from(record!.data).toString(), body)
})

test('the key in the body: a scalar becomes its text without quotes', () => {
  const station = new Station()
  const keys = ['"a b"', '"\\u0061\\n"', '1', '1.0', '-0', '1e2', 'true', 'false', '"😀"']
  for (const key of keys) station.post('/mappedIngest/s2', `{"foo":{"foopart1":${key}}}`, accepted)
  assert.deepEqual(
    station.inside.map((record) => record.partitionKey),
    ['a b', 'a\n', '1', '1.0', '-0', '1e2', 'true', 'false', '😀'],
  )
})

test('the key in the body: what is none is refused and the pointer named', () => {
  const station = new Station()
  const wrong = (body: string) => {
    const { answer } = station.post('/mappedIngest/s2', body)
    assert.equal(answer!.status, 422)
    assert.match(JSON.parse(String(answer!.body)).detail, /\/foo\/foopart1/)
    return codeOf(answer)
  }
  assert.equal(wrong('{}'), 'key-not-found')
  assert.equal(wrong('{"foo":1}'), 'key-not-found')
  assert.equal(wrong('{"foo":{"foopart1":null}}'), 'key-not-scalar')
  assert.equal(wrong('{"foo":{"foopart1":{}}}'), 'key-not-scalar')
  assert.equal(wrong('{"foo":{"foopart1":[1]}}'), 'key-not-scalar')
  assert.equal(wrong('{"foo":{"foopart1":""}}'), 'key-invalid')
  assert.equal(wrong('{"foo":{"foopart1":"\\ud800"}}'), 'key-invalid')
  assert.equal(station.ledger()['attempts'], 0)
})

test('pointers with escapes, indexes and empty names lead where RFC 6901 says', () => {
  const resource = 'r'
  const at = (specification: string, body: string) => {
    const mapping = { resource, stream: 's', location: 'body' as const, specification }
    const station = new Station({ mappings: [mapping] })
    const { answer } = station.post('/mappedIngest/r', body, accepted)
    return station.inside[0]?.partitionKey ?? codeOf(answer)
  }
  assert.equal(at('', '"whole"'), 'whole')
  assert.equal(at('/a~1b/m~0n', '{"a/b":{"m~n":"x"}}'), 'x')
  assert.equal(at('/~01', '{"~1":"y"}'), 'y')
  assert.equal(at('/', '{"":"empty"}'), 'empty')
  assert.equal(at('/0', '["first"]'), 'first')
  assert.equal(at('/01', '["a","b"]'), 'key-not-found')
  assert.equal(at('/-', '["a"]'), 'key-not-found')
  assert.equal(at('/é', '{"\\u00e9":"z"}'), 'z')
})

test('the key in a header is found in any case of its name', () => {
  const station = new Station()
  for (const name of ['S1KEY', 's1key', 'S1Key']) {
    station.post('/mappedIngest/s1', '{"any":"thing"}', { ...accepted, [name]: name })
  }
  assert.deepEqual(
    station.inside.map((record) => record.partitionKey),
    ['S1KEY', 's1key', 'S1Key'],
  )
})

test('a header key is read as the UTF-8 that clients write', () => {
  const station = new Station()
  const onTheWire = Buffer.from('clé', 'utf8').toString('latin1')
  station.post('/mappedIngest/s1', '{}', { ...accepted, S1KEY: onTheWire })
  assert.equal(station.inside[0]!.partitionKey, 'clé')
})

test('a missing header is named, before the body is read', () => {
  const station = new Station()
  const begun = station.gateway.begin({
    method: 'POST',
    target: '/mappedIngest/s1',
    headers: ['content-type', 'application/json', 'content-length', '2'],
  })
  assert.ok('status' in begun)
  assert.equal(codeOf(begun), 'key-not-found')
  assert.match(String(begun.body), /S1KEY/)
})

test('with its key in a header a body must still be JSON', () => {
  const station = new Station()
  const { answer } = station.post('/mappedIngest/s1', 'plain text', { S1KEY: 'k' })
  assert.deepEqual([answer!.status, codeOf(answer)], [400, 'body-not-json'])
})

test('a partition key is taken at 256 characters, of four bytes each, and refused at 257', () => {
  const station = new Station()
  const ask = (key: string) =>
    station.post('/mappedIngest/s2', JSON.stringify({ foo: { foopart1: key } }), accepted)
  for (const character of ['k', 'é', '😀']) {
    assert.equal(ask(character.repeat(255)).answer!.status, 202)
    assert.equal(ask(character.repeat(256)).answer!.status, 202)
    assert.equal(codeOf(ask(character.repeat(257)).answer), 'key-invalid')
  }
})

test('a record is taken at its largest size, key included, and refused above', () => {
  const station = new Station({ record: { maxBytes: 1024 } })
  const ask = (sizeBytes: number) => {
    const frame = '{"foo":{"foopart1":"kkkk"},"pad":""}'
    const pad = 'p'.repeat(sizeBytes - 4 - frame.length)
    return station.post('/mappedIngest/s2', frame.replace('""', `"${pad}"`), accepted).answer
  }
  assert.equal(ask(1023)!.status, 202)
  assert.equal(ask(1024)!.status, 202)
  assert.deepEqual([ask(1025)!.status, codeOf(ask(1025))], [413, 'record-too-large'])
  assert.deepEqual([ask(2000)!.status, codeOf(ask(2000))], [413, 'body-too-large'])
  assert.equal(station.ledger()['heldBytes'], 2047 - 8, 'what was refused holds no memory')
})

test('a body that is encoded is refused, not taken as it is', () => {
  const station = new Station()
  const status = (coding: string) =>
    station.post('/mappedIngest/s2', '{"foo":{"foopart1":1}}', {
      ...accepted,
      'Content-Encoding': coding,
    }).answer!.status
  assert.deepEqual([status('gzip'), status('br'), status('Identity')], [415, 415, 202])
})

test('a header key that is no UTF-8 is refused', () => {
  const station = new Station()
  const put = (key: string) =>
    station.post('/mappedIngest/s1', '{}', { ...accepted, S1KEY: key }).answer
  assert.equal(codeOf(put('\u00e9')), 'key-invalid')
  assert.equal(put(Buffer.from('é').toString('latin1'))!.status, 202)
})

test('only JSON is taken', () => {
  const station = new Station()
  const status = (type: string) =>
    station.post('/mappedIngest/s2', '{"foo":{"foopart1":1}}', {
      ...accepted,
      'Content-Type': type,
    }).answer!.status
  assert.equal(status('application/json'), 202)
  assert.equal(status('Application/JSON; charset=utf-8'), 202)
  assert.equal(status('application/vnd.acme+json'), 202)
  for (const other of [
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/x-ndjson',
    'application/cloudevents+json',
    'application/cloudevents-batch+json',
    '',
  ]) {
    assert.equal(status(other), 415, other)
  }
})

test('a body without a content type is taken for JSON', () => {
  const station = new Station()
  const body = Buffer.from('{"foo":{"foopart1":1}}')
  const headers = { ...accepted, 'content-length': String(body.length) }
  assert.equal(station.ask('POST', '/mappedIngest/s2', headers, body).answer!.status, 202)
})

test('what is not there is said so, and what would be allowed', () => {
  const station = new Station()
  const noMapping = station.post('/mappedIngest/nobody', '{}').answer
  assert.deepEqual([noMapping!.status, codeOf(noMapping)], [400, 'no-mapping'])
  assert.match(String(noMapping!.body), /s1, s2/)
  const notFound = station.get('/nothing')
  assert.deepEqual([notFound.status, codeOf(notFound)], [404, 'not-found'])
  const wrongMethod = station.get('/mappedIngest/s2')
  assert.equal(codeOf(wrongMethod), 'method-not-allowed')
  assert.equal(headerOfAnswer(wrongMethod, 'allow'), 'POST')
  const posted = station.post('/actuator/kinesis', '{}').answer
  assert.equal(headerOfAnswer(posted, 'allow'), 'GET, HEAD')
})

test('a query string changes nothing', () => {
  const station = new Station()
  const { answer } = station.post('/mappedIngest/s2?trace=1', '{"foo":{"foopart1":1}}', accepted)
  assert.equal(answer!.status, 202)
})

test('a mapping can set what its answers mean, and the request can ask otherwise', () => {
  const mapping = { resource: 'r', stream: 's', location: 'body' as const, specification: '' }
  const station = new Station({ mappings: [{ ...mapping, ack: 'accepted' as const }] })
  assert.equal(station.post('/mappedIngest/r', '1').answer!.status, 202)
  assert.equal(station.post('/mappedIngest/r', '1', { 'headgate-ack': 'delivered' }).answer, null)
  assert.equal(station.inside.length, 2)
})

test('two levels are none: nobody could say which one counts', () => {
  const station = new Station()
  const twice = { 'Headgate-Ack': 'accepted', 'headgate-ack': 'delivered' }
  const asked = station.post('/mappedIngest/s2', '{"foo":{"foopart1":1}}', twice)
  assert.deepEqual([asked.answer!.status, codeOf(asked.answer)], [400, 'ack-unknown'])
  assert.equal(station.inside.length, 0)
})

test('two headers with the partition key are none', () => {
  const station = new Station()
  const asked = station.post('/mappedIngest/s1', '{}', { S1KEY: 'a', s1key: 'b' })
  assert.deepEqual([asked.answer!.status, codeOf(asked.answer)], [422, 'key-invalid'])
  const inAValue = station.post('/mappedIngest/s1', '{}', { S1KEY: 'a', 'X-Other': 's1key' })
  assert.equal(inAValue.answer, null)
  assert.deepEqual(
    station.inside.map((record) => record.partitionKey),
    ['a'],
  )
})

test('a level that is not there is refused, not replaced by a weaker one', () => {
  const station = new Station()
  const ask = (ack: string) => codeOf(station.put('k', ack).answer)
  assert.equal(ask('durable'), 'ack-unavailable')
  assert.equal(ask('maybe'), 'ack-unknown')
  assert.equal(station.inside.length, 0)
})
