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
import { evenRanges } from './hash-key-range.ts'
import { ServiceError } from './service-error.ts'
import { Shard, type ShardRecord } from './shard.ts'
import { ShardLimiter, type ShardRates } from './shard-limiter.ts'
import { ShardLog } from './shard-log.ts'
import { STREAM_FORMAT, Stream, type StreamMode, type StreamRecord } from './stream.ts'
import { checkedStreamRecord } from './stream-record.ts'

export interface StreamTableParts {
  readonly clock: Clock
  readonly random: Random
  readonly disk: Disk
  readonly config: KinesisConfig
  readonly rates: ShardRates
  readonly log: Log
}

export interface StreamPlan {
  readonly name: string
  readonly shardCount: number
  readonly mode: StreamMode
  readonly maxRecordSizeKiB: number
  readonly tags: Readonly<Record<string, string>>
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
      const record = this.#newRecord(plan, creatingMs === 0 ? 'ACTIVE' : 'CREATING')
      const stream = await this.#build(record, new Map())
      await this.#save(stream.record)
      this.#byName.set(plan.name, stream)
      if (creatingMs > 0) this.#after(creatingMs, () => this.#finishCreating(stream))
    } finally {
      this.#reserved.delete(plan.name)
    }
  }

  /** Deletes a stream; when this resolves, it will not come back. Rejects with a `ServiceError`. */
  async delete(stream: Stream): Promise<void> {
    if (!stream.isUsable) throw this.#inUse(stream.name, `is ${stream.status}`)
    const before = stream.record
    stream.record = { ...before, status: 'DELETING' }
    try {
      await this.#save(stream.record)
    } catch (error) {
      stream.record = before
      throw error
    }
    const { deletingMs } = this.#parts.config
    if (deletingMs === 0) await this.#finishDeleting(stream)
    else this.#after(deletingMs, () => this.#finishDeleting(stream))
  }

  /** Lets writes end and closes all files. */
  async close(): Promise<void> {
    for (const timer of this.#timers) timer.cancel()
    const shards = [...this.#byName.values()].flatMap((stream) => stream.shards)
    await Promise.all(shards.map((shard) => shard.log.close()))
  }

  #checkPlan({ name, shardCount }: StreamPlan): void {
    const { accountId, region, maxStreams, maxShards } = this.#parts.config
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
    const reserved = [...this.#reserved.values()].reduce((sum, count) => sum + count, 0)
    const count = streams.reduce((sum, stream) => sum + stream.openShardCount, reserved)
    if (count + shardCount > maxShards) {
      throw limitExceeded(
        `This request would exceed the shard limit for the account ${accountId} in ${region}. ` +
          `Current shard count for the account: ${count}. Limit: ${maxShards}. ` +
          `Number of additional shards that would have resulted from this request: ${shardCount}.`,
      )
    }
  }

  #inUse(name: string, what: string): ServiceError {
    const message = `Stream ${name} under account ${this.#parts.config.accountId} ${what}`
    return new ServiceError('ResourceInUseException', message)
  }

  #newRecord(plan: StreamPlan, status: 'ACTIVE' | 'CREATING'): StreamRecord {
    const { shardCount, ...kept } = plan
    const creationAtMs = Math.floor(this.#parts.clock.wallMs())
    const shards = evenRanges(shardCount).map(
      ({ start, end }, number): ShardRecord => ({
        number,
        startingHashKey: start.toString(),
        endingHashKey: end.toString(),
        creationAtMs,
        parentNumber: null,
        adjacentParentNumber: null,
        closed: null,
      }),
    )
    const { retentionHours } = this.#parts.config
    const id = newId(this.#parts.random)
    return { format: STREAM_FORMAT, id, status, creationAtMs, retentionHours, shards, ...kept }
  }

  /** `segmentNames`: of each shard, as on the disk. */
  async #build(record: StreamRecord, segmentNames: Map<number, string[]>): Promise<Stream> {
    const { accountId, region } = this.#parts.config
    const shards: Shard[] = []
    for (const shard of record.shards) {
      const log = await this.#openLog(record, shard, segmentNames.get(shard.number) ?? [])
      shards.push(new Shard(shard, log, this.#newLimiter()))
    }
    const arn = `arn:aws:kinesis:${region}:${accountId}:stream/${record.name}`
    return new Stream(record, arn, accountId, shards)
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

  #save(record: StreamRecord): Promise<void> {
    const bytes = Buffer.from(JSON.stringify(record))
    return this.#parts.disk.replace(`${folderOf(record)}/${STREAM_FILE}`, bytes)
  }

  async #finishCreating(stream: Stream): Promise<void> {
    if (stream.status !== 'CREATING') return
    // In memory whatever the disk says: the next start would do the same.
    stream.record = { ...stream.record, status: 'ACTIVE' }
    await this.#save(stream.record)
  }

  async #finishDeleting(stream: Stream): Promise<void> {
    await Promise.all(stream.shards.map((shard) => shard.log.close()))
    if (this.#byName.get(stream.name) === stream) this.#byName.delete(stream.name)
    const prefix = `${folderOf(stream.record)}/`
    const names = await this.#parts.disk.list()
    await this.#removeFolder(
      prefix,
      names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length)),
    )
  }

  async #removeFolder(prefix: string, files: readonly string[]): Promise<void> {
    for (const file of files) {
      if (file !== STREAM_FILE) await this.#parts.disk.remove(prefix + file)
    }
    await this.#parts.disk.remove(prefix + STREAM_FILE)
  }

  async #openFolder(folder: string, files: readonly string[]): Promise<void> {
    const { disk, log } = this.#parts
    try {
      const bytes = files.includes(STREAM_FILE) ? await disk.load(`${folder}/${STREAM_FILE}`) : null
      const found = bytes === null ? null : checkedStreamRecord(bytes)
      if (found === null) {
        log.error('a folder was left alone: it has no readable stream.json', { folder })
      } else if (found.status === 'DELETING') {
        await this.#removeFolder(`${folder}/`, files)
      } else {
        const record: StreamRecord = { ...found, status: 'ACTIVE' }
        this.#byName.set(record.name, await this.#build(record, segmentsByShard(files)))
        if (found.status !== 'ACTIVE') await this.#save(record)
      }
    } catch (error) {
      log.error('a stream could not be opened', { folder, reason: (error as Error).message })
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
      for (const stream of this.#byName.values()) {
        for (const shard of stream.shards) shard.log.expire()
      }
      this.#scheduleExpiry()
    })
  }
}

