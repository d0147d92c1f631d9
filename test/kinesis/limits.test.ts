// Every limit of the service: at it, below it, above it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Bench, base64, type Format } from './bench-top.ts'

const MIB = 1024 * 1024

async function benchWithStream(MaxRecordSizeInKiB?: number): Promise<Bench> {
  const bench = await Bench.open({ config: { limits: false } })
  await bench.ok('CreateStream', { StreamName: 's1', ShardCount: 1, MaxRecordSizeInKiB })
  return bench
}

function entryOf(format: Format, data: Uint8Array, PartitionKey = 'k') {
  return { PartitionKey, Data: format === 'json' ? base64(data) : data }
}

for (const format of ['json', 'cbor'] as const) {
  test(`a request holds 1 to 500 entries (${format})`, async () => {
    const bench = await benchWithStream()
    const put = (count: number) => {
      const Records = Array.from({ length: count }, () => entryOf(format, Buffer.from('x')))
      return bench.call('PutRecords', { StreamName: 's1', Records }, format)
    }

    assert.equal((await put(1)).body.Records.length, 1)
    assert.equal((await put(499)).body.Records.length, 499)
    assert.equal((await put(500)).body.Records.length, 500)
    const above = await put(501)
    assert.equal(above.status, 400)
    assert.equal(above.body.__type, 'ValidationException')
    assert.match(
      above.body.message,
      /^1 validation error detected: Value '\[.{500,2000}…' at 'records' failed to satisfy constraint: Member must have length less than or equal to 500$/,
    )
    const below = await put(0)
    assert.match(below.body.message, /Member must have length greater than or equal to 1$/)
  })

  test(`a record, data and key, has at most what the stream allows (${format})`, async () => {
    for (const maxKiB of [1024, 2048, 10_240]) {
      const bench = await benchWithStream(maxKiB)
      const maxBytes = maxKiB * 1024
      const send = async (dataBytes: number, key: string) => {
        const entry = entryOf(format, Buffer.alloc(dataBytes), key)
        const one = await bench.call('PutRecord', { StreamName: 's1', ...entry }, format)
        const Records = [entry]
        const many = await bench.call('PutRecords', { StreamName: 's1', Records }, format)
        assert.equal(one.status, many.status)
        return [one.body, many.body]
      }

      assert.ok((await send(maxBytes - 3, 'é'))[0].SequenceNumber)
      assert.ok((await send(maxBytes - 2, 'é'))[0].SequenceNumber)
      const [one, many] = await send(maxBytes - 1, 'é')
      const constraint = `Member must have length less than or equal to ${maxBytes}`
      for (const [body, path] of [
        [one, 'data'],
        [many, 'records.1.member.data'],
      ]) {
        assert.equal(body.__type, 'ValidationException')
        assert.equal(
          body.message,
          `1 validation error detected: Value at '${path}' failed to satisfy constraint: ${constraint}`,
        )
      }
    }
  })

  test(`a request has at most 10 MiB of data and keys (${format})`, async () => {
    const bench = await benchWithStream()
    const send = (lastBytes: number) => {
      // With their keys of one byte the first ten are one byte short of 1 MiB each.
      const sizes = [...Array.from({ length: 10 }, () => MIB - 2), lastBytes]
      const Records = sizes.map((size) => entryOf(format, Buffer.alloc(size)))
      return bench.call('PutRecords', { StreamName: 's1', Records }, format)
    }

    assert.equal((await send(8)).status, 200)
    assert.equal((await send(9)).status, 200)
    const above = await send(10)
    assert.equal(above.body.__type, 'InvalidArgumentException')
    assert.equal(above.body.message, 'Records size exceeds 10 MB limit')
  })

  test(`a partition key has 1 to 256 characters, whatever their bytes (${format})`, async () => {
    const bench = await benchWithStream()
    const send = (PartitionKey: string) =>
      bench.call(
        'PutRecords',
        { StreamName: 's1', Records: [entryOf(format, Buffer.alloc(0), PartitionKey)] },
        format,
      )

    for (const character of ['a', 'é', '😀']) {
      for (const count of [1, 255, 256]) {
        assert.equal((await send(character.repeat(count))).status, 200, `${count} ${character}`)
      }
      const above = await send(character.repeat(257))
      assert.match(
        above.body.message,
        /at 'records.1.member.partitionKey' failed to satisfy constraint: Member must have length less than or equal to 256$/,
      )
    }
    assert.match(
      (await send('')).body.message,
      /Member must have length greater than or equal to 1$/,
    )
    assert.equal((await bench.readAll('s1')).at(-1)?.PartitionKey, '😀'.repeat(256))
  })

  test(`an explicit hash key is a decimal below 2^128 without leading zeros (${format})`, async () => {
    const bench = await benchWithStream()
    const send = async (ExplicitHashKey: string) => {
      const Records = [{ ...entryOf(format, Buffer.alloc(0)), ExplicitHashKey }]
      const { body } = await bench.call('PutRecords', { StreamName: 's1', Records }, format)
      return body.__type ?? 'stored'
    }

    assert.equal(await send('0'), 'stored')
    assert.equal(await send(`${2n ** 128n - 2n}`), 'stored')
    assert.equal(await send(`${2n ** 128n - 1n}`), 'stored')
    assert.equal(await send(`${2n ** 128n}`), 'InvalidArgumentException')
    for (const wrong of ['00', '01', '-1', '1.5', '', '1e3', '9'.repeat(40)]) {
      assert.equal(await send(wrong), 'ValidationException', wrong)
    }
  })
}

