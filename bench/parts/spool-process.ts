// A spool on a directory of its own, or writev + fdatasync and nothing else, under writers that
// wait for each answer.

import { mkdtemp, open, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfig } from '../../src/config/index.ts'
import { type Disk, type LogFile, silentLog } from '../../src/host/index.ts'
import { NodeClock, NodeDisk, NodeRandom } from '../../src/host/node/index.ts'
import type { RecordResult, UserRecord } from '../../src/record/index.ts'
import { Spool, type SpoolLine, spoolFields } from '../../src/spool/index.ts'
import { answerCalls } from '../child.ts'

export interface WritePlan {
  readonly way: 'spool' | 'away' | 'bare'
  readonly writers: number
  readonly seconds: number
  readonly dataBytes: number
}

export interface WriteDone {
  readonly recordsPerSecond: number
  readonly p99Ms: number
  readonly syncP99Ms: number
  readonly cpuMicrosPerRecord: number
}

export interface BacklogPlan {
  readonly records: number
  readonly recordsPerTransaction: number
  readonly dataBytes: number
  /** Hand everything on after the start, and settle it; else nothing is ever settled. */
  readonly isDrained: boolean
}

export interface BacklogDone {
  readonly enqueueMicros: number
  readonly recoverMicros: number
  readonly rssBytes: number
  readonly heldRecords: number
  readonly diskBytes: number
  readonly recoverMs: number
  readonly openMs: number
}

const config = readConfig(spoolFields, { overrides: {} })
const clock = new NodeClock()
const random = new NodeRandom()
const deadLetters = { add() {}, onRoom() {} }
const PLACE = { shardId: 'shardId-000000000000', sequenceNumber: '1'.repeat(56) }

/** Settles what it is given a turn of the event loop later, all of it at once; or never. */
class Line implements SpoolLine {
  takenCount = 0
  onTaken = () => {}
  readonly #settles: boolean
  #waiting: UserRecord[] = []

  constructor(settles: boolean) {
    this.#settles = settles
  }

