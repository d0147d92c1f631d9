// What the line of one stream measures. The places of the values are looked up once for each shard;
// after that a user record costs a few additions.

import type { Clock } from '../../host/index.ts'
import { NO_SHARD, type UserRecord } from '../../record/index.ts'
import { shardIdOf } from '../../wire/index.ts'
import type { Exchange } from '../sender.ts'
import { type Accumulator, Sum } from './accumulator.ts'
import type { MetricName } from './metric-names.ts'
import type { MetricNode, MetricsTree } from './metrics-tree.ts'
import { PendingSampler } from './pending-sampler.ts'

/** How long the metrics of a closed shard are told apart from its stream's. */
const CLOSED_SHARD_KEPT_MS = 60_000

export class StreamMetrics {
  readonly #clock: Clock
  readonly #tree: MetricsTree
  readonly #stream: string
  readonly #pendingCount: () => number
  readonly #nodes = new Map<string, MetricNode>()
  readonly #received: Accumulator
  readonly #pending: PendingSampler
  readonly #shards = new Map<number, ShardMetrics>()
  /** The shard asked for last: one exchange has runs of the same. */
  #lastShard: ShardMetrics | null = null
  /** Empty between two calls. */
  readonly #tallies = { data: new Sum(), retries: new Sum(), buffering: new Sum() }

  /** `pendingCount`: the user records of the line that have not settled. */
  constructor(clock: Clock, tree: MetricsTree, stream: string, pendingCount: () => number) {
    this.#clock = clock
    this.#tree = tree
    this.#stream = stream
    this.#pendingCount = pendingCount
    this.#received = this.#ofStream('UserRecordsReceived')
    const pending = this.#ofStream('UserRecordsPending')
    this.#pending = new PendingSampler(pending, clock.monotonicMs())
  }

  /** A record has entered the line, which had `pendingCount` before. */
  received(nowMs: number, pendingCount: number): void {
    this.#pending.catchUp(nowMs, pendingCount)
    this.#received.add(1, nowMs)
  }

  /** Samples what is pending; before it changes, and before somebody reads. */
  samplePending(nowMs: number): void {
    this.#pending.catchUp(nowMs, this.#pendingCount())
  }

  /** A request has ended, well or not. */
  ended({ records, startAtMs, endAtMs, result }: Exchange): void {
    this.samplePending(endAtMs)
    let userRecordCount = 0
    for (let i = 0; i < records.length; i++) {
      const record = records[i]!
      const shard = this.#shard(record.predictedShard)
      userRecordCount += record.userRecords.length
      shard.userRecordsPerKinesisRecord.add(record.userRecords.length, endAtMs)
      if ('code' in result) continue
      const entry = result.entries[i]!
      const isStored = 'shardId' in entry
      shard.kinesisRecordsPut.add(isStored ? 1 : 0, endAtMs)
      shard.allErrors.add(isStored ? 0 : 1, endAtMs)
      if (isStored) shard.kinesisRecordsDataPut.add(record.sizeBytes, endAtMs)
      else shard.errors(entry.errorCode).add(1, endAtMs)
    }
    this.#ofStream('RequestTime').add(endAtMs - startAtMs, endAtMs)
    this.#ofStream('KinesisRecordsPerPutRecordsRequest').add(records.length, endAtMs)
    this.#ofStream('UserRecordsPerPutRecordsRequest').add(userRecordCount, endAtMs)
    if (!('code' in result)) return
    // A request that fails as a whole is one error of the stream, however many records it had.
    this.#shard(NO_SHARD).allErrors.add(1, endAtMs)
    this.#shard(NO_SHARD).errors(result.code).add(1, endAtMs)
  }

  /**
   * User records are about to settle as delivered to the shard. Their last attempt, from
   * `startAtMs` on, is not among their attempts yet.
   */
  delivered(members: readonly UserRecord[], shardNumber: number, startAtMs: number): void {
    const { data, retries, buffering } = this.#tallies
    for (let i = 0; i < members.length; i++) {
      const member = members[i]!
      tally(data, member.data.length)
      tally(retries, member.attemptCount)
      if (member.attemptCount === 0) tally(buffering, startAtMs - member.arrivalAtMs)
      else tallyBuffering(buffering, member, startAtMs)
    }
    const nowMs = this.#clock.monotonicMs()
    const shard = this.#shard(shardNumber)
    const count = members.length
    shard.userRecordsPut.addAll({ count, sum: count, min: 1, max: 1 }, nowMs)
    shard.userRecordsDataPut.addAll(data, nowMs)
    shard.retriesPerRecord.addAll(retries, nowMs)
    shard.bufferingTime.addAll(buffering, nowMs)
    data.clear()
    retries.clear()
    buffering.clear()
  }

  /** A user record is about to settle as failed; all its attempts are in it. */
  failed(member: UserRecord, code: string): void {
    const shard = this.#gaveUp(member, member.attemptCount - 1)
    if (code === 'Expired') shard.userRecordExpired.add(1, this.#clock.monotonicMs())
  }

  /** The line is closed with the user record in it; no attempt tells that yet. */
  abandoned(member: UserRecord): void {
    this.#gaveUp(member, member.attemptCount)
  }

  #gaveUp(member: UserRecord, retryCount: number): ShardMetrics {
    const nowMs = this.#clock.monotonicMs()
    this.samplePending(nowMs)
    const shard = this.#shard(member.predictedShard)
    shard.userRecordsPut.add(0, nowMs)
    shard.retriesPerRecord.add(retryCount, nowMs)
    const { buffering } = this.#tallies
    tallyBuffering(buffering, member, null)
    shard.bufferingTime.addAll(buffering, nowMs)
    buffering.clear()
    return shard
  }

