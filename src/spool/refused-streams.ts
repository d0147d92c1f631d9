// Streams that refuse whatever comes: no permission, gone, their key disabled. Nothing is wrong
// with the records, so they stay where they are safe, in the spool. From time to time one of each
// lane is tried; when the stream takes it, all go on. After a stated time they fail after all.

import type { Clock, Log, Timer } from '../host/index.ts'

/** Between two tries; doubles up to the maximum. */
export const REST_FIRST_MS = 1_000
export const REST_MAX_MS = 30_000

/** May be a name that is wrong: who asks is told at once, unless the stream was there. */
const NOT_THERE = 'ResourceNotFoundException'

export interface RefusedStreamsParts {
  readonly clock: Clock
  readonly log: Log
  /** How long its records wait for a stream; 0: not at all. */
  readonly maxMs: number
  /** Whether that code is about the stream, whatever the record. */
  readonly isOfStream: (code: string) => boolean
  /** Whether somebody who configured us has named the stream. */
  readonly isNamed: (stream: string) => boolean
}

/** What is told of such a stream. */
export interface RefusedStream {
  readonly stream: string
  readonly code: string
  readonly message: string
  /** Since the first refusal after which it took nothing. */
  readonly forMs: number
  /** Its records wait in the spool; else they become dead letters. */
  readonly isWaitedFor: boolean
}

interface Refusal {
  readonly sinceMs: number
  code: string
  message: string
  restMs: number
  /** While it rests. */
  timer: Timer | null
  isOver: boolean
}

export class RefusedStreams {
  readonly #parts: RefusedStreamsParts
  /** Those that have taken a record since the start: no more than there are. */
  readonly #seen = new Set<string>()
  readonly #refused = new Map<string, Refusal>()
  #onTurn = () => {}

  constructor(parts: RefusedStreamsParts) {
    this.#parts = parts
  }

  /** `told` is called when records of such a stream may be tried again. */
  onTurn(told: () => void): void {
    this.#onTurn = told
  }

  get count(): number {
    return this.#refused.size
  }

  list(): RefusedStream[] {
    const nowMs = this.#parts.clock.monotonicMs()
    return [...this.#refused].map(([stream, { code, message, sinceMs, isOver }]) => {
      return { stream, code, message, forMs: Math.round(nowMs - sinceMs), isWaitedFor: !isOver }
    })
  }

  /** What may go to the stream now: nothing, one record of each lane, or (null) all. */
  turnOf(stream: string): 'rest' | 'try' | null {
    if (this.#refused.size === 0) return null
    const refusal = this.#refused.get(stream)
    if (refusal === undefined || refusal.isOver) return null
    return refusal.timer === null ? 'try' : 'rest'
  }

  delivered(stream: string): void {
    this.#seen.add(stream)
    if (this.#refused.size === 0) return
    const refusal = this.#refused.get(stream)
    if (refusal === undefined) return
    const { clock, log } = this.#parts
    refusal.timer?.cancel()
    this.#refused.delete(stream)
    const forMs = Math.round(clock.monotonicMs() - refusal.sinceMs)
    log.info('a stream takes records again', { stream, forMs })
    this.#onTurn()
  }

  /** Whether a record that failed so is to stay in the spool. */
  keeps(stream: string, { code, message }: { code: string; message: string }): boolean {
    if (!this.#parts.isOfStream(code) || !this.#isWaitedFor(stream, code)) return false
    const refusal = this.#refused.get(stream) ?? this.#begin(stream, { code, message })
    refusal.code = code
    refusal.message = message
    if (refusal.isOver) return false
    if (this.#parts.clock.monotonicMs() - refusal.sinceMs >= this.#parts.maxMs) {
      this.#end(stream, refusal)
      return false
    }
    // What was under way when it began to rest tells nothing new.
    if (refusal.timer === null) this.#rest(refusal)
    return true
  }

  close(): void {
    for (const { timer } of this.#refused.values()) timer?.cancel()
  }

  #isWaitedFor(stream: string, code: string): boolean {
    if (this.#parts.maxMs === 0) return false
    if (this.#seen.has(stream) || this.#refused.has(stream)) return true
    return code !== NOT_THERE && this.#parts.isNamed(stream)
  }

  #begin(stream: string, why: { code: string; message: string }): Refusal {
    const { clock, log, maxMs } = this.#parts
    const sinceMs = clock.monotonicMs()
    const refusal = { ...why, sinceMs, restMs: REST_FIRST_MS / 2, timer: null, isOver: false }
    this.#refused.set(stream, refusal)
    const { code, message: reason } = why
    log.error('a stream refuses all records; they wait', { stream, code, reason, maxMs })
    return refusal
  }

  #rest(refusal: Refusal): void {
    const { clock } = this.#parts
    refusal.restMs = Math.min(REST_MAX_MS, refusal.restMs * 2)
    refusal.timer = clock.schedule(clock.monotonicMs() + refusal.restMs, () => {
      refusal.timer = null
      this.#onTurn()
    })
  }

  #end(stream: string, refusal: Refusal): void {
    refusal.timer?.cancel()
    refusal.timer = null
    refusal.isOver = true
    const { code, message: reason } = refusal
    const told = { stream, code, reason, forMs: this.#parts.maxMs }
    this.#parts.log.error('a stream has refused all records for too long; they fail now', told)
    this.#onTurn()
  }
}
