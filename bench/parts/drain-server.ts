// A Kinesis that takes everything and keeps nothing: it reads each PutRecords to its end, counts
// the entries and answers as the service would. HTTP/1.1 and HTTP/2, JSON and CBOR, one open shard
// a stream. It is never what is measured; it must only be fast enough not to be waited for.

import type { HttpAnswer, HttpHead, HttpService } from '../../src/host/index.ts'
import { headerOf } from '../../src/host/index.ts'
import { listen } from '../../src/host/node/index.ts'
import { contentTypeOf, encodeCbor, shardIdOf, type WireFormat } from '../../src/wire/index.ts'
import { answerCalls } from '../child.ts'

const BODY_MAX_BYTES = 16 * 1024 * 1024
const SEQUENCE_NUMBER = '49545115243490985018280067714973144582180062593244200961'
/** Stands once in every entry. The records' own bytes must not contain it. */
const MARK = Buffer.from('PartitionKey')
const HIGHEST_HASH_KEY = (2n ** 128n - 1n).toString()

let entryCount = 0
const answers = new Map<string, HttpAnswer>()

function answerOf(format: WireFormat, count: number): HttpAnswer {
  const entry = { SequenceNumber: SEQUENCE_NUMBER, ShardId: shardIdOf(0) }
  const Records = Array.from({ length: count }, () => entry)
  return kept(`${format} ${count}`, format, { FailedRecordCount: 0, Records })
}

function shardsOf(format: WireFormat): HttpAnswer {
  const HashKeyRange = { StartingHashKey: '0', EndingHashKey: HIGHEST_HASH_KEY }
  const SequenceNumberRange = { StartingSequenceNumber: SEQUENCE_NUMBER }
  const shard = { ShardId: shardIdOf(0), HashKeyRange, SequenceNumberRange }
  // Whatever is asked beside PutRecords: ListShards finds the one, DescribeStreamSummary the other.
  return kept(`${format} shards`, format, { Shards: [shard], StreamDescriptionSummary: {} })
}

function kept(key: string, format: WireFormat, payload: object): HttpAnswer {
  const known = answers.get(key)
  if (known !== undefined) return known
  const body = format === 'cbor' ? encodeCbor(payload) : JSON.stringify(payload)
  const requestId = ['x-amzn-requestid', '00000000-0000-0000-0000-000000000000']
  const headers = ['content-type', contentTypeOf(format), ...requestId]
  const answer = { status: 200, headers, body }
  answers.set(key, answer)
  return answer
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
  start: async () => (await listen(service, { host: '127.0.0.1', port: 0, http2: true })).port,
  entryCount: () => entryCount,
})
