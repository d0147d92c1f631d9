// What bytes cost: hash keys, aggregates, PutRecords bodies, answers and signatures, each beside
// what Node, the SDK's libraries or the obvious way would cost.
// `node bench/wire.ts [ROUNDS [SECONDS]]`

import { createHash } from 'node:crypto'
import { parseArgs } from 'node:util'
import { Sha256 } from '@aws-crypto/sha256-js'
import { SignatureV4 } from '@smithy/signature-v4'
import { decode as decodeCborX } from 'cbor-x'
import { decode as cborgDecode } from 'cborg'
import {
  type Aggregatable,
  AggregateSize,
  deaggregate,
  decodeCbor,
  decodePutRecordsAnswer,
  encodeAggregate,
  encodeCbor,
  encodePutRecords,
  hashKeyOf,
  type Md5Piece,
  type PutRecordsEntry,
  RequestBuffer,
  Signer,
  writeAggregate,
  writeMd5s,
} from '../src/wire/index.ts'
import {
  type BenchOptions,
  type BenchResult,
  type Case,
  type Contender,
  interleave,
  tableOf,
} from './harness.ts'

/** Keeps what is computed from being optimized away. */
let sink = 0

/** CPU for one call of `work`, which does `count` operations. */
function contender(name: string, count: number, seconds: number, work: () => unknown): Contender {
  return {
    name,
    round: async () => {
      const wanted = seconds * 1e6
      const start = process.cpuUsage()
      let calls = 0
      for (;;) {
        for (let i = 0; i < 8; i++) sink ^= await settle(work())
        calls += 8
        const { user, system } = process.cpuUsage(start)
        if (user + system >= wanted) return [(user + system) / calls / count]
      }
    },
  }
}

/** Only the official signer is asynchronous; nobody else waits. */
function settle(result: unknown): number | Promise<number> {
  return result instanceof Promise ? result.then(() => 1) : result === undefined ? 0 : 1
}

function caseOf(label: string, unit: string, own: Contender, ...baselines: Contender[]): Case {
  const metrics = [{ unit, betterIs: 'lower' } as const]
  return { label, metrics, candidate: own, baselines }
}

export async function run(options: BenchOptions): Promise<BenchResult> {
  const { seconds } = options
  const cases = [
    hashKeyCase(seconds),
    ...putRecordsCases(seconds),
    ...aggregationCases(seconds),
    answerCase(seconds),
    cborRequestCase(seconds),
    signerCase(seconds),
  ]
  return await interleave('wire', cases, options)
}

function hashKeyCase(seconds: number): Case {
  const keys = Array.from({ length: 1000 }, (_, i) => `user-${123_456_789_012 + i * 7919}`)
  const own = contender('own single block', keys.length, seconds, () => {
    for (const key of keys) sink ^= hashKeyOf(key).w3
  })
  const baseline = contender('createHash', keys.length, seconds, () => {
    for (const key of keys) sink ^= createHash('md5').update(key).digest().readInt32BE(12)
  })
  return caseOf('hash key of 17 characters', 'CPU µs/key', own, baseline)
}

function entriesOf(count: number, bytes: number): { data: Buffer; entry: PutRecordsEntry }[] {
  return Array.from({ length: count }, (_, i) => {
    const data = Buffer.alloc(bytes, `{"some":"event ${i}"}`)
    const entry: PutRecordsEntry = {
      partitionKey: `user-${i}`,
      explicitHashKey: hashKeyOf(`user-${i}`),
      sizeBytes: bytes,
      write(into, at) {
        into.set(data, at)
        return at + bytes
      },
    }
    return { data, entry }
  })
}

function putRecordsCases(seconds: number): Case[] {
  return [
    [500, 1600],
    [20, 50 * 1024],
  ].flatMap(([count, bytes]) => {
    const made = entriesOf(count!, bytes!)
    const entries = made.map(({ entry }) => entry)
    const buffer = new RequestBuffer()
    const stringify = contender('JSON.stringify', 1, seconds, () => {
      const records = made.map(({ data, entry }) => ({
        Data: data.toString('base64'),
        ExplicitHashKey: entry.explicitHashKey!.toString(),
        PartitionKey: entry.partitionKey,
      }))
      return Buffer.from(JSON.stringify({ Records: records, StreamName: 's1' }))
    })
    return (['json', 'cbor'] as const).map((format) => {
      const own = contender(`encodePutRecords ${format}`, 1, seconds, () =>
        encodePutRecords(format, 's1', entries, buffer),
      )
      return caseOf(`body of ${count} × ${bytes} B`, 'CPU µs/body', own, stringify)
    })
  })
}