  put(record: UserRecord): void {
    this.takenCount++
    if (!this.#settles) return
    if (this.#waiting.length === 0) setImmediate(() => this.#settle())
    this.#waiting.push(record)
  }

  laneOf(): number {
    return 0
  }

  onLanesChanged(): void {}

  #settle(): void {
    const records = this.#waiting
    this.#waiting = []
    for (const [index, record] of records.entries()) {
      const place = { ...PLACE, subSequenceNumber: index }
      record.settle({ isDelivered: true, place, attempts: [] } satisfies RecordResult)
    }
    this.onTaken()
  }
}

async function inDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'headgate-spool-'))
  try {
    return await work(directory)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** Tells how long it took to write and sync each group of a log. */
function timed(disk: NodeDisk, syncsMs: number[]): Disk {
  const timedFile = (file: LogFile): LogFile => ({
    name: file.name,
    sizeBytes: () => file.sizeBytes(),
    append: (chunks) => file.append(chunks),
    sync: () => file.sync(),
    appendSynced: async (chunks, reserve) => {
      const startAtMs = performance.now()
      await file.appendSynced!(chunks, reserve)
      syncsMs.push(performance.now() - startAtMs)
    },
    read: (position, lengthBytes, room) => file.read(position, lengthBytes, room),
    truncate: (sizeBytes) => file.truncate(sizeBytes),
    close: () => file.close(),
  })
  return {
    open: async (name) => {
      const file = await disk.open(name)
      return name.endsWith('.log') ? timedFile(file) : file
    },
    list: () => disk.list(),
    remove: (name) => disk.remove(name),
    replace: (name, bytes) => disk.replace(name, bytes),
    load: (name) => disk.load(name),
    sizeOf: (name) => disk.sizeOf(name),
  }
}

type Keep = (data: Buffer) => Promise<void>

async function underWriters(plan: WritePlan, keep: Keep, syncsMs: number[]): Promise<WriteDone> {
  const latenciesMs: number[] = []
  const endAtMs = performance.now() + plan.seconds * 1000
  const startAtMs = performance.now()
  const cpuBefore = process.cpuUsage()
  const write = async () => {
    const data = Buffer.alloc(plan.dataBytes, 'x')
    while (performance.now() < endAtMs) {
      const sentAtMs = performance.now()
      await keep(data)
      latenciesMs.push(performance.now() - sentAtMs)
    }
  }
  await Promise.all(Array.from({ length: plan.writers }, write))
  const { user, system } = process.cpuUsage(cpuBefore)
  const { length: count } = latenciesMs
  return {
    recordsPerSecond: (count * 1000) / (performance.now() - startAtMs),
    p99Ms: percentile(latenciesMs, 0.99),
    syncP99Ms: percentile(syncsMs, 0.99),
    cpuMicrosPerRecord: (user + system) / count,
  }
}

function percentile(values: number[], share: number): number {
  values.sort((a, b) => a - b)
  return values[Math.floor((values.length - 1) * share)] ?? 0
}

function write(plan: WritePlan): Promise<WriteDone> {
  return inDirectory((directory) =>
    plan.way === 'bare' ? writeBare(directory, plan) : writeToSpool(directory, plan),
  )
}

async function writeToSpool(directory: string, plan: WritePlan): Promise<WriteDone> {
  const disk = await NodeDisk.open(directory)
  const syncsMs: number[] = []
  const host = { clock, random, disk: timed(disk, syncsMs) }
  const spool = await Spool.open(host, config, { deadLetters }, silentLog)
  spool.start(new Line(plan.way === 'spool'), { settled() {}, changed() {} })
  const keep = (data: Buffer) => appendOne(spool, data)
  const done = await underWriters(plan, keep, syncsMs)
  await spool.close(10_000)
  await disk.close()
  return done
}

function appendOne(spool: Spool, data: Buffer, count = 1): Promise<void> {
  const record = { stream: 's', partitionKey: 'key', explicitHashKey: null, data }
  return new Promise((resolve, reject) => {
    spool.append({
      records: Array.from({ length: count }, () => record),
      idempotency: null,
      durable: () => resolve(),
      refused: ({ message }) => reject(new Error(message)),
      settled: null,
    })
  })
}

/** All that waits while one group is written and synced is the next group. */
async function writeBare(directory: string, plan: WritePlan): Promise<WriteDone> {
  const file = await open(join(directory, 'bare'), 'w')
  const syncsMs: number[] = []
  let waiting: { data: Buffer; resolve: () => void }[] = []
  let isWriting = false
  const writeAll = async () => {
    isWriting = true
    await null
    while (waiting.length > 0) {
      const group = waiting
      waiting = []
      const startAtMs = performance.now()
      await file.writev(group.map(({ data }) => data))
      await file.datasync()
      syncsMs.push(performance.now() - startAtMs)
      for (const { resolve } of group) resolve()
    }
    isWriting = false
  }
  // As many bytes as the spool's frame has beside the data.
  const overhead = Buffer.alloc(20 + 18 + 13)
  const keep = (data: Buffer) =>
    new Promise<void>((resolve) => {
      waiting.push({ data: Buffer.concat([overhead, data]), resolve })
      if (!isWriting) void writeAll()
    })
  const done = await underWriters(plan, keep, syncsMs)
  await file.close()
  return done
}

function backlog(plan: BacklogPlan): Promise<BacklogDone> {
  return inDirectory(async (directory) => {
    const enqueueMicros = await enqueue(directory, plan)
    const diskBytes = await bytesIn(directory)
    return { enqueueMicros, diskBytes, ...(await recover(directory, plan)) }
  })
}

async function enqueue(directory: string, plan: BacklogPlan): Promise<number> {
  const { records, recordsPerTransaction, dataBytes } = plan
  const disk = await NodeDisk.open(directory)
  const spool = await Spool.open({ clock, random, disk }, config, { deadLetters }, silentLog)
  spool.start(new Line(false), { settled() {}, changed() {} })
  const cpuBefore = process.cpuUsage()
  let left = records
  const write = async () => {
    while (left > 0) {
      left -= recordsPerTransaction
      await appendOne(spool, Buffer.alloc(dataBytes, 'x'), recordsPerTransaction)
    }
  }
  await Promise.all(Array.from({ length: 500 }, write))
  const { user, system } = process.cpuUsage(cpuBefore)
  await spool.close(10_000)
  await disk.close()
  return (user + system) / records
}

async function recover(
  directory: string,
  { records, isDrained }: BacklogPlan,
): Promise<Omit<BacklogDone, 'enqueueMicros' | 'diskBytes'>> {
  const cpuBefore = process.cpuUsage()
  const startAtMs = performance.now()
  const disk = await NodeDisk.open(directory)
  const spool = await Spool.open({ clock, random, disk }, config, { deadLetters }, silentLog)
  const openMs = performance.now() - startAtMs
  const line = new Line(isDrained)
  const isDone = () => (isDrained ? line.takenCount === records : true)
  const done = new Promise<void>((resolve) => {
    line.onTaken = () => {
      if (isDone()) resolve()
    }
  })
  spool.start(line, { settled() {}, changed() {} })
  if (isDrained) await done
  const recoverMs = performance.now() - startAtMs
  const { user, system } = process.cpuUsage(cpuBefore)
  const rssBytes = process.memoryUsage.rss()
  const heldRecords = spool.stats.unsettledRecords
  await spool.close(10_000)
  await disk.close()
  const recoverMicros = (user + system) / records
  return { recoverMicros, rssBytes, heldRecords, recoverMs, openMs }
}

async function bytesIn(directory: string): Promise<number> {
  let bytes = 0
  for (const name of await readdir(directory)) {
    const file = await open(join(directory, name))
    bytes += (await file.stat()).size
    await file.close()
  }
  return bytes
}

/** Reads what a spool wrote, and does nothing with it. */
function readBack({ records, recordsPerTransaction, dataBytes }: BacklogPlan): Promise<number> {
  return inDirectory(async (directory) => {
    const plan = { records, recordsPerTransaction, dataBytes, isDrained: false }
    await enqueue(directory, plan)
    const bytes = await bytesIn(directory)
    const startAtMs = performance.now()
    const buffer = Buffer.allocUnsafe(256 * 1024)
    for (const name of await readdir(directory)) {
      const file = await open(join(directory, name))
      while ((await file.read(buffer, 0, buffer.length, null)).bytesRead > 0);
      await file.close()
    }
    return bytes / 1e6 / ((performance.now() - startAtMs) / 1000)
  })
}

answerCalls({ write, backlog, readBack })
