// What can be done with dead letters, the same for a person at the command line and over HTTP.

import { isUtf8 } from 'node:buffer'
import type { DeadLetters } from './dead-letters.ts'
import { ALL_LETTERS, type LetterFilter } from './filter.ts'
import type { KeptAttempt, KeptLetter } from './letter.ts'
import { type ReplayLine, replay } from './replay.ts'

/** Data bytes that one answer may carry; one letter more is always there. */
const ANSWER_MAX_BYTES = 4 * 1024 * 1024

/** A letter as it is shown, without its data. */
export interface LetterLine extends Omit<KeptLetter, 'explicitHashKey' | 'data' | 'attempts'> {
  readonly explicitHashKey: string | null
  readonly dataBytes: number
}

/** The whole letter. Data that is no UTF-8 is in base64. */
export interface LetterPage extends LetterLine {
  readonly data: string
  readonly encoding: 'utf-8' | 'base64'
  readonly attempts: readonly KeptAttempt[]
}

export interface Listing {
  /** How many letters are meant, shown or not. */
  readonly count: number
  /** The number of the newest letter there is, meant or not. */
  readonly lastNumber: number
  readonly letters: readonly LetterLine[]
}

/** What an order did, and how many of those that were meant are left. */
export interface Replayed {
  readonly replayed: number
  readonly left: number
  /** Why the spool took no more. */
  readonly refusal: { readonly code: string; readonly message: string } | null
}

export interface Purged {
  readonly purged: number
  readonly left: number
}

/** The process whose dead letters are asked for is away, or does not answer in time. */
export class DeskAwayError extends Error {
  constructor() {
    super('a process that keeps dead letters is away or does not answer')
    this.name = 'DeskAwayError'
  }
}

/** Where dead letters are looked after: here, or in another process. */
export type Desk = Pick<DeadLetterOffice, 'list' | 'show' | 'replay' | 'purge'>

export class DeadLetterOffice {
  readonly #letters: DeadLetters
  readonly #line: ReplayLine
  #lastOrder: Promise<unknown> = Promise.resolve()

  constructor(letters: DeadLetters, line: ReplayLine) {
    this.#letters = letters
    this.#line = line
  }

  /** The first `limit` letters that are meant, oldest first. Rejects with a `DiskError`. */
  async list(filter: LetterFilter, limit: number): Promise<Listing> {
    const meant = this.#letters.find(filter)
    const letters: LetterLine[] = []
    let bytes = 0
    for await (const part of this.#letters.read(meant.slice(0, limit))) {
      letters.push(...part.map(lineOf))
      bytes += part.reduce((sum, { data }) => sum + data.length, 0)
      if (bytes > ANSWER_MAX_BYTES) break
    }
    return { count: meant.length, lastNumber: this.#letters.lastNumber, letters }
  }

  /** Null when there is no such letter. */
  async show(receipt: string): Promise<LetterPage | null> {
    const meant = this.#letters.find({ ...ALL_LETTERS, receipt })
    for await (const [letter] of this.#letters.read(meant)) {
      if (letter !== undefined) return pageOf(letter)
    }
    return null
  }

  /** Sends the first `limit` letters that are meant again. Rejects with a `DiskError`. */
  replay(filter: LetterFilter, limit: number): Promise<Replayed> {
    return this.#inTurn(async () => {
      const meant = this.#letters.find(filter)
      const { replayedCount, refusal } = await replay(
        this.#letters,
        this.#line,
        meant.slice(0, limit),
      )
      const why = refusal === null ? null : { code: refusal.code, message: refusal.message }
      return { replayed: replayedCount, left: meant.length - replayedCount, refusal: why }
    })
  }

  /** Removes the first `limit` letters that are meant. Rejects with a `DiskError`. */
  purge(filter: LetterFilter, limit: number): Promise<Purged> {
    return this.#inTurn(async () => {
      const meant = this.#letters.find(filter)
      const purged = await this.#letters.remove(meant.slice(0, limit))
      return { purged, left: meant.length - purged }
    })
  }

  /** One order after the other: two that mean the same letters must not both send them. */
  #inTurn<T>(order: () => Promise<T>): Promise<T> {
    const result = this.#lastOrder.then(order)
    this.#lastOrder = result.catch(() => {})
    return result
  }
}

function lineOf(letter: KeptLetter): LetterLine {
  const { data, attempts: _, explicitHashKey, ...rest } = letter
  return {
    ...rest,
    explicitHashKey: explicitHashKey?.toString() ?? null,
    dataBytes: data.length,
  }
}

function pageOf(letter: KeptLetter): LetterPage {
  const { buffer, byteOffset, byteLength } = letter.data
  const data = Buffer.from(buffer, byteOffset, byteLength)
  const encoding = isUtf8(data) ? 'utf-8' : 'base64'
  return {
    ...lineOf(letter),
    data: data.toString(encoding === 'utf-8' ? 'utf8' : 'base64'),
    encoding,
    attempts: letter.attempts,
  }
}
