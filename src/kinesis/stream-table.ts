// All streams, in memory and on the disk:
//
//     service.json                                  the key that tokens are sealed with
//     streams/<name>.<id>/stream.json               what the stream is; the last file to go
//     streams/<name>.<id>/<shard>/<segment>.log     its records
//
// Writing `stream.json` is what makes a stream, changes it or condemns it. So a crash at any moment
// leaves either state, whole: a stream that was being created is finished at the next start, and
// one that was being deleted is deleted.

import {
  below,
  type Clock,
  type Disk,
  type Log,
  type LogFields,
  type Random,
  type Timer,
} from '../host/index.ts'
import { shardIdOf } from '../wire/index.ts'
import type { KinesisConfig } from './config.ts'
import { Reshape } from './reshape.ts'
import { ServiceError } from './service-error.ts'
import { Shard, type ShardRecord } from './shard.ts'
import { ShardLimiter, type ShardRates } from './shard-limiter.ts'
import { ShardLog } from './shard-log.ts'
import { Stream, type StreamRecord, type StreamStatus } from './stream.ts'
import {
  folderOf,
  groupByFolder,
  STREAM_FILE,
  StreamFiles,
  segmentsByShard,
  shardFolder,
} from './stream-files.ts'
import { newStreamRecord, type StreamPlan } from './stream-plan.ts'
import { checkedStreamRecord } from './stream-record.ts'

export interface StreamTableParts {
  readonly clock: Clock
  readonly random: Random
  readonly disk: Disk
  readonly config: KinesisConfig
  readonly rates: ShardRates
  readonly log: Log
}

/** More streams being created at once are refused. API reference, CreateStream. */
const CREATING_MAX_COUNT = 5

/** How often it is looked whether segments are past the retention period. */
const EXPIRY_CHECK_MS = 60_000

export class StreamTable {
  readonly #parts: StreamTableParts
  readonly #byName = new Map<string, Stream>()
  /** Names of streams whose first file is being written. */
  readonly #reserved = new Map<string, number>()
  /** Open shards that reshards under way will add. */
  #addedShardCount = 0
  readonly #files: StreamFiles
  readonly #timers = new Set<Timer>()

  static async open(parts: StreamTableParts): Promise<StreamTable> {
    const table = new StreamTable(parts)
    const filesByFolder = groupByFolder(await parts.disk.list())
    for (const [folder, files] of filesByFolder) await table.#openFolder(folder, files)
    table.#scheduleExpiry()
    return table
  }

  private constructor(parts: StreamTableParts) {
    this.#parts = parts
    this.#files = new StreamFiles(parts.disk)
  }

  get(name: string): Stream | null {
    return this.#byName.get(name) ?? null
  }

