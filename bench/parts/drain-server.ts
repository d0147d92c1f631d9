// A Kinesis that takes everything and keeps nothing: it reads each PutRecords to its end, counts
// the entries and answers as the service would. HTTP/1.1 and HTTP/2, JSON and CBOR, open shards of
// the same size. It is never what is measured; it must only be fast enough not to be waited for.

import type { HttpAnswer, HttpHead, HttpService } from '../../src/host/index.ts'
import { headerOf } from '../../src/host/index.ts'
import { listen } from '../../src/host/node/index.ts'
import { contentTypeOf, encodeCbor, shardIdOf, type WireFormat } from '../../src/wire/index.ts'
import { answerCalls } from '../child.ts'

const BODY_MAX_BYTES = 16 * 1024 * 1024
const SEQUENCE_NUMBER = '49545115243490985018280067714973144582180062593244200961'
/** Stands once in every entry. The records' own bytes must not contain it. */
const MARK = Buffer.from('PartitionKey')
const HASH_KEY = Buffer.from('ExplicitHashKey')
const HASH_KEY_BITS = 128n
const HASH_KEYS = 2 ** 128
const CBOR_TEXT_WITH_LENGTH = 0x78

let entryCount = 0
let shardCount = 1
/** Whether entries are looked at one by one. */
let isSpread = false
const answers = new Map<string, HttpAnswer>()

function answerOf(format: WireFormat, count: number): HttpAnswer {
  const entry = { SequenceNumber: SEQUENCE_NUMBER, ShardId: shardIdOf(0) }
  const Records = Array.from({ length: count }, () => entry)
  return kept(`${format} ${count}`, format, { FailedRecordCount: 0, Records })
}

function shardsOf(format: WireFormat): HttpAnswer {
  const SequenceNumberRange = { StartingSequenceNumber: SEQUENCE_NUMBER }
  const Shards = Array.from({ length: shardCount }, (_, shard) => {
    const StartingHashKey = startOf(shard).toString()
    const EndingHashKey = (startOf(shard + 1) - 1n).toString()
    const HashKeyRange = { StartingHashKey, EndingHashKey }
    return { ShardId: shardIdOf(shard), HashKeyRange, SequenceNumberRange }
  })
  // Whatever is asked beside PutRecords: ListShards finds the one, DescribeStreamSummary the other.
  return kept(`${format} shards`, format, { Shards, StreamDescriptionSummary: {} })
}

function startOf(shard: number): bigint {
  const count = BigInt(shardCount)
  return ((BigInt(shard) << HASH_KEY_BITS) + count - 1n) / count
}

/** Each entry in the shard where its hash key belongs; ours always name one. */
function spreadAnswer(body: Buffer): HttpAnswer {
  const Records = []
  for (let at = body.indexOf(HASH_KEY); at !== -1; at = body.indexOf(HASH_KEY, at)) {
    at += HASH_KEY.length
    // CBOR text of up to 23 bytes, or of more with its length in a byte of its own.
    const isShort = body[at]! < CBOR_TEXT_WITH_LENGTH
    const start = isShort ? at + 1 : at + 2
    const length = isShort ? body[at]! & 0x1f : body[at + 1]!
    const share = Number(body.toString('latin1', start, start + length)) / HASH_KEYS
    const ShardId = shardIdOf(Math.floor(share * shardCount))
    Records.push({ SequenceNumber: SEQUENCE_NUMBER, ShardId })
  }
  entryCount += Records.length
  return answerWith('cbor', { FailedRecordCount: 0, Records })
}

function kept(key: string, format: WireFormat, payload: object): HttpAnswer {
  const known = answers.get(key)
  if (known !== undefined) return known
  const answer = answerWith(format, payload)
  answers.set(key, answer)
  return answer
}

function answerWith(format: WireFormat, payload: object): HttpAnswer {
  const body = format === 'cbor' ? encodeCbor(payload) : JSON.stringify(payload)
  const requestId = ['x-amzn-requestid', '00000000-0000-0000-0000-000000000000']
  const headers = ['content-type', contentTypeOf(format), ...requestId]
  return { status: 200, headers, body }
}

function countOf(body: Buffer): number {
  let count = 0
  for (let at = body.indexOf(MARK); at !== -1; at = body.indexOf(MARK, at + MARK.length)) count++
  return count
}

const service: HttpService = {
  begin({ headers }: HttpHead) {
    const isCbor = headerOf(headers, 'content-type') === contentTypeOf('cbor')
    const format = isCbor ? 'cbor' : 'json'
    const isPut = headerOf(headers, 'x-amz-target')?.endsWith('.PutRecords') === true
    return {
      maxBodyBytes: BODY_MAX_BYTES,
      end(body, answer) {
        if (!isPut) return answer(shardsOf(format))
        if (isSpread) return answer(spreadAnswer(body))
        const count = countOf(body)
        entryCount += count
        answer(answerOf(format, count))
      },
      tooLarge: () => ({ status: 413, headers: [], body: '' }),
      abort() {},
    }
  },
}

answerCalls({
  async start(options: { shardCount: number } | null) {
    isSpread = options !== null
    shardCount = options?.shardCount ?? 1
    return (await listen(service, { host: '127.0.0.1', port: 0, http2: true })).port
  },
  entryCount: () => entryCount,
})