test('a stream name has 1 to 128 letters, digits, dots, dashes and underscores', async () => {
  const bench = await Bench.open()
  const create = async (StreamName: string) => {
    const { status, body } = await bench.call('CreateStream', { StreamName, ShardCount: 1 })
    return status === 200 ? 'created' : body.message
  }

  for (const name of ['a', 'aZ09_.-', '.', '..', 'n'.repeat(127), 'n'.repeat(128)]) {
    assert.equal(await create(name), 'created')
  }
  assert.match(await create('n'.repeat(129)), /length less than or equal to 128$/)
  assert.match(await create(''), /length greater than or equal to 1/)
  for (const name of ['a/b', 'a b', 'é', 'a\n']) {
    assert.match(await create(name), /regular expression pattern: \[a-zA-Z0-9_\.-\]\+$/)
  }
  assert.equal((await bench.reopen()).log.lines.length, 0)
})

const RANGES: readonly [string, object, string, number, number][] = [
  ['DescribeStream', { StreamName: 's1' }, 'Limit', 1, 10_000],
  ['ListStreams', {}, 'Limit', 1, 10_000],
  ['ListShards', { StreamName: 's1' }, 'MaxResults', 1, 10_000],
]

for (const [action, input, name, min, max] of RANGES) {
  test(`${name} of ${action} is ${min} to ${max}`, async () => {
    const bench = await benchWithStream()
    for (const value of [min, min + 1, max - 1, max])
      await bench.ok(action, { ...input, [name]: value })
    const field = name.charAt(0).toLowerCase() + name.slice(1)
    assert.equal(
      await bench.refused(action, { ...input, [name]: max + 1 }),
      `ValidationException: 1 validation error detected: Value '${max + 1}' at '${field}' failed ` +
        `to satisfy constraint: Member must have value less than or equal to ${max}`,
    )
    assert.match(
      await bench.refused(action, { ...input, [name]: min - 1 }),
      /Member must have value greater than or equal to 1$/,
    )
  })
}

test('Limit of GetRecords is 1 to 10 000, and so many records come', async () => {
  const bench = await benchWithStream()
  const Records = Array.from({ length: 500 }, () => ({ PartitionKey: 'k', Data: '' }))
  for (let i = 0; i < 21; i++) await bench.ok('PutRecords', { StreamName: 's1', Records })
  const start = { StreamName: 's1', ShardId: '0', ShardIteratorType: 'TRIM_HORIZON' }
  const { ShardIterator } = await bench.ok('GetShardIterator', start)
  const countFor = async (Limit?: number) =>
    (await bench.ok('GetRecords', { ShardIterator, Limit })).Records.length

  assert.equal(await countFor(1), 1)
  assert.equal(await countFor(9_999), 9_999)
  assert.equal(await countFor(10_000), 10_000)
  assert.equal(await countFor(), 10_000)
  assert.match(await bench.refused('GetRecords', { ShardIterator, Limit: 10_001 }), /10000$/)
  assert.match(await bench.refused('GetRecords', { ShardIterator, Limit: 0 }), /equal to 1$/)
})

test('one GetRecords answers at most 10 MiB, but always a record', async () => {
  const bench = await benchWithStream(10_240)
  const put = (dataBytes: number) =>
    bench.ok('PutRecord', {
      StreamName: 's1',
      PartitionKey: 'k',
      Data: base64(Buffer.alloc(dataBytes)),
    })
  const full = 5 * MIB - 1
  for (const size of [full, full, 10 * MIB - 1, 0, full - 1, full + 1]) await put(size)
  const start = { StreamName: 's1', ShardId: '0', ShardIteratorType: 'TRIM_HORIZON' }
  let { ShardIterator } = await bench.ok('GetShardIterator', start)

  const counts: number[] = []
  for (let page = 0; page < 4; page++) {
    const answer = await bench.ok('GetRecords', { ShardIterator })
    counts.push(answer.Records.length)
    ShardIterator = answer.NextShardIterator
  }

  assert.deepEqual(counts, [2, 1, 2, 1])
})

