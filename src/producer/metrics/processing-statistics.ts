// Every 15 seconds, how the line of a stream cut its batches and how long its requests took: in
// the KPL's words, letter by letter, because people have parsers for them. Unlike the KPL's, a line
// that had nothing to do says nothing, and without requests there is no average.

import type { Clock, Log, Timer } from '../../host/index.ts'

/** Why a batch was cut; several may be true at once. */
export const CUT_BECAUSE = { manual: 1, count: 2, size: 4, matches: 8, timed: 16 } as const

const SAY_EVERY_MS = 15_000
/** As `%.8g`, the KPL's. */
const AVERAGE_DIGITS = 8

export interface StatisticsConfig {
  /** Average duration of a request above which the line warns. */
  readonly slowAboveMs: number
}

export interface StatisticsExits {
  readonly log: Log
  /** Whether there is such a stream, as far as anybody knows; of others nothing is said. */
  readonly exists: () => boolean
  /** Called after each telling. */
  readonly onSaid: () => void
}

/** Told of each batch: why it was cut (bits of `CUT_BECAUSE`), and how many items it has. */
export type Cut = (reasons: number, itemCount: number) => void

export class ProcessingStatistics {
  /** Told by the aggregator, and by the collector, of each batch. */
  readonly stage1: Cut = (reasons, itemCount) => this.#onCut(this.#stage1, reasons, itemCount)
  readonly stage2: Cut = (reasons, itemCount) => this.#onCut(this.#stage2, reasons, itemCount)
  readonly #clock: Clock
  readonly #stream: string
  readonly #config: StatisticsConfig
  readonly #exits: StatisticsExits
  readonly #startedAtMs: number
  #stage1 = new Triggers()
  #stage2 = new Triggers()
  #requestCount = 0
  #requestsMs = 0
  #timer: Timer | null = null

  constructor(clock: Clock, stream: string, config: StatisticsConfig, exits: StatisticsExits) {
    this.#clock = clock
    this.#stream = stream
    this.#config = config
    this.#exits = exits
    this.#startedAtMs = clock.monotonicMs()
  }

  /** A request has ended, well or not. */
  requestEnded(durationMs: number): void {
    this.#requestCount++
    this.#requestsMs += durationMs
    this.#arm()
  }

  close(): void {
    this.#timer?.cancel()
  }

  #onCut(stage: Triggers, reasons: number, itemCount: number): void {
    stage.add(reasons, itemCount)
    this.#arm()
  }

  /** At the next multiple of 15 s since the start: only while there is something to say. */
  #arm(): void {
    if (this.#timer !== null) return
    const ageMs = this.#clock.monotonicMs() - this.#startedAtMs
    const atMs = this.#startedAtMs + (Math.floor(ageMs / SAY_EVERY_MS) + 1) * SAY_EVERY_MS
    this.#timer = this.#clock.schedule(atMs, () => this.#say())
  }

  #say(): void {
    this.#timer = null
    if (this.#exits.exists()) this.#tell()
    this.#stage1 = new Triggers()
    this.#stage2 = new Triggers()
    this.#requestCount = 0
    this.#requestsMs = 0
    this.#exits.onSaid()
  }

  #tell(): void {
    const { log } = this.#exits
    const one = this.#stage1.inWords(this.#stream, 'UserRecords', 'KinesisRecords')
    log.info(`Stage 1 Triggers: ${one}`)
    const two = this.#stage2.inWords(this.#stream, 'KinesisRecords', 'PutRecords')
    log.info(`Stage 2 Triggers: ${two}`)
    if (this.#requestCount > 0) this.#sayAverage(this.#requestsMs / this.#requestCount)
  }

  #sayAverage(averageMs: number): void {
    const { log } = this.#exits
    const { slowAboveMs } = this.#config
    if (averageMs > slowAboveMs) {
      log.warn(
        `PutRecords processing time is taking longer than ${slowAboveMs} ms to complete.  You ` +
          'may need to adjust your configuration to reduce the processing time.',
      )
    }
    const digits = String(Number(averageMs.toPrecision(AVERAGE_DIGITS)))
    log.info(`(${this.#stream}) Average Processing Time: ${digits} ms`)
  }
}

class Triggers {
  #manual = 0
  #count = 0
  #size = 0
  #matches = 0
  #timed = 0
  #itemCount = 0
  #batchCount = 0

  add(reasons: number, itemCount: number): void {
    if ((reasons & CUT_BECAUSE.manual) !== 0) this.#manual++
    if ((reasons & CUT_BECAUSE.count) !== 0) this.#count++
    if ((reasons & CUT_BECAUSE.size) !== 0) this.#size++
    if ((reasons & CUT_BECAUSE.matches) !== 0) this.#matches++
    if ((reasons & CUT_BECAUSE.timed) !== 0) this.#timed++
    this.#itemCount += itemCount
    this.#batchCount++
  }

  inWords(stream: string, items: string, batches: string): string {
    const reasons =
      `manual: ${this.#manual}, count: ${this.#count}, size: ${this.#size}, ` +
      `matches: ${this.#matches}, timed: ${this.#timed}`
    const output = `${items}: ${this.#itemCount}, ${batches}: ${this.#batchCount}`
    return `{ stream: '${stream}', ${reasons}, ${output} }`
  }
}