  byId(id: string): Stream | null {
    return [...this.#byName.values()].find((stream) => stream.id === id) ?? null
  }

  /** In the order of their names. */
  all(): Stream[] {
    return [...this.#byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** Creates a stream; when this resolves, it survives a crash. Rejects with a `ServiceError`. */
  async create(plan: StreamPlan): Promise<void> {
    this.#checkPlan(plan)
    this.#reserved.set(plan.name, plan.shardCount)
    try {
      const { creatingMs } = this.#parts.config
      const { clock, random, config } = this.#parts
      const status = creatingMs === 0 ? 'ACTIVE' : 'CREATING'
      const from = { status, retentionHours: config.retentionHours } as const
      const record = newStreamRecord(plan, from, clock.wallMs(), random)
      const stream = await this.#build(record, new Map())
      await this.#files.save(stream.record)
      this.#byName.set(plan.name, stream)
      if (creatingMs > 0) this.#after(creatingMs, () => this.#activate(stream, 'CREATING'))
    } finally {
      this.#reserved.delete(plan.name)
    }
  }

  /** Deletes a stream; when this resolves, it will not come back. Rejects with a `ServiceError`. */
  async delete(stream: Stream): Promise<void> {
    this.#checkActive(stream)
    const before = stream.record
    stream.record = { ...before, status: 'DELETING' }
    try {
      await this.#files.save(stream.record)
    } catch (error) {
      stream.record = before
      throw error
    }
    const { deletingMs } = this.#parts.config
    if (deletingMs === 0) await this.#finishDeleting(stream)
    else this.#after(deletingMs, () => this.#finishDeleting(stream))
  }

  /**
   * Changes a stream's shards; when this resolves, records go by the new ones, and the change
   * survives a crash. `change` may throw a `ServiceError`; so may this.
   *
   * Until the new file is on the disk the parents take records, and a crash leaves either state
   * whole: what a parent took is in its own files, which are read whether it is closed or not.
   */
  async reshape(stream: Stream, change: (reshape: Reshape) => void): Promise<void> {
    this.#checkActive(stream)
    const before = stream.record
    const wereOpen = stream.shards.filter((shard) => shard.isOpen)
    const reshape = new Reshape(before.shards, this.#parts.clock.wallMs())
    change(reshape)
    const addedCount = Math.max(0, reshape.openCount - stream.openShardCount)
    this.#checkShardCount(addedCount)
    const { updatingMs } = this.#parts.config
    const status = updatingMs === 0 ? 'ACTIVE' : 'UPDATING'
    const record: StreamRecord = { ...before, status, shards: reshape.records }
    // Nobody else changes it meanwhile.
    stream.record = { ...before, status: 'UPDATING' }
    this.#addedShardCount += addedCount
    try {
      const added = await this.#openShards(record, record.shards.slice(before.shards.length))
      await this.#files.save(record)
      stream.reshape(record, added)
      for (const shard of wereOpen) if (!shard.isOpen) shard.log.finish()
    } catch (error) {
      stream.record = before
      throw error
    } finally {
      this.#addedShardCount -= addedCount
    }
    if (updatingMs > 0) this.#after(updatingMs, () => this.#activate(stream, 'UPDATING'))
  }

  /** Lets writes end and closes all files. */
  async close(): Promise<void> {
    for (const timer of this.#timers) timer.cancel()
    const shards = [...this.#byName.values()].flatMap((stream) => stream.shards)
    await Promise.all(shards.map((shard) => shard.log.close()))
  }

  #checkPlan({ name, shardCount }: StreamPlan): void {
    const { accountId, region, maxStreams } = this.#parts.config
    if (this.#byName.has(name) || this.#reserved.has(name)) {
      throw this.#inUse(name, 'already exists.')
    }
    const streams = [...this.#byName.values()]
    const creating = streams.filter((stream) => stream.status === 'CREATING')
    if (creating.length + this.#reserved.size >= CREATING_MAX_COUNT) {
      throw limitExceeded(`More than ${CREATING_MAX_COUNT} streams would be in CREATING state.`)
    }
    if (streams.length + this.#reserved.size >= maxStreams) {
      throw limitExceeded(
        `This request would exceed the stream limit for the account ${accountId} in ${region}. ` +
          `Limit: ${maxStreams}.`,
      )
    }
    this.#checkShardCount(shardCount)
  }

  #checkShardCount(additionalCount: number): void {
    const { accountId, region, maxShards } = this.#parts.config
    const counts = [...this.#byName.values()].map((stream) => stream.openShardCount)
    const coming = [...this.#reserved.values(), this.#addedShardCount]
    const count = [...counts, ...coming].reduce((sum, one) => sum + one, 0)
    if (additionalCount <= 0 || count + additionalCount <= maxShards) return
    throw limitExceeded(
      `This request would exceed the shard limit for the account ${accountId} in ${region}. ` +
        `Current shard count for the account: ${count}. Limit: ${maxShards}. Number of ` +
        `additional shards that would have resulted from this request: ${additionalCount}.`,
    )
  }

  #checkActive({ name, status }: Stream): void {
    if (status !== 'ACTIVE') throw this.#inUse(name, `not ACTIVE, instead in state ${status}`)
  }

  #inUse(name: string, what: string): ServiceError {
    const message = `Stream ${name} under account ${this.#parts.config.accountId} ${what}`
    return new ServiceError('ResourceInUseException', message)
  }

  /** `segmentNames`: of each shard, as on the disk. */
  async #build(record: StreamRecord, segmentNames: Map<number, string[]>): Promise<Stream> {
    const { accountId, region } = this.#parts.config
    const shards = await this.#openShards(record, record.shards, segmentNames)
    const arn = `arn:aws:kinesis:${region}:${accountId}:stream/${record.name}`
    return new Stream(record, arn, accountId, shards)
  }

  async #openShards(
    record: StreamRecord,
    of: readonly ShardRecord[],
    segmentNames: ReadonlyMap<number, string[]> = new Map(),
  ): Promise<Shard[]> {
    const shards: Shard[] = []
    for (const shard of of) {
      const log = await this.#openLog(record, shard, segmentNames.get(shard.number) ?? [])
      shards.push(new Shard(shard, log, this.#newLimiter()))
    }
    return shards
  }

  #openLog(stream: StreamRecord, shard: ShardRecord, names: string[]): Promise<ShardLog> {
    const { clock, log, config } = this.#parts
    const { segmentMaxBytes, segmentMaxAgeMs, syncBeforeAnswer } = config
    const disk = below(this.#parts.disk, `${folderOf(stream)}/${shardFolder(shard.number)}`)
    const retentionMs = stream.retentionHours * 3_600_000
    const logConfig = { segmentMaxBytes, segmentMaxAgeMs, retentionMs, syncBeforeAnswer }
    const shardOfLog = { stream: stream.name, shard: shardIdOf(shard.number) }
    const parts = { clock, disk, config: logConfig, log: withFields(log, shardOfLog) }
    return ShardLog.open(parts, names)
  }

  #newLimiter(): ShardLimiter | null {
    const { config, rates, clock } = this.#parts
    return config.limits ? new ShardLimiter(rates, clock.monotonicMs()) : null
  }

  async #activate(stream: Stream, from: StreamStatus): Promise<void> {
    if (stream.status !== from) return
    // In memory whatever the disk says: the next start would do the same.
    stream.record = { ...stream.record, status: 'ACTIVE' }
    await this.#files.save(stream.record)
  }

  async #finishDeleting(stream: Stream): Promise<void> {
    await Promise.all(stream.shards.map((shard) => shard.log.close()))
    if (this.#byName.get(stream.name) === stream) this.#byName.delete(stream.name)
    await this.#files.removeStream(folderOf(stream.record))
  }

  async #openFolder(folder: string, files: readonly string[]): Promise<void> {
    const { disk, log } = this.#parts
    try {
      const bytes = files.includes(STREAM_FILE) ? await disk.load(`${folder}/${STREAM_FILE}`) : null
      const found = bytes === null ? null : checkedStreamRecord(bytes)
      if (found === null) {
        log.error('a folder was left alone: it has no readable stream.json', { folder })
      } else if (found.status === 'DELETING') {
        await this.#files.removeStream(folder)
      } else {
        const record: StreamRecord = { ...found, status: 'ACTIVE' }
        const segmentNames = segmentsByShard(files)
        this.#byName.set(record.name, await this.#build(record, segmentNames))
        if (found.status !== 'ACTIVE') await this.#files.save(record)
      }
    } catch (error) {
      log.error('a stream could not be opened', { folder, reason: (error as Error).message })
    }
  }

  /** Closed shards of which nothing is kept any more go, too: resharding leaves more and more. */
  async #forgetExpired(stream: Stream): Promise<void> {
    const { record } = stream
    const horizonMs = this.#parts.clock.wallMs() - record.retentionHours * 3_600_000
    const isGone = ({ record: { closed }, log }: Shard) =>
      closed !== null && closed.atMs < horizonMs && log.isEmpty && log.isQuiet
    const gone = stream.shards.filter(isGone)
    if (gone.length === 0 || stream.status !== 'ACTIVE') return
    const numbers = new Set(gone.map((shard) => shard.record.number))
    const shards = record.shards.filter(({ number }) => !numbers.has(number))
    stream.reshape({ ...record, shards }, [])
    await this.#files.save(stream.record)
    for (const shard of gone) {
      await shard.log.close()
      await this.#files.removeShard(record, shard.record.number)
    }
  }

  #after(ms: number, task: () => Promise<void>): void {
    const { clock, log } = this.#parts
    const timer = clock.schedule(clock.monotonicMs() + ms, () => {
      this.#timers.delete(timer)
      task().catch((error: Error) => {
        log.error('a stream could not be changed on the disk', { reason: error.message })
      })
    })
    this.#timers.add(timer)
  }

  #scheduleExpiry(): void {
    this.#after(EXPIRY_CHECK_MS, async () => {
      this.#scheduleExpiry()
      for (const stream of this.#byName.values()) {
        await this.#forgetExpired(stream)
        for (const shard of stream.shards) shard.log.expire()
      }
    })
  }
}

/** Whoever reads a line at night wants to know which shard it is about. */
function withFields(log: Log, more: LogFields): Log {
  return {
    info: (message, fields) => log.info(message, { ...more, ...fields }),
    warn: (message, fields) => log.warn(message, { ...more, ...fields }),
    error: (message, fields) => log.error(message, { ...more, ...fields }),
  }
}

function limitExceeded(message: string): ServiceError {
  return new ServiceError('LimitExceededException', message)
}
