// One verdict for each user record of a request that has ended: settle it, or send it again.

import type { Clock } from '../host/index.ts'
import { type Attempt, NO_SHARD, type Place, type UserRecord } from '../record/index.ts'
import { PUT_RECORDS_MAX_COUNT, type PutRecordsAnswer, shardNumberOf } from '../wire/index.ts'
import { type Backoff, WHOLE_STREAM } from './backoff.ts'
import type { Refusal } from './client.ts'
import { hashKeyFor } from './hash-key-for.ts'
import { stepBack } from './key-order.ts'
import { firstOf, KinesisRecord } from './kinesis-record.ts'
import type { StreamMetrics } from './metrics/stream-metrics.ts'
import type { Exchange } from './sender.ts'
import type { ShardMap } from './shard-map.ts'
import type { Stage } from './stage.ts'
import { type ErrorKind, kindOf, THROTTLED_CODE } from './verdict.ts'

export interface RetryConfig {
  readonly failIfThrottled: boolean
}

/** What the retrier counts; read by whoever reports. */
export interface RetryCounters {
  putRecordsCount: number
  kinesisRecordsCount: number
  throttledCount: number
  failedRequestCount: number
  retriedCount: number
  wrongShardCount: number
}

type Entry = PutRecordsAnswer['entries'][number]
type Landing = Extract<Entry, { shardId: string }>

export interface RetryExits {
  /** The start of the line. */
  readonly start: Stage<UserRecord>
  /** Waits, then the start of the line. */
  readonly backoff: Backoff
  /** Halves of a refused request go straight to it. */
  readonly sender: Stage<readonly KinesisRecord[]>
  /** Told of each record that a shard refused for its rate, and when it had been sent. */
  readonly throttled: (shard: number, sentAtMs: number) => void
  /** Told of each aggregate that was refused for its content: its stream may take less by now. */
  readonly doubted: () => void
}

export class Retrier {
  readonly counters: RetryCounters = {
    putRecordsCount: 0,
    kinesisRecordsCount: 0,
    throttledCount: 0,
    failedRequestCount: 0,
    retriedCount: 0,
    wrongShardCount: 0,
  }
  readonly #clock: Clock
  readonly #shards: ShardMap
  readonly #config: RetryConfig
  readonly #metrics: StreamMetrics
  #exits: RetryExits | null = null
  /** Landed in a shard that we do not know: judged when the map has been fetched. */
  readonly #unjudged = new Set<Unjudged>()

  constructor(clock: Clock, shards: ShardMap, config: RetryConfig, metrics: StreamMetrics) {
    this.#clock = clock
    this.#shards = shards
    this.#config = config
    this.#metrics = metrics
  }

  /** Joined last, because what comes before us in the line is also what comes after. */
  joinTo(exits: RetryExits): void {
    this.#exits = exits
  }

  onEnded(exchange: Exchange): void {
    const { records, result } = exchange
    this.counters.putRecordsCount++
    this.counters.kinesisRecordsCount += records.length
    this.#metrics.ended(exchange)
    if ('code' in result) return this.#onRefused(exchange, result)
    this.#exits!.backoff.succeeded(WHOLE_STREAM)
    for (let i = 0; i < records.length; i++) {
      this.#judge(exchange, records[i]!, result.entries[i]!)
    }
  }

  /** Takes a record that waited until its expiration. Members that have time left go again. */
  onExpired(record: KinesisRecord): void {
    const nowMs = this.#clock.monotonicMs()
    const message = 'Expiration reached while waiting in limiter'
    this.#failOrAgain(record.userRecords, expiration(nowMs, message), null)
  }

  /** Takes a record that is never to be sent. */
  refuse(member: UserRecord, code: string, message: string): void {
    const nowMs = this.#clock.monotonicMs()
    const mayBeWritten = false
    this.#fail(member, { startAtMs: nowMs, endAtMs: nowMs, code, message, mayBeWritten })
  }

