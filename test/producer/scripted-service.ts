// A Kinesis in a test's hands: it lists the shards that it is told to have, stores what arrives,
// and gives each PutRecords the verdicts that the test scripted. Speaks JSON, so that a test can
// read it.

import { createHash } from 'node:crypto'
import type { HttpAnswer, HttpRequest, Network, NoAnswer } from '../../src/host/index.ts'
import { headerOf } from '../../src/host/index.ts'
import { deaggregateRecord } from '../../src/wire/index.ts'
import type { HandClock } from '../hand-clock.ts'

export interface Shard {
  readonly number: number
  readonly start: bigint
  readonly end: bigint
}

export interface Sent {
  readonly atMs: number
  readonly entries: readonly SentEntry[]
}

export interface SentEntry {
  readonly partitionKey: string
  readonly explicitHashKey: string
  readonly data: Buffer
  /** The user records in it, as `key:data`. */
  readonly userRecords: readonly string[]
}

/** What becomes of one request, or of one entry in it. */
export type Verdict =
  | 'store'
  /** An answer that does not say what became of the entries; nothing is stored. */
  | 'no results'
  | { readonly entryError: string }
  | { readonly requestError: string; readonly status: number; readonly date?: string }
  | { readonly noAnswer: NoAnswer['noAnswer']; readonly isStored: boolean }

const SPACE = 1n << 128n

/** `count` shards of the same size, numbered from `first`. */
export function evenShards(count: number, first = 0): Shard[] {
  const size = SPACE / BigInt(count)
  return Array.from({ length: count }, (_, i) => ({
    number: first + i,
    start: size * BigInt(i),
    end: i === count - 1 ? SPACE - 1n : size * BigInt(i + 1) - 1n,
  }))
}

/** Of `shards`, which cover the space. */
export function shardOf(shards: readonly Shard[], key: bigint): Shard {
  const isOf = ({ start, end }: Shard) => start <= key && key <= end
  // Where it is when all are of the same size: a search in a thousand costs more than all else.
  const likely = shards[Number((key * BigInt(shards.length)) >> 128n)]!
  return isOf(likely) ? likely : shards.find(isOf)!
}

export class ScriptedService implements Network {
  shards: Shard[] = evenShards(1)
  /** ListShards fails with this error name while it is set. */
  listShardsError: string | null = null
  listShardsCount = 0
  /** What DescribeStreamSummary tells. */
  summary: object = { StreamModeDetails: { StreamMode: 'PROVISIONED' }, MaxRecordSizeInKiB: 1024 }
  /** DescribeStreamSummary fails with this error name while it is set. */
  describeError: string | null = null
  /** Decides on each DescribeStreamSummary, counted from 0: the error name that it fails with. */
  describeScript: (callNumber: number) => string | null = () => this.describeError
  describeCount = 0
  readonly sent: Sent[] = []
  /** Everything that is in the stream, as `key:data`, in order of arrival. */
  readonly stored: string[] = []
  /** Decides on each request; `requestNumber` counts PutRecords from 0. */
  script: (requestNumber: number, entries: readonly SentEntry[]) => Verdict | readonly Verdict[] =
    () => 'store'
  /** What requests in CBOR are answered with; JSON is all that is read here. */
  cborAnswer: HttpAnswer = { status: 415, headers: [], body: '' }
  cborCount = 0
  latencyMs = 10
  /** Sequence numbers go on from here. */
  numbersFrom = 0n
  /** Keeps nothing of what was sent or is stored: for long runs. */
  isForgetful = false
  readonly dates: string[] = []
  readonly #clock: HandClock
  #sequenceNumber = 0

  constructor(clock: HandClock) {
    this.#clock = clock
  }

  exchange(request: HttpRequest, _deadlineAtMs: number): Promise<HttpAnswer | NoAnswer> {
    const action = headerOf(request.headers, 'x-amz-target')!.split('.')[1]!
    if (!this.isForgetful) this.dates.push(headerOf(request.headers, 'x-amz-date')!)
    const answer = this.#answerTo(request, action)
    return new Promise((resolve) => {
      this.#clock.schedule(this.#clock.monotonicMs() + this.latencyMs, () => resolve(answer))
    })
  }

