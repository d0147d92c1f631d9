// A disk that does not take what is written: who comes is refused for a while without a try, and
// when nobody comes the disk is tried all the same. A gateway that says that it is unready is sent
// nothing by what balances the load; it must find out by itself that it can write again.

import type { Clock, Disk, DiskError, Log, Timer } from '../host/index.ts'
import { TRIAL_NAME } from './segment-name.ts'
import type { SpoolRefusal } from './transaction.ts'

/** After a failure new transactions are refused at once for so long; twice that after the next. */
const PAUSE_MIN_MS = 10
const PAUSE_MAX_MS = 1000
/** Nobody has tried the disk for so long. */
const TRIAL_AFTER_MS = 2000

export interface TroubleParts {
  readonly clock: Clock
  readonly log: Log
  readonly disk: Pick<Disk, 'replace' | 'remove'>
  /** What the disk has to take to be good again: as much as is reserved in a log. */
  readonly trialBytes: number
  /** It is time for `tryDisk`. */
  readonly onTrialDue: () => void
  readonly onOver: () => void
}

export class Trouble {
  readonly #parts: TroubleParts
  #last: SpoolRefusal | null = null
  #pauseMs = PAUSE_MIN_MS
  #pausedUntilMs = Number.NEGATIVE_INFINITY
  #trial: Timer | null = null

  constructor(parts: TroubleParts) {
    this.#parts = parts
  }

  /** What the disk did last; null when it worked. */
  get last(): SpoolRefusal | null {
    return this.#last
  }

  /** Why nobody need try. */
  get refusal(): SpoolRefusal | null {
    return this.#parts.clock.monotonicMs() < this.#pausedUntilMs ? this.#last : null
  }

  /** A group was not taken: gives what those are told whose records are in it. */
  begin(error: DiskError, mayBeWritten: boolean, code?: 'sync-failed'): SpoolRefusal {
    const state = this.#note(error)
    const isFull = state.code === 'disk-full'
    const nowMs = this.#parts.clock.monotonicMs()
    this.#pausedUntilMs = nowMs + (isFull ? PAUSE_MAX_MS : this.#pauseMs)
    this.#pauseMs = Math.min(2 * this.#pauseMs, PAUSE_MAX_MS)
    return { ...state, code: code ?? state.code, mayBeWritten }
  }

  over(): void {
    this.#trial?.cancel()
    this.#pauseMs = PAUSE_MIN_MS
    if (this.#last === null) return
    this.#last = null
    this.#parts.log.info('the spool can be written again')
    this.#parts.onOver()
  }

  /** A full disk may take more now; one that fails works no better for it. */
  roomCame(): void {
    if (this.#last?.code !== 'disk-full') return
    this.#pausedUntilMs = Number.NEGATIVE_INFINITY
    this.#plan(0)
  }

  close(): void {
    this.#trial?.cancel()
  }

  /** Writes and removes a file. What comes may still be taken when that fails: it is smaller. */
  async tryDisk(): Promise<void> {
    const { disk, trialBytes } = this.#parts
    try {
      await disk.replace(TRIAL_NAME, Buffer.alloc(trialBytes))
      await disk.remove(TRIAL_NAME)
      this.over()
    } catch (error) {
      this.#note(error as DiskError)
    }
  }

  /** What those are told who come meanwhile: they are refused for the state, nothing was tried. */
  #note(error: DiskError): SpoolRefusal {
    const isFull = error.code === 'ENOSPC' || error.code === 'EDQUOT'
    if (this.#last === null) {
      this.#parts.log.error('the spool cannot be written', { reason: error.message })
    }
    // For clients, whom our files do not concern; the log has the whole reason.
    const message = `The spool cannot be written (${error.code}).`
    this.#last = { code: isFull ? 'disk-full' : 'disk-failed', message, mayBeWritten: false }
    this.#plan(TRIAL_AFTER_MS)
    return this.#last
  }

  #plan(afterMs: number): void {
    const { clock, onTrialDue } = this.#parts
    this.#trial?.cancel()
    this.#trial = clock.schedule(clock.monotonicMs() + afterMs, onTrialDue)
  }
}