test('the number of shards and streams is bounded', async () => {
  const bench = await Bench.open({ config: { maxShards: 5, maxStreams: 3 } })
  const create = async (StreamName: string, ShardCount: number) =>
    (await bench.call('CreateStream', { StreamName, ShardCount })).body?.__type ?? 'created'

  assert.equal(await create('a', 6), 'LimitExceededException')
  assert.equal(await create('a', 4), 'created')
  assert.equal(await create('b', 2), 'LimitExceededException')
  assert.equal(await create('b', 1), 'created')
  const few = await Bench.open({ config: { maxStreams: 1 } })
  await few.ok('CreateStream', { StreamName: 'a', ShardCount: 1 })
  const second = await few.refused('CreateStream', { StreamName: 'b', ShardCount: 1 })
  assert.match(second, /^LimitExceededException/)
})

test('at most five streams are being created at once', async () => {
  const bench = await Bench.open({ config: { creatingMs: 1000 } })
  for (let i = 0; i < 5; i++) await bench.ok('CreateStream', { StreamName: `s${i}`, ShardCount: 1 })

  const sixth = { StreamName: 's5', ShardCount: 1 }
  assert.match(await bench.refused('CreateStream', sixth), /^LimitExceededException/)
  bench.clock.advanceBy(1000)
  await bench.ok('CreateStream', sixth)
})

test('MaxRecordSizeInKiB is 1024 to 10240', async () => {
  const bench = await Bench.open()
  const create = (MaxRecordSizeInKiB: number) =>
    bench.call('CreateStream', {
      StreamName: `s${MaxRecordSizeInKiB}`,
      ShardCount: 1,
      MaxRecordSizeInKiB,
    })

  assert.equal((await create(1023)).body.__type, 'ValidationException')
  assert.equal((await create(1024)).status, 200)
  assert.equal((await create(10_240)).status, 200)
  assert.equal((await create(10_241)).body.__type, 'ValidationException')
})

test('a stream has at most 50 tags, keys of 1 to 128 characters, values of up to 256', async () => {
  const bench = await Bench.open()
  const create = (name: string, Tags: Record<string, string>) =>
    bench.call('CreateStream', { StreamName: name, ShardCount: 1, Tags })
  const many = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`tag-${i}`, '']))

  assert.equal(
    (await create('s1', { ...many(49), ['🔑'.repeat(128)]: '🔒'.repeat(256) })).status,
    200,
  )
  assert.equal((await create('s2', many(51))).body.__type, 'ValidationException')
  const wrong = await create('s2', { '': '', ['k'.repeat(129)]: 'v'.repeat(257) })
  const between = (max: number, min: number) =>
    `[Member must have length less than or equal to ${max}, ` +
    `Member must have length greater than or equal to ${min}]`
  assert.ok(wrong.body.message.includes(`Map keys must satisfy constraint: ${between(128, 1)}`))
  assert.ok(wrong.body.message.includes(`Map value must satisfy constraint: ${between(256, 0)}`))
  assert.equal((await create('s2', { k: 'v'.repeat(257) })).body.__type, 'ValidationException')
})

test('bodies beyond the bound in flight are answered 503, and the room comes back', async () => {
  const bench = await Bench.open({ config: { maxBodyBytesInFlight: 32 * MIB } })
  await bench.ok('CreateStream', { StreamName: 's1', ShardCount: 1 })
  const begin = () => beginPutRecords(bench, 15 * MIB)

  const first = begin()
  const second = begin()
  const third = begin()
  assert.ok('end' in first && 'end' in second && 'status' in third)
  assert.equal(third.status, 503)
  first.abort()
  assert.ok('end' in begin())
  assert.ok('status' in begin())
  second.tooLarge()
  assert.ok('end' in begin())
})

function beginPutRecords(bench: Bench, contentLength: number) {
  const headers = [
    'content-type',
    'application/x-amz-json-1.1',
    'x-amz-target',
    'Kinesis_20131202.PutRecords',
    'content-length',
    String(contentLength),
  ]
  return bench.kinesis.begin({ method: 'POST', target: '/', headers })
}

test('a body that says it is enormous is too large, which no later try will change', async () => {
  const bench = await Bench.open({ config: { maxBodyBytesInFlight: 32 * MIB } })

  const taker = beginPutRecords(bench, 1e12)

  assert.ok('tooLarge' in taker)
  assert.equal(taker.tooLarge().status, 413)
})

test('a body is refused above its bound', async () => {
  const bench = await benchWithStream()
  const body = Buffer.from(JSON.stringify({ StreamName: 's1' }).padEnd(256 * 1024))
  assert.equal((await bench.send('DescribeStream', body)).status, 200)

  const { status, body: answer } = await bench.send(
    'DescribeStream',
    Buffer.concat([body, Buffer.from(' ')]),
  )
  assert.deepEqual([status, answer.__type], [413, 'RequestEntityTooLargeException'])
})
