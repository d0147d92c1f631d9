// A spool on a directory of its own, or writev + fdatasync and nothing else, under writers that
// wait for each answer.

import { mkdtemp, open, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
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

export interface AppendPlan {
  readonly records: number
  readonly recordsPerTransaction: number
  readonly dataBytes: number
  /** Writers wait until their records have settled; else nothing ever settles. */
  readonly isSettled: boolean
}

export interface ReplayPlan extends Omit<AppendPlan, 'isSettled'> {
  readonly isDrained: true
}

export interface ReplayDone {
  readonly diskBytes: number
  readonly recoverMs: number
}

export interface Step {
  readonly directory: string
  readonly plan: AppendPlan
  /** Nothing else is measured in this process, so that a collection of garbage disturbs nothing. */
  readonly isLast: boolean
}

/** What this process has by now; `heldRecords` were unsettled at that moment. */
export interface StepDone {
  readonly cpuMicros: number
  readonly heldRecords: number
  readonly residentBytes: number
  readonly mostResidentBytes: number
  /** As V8 has it, used or not. */
  readonly heapBytes: number
  /** After a forced collection where it is the last: heap and what belongs to its objects. */
  readonly inUseBytes: number
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
    rewrite: (name) => disk.rewrite(name),
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

function appendOne(
  spool: Spool,
  data: Buffer,
  { count = 1, isSettled = false } = {},
): Promise<void> {
  const record = { stream: 's', partitionKey: 'key', explicitHashKey: null, data }
  let leftCount = count
  return new Promise((resolve, reject) => {
    spool.append({
      records: Array.from({ length: count }, () => record),
      idempotency: null,
      durable: () => {
        if (!isSettled) resolve()
      },
      refused: ({ message }) => reject(new Error(message)),
      settled: isSettled
        ? () => {
            if (--leftCount === 0) resolve()
          }
        : null,
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

function replay(plan: ReplayPlan): Promise<ReplayDone> {
  return inDirectory(async (directory) => {
    await append({ directory, plan: { ...plan, isSettled: false }, isLast: false })
    await forgetOrderlyEnd(directory)
    const diskBytes = await bytesIn(directory)
    return { diskBytes, recoverMs: await drain(directory, plan.records) }
  })
}

/** As after a kill: nothing says of the newest log that it is on the disk. */
async function forgetOrderlyEnd(directory: string): Promise<void> {
  const outcomes = (await readdir(directory)).filter((name) => name.endsWith('.outcomes'))
  await rm(join(directory, outcomes.sort().at(-1)!))
}

/** No more than the line's window has room for, so that nothing is read from the disk. */
const WRITERS = 50

async function append(step: Step): Promise<StepDone> {
  const { records, recordsPerTransaction: count, dataBytes, isSettled } = step.plan
  const { spool, close } = await openIn(step.directory)
  spool.start(new Line(isSettled), { settled() {}, changed() {} })
  const cpuBefore = process.cpuUsage()
  let left = records
  const write = async () => {
    while (left > 0) {
      left -= count
      await appendOne(spool, Buffer.alloc(dataBytes, 'x'), { count, isSettled })
    }
  }
  await Promise.all(Array.from({ length: WRITERS }, write))
  const done = stepDone(spool, cpuMicrosSince(cpuBefore), step)
  await close()
  return done
}

async function reopen(step: Step): Promise<StepDone> {
  const cpuBefore = process.cpuUsage()
  const { spool, close } = await openIn(step.directory)
  spool.start(new Line(false), { settled() {}, changed() {} })
  const cpuMicros = cpuMicrosSince(cpuBefore)
  await filled(spool)
  const done = stepDone(spool, cpuMicros, step)
  await close()
  return done
}

/** Resolves when the line holds as much of the backlog as it may. */
async function filled(spool: Spool): Promise<void> {
  for (let before = -1; spool.stats.windowBytes > before; await setTimeout(50)) {
    before = spool.stats.windowBytes
  }
}

async function openIn(directory: string) {
  const disk = await NodeDisk.open(directory)
  const spool = await Spool.open({ clock, random, disk }, config, { deadLetters }, silentLog)
  const close = async () => {
    await spool.close(10_000)
    await disk.close()
  }
  return { spool, close }
}

function cpuMicrosSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before)
  return user + system
}

function stepDone(spool: Spool, cpuMicros: number, { isLast }: Step): StepDone {
  const { rss, heapTotal } = process.memoryUsage()
  const mostResidentBytes = process.resourceUsage().maxRSS * 1024
  if (isLast) globalThis.gc!()
  const { heapUsed, external } = process.memoryUsage()
  return {
    cpuMicros,
    heldRecords: spool.stats.unsettledRecords,
    residentBytes: rss,
    mostResidentBytes,
    heapBytes: heapTotal,
    inUseBytes: heapUsed + external,
  }
}

/** Everything is handed on after the start, and settled. */
async function drain(directory: string, records: number): Promise<number> {
  const startAtMs = performance.now()
  const { spool, close } = await openIn(directory)
  const line = new Line(true)
  const done = new Promise<void>((resolve) => {
    line.onTaken = () => {
      if (line.takenCount === records) resolve()
    }
  })
  spool.start(line, { settled() {}, changed() {} })
  await done
  const recoverMs = performance.now() - startAtMs
  await close()
  return recoverMs
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
function readBack(plan: ReplayPlan): Promise<number> {
  return inDirectory(async (directory) => {
    await append({ directory, plan: { ...plan, isSettled: false }, isLast: false })
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

answerCalls({ write, replay, readBack, append, reopen })