/** The collector's cut: 256 KiB of one shard in aggregates of 50 KB. */
const AGGREGATES = 6

function aggregationCases(seconds: number): Case[] {
  return [100, 1600].map((bytes) => {
    const count = Math.floor(51_200 / (bytes + 20))
    const records = Array.from({ length: count }, (_, i): Aggregatable => {
      const data = Buffer.alloc(bytes, 'x')
      return { partitionKey: `user-${i}`, explicitHashKey: null, data }
    })
    const into = Buffer.alloc(AGGREGATES * 64 * 1024)
    // As many as a request has of one busy shard: their MD5s are written together.
    const own = contender('size and write', AGGREGATES * count, seconds, () => {
      const pieces: Md5Piece[] = []
      let at = 0
      for (let i = 0; i < AGGREGATES; i++) {
        const size = new AggregateSize()
        for (const record of records) size.add(record, records)
        const { areKeysDistinct } = size
        const sizeBytes = size.accurateBytes()
        at = writeAggregate(records, into, { at, sizeBytes, areKeysDistinct }, pieces)
      }
      writeMd5s(pieces)
    })
    const aggregate = encodeAggregate(records)
    const read = contender('deaggregate', count, seconds, () => deaggregate(aggregate))
    const md5 = contender('MD5 of the same bytes alone', count, seconds, () =>
      createHash('md5').update(aggregate).digest(),
    )
    const label = `50 KB aggregate of ${bytes} B records`
    return caseOf(label, 'CPU µs/record', own, md5, read)
  })
}

function answerCase(seconds: number): Case {
  const records = Array.from({ length: 500 }, (_, i) => ({
    SequenceNumber: `4962${String(i).padStart(52, '0')}`,
    ShardId: 'shardId-000000000000',
  }))
  const answer = { FailedRecordCount: 0, Records: records }
  const json = Buffer.from(JSON.stringify(answer))
  const cbor = encodeCbor(answer)
  const own = contender('CBOR, ours', 1, seconds, () => decodePutRecordsAnswer('cbor', cbor))
  const ownJson = contender('JSON, ours', 1, seconds, () => decodePutRecordsAnswer('json', json))
  const strict = contender('CBOR, cborg', 1, seconds, () => cborgDecode(cbor))
  const native = contender('CBOR, cbor-x', 1, seconds, () => decodeCborX(cbor))
  return caseOf('PutRecords answer of 500 entries', 'CPU µs/answer', own, ownJson, native, strict)
}

function cborRequestCase(seconds: number): Case {
  const entries = entriesOf(500, 1600).map(({ entry }) => entry)
  const body = encodePutRecords('cbor', 's1', entries, new RequestBuffer())
  const own = contender('decodeCbor', 1, seconds, () => decodeCbor(body))
  const native = contender('cbor-x', 1, seconds, () => decodeCborX(body))
  return caseOf('reading a CBOR body of 500 × 1600 B', 'CPU µs/body', own, native)
}

function signerCase(seconds: number): Case {
  const credentials = { accessKeyId: 'AKID', secretAccessKey: 'secret' }
  const signer = new Signer({ region: 'us-east-1', service: 'kinesis' })
  const host = 'kinesis.us-east-1.amazonaws.com'
  const fields = {
    'content-type': 'application/x-amz-json-1.1',
    'x-amz-target': 'Kinesis_20131202.PutRecords',
  }
  const headers = Object.entries(fields).flat()
  const body = Buffer.from('{}')
  const wallMs = 1_700_000_000_000
  const own = contender('Signer', 1, seconds, () =>
    signer.sign({ method: 'POST', target: '/', host, headers, body }, credentials, wallMs),
  )
  const options = { credentials, region: 'us-east-1', service: 'kinesis', sha256: Sha256 }
  const official = new SignatureV4({ ...options, applyChecksum: false })
  const baseline = contender('@smithy/signature-v4', 1, seconds, () =>
    official.sign(
      {
        method: 'POST',
        protocol: 'https:',
        hostname: host,
        path: '/',
        query: {},
        headers: { host, ...fields },
        body,
      },
      { signingDate: new Date(wallMs) },
    ),
  )
  return caseOf('signing a request of 2 bytes', 'CPU µs/request', own, baseline)
}

if (import.meta.main) {
  const { positionals } = parseArgs({ allowPositionals: true })
  const [rounds = '5', seconds = '0.3'] = positionals
  const progress = () => {}
  const result = await run({ rounds: Number(rounds), seconds: Number(seconds), progress })
  console.log(tableOf(result))
  if (sink === 0.5) console.log(sink)
}
