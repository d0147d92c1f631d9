// What a stream allows, as the service says: the size of its records, and whether records stand
// where their hash keys belong, without which nothing can be aggregated that a consumer would find.

import { type Clock, type Log, messageOf, type Random } from '../host/index.ts'
import {
  decodeStreamSummary,
  encodeDescribeStreamSummary,
  RECORD_DEFAULT_MAX_BYTES,
  type StreamSummary,
} from '../wire/index.ts'
import { type Client, isRefusal, type Outcome } from './client.ts'

/**
 * First and longest wait before the service is asked again; each next one is twice as long. All
 * producers of an account have 20 calls a second.
 */
const ASK_AGAIN_MIN_MS = 1000
export const ASK_AGAIN_MAX_MS = 60_000

/** For how long an answer is good enough to refuse a record by: the size can be changed. */
const FRESH_MS = 60_000

/** A service that does not know the question has no streams that it must be asked about. */
const UNKNOWN_TO_SERVICE = new Set(['UnknownOperationException', 'NotImplemented'])

const DENIED_CODES = new Set(['AccessDeniedException', 'AccessDenied'])

export interface StreamFactsConfig {
  /** The longest wait where the service is not well, rather than unwilling. */
  readonly askAgainMaxMs: number
}

export class StreamFacts {
  readonly #host: { readonly clock: Clock; readonly random: Random }
  readonly #stream: string
  readonly #client: Client
  readonly #askAgainMaxMs: number
  readonly #log: Log
  #summary: StreamSummary | null = null
  #maxRecordBytes = RECORD_DEFAULT_MAX_BYTES
  #answeredAtMs = Number.NEGATIVE_INFINITY
  #isTried = false
  #isAsking = false
  #hasWarned = false
  #waitMs = ASK_AGAIN_MIN_MS
  #askAgainAtMs = Number.POSITIVE_INFINITY
  #onChange: () => void = () => {}

  constructor(
    host: { readonly clock: Clock; readonly random: Random },
    stream: string,
    client: Client,
    { askAgainMaxMs, log }: StreamFactsConfig & { readonly log: Log },
  ) {
    this.#host = host
    this.#stream = stream
    this.#client = client
    this.#askAgainMaxMs = Math.max(askAgainMaxMs, ASK_AGAIN_MIN_MS)
    this.#log = log
  }

  /** Whether the first question has been answered, well or not. */
  get isTried(): boolean {
    return this.#isTried
  }

  /** Records stand in the shards that their hash keys say. False as long as that is not known. */
  get areKeysKept(): boolean {
    const distribution = this.#summary?.recordDistribution
    return distribution === null || distribution === 'USER_PARTITION_KEY'
  }

  /** `PROVISIONED` or `ON_DEMAND`; null when that is not known. */
  get mode(): string | null {
    return this.#summary?.mode ?? null
  }

  /** `USER_PARTITION_KEY` or `AUTO`; null when that is not known. */
  get recordDistribution(): string | null {
    return this.#summary?.recordDistribution ?? null
  }

  /** Of data and partition key: what may be sent in any case. */
  get maxRecordBytes(): number {
    return this.#maxRecordBytes
  }

  /** The service has said it; otherwise it is the least that any stream takes. */
  get isSizeKnown(): boolean {
    return (this.#summary?.maxRecordSizeKiB ?? null) !== null
  }

  /** Whether the last answer, good or not, is young. */
  get isFresh(): boolean {
    return this.#host.clock.monotonicMs() - this.#answeredAtMs <= FRESH_MS
  }

  /** `onChange` is told of every answer; nothing is asked yet. */
  start(onChange: () => void): void {
    this.#onChange = onChange
  }

  /**
   * A record or an answer has come: a question that was refused is asked again when it is time.
   * No timer.
   */
  wake(nowMs: number): void {
    if (nowMs >= this.#askAgainAtMs) this.ask()
  }

  /** Something has changed with the stream: what was true of it may be no more. */
  ask(): void {
    if (this.#isAsking) return
    this.#isAsking = true
    this.#askAgainAtMs = Number.POSITIVE_INFINITY
    this.#client.call({
      action: 'DescribeStreamSummary',
      encode: (_buffer, format) => encodeDescribeStreamSummary(format, this.#stream),
      done: (outcome) => this.#onAnswer(outcome),
    })
  }

  #onAnswer(outcome: Outcome): void {
    this.#isAsking = false
    this.#isTried = true
    this.#answeredAtMs = this.#host.clock.monotonicMs()
    if (!isRefusal(outcome)) this.#read(outcome.format, outcome.body)
    else if (UNKNOWN_TO_SERVICE.has(outcome.code)) this.#learn(NOTHING_SAID)
    else this.#onRefused(outcome.code, outcome.message)
    this.#onChange()
  }

  #read(format: 'cbor' | 'json', body: Uint8Array): void {
    try {
      this.#learn(decodeStreamSummary(format, body))
    } catch (error) {
      this.#onRefused('UnreadableAnswer', messageOf(error))
    }
  }

  #learn(summary: StreamSummary): void {
    this.#summary = summary
    const { maxRecordSizeKiB: sizeKiB } = summary
    this.#maxRecordBytes = sizeKiB === null ? RECORD_DEFAULT_MAX_BYTES : sizeKiB * 1024
    this.#waitMs = ASK_AGAIN_MIN_MS
  }

  /** What was known before stays; without it the safe choice does. */
  #onRefused(code: string, message: string): void {
    if (code === 'ResourceNotFoundException') {
      this.#summary = null
      this.#maxRecordBytes = RECORD_DEFAULT_MAX_BYTES
    }
    const isDenied = DENIED_CODES.has(code)
    if (isDenied && !this.#hasWarned) {
      this.#hasWarned = true
      this.#log.warn(
        'DescribeStreamSummary is refused: records of 1 MiB, and no aggregation unless it is told',
        { stream: this.#stream, why: `${code}: ${message}`, setting: 'aggregation' },
      )
    }
    const { clock, random } = this.#host
    // Also after a permission that is missing: somebody may give it, or has just given it.
    const waitMs = Math.min(this.#waitMs, isDenied ? ASK_AGAIN_MAX_MS : this.#askAgainMaxMs)
    this.#waitMs = Math.min(this.#waitMs * 2, ASK_AGAIN_MAX_MS)
    const jitterMs = random.below(Math.ceil(waitMs / 2))
    this.#askAgainAtMs = clock.monotonicMs() + waitMs / 2 + jitterMs
  }
}

const NOTHING_SAID: StreamSummary = {
  maxRecordSizeKiB: null,
  mode: null,
  recordDistribution: null,
}