  /** Gives up what is told apart of shards that closed a while ago. */
  keepOnly(isOpen: (shard: number) => boolean): void {
    const nowMs = this.#clock.monotonicMs()
    for (const [number, shard] of this.#shards) {
      if (number === NO_SHARD) continue
      if (isOpen(number)) shard.closedAtMs = null
      else shard.closedAtMs ??= nowMs
      if (shard.closedAtMs === null || nowMs - shard.closedAtMs < CLOSED_SHARD_KEPT_MS) continue
      this.#shards.delete(number)
      if (this.#lastShard === shard) this.#lastShard = null
      for (const node of shard.nodes) node.at('ShardId')?.retire(nowMs)
    }
  }

  /** The line is gone: its values stay part of the totals over all streams. */
  retire(): void {
    const nowMs = this.#clock.monotonicMs()
    this.samplePending(nowMs)
    const streams = new Set<MetricNode | null>()
    const nodes = [...this.#shards.values()].flatMap((shard) => shard.nodes)
    for (const node of [...this.#nodes.values(), ...nodes]) streams.add(node.at('StreamName'))
    for (const stream of streams) stream?.retire(nowMs)
  }

  #ofStream(name: MetricName): Accumulator {
    let node = this.#nodes.get(name)
    if (node === undefined) {
      const place = { stream: this.#stream, shardId: null, errorCode: null }
      node = this.#tree.node(name, place, this.#clock.monotonicMs())
      this.#nodes.set(name, node)
    }
    return node.own
  }

  #shard(number: number): ShardMetrics {
    const last = this.#lastShard
    if (last !== null && last.number === number) return last
    let shard = this.#shards.get(number)
    if (shard === undefined) {
      shard = new ShardMetrics(this.#clock, this.#tree, this.#stream, number)
      this.#shards.set(number, shard)
    }
    this.#lastShard = shard
    return shard
  }
}

/** Of one shard; or of the stream, for what is not predicted. */
class ShardMetrics {
  readonly number: number
  readonly nodes: MetricNode[] = []
  closedAtMs: number | null = null
  readonly userRecordsPut: Accumulator
  readonly userRecordsDataPut: Accumulator
  readonly kinesisRecordsPut: Accumulator
  readonly kinesisRecordsDataPut: Accumulator
  readonly allErrors: Accumulator
  readonly retriesPerRecord: Accumulator
  readonly bufferingTime: Accumulator
  readonly userRecordsPerKinesisRecord: Accumulator
  readonly userRecordExpired: Accumulator
  readonly #errors = new Map<string, Accumulator>()
  readonly #find: (name: MetricName, errorCode: string | null) => MetricNode

  constructor(clock: Clock, tree: MetricsTree, stream: string, number: number) {
    this.number = number
    const shardId = number === NO_SHARD ? null : shardIdOf(number)
    this.#find = (name, errorCode) =>
      tree.node(name, { stream, shardId, errorCode }, clock.monotonicMs())
    this.userRecordsPut = this.#open('UserRecordsPut')
    this.userRecordsDataPut = this.#open('UserRecordsDataPut')
    this.kinesisRecordsPut = this.#open('KinesisRecordsPut')
    this.kinesisRecordsDataPut = this.#open('KinesisRecordsDataPut')
    this.allErrors = this.#open('AllErrors')
    this.retriesPerRecord = this.#open('RetriesPerRecord')
    this.bufferingTime = this.#open('BufferingTime')
    this.userRecordsPerKinesisRecord = this.#open('UserRecordsPerKinesisRecord')
    this.userRecordExpired = this.#open('UserRecordExpired')
  }

  errors(code: string): Accumulator {
    const known = this.#errors.get(code)
    if (known !== undefined) return known
    const node = this.#find('ErrorsByCode', code)
    // The tree tells only so many codes apart; so do we.
    const told = node.dimensions.get('ErrorCode')!
    if (!this.#errors.has(told)) {
      this.#errors.set(told, node.own)
      this.nodes.push(node)
    }
    return node.own
  }

  #open(name: MetricName): Accumulator {
    const node = this.#find(name, null)
    this.nodes.push(node)
    return node.own
  }
}

function tally(into: Sum, value: number): void {
  into.count++
  into.sum += value
  if (value < into.min) into.min = value
  if (value > into.max) into.max = value
}

/** One wait before each attempt that is kept; and before one more that begins at `nextAtMs`. */
function tallyBuffering(into: Sum, member: UserRecord, nextAtMs: number | null): void {
  let sinceMs = member.arrivalAtMs
  const { attempts, attemptCount } = member
  for (let i = 0; i < attempts.length; i++) {
    const { startAtMs, endAtMs } = attempts[i]!
    // The attempts between the last two that are kept are not: no wait to be had from them.
    const isAfterGap = i === attempts.length - 1 && attempts.length < attemptCount
    if (!isAfterGap) tally(into, startAtMs - sinceMs)
    sinceMs = endAtMs
  }
  if (nextAtMs !== null) tally(into, nextAtMs - sinceMs)
}
