// The spool: records that were accepted and have not settled, on the disk.
//
//     append ─▶ log-writer ─▶ durable ─▶ hand-out ─▶ line ─▶ settlement ─▶ outcomes ─▶ archive
//                                  (memory, or later the disk)    └─▶ dead letters

import type { Host, Log, Timer } from '../host/index.ts'
import { Archive, sumOf } from './archive.ts'
import type { SpoolConfig } from './config.ts'
import { FailedUpkeep } from './failed-upkeep.ts'
import type {
  SpoolEvents,
  SpoolFront,
  SpoolLine,
  SpoolParts,
  SpoolState,
  SpoolStats,
  SpoolTotals,
} from './front.ts'
import type { Entry } from './group.ts'
import { HandOut, type Ordinals, type Range } from './hand-out.ts'
import { KeptAside } from './kept-aside.ts'
import { Keys } from './keys.ts'
import { type LogSizes, LogWriter, sizesOf } from './log-writer.ts'
import type { OutcomeFileParts } from './outcome-file.ts'
import { withPatience } from './patience.ts'
import { receiptOf } from './receipt.ts'
import { forgetReceipt, stateOfReceipt } from './receipt-state.ts'
import { type RecoveredSegment, recoverSegments } from './recovery.ts'
import { Replayed } from './replayed.ts'
import type { Segment } from './segment.ts'
import { lastNumberIn } from './segment-name.ts'
import { SegmentTable } from './segment-table.ts'
import { Settlement } from './settlement.ts'
import { loadTotals, type Totals } from './totals.ts'
import type { KnownIdempotency, ReceiptState, SpoolRefusal, Transaction } from './transaction.ts'
import { DAMAGED, keepUnreadable } from './unreadable.ts'
import { Upkeep } from './upkeep.ts'
import { Usage } from './usage.ts'

type SpoolHost = Pick<Host, 'clock' | 'random' | 'disk'>

interface Found {
  readonly names: readonly string[]
  readonly totals: Totals
}

export class Spool implements SpoolFront {
  readonly #host: SpoolHost
  readonly #config: SpoolConfig
  readonly #sizes: LogSizes
  readonly #log: Log
  readonly #usage = new Usage()
  readonly #table = new SegmentTable()
  readonly #keys: Keys
  readonly #replayed: Replayed
  readonly #keptAside: KeptAside
  readonly #archive: Archive
  readonly #parts: SpoolParts
  readonly #files: OutcomeFileParts
  #writer!: LogWriter
  #handOut: HandOut | null = null
  #settlement: Settlement | null = null
  #events: SpoolEvents = { settled() {}, changed() {} }
  readonly #upkeep: Upkeep
  #isClosed = false
  readonly #find = (number: number) => this.#table.find(number) ?? this.#archive.find(number)

  /** Rejects with `NewerFormatError`, or when the disk cannot even be listed; else it starts. */
  static async open(
    host: SpoolHost,
    config: SpoolConfig,
    parts: SpoolParts,
    log: Log,
  ): Promise<Spool> {
    const { disk, clock } = host
    const names = (await withPatience(clock, () => disk.list())) ?? (await disk.list())
    const totals =
      (await withPatience(clock, () => loadTotals(disk, log))) ?? (await loadTotals(disk, log))
    const spool = new Spool({ host, config, parts, log }, { names, totals })
    await spool.#recover(names, totals)
    return spool
  }