const STREAM_FILE = 'stream.json'
const ROOT = 'streams/'

function folderOf({ name, id }: StreamRecord): string {
  return `${ROOT}${name}.${id}`
}

/** Whoever reads a line at night wants to know which shard it is about. */
function withFields(log: Log, more: LogFields): Log {
  return {
    info: (message, fields) => log.info(message, { ...more, ...fields }),
    warn: (message, fields) => log.warn(message, { ...more, ...fields }),
    error: (message, fields) => log.error(message, { ...more, ...fields }),
  }
}

function shardFolder(number: number): string {
  return String(number).padStart(12, '0')
}

/** The files of each stream's folder, with their names in it. */
function groupByFolder(names: readonly string[]): Map<string, string[]> {
  const folders = new Map<string, string[]>()
  for (const name of names) {
    const end = name.indexOf('/', ROOT.length)
    if (!name.startsWith(ROOT) || end < 0) continue
    const folder = name.slice(0, end)
    const files = folders.get(folder) ?? []
    files.push(name.slice(end + 1))
    folders.set(folder, files)
  }
  return folders
}

function segmentsByShard(files: readonly string[]): Map<number, string[]> {
  const shards = new Map<number, string[]>()
  for (const file of files) {
    const parts = /^([0-9]{12})\/([^/]+)$/.exec(file)
    if (parts === null) continue
    const number = Number(parts[1])
    const names = shards.get(number) ?? []
    names.push(parts[2]!)
    shards.set(number, names)
  }
  return shards
}

/** 24 hexadecimal digits. */
function newId(random: Random): string {
  return Array.from({ length: 3 }, () =>
    random
      .below(2 ** 32)
      .toString(16)
      .padStart(8, '0'),
  ).join('')
}

function limitExceeded(message: string): ServiceError {
  return new ServiceError('LimitExceededException', message)
}
