import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  KinesisClient,
  ListShardsCommand,
  PutRecordsCommand,
  type PutRecordsRequestEntry,
} from '@aws-sdk/client-kinesis'
import { decode } from 'cborg'
import fc from 'fast-check'
import { type HashKey, hashKeyFromDecimal } from '../../src/record/index.ts'
import {
  contentTypeOf,
  decodeCbor,
  encodeAggregate,
  encodeListShards,
  encodePutRecords,
  type PutRecordsEntry,
  RequestBuffer,
  targetOf,
  writeAggregate,
} from '../../src/wire/index.ts'
import { anyData, anyHashKey, anyKey, anyUtf16 } from './arbitraries.ts'

interface Sent {
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** What the official SDK would send. */
async function sentBySdk(command: PutRecordsCommand | ListShardsCommand): Promise<Sent> {
  let sent: Sent | null = null
  const client = new KinesisClient({
    region: 'us-east-1',
    credentials: { accessKeyId: 'id', secretAccessKey: 'secret' },
    maxAttempts: 1,
    requestHandler: {
      handle: async ({ headers, body }: { headers: Record<string, string>; body: Uint8Array }) => {
        sent = { headers, body: Buffer.from(body) }
        throw new Error('nothing is sent')
      },
    },
  })
  await client.send(command as PutRecordsCommand).catch(() => {})
  assert.ok(sent !== null)
  return sent
}

interface Entry {
  readonly partitionKey: string
  readonly explicitHashKey: HashKey | null
  readonly data: Uint8Array
}

function entryOf({ partitionKey, explicitHashKey, data }: Entry): PutRecordsEntry {
  return {
    partitionKey,
    explicitHashKey,
    sizeBytes: data.length,
    write(into, at) {
      into.set(data, at)
      return at + data.length
    },
  }
}

function sdkEntryOf({ partitionKey, explicitHashKey, data }: Entry): PutRecordsRequestEntry {
  const hashKey = explicitHashKey === null ? {} : { ExplicitHashKey: explicitHashKey.toString() }
  return { Data: data, ...hashKey, PartitionKey: partitionKey }
}

function anyEntries(key: fc.Arbitrary<string>): fc.Arbitrary<Entry[]> {
  const entry = fc.record({
    partitionKey: key,
    explicitHashKey: fc.option(anyHashKey),
    data: anyData,
  })
  return fc.array(entry, { minLength: 1, maxLength: 20 })
}

/** One for all tests: what a request leaves behind must not show in the next. */
const kept = new RequestBuffer()

test('a JSON request has the very bytes of the official SDK', async () => {
  await fc.assert(
    fc.asyncProperty(anyEntries(fc.oneof(anyKey, anyUtf16)), async (entries) => {
      const command = new PutRecordsCommand({
        StreamName: 'a-stream.of_ours',
        Records: entries.map(sdkEntryOf),
      })
      const sdk = await sentBySdk(command)

      const body = encodePutRecords('json', 'a-stream.of_ours', entries.map(entryOf), kept)

      assert.equal(body.toString(), sdk.body.toString())
      assert.equal(contentTypeOf('json'), sdk.headers['content-type'])
      assert.equal(targetOf('PutRecords'), sdk.headers['x-amz-target'])
    }),
    { numRuns: 150 },
  )
})

test('partition keys are escaped as JSON.stringify does, every single UTF-16 unit', () => {
  for (let unit = 0; unit <= 0xffff; unit += 64) {
    const units = Array.from({ length: 64 }, (_, i) => String.fromCharCode(unit + i))
    const entries = [...units, units.join('')].map((partitionKey) =>
      entryOf({ partitionKey, explicitHashKey: null, data: Buffer.from('x') }),
    )
    const expected = JSON.stringify({
      Records: entries.map(({ partitionKey }) => ({ Data: 'eA==', PartitionKey: partitionKey })),
      StreamName: 's',
    })
    assert.equal(encodePutRecords('json', 's', entries, kept).toString(), expected)
  }
})

test('a CBOR request is what a strict decoder takes for the same fields', () => {
  fc.assert(
    fc.property(anyEntries(anyKey), (entries) => {
      const body = encodePutRecords('cbor', 's1', entries.map(entryOf), kept)
      const expected = {
        Records: entries.map((entry) => {
          const { Data, ...others } = sdkEntryOf(entry)
          return { Data: Buffer.from(Data!).toString('hex'), ...others }
        }),
        StreamName: 's1',
      }
      for (const read of [decode(body), decodeCbor(body)] as CborRequest[]) {
        const records = read.Records.map((record) => ({
          ...record,
          Data: Buffer.from(record.Data).toString('hex'),
        }))
        assert.deepEqual({ Records: records, StreamName: read.StreamName }, expected)
      }
    }),
  )
})

interface CborRequest {
  readonly Records: readonly { readonly Data: Uint8Array }[]
  readonly StreamName: string
}

test('a text in CBOR is as long as it says: at the ends of ASCII, and with a lone surrogate', () => {
  for (const [partitionKey, read] of [
    ['\x7f', '\x7f'],
    ['\x80', '\x80'],
    ['\xff', '\xff'],
    ['\ud800', '\ufffd'],
  ] as const) {
    const entry = entryOf({ partitionKey, explicitHashKey: null, data: Buffer.of(1) })
    const { Records } = decode(encodePutRecords('cbor', 's', [entry], kept)) as {
      Records: { PartitionKey: string }[]
    }
    assert.equal(Records[0]!.PartitionKey, read)
  }
})

test('aggregates are written straight into either body', () => {
  const records = ['a', 'b'].map((partitionKey) => ({
    partitionKey,
    explicitHashKey: null,
    data: Buffer.from(`data of ${partitionKey}`),
  }))
  const aggregate = encodeAggregate(records)
  const entry: PutRecordsEntry = {
    partitionKey: 'a',
    explicitHashKey: null,
    sizeBytes: aggregate.length,
    write(into, at, pieces) {
      return writeAggregate(records, into, { at, sizeBytes: aggregate.length }, pieces)
    },
  }

  const json = JSON.parse(encodePutRecords('json', 's', [entry, entry], kept).toString())
  assert.deepEqual(Buffer.from(json.Records[1].Data, 'base64'), aggregate)
  const cbor = decode(encodePutRecords('cbor', 's', [entry, entry], kept))
  assert.deepEqual(Buffer.from(cbor.Records[1].Data), aggregate)
})

test('the largest request fits: 500 entries, 10 MiB, keys that need six bytes a character', () => {
  const data = Buffer.alloc((10 * 1024 * 1024) / 500 - 256 * 4, 0xfb)
  for (const key of ['\u0001'.repeat(256), '\u{10ffff}'.repeat(256)]) {
    const entry = entryOf({ partitionKey: key, explicitHashKey: null, data })
    const entries = Array.from({ length: 500 }, () => entry)
    for (const format of ['json', 'cbor'] as const) {
      const body = encodePutRecords(format, 's'.repeat(128), entries, new RequestBuffer())
      const read = format === 'json' ? JSON.parse(body.toString()) : decode(body)
      assert.equal(read.Records.length, 500)
      assert.equal(read.Records[499].PartitionKey, key)
      const last = read.Records[499].Data
      const bytes = format === 'json' ? Buffer.from(last, 'base64') : Buffer.from(last)
      assert.ok(data.equals(bytes))
    }
  }
})

test('there is room for every number of entries, each as long as one can be', () => {
  const explicitHashKey = hashKeyFromDecimal(String(2n ** 128n - 1n))
  for (const [format, unit] of [
    ['json', '\u0001'],
    ['cbor', '鍵'],
  ] as const) {
    const partitionKey = unit.repeat(256)
    const entry = entryOf({ partitionKey, explicitHashKey, data: Buffer.of(1) })
    for (let count = 100; count <= 500; count += 20) {
      const entries = Array.from({ length: count }, () => entry)
      const body = encodePutRecords(format, 's'.repeat(128), entries, new RequestBuffer())
      const read = format === 'json' ? JSON.parse(body.toString()) : decode(body)
      assert.equal(read.Records[count - 1].PartitionKey, partitionKey)
      assert.equal(read.StreamName, 's'.repeat(128))
    }
  }
  // Where data are written once before they go into the body, the largest counts, not the last.
  const entries = [600_000, 1].map((bytes) =>
    entryOf({ partitionKey: 'k', explicitHashKey, data: Buffer.alloc(bytes, 'x') }),
  )
  const body = encodePutRecords('json', 's', entries, new RequestBuffer())
  assert.equal(Buffer.from(JSON.parse(`${body}`).Records[0].Data, 'base64').length, 600_000)
})

test('an entry that writes more or less than it said is a broken promise', () => {
  for (const writtenBytes of [2, 4]) {
    const entry: PutRecordsEntry = {
      partitionKey: 'k',
      explicitHashKey: null,
      sizeBytes: 3,
      write: (_into, at) => at + writtenBytes,
    }
    for (const format of ['json', 'cbor'] as const) {
      assert.throws(() => encodePutRecords(format, 's', [entry], kept), assert.AssertionError)
    }
  }
})

test('a kept buffer is used again, and grows only when it must', () => {
  const buffer = new RequestBuffer()
  const small = entryOf({ partitionKey: 'k', explicitHashKey: null, data: Buffer.from('v') })
  const first = encodePutRecords('json', 's', [small], buffer)
  assert.equal(encodePutRecords('cbor', 's', [small], buffer).buffer, first.buffer)
  const large = entryOf({ partitionKey: 'k', explicitHashKey: null, data: Buffer.alloc(1 << 20) })
  const grown = encodePutRecords('cbor', 's', [large], buffer)
  assert.notEqual(grown.buffer, first.buffer)
  assert.equal(encodePutRecords('json', 's', [small], buffer).buffer, grown.buffer)
})

test('ListShards requests have the bytes of the official SDK', async () => {
  const first = await sentBySdk(
    new ListShardsCommand({
      StreamName: 's1',
      MaxResults: 1000,
      ShardFilter: { Type: 'AT_LATEST' },
    }),
  )
  assert.equal(encodeListShards('json', { streamName: 's1' }).toString(), first.body.toString())
  const next = await sentBySdk(new ListShardsCommand({ NextToken: 'token', MaxResults: 1000 }))
  assert.equal(encodeListShards('json', { nextToken: 'token' }).toString(), next.body.toString())
  assert.deepEqual(decode(encodeListShards('cbor', { streamName: 's1' })), {
    StreamName: 's1',
    MaxResults: 1000,
    ShardFilter: { Type: 'AT_LATEST' },
  })
})