  #answerTo(request: HttpRequest, action: string): HttpAnswer | NoAnswer {
    if (headerOf(request.headers, 'content-type')!.includes('cbor')) {
      this.cborCount++
      return this.cborAnswer
    }
    const input = JSON.parse(Buffer.from(request.body).toString('utf8'))
    if (action === 'DescribeStreamSummary') return this.#describe()
    return action === 'ListShards' ? this.#listShards() : this.#putRecords(input)
  }

  #describe(): HttpAnswer {
    const error = this.describeScript(this.describeCount++)
    if (error !== null) return errorAnswer(400, error)
    return jsonAnswer(200, { StreamDescriptionSummary: this.summary })
  }

  #listShards(): HttpAnswer {
    this.listShardsCount++
    if (this.listShardsError !== null) return errorAnswer(400, this.listShardsError)
    return jsonAnswer(200, {
      Shards: this.shards.map(({ number, start, end }) => ({
        ShardId: shardIdOf(number),
        HashKeyRange: { StartingHashKey: String(start), EndingHashKey: String(end) },
        SequenceNumberRange: { StartingSequenceNumber: String(this.numbersFrom + 1n) },
      })),
    })
  }

  #putRecords(input: { Records: Record<string, string>[] }): HttpAnswer | NoAnswer {
    const entries = input.Records.map((raw) => entryOf(raw, this.isForgetful))
    const requestNumber = this.sent.length
    if (!this.isForgetful) this.sent.push({ atMs: this.#clock.monotonicMs(), entries })
    const verdict = this.script(requestNumber, entries)
    if (verdict === 'no results') return jsonAnswer(200, { FailedRecordCount: 0, Records: [] })
    if (isEach(verdict)) return this.#answer(entries, verdict)
    if (verdict === 'store' || 'entryError' in verdict) {
      return this.#answer(
        entries,
        entries.map(() => verdict),
      )
    }
    if ('requestError' in verdict) {
      return errorAnswer(verdict.status, verdict.requestError, verdict.date)
    }
    if (verdict.isStored) for (const entry of entries) this.stored.push(...entry.userRecords)
    const mayBeWritten = verdict.noAnswer !== 'connect-failed'
    return { noAnswer: verdict.noAnswer, message: 'scripted', mayBeWritten }
  }

  #answer(entries: readonly SentEntry[], verdicts: readonly Verdict[]): HttpAnswer {
    const results = entries.map((entry, i) => {
      const verdict = verdicts[i] ?? 'store'
      if (typeof verdict !== 'string' && 'entryError' in verdict) {
        return { ErrorCode: verdict.entryError, ErrorMessage: `scripted ${verdict.entryError}` }
      }
      if (!this.isForgetful) this.stored.push(...entry.userRecords)
      const key = BigInt(entry.explicitHashKey)
      const shard = shardOf(this.shards, key)
      return {
        ShardId: shardIdOf(shard.number),
        SequenceNumber: String(this.numbersFrom + BigInt(++this.#sequenceNumber)),
      }
    })
    return jsonAnswer(200, {
      FailedRecordCount: results.filter((result) => 'ErrorCode' in result).length,
      Records: results,
    })
  }
}

function isEach(verdict: Verdict | readonly Verdict[]): verdict is readonly Verdict[] {
  return Array.isArray(verdict)
}

function entryOf(raw: Record<string, string>, isForgetful: boolean): SentEntry {
  const data = Buffer.from(raw['Data']!, 'base64')
  const partitionKey = raw['PartitionKey']!
  const members = isForgetful ? [] : deaggregateRecord({ partitionKey, data })
  return {
    partitionKey,
    explicitHashKey: raw['ExplicitHashKey']!,
    data,
    userRecords: members.map(
      (member) => `${member.partitionKey}:${Buffer.from(member.data).toString('utf8')}`,
    ),
  }
}

function jsonAnswer(status: number, body: object, date?: string): HttpAnswer {
  const headers = ['content-type', 'application/x-amz-json-1.1']
  if (date !== undefined) headers.push('date', date)
  return { status, headers, body: JSON.stringify(body) }
}

function errorAnswer(status: number, name: string, date?: string): HttpAnswer {
  return jsonAnswer(status, { __type: name, message: `scripted ${name}` }, date)
}

export function shardIdOf(number: number): string {
  return `shardId-${String(number).padStart(12, '0')}`
}

/** The hash key of a partition key, by Node's own MD5. */
export function md5Of(partitionKey: string): bigint {
  return BigInt(`0x${createHash('md5').update(partitionKey).digest('hex')}`)
}