  private constructor(
    given: { host: SpoolHost; config: SpoolConfig; parts: SpoolParts; log: Log },
    { names, totals }: Found,
  ) {
    const { host, config, parts, log } = given
    const { clock, disk } = host
    this.#host = { clock, disk, random: host.random } // one by one: a host may have getters
    this.#config = config
    this.#sizes = sizesOf(config.spool)
    this.#parts = parts
    this.#log = log
    this.#keys = new Keys(config.idempotency, clock, this.#find)
    this.#replayed = new Replayed(config.receipts.replayedMaxCount)
    this.#keptAside = new KeptAside(disk, config.spool.damagedMaxBytes, names, log)
    const failed = new FailedUpkeep(clock, log)
    this.#files = { disk, usage: this.#usage, failed, onWork: () => this.#upkeep.wake() }
    this.#archive = new Archive(
      {
        ...this.#files,
        clock,
        log,
        config,
        sizes: this.#sizes,
        keys: this.#keys,
        replayed: this.#replayed,
        onRoom: () => this.#upkeep.roomCame(),
      },
      totals,
    )
    this.#upkeep = new Upkeep({
      clock,
      table: this.#table,
      archive: this.#archive,
      usage: this.#usage,
      writer: () => this.#writer,
      onChanged: () => this.#events.changed(),
    })
  }

  /** Begins to hand records on; once. */
  start(line: SpoolLine, events: SpoolEvents): void {
    this.#events = events
    const { clock } = this.#host
    const { refused = null, deadLetters } = this.#parts
    this.#settlement = new Settlement({
      clock,
      deadLetters,
      refused,
      events,
      usage: this.#usage,
      parkedMaxCount: this.#config.spool.parkedMaxCount,
      onSegmentSettled: (segment) => segment.isSealed && this.#retire(segment),
      onKept: (handed) => this.#handOut!.giveBack(handed),
      onLineClosed: () => this.#handOut!.stop(),
      onParked: (isTooMany) => this.#handOut!.hold(isTooMany),
      onUnparked: () => this.#handOut!.startOver(),
    })
    this.#handOut = new HandOut({
      clock,
      config: this.#config.spool,
      table: this.#table,
      line,
      log: this.#log,
      refused,
      onSettled: (handed, result) => this.#settlement!.onResult(handed, result),
      onDamage: (segment, range, ordinals) => this.#onDamage(segment, range, ordinals),
    })
    this.#handOut.pump()
  }

  append(transaction: Transaction): void {
    this.#writer.append(transaction)
  }

  refusal(): SpoolRefusal | null {
    return this.#writer.refusal()
  }

  receipt(id: string): Promise<ReceiptState> {
    return stateOfReceipt(id, { replayed: this.#replayed, find: this.#find })
  }

  forget(receipt: string): void {
    forgetReceipt(receipt, (number) => this.#table.find(number))
  }

  idempotency(key: string): KnownIdempotency | null {
    return this.#keys.find(key)
  }

  countExhausted(): void {
    this.#upkeep.countExhausted()
  }

  get totals(): SpoolTotals {
    const { counts: gone } = this.#archive
    const counts = this.#table.all().reduce((sum, one) => sumOf(sum, one.counts), gone)
    const exhausted = counts.exhausted + this.#upkeep.exhausted
    return { ...counts, exhausted, unsettled: this.#usage.unsettledCount }
  }

  get stats(): SpoolStats {
    const usage = this.#usage
    return {
      state: this.#state,
      bytes: usage.bytes,
      maxBytes: this.#sizes.maxBytes,
      segments: this.#table.count,
      unsettledRecords: usage.unsettledCount,
      oldestAgeMs: this.#table.oldestAgeMs(this.#host.clock.wallMs()),
      windowBytes: this.#handOut?.usedBytes ?? 0,
      windowRecords: this.#handOut?.usedCount ?? 0,
      ...this.#writer.waitingStats,
      parkedRecords: this.#settlement?.parkedCount ?? 0,
      damagedBytes: usage.damagedBytes,
      damagedRecords: usage.damagedCount,
      unreadableRecords: usage.unreadableCount,
      unreadableFiles: usage.unreadable.size,
      forgottenReceipts: usage.forgottenReceiptCount,
      forgottenKeys: usage.forgottenKeyCount,
      syncs: usage.syncCount,
    }
  }

  /** Hands on no more; what is out may still settle. */
  stop(): void {
    this.#writer.handOnTold()
    this.#handOut?.stop()
  }

  /**
   * Takes nothing more, lets what is under way end, writes what became of the records, at most
   * until the deadline. What has not settled stays on the disk for the next start.
   */
  async close(deadlineMs: number): Promise<void> {
    this.stop()
    const { clock } = this.#host
    const timers: Timer[] = []
    const deadline = new Promise<void>((resolve) => {
      timers.push(clock.schedule(clock.monotonicMs() + deadlineMs, resolve))
    })
    await Promise.race([this.#finish(), deadline])
    this.#isClosed = true
    this.#upkeep.close()
    this.#files.failed.flush()
    for (const timer of timers) timer.cancel()
  }

  async #finish(): Promise<void> {
    await this.#writer.close()
    await this.#settlement?.idle()
    for (const { outcomes } of [...this.#table.all()]) {
      await outcomes.finish()
      outcomes.close()
    }
    this.#archive.countExhausted(this.#upkeep.takeExhausted())
    await this.#archive.close()
  }

  async #recover(names: readonly string[], totals: Totals): Promise<void> {
    const recovered = await recoverSegments(
      {
        ...this.#host,
        log: this.#log,
        files: this.#files,
        usage: this.#usage,
        keys: this.#keys,
        replayed: this.#replayed,
        keptAside: this.#keptAside,
        givesUp: this.#parts.givesUp ?? false,
      },
      names,
    )
    const lastNumber = Math.max(totals.lastNumber, lastNumberIn(names))
    this.#writer = this.#makeWriter(lastNumber + 1)
    for (const one of recovered) this.#adopt(one, totals.leaving)
    this.#upkeep.begin()
  }

  #adopt({ segment, hasLog }: RecoveredSegment, leaving: readonly number[]): void {
    if (!hasLog && leaving.includes(segment.number)) this.#archive.addLeaving(segment)
    else if (!hasLog || (segment.unsettledCount === 0 && !segment.isKept)) {
      this.#archive.add(segment, hasLog)
    } else this.#table.add(segment)
  }

  #makeWriter(nextNumber: number): LogWriter {
    return new LogWriter({
      ...this.#host,
      log: this.#log,
      config: this.#sizes,
      table: this.#table,
      usage: this.#usage,
      files: this.#files,
      spares: this.#archive,
      nextNumber,
      onKept: (one) => this.#tell(one),
      onTold: (one) => this.#handOn(one),
      onSealed: (segment) => {
        if (segment.unsettledCount === 0) this.#retire(segment)
      },
      onFull: () => this.#upkeep.refused(),
      onRecovered: () => this.#events.changed(),
    })
  }

  #handOn({ records, segment, position, firstOrdinal, arrivedAtMs: cameAtMs }: Entry): void {
    for (let i = 0; i < records.length; i++) {
      const ordinal = firstOrdinal + i
      const { receipt = null, arrivedAtMs = cameAtMs } = records[i]!
      this.#handOut?.offer(records[i]!, { segment, ordinal, position, arrivedAtMs, receipt })
    }
  }

  #tell({ transaction, records, segment, firstOrdinal, arrivedAtMs }: Entry): void {
    const { idempotency, settled } = transaction
    const { number, marker } = segment
    if (idempotency !== null) {
      const named = { segment: { number, marker }, firstOrdinal, arrivedAtMs }
      this.#keys.remember(idempotency, { ...named, count: records.length })
    }
    const receipts = records.map(({ receipt }, index) => {
      const ordinal = firstOrdinal + index
      if (settled !== null) segment.waiting.set(ordinal, (outcome) => settled(index, outcome))
      if (receipt !== undefined) this.#replayed.remember(receipt, { number, ordinal })
      return receipt ?? receiptOf(number, ordinal, marker)
    })
    transaction.durable(receipts)
  }

  #retire(segment: Segment): void {
    if (segment.isRetired || segment.isKept || this.#isClosed) return
    segment.isRetired = true
    this.#table.remove(segment)
    this.#archive.add(segment, true)
    void this.#upkeep.tidy()
  }

  #onDamage(segment: Segment, range: Range, { from, to }: Ordinals): void {
    const lost: number[] = []
    for (let i = from; i < to; i++) if (segment.taken.set(i)) lost.push(i)
    // It was told before, or costs nothing.
    if (lost.length === 0) return
    const { position } = range
    const bytes = range.end - position
    this.#usage.damagedBytes += bytes
    if (segment.isUnreadable) {
      const parts = { usage: this.#usage, log: this.#log }
      return keepUnreadable(parts, segment, lost.length, { position, bytes })
    }
    this.#usage.damagedCount += lost.length
    const told = { segment: segment.base, position, bytes, records: lost.length }
    this.#log.error('a segment is damaged', told)
    void this.#keptAside.keep(segment.log, range).then(() => {
      const outcome = { kind: 'dead-lettered', ...DAMAGED } as const
      for (const ordinal of lost) this.#settlement!.settle(segment, ordinal, outcome)
    })
  }

  get #state(): SpoolState {
    const { trouble, isFull } = this.#writer
    if (this.#isClosed) return 'closed'
    if (trouble !== null) return trouble.code === 'disk-full' ? 'disk-full' : 'disk-failed'
    if (isFull) return 'spool-full'
    return (this.#settlement?.parkedCount ?? 0) > 0 ? 'dead-letters-full' : 'ok'
  }
}