  abandon(): { record: KinesisRecord; landing: Landing; exchange: Exchange }[] {
    const left = [...this.#unjudged]
    this.#unjudged.clear()
    return left
  }

  #onRefused(exchange: Exchange, refusal: Refusal): void {
    this.counters.failedRequestCount++
    const kind = kindOf(refusal.code)
    const attempt = failure(exchange, refusal.code, refusal.message, refusal.mayBeWritten)
    // One entry can make the service refuse them all. Halving finds it in log2(500) = 9 steps and
    // lets its neighbours through.
    if (kind === 'invalid' && exchange.records.length > 1) {
      for (const { userRecords } of exchange.records) addToAll(userRecords, attempt)
      const middle = exchange.records.length >> 1
      this.#exits!.sender.put(exchange.records.slice(0, middle))
      this.#exits!.sender.put(exchange.records.slice(middle))
      return
    }
    for (const record of exchange.records) this.#onFailed(record, kind, attempt, WHOLE_STREAM)
  }

  #judge(exchange: Exchange, record: KinesisRecord, entry: Entry): void {
    if ('shardId' in entry) return this.#onLanded(exchange, record, entry)
    const { errorCode, errorMessage } = entry
    const kind = kindOf(errorCode)
    if (kind === 'throttled') {
      this.counters.throttledCount++
      this.#exits!.throttled(record.predictedShard, exchange.startAtMs)
    }
    const mayBeWritten = kind === 'unknown outcome'
    const attempt = failure(exchange, errorCode, errorMessage, mayBeWritten)
    this.#onFailed(record, kind, attempt, record.predictedShard)
  }

  #onFailed(record: KinesisRecord, kind: ErrorKind, attempt: Attempt, shard: number): void {
    const isFinal =
      kind === 'permanent' ||
      // An aggregate that is refused for its content: each member may still be good alone.
      (kind === 'invalid' && record.userRecords.length === 1) ||
      (attempt.code === THROTTLED_CODE && this.#config.failIfThrottled)
    if (isFinal) for (const member of record.userRecords) this.#fail(member, attempt)
    else if (kind === 'invalid') this.#takeApart(record, attempt)
    else this.#failOrAgain(record.userRecords, attempt, shard)
  }

  #takeApart(record: KinesisRecord, attempt: Attempt): void {
    this.#exits!.doubted()
    addToAll(record.userRecords, attempt)
    if (record.userRecords[0]!.keyTurn !== null) return this.#halve(record)
    const parts = record.userRecords.map(
      (member) => new KinesisRecord([member], member.data.length, record.predictedShard),
    )
    for (let at = 0; at < parts.length; at += PUT_RECORDS_MAX_COUNT) {
      this.#exits!.sender.put(parts.slice(at, at + PUT_RECORDS_MAX_COUNT))
    }
  }

  /**
   * With an order to keep, members of one key must not travel side by side: the first half goes,
   * and the other one after it. A bad member is alone after log2 of their number.
   */
  #halve(record: KinesisRecord): void {
    const { userRecords } = record
    const middle = userRecords.length >> 1
    const left = userRecords.slice(middle)
    const nowMs = this.#clock.monotonicMs()
    for (const member of left) member.deadlineAtMs = nowMs
    this.#exits!.sender.put([firstOf(record, middle)])
    stepBack(left)
  }

  #onLanded(exchange: Exchange, record: KinesisRecord, landing: Landing): void {
    const predicted = record.predictedShard
    const shard = shardNumberOf(landing.shardId)
    const isKnown = this.#shards.isKnown(shard, landing.sequenceNumber)
    const isExpected = predicted === NO_SHARD || (predicted === shard && isKnown)
    this.#exits!.backoff.succeeded(predicted)
    if (!isExpected) this.#shards.invalidate(exchange.startAtMs, predicted)
    // By another map the shard of that name had perhaps another range: that of a stream that was
    // deleted, and made anew while the request was held up.
    const isOfThisMap = record.mapVersion === this.#shards.version
    // Alone, a record lands where its own hash key belongs, whatever we predicted.
    if (record.isOneKey || (isExpected && isOfThisMap)) {
      return this.#deliver(exchange, record, landing, null)
    }
    if (isKnown) return this.#deliver(exchange, record, landing, shard)
    this.#unjudged.add({ exchange, record, landing, missedCount: 0 })
    this.#shards.refresh()
  }

  /**
   * A listing has ended. What landed in a shard that we still do not know waits on: it is in the
   * stream, and where all of it belongs it must not be sent again. Its expiration ends that, and so
   * do listings that do not have the shard: it went with a stream that was deleted.
   */
  onShardsListed(isListed: boolean): void {
    const nowMs = this.#clock.monotonicMs()
    for (const unjudged of [...this.#unjudged]) {
      const { exchange, record, landing } = unjudged
      const shard = shardNumberOf(landing.shardId)
      const isKnown = this.#shards.isKnown(shard, landing.sequenceNumber)
      if (isListed) unjudged.missedCount++
      const isLost = unjudged.missedCount >= MISSED_MAX_COUNT || nowMs > record.expiresAtMs
      if (!isKnown && !isLost) continue
      this.#unjudged.delete(unjudged)
      if (isKnown) this.#deliver(exchange, record, landing, shard)
      else this.#onWrongShard(exchange, record)
    }
    if (this.#unjudged.size > 0) this.#shards.refresh()
  }

  /**
   * Settles the members as delivered. With `rangeOf`, only when every member's hash key is in that
   * shard's range: the KCL drops an aggregated record whole when one of its members is not (its
   * AggregatorUtil takes back what it had read of it), so then they all go again.
   */
  #deliver(
    exchange: Exchange,
    record: KinesisRecord,
    landing: Landing,
    rangeOf: number | null,
  ): void {
    const members = record.userRecords
    const isStray = (member: UserRecord) => !this.#shards.contains(rangeOf!, hashKeyFor(member))
    if (rangeOf !== null && members.some(isStray)) return this.#onWrongShard(exchange, record)
    const { startAtMs, endAtMs } = exchange
    const success = { startAtMs, endAtMs, code: null, message: null, mayBeWritten: false }
    this.#metrics.delivered(members, shardNumberOf(landing.shardId), startAtMs)
    const attempts = [success]
    const isAlone = members.length === 1
    for (let i = 0; i < members.length; i++) {
      const member = members[i]!
      member.addAttempt(success, attempts)
      const place = placeOf(landing, isAlone ? null : i)
      member.settle({ isDelivered: true, place, attempts: member.attempts })
    }
  }

  #onWrongShard(exchange: Exchange, { userRecords }: KinesisRecord): void {
    this.counters.wrongShardCount += userRecords.length
    const message = 'Record did not end up in expected shard.'
    // They are in the stream: readers that do not check ranges will see them twice.
    this.#failOrAgain(userRecords, failure(exchange, 'Wrong Shard', message, true), null)
  }

  /**
   * `shard`: whose failure it was, and who is therefore to be spared for a while; null: nobody's.
   */
  #failOrAgain(members: readonly UserRecord[], attempt: Attempt, shard: number | null): void {
    const nowMs = this.#clock.monotonicMs()
    for (const member of members) {
      if (nowMs > member.expiresAtMs) {
        member.addAttempt(attempt)
        this.#fail(member, expiration(nowMs, 'Record has reached expiration'))
        continue
      }
      member.addAttempt(attempt)
      this.counters.retriedCount++
      // Aggregated afresh, not sent again as it was: after a split its neighbours may belong to
      // another shard, and a Kinesis record lands wholly on one of them.
      if (shard !== null) this.#exits!.backoff.put(member, shard, attempt)
      else {
        member.deadlineAtMs = nowMs
        this.#exits!.start.put(member)
      }
    }
  }

  #fail(member: UserRecord, attempt: Attempt): void {
    member.addAttempt(attempt)
    this.#metrics.failed(member, attempt.code!)
    member.settle({
      isDelivered: false,
      code: attempt.code!,
      message: attempt.message!,
      mayBeWritten: member.mayBeWritten,
      attempts: member.attempts,
    })
  }
}

/** The first may be of open shards only, the second from before the shard was there. */
const MISSED_MAX_COUNT = 3

interface Unjudged {
  /** Listings that did not have its shard. */
  missedCount: number
  readonly exchange: Exchange
  readonly record: KinesisRecord
  readonly landing: Landing
}

function addToAll(members: readonly UserRecord[], attempt: Attempt): void {
  for (const member of members) member.addAttempt(attempt)
}

function placeOf(landing: Landing, subSequenceNumber: number | null): Place {
  return { shardId: landing.shardId, sequenceNumber: landing.sequenceNumber, subSequenceNumber }
}

function failure(
  exchange: Exchange,
  code: string,
  message: string,
  mayBeWritten: boolean,
): Attempt {
  const { startAtMs, endAtMs } = exchange
  return { startAtMs, endAtMs, code, message, mayBeWritten }
}

function expiration(nowMs: number, message: string): Attempt {
  return { startAtMs: nowMs, endAtMs: nowMs, code: 'Expired', message, mayBeWritten: false }
}
