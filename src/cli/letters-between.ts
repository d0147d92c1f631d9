// Dead letters of several processes, each with a store of its own, as one desk. A letter's number
// here tells its store, too: number in the store × stores + store.

import {
  type Desk,
  DeskAwayError,
  type LetterFilter,
  type LetterPage,
  type Listing,
  type Purged,
  type Replayed,
} from '../dead-letters/index.ts'

/** One order to a desk, as it passes between processes. */
export type LettersOrder =
  | {
      readonly what: 'list' | 'replay' | 'purge'
      readonly filter: LetterFilter
      readonly limit: number
    }
  | { readonly what: 'show'; readonly receipt: string }

type Done = Listing | Replayed | Purged | LetterPage | null

/** What became of an order, or why it could not be carried out. */
export type LettersAnswer = { readonly done: Done } | { readonly failed: string }

/** In the process that has the store. */
export async function answerAboutLetters(desk: Desk, detail: string): Promise<LettersAnswer> {
  const order = JSON.parse(detail) as LettersOrder
  try {
    if (order.what === 'show') return { done: await desk.show(order.receipt) }
    return { done: await desk[order.what](order.filter, order.limit) }
  } catch (error) {
    return { failed: (error as Error).message }
  }
}

/** A desk in another process. */
export class DistantDesk implements Desk {
  readonly #ask: (order: string) => Promise<unknown>

  /** `ask` resolves with a `LettersAnswer`, or with null when the process did not answer. */
  constructor(ask: (order: string) => Promise<unknown>) {
    this.#ask = ask
  }

  list(filter: LetterFilter, limit: number): Promise<Listing> {
    return this.#order({ what: 'list', filter, limit })
  }

  show(receipt: string): Promise<LetterPage | null> {
    return this.#order({ what: 'show', receipt })
  }

  replay(filter: LetterFilter, limit: number): Promise<Replayed> {
    return this.#order({ what: 'replay', filter, limit })
  }

  purge(filter: LetterFilter, limit: number): Promise<Purged> {
    return this.#order({ what: 'purge', filter, limit })
  }

  async #order<T extends Done>(order: LettersOrder): Promise<T> {
    const answer = (await this.#ask(JSON.stringify(order))) as LettersAnswer | null
    if (answer === null) throw new DeskAwayError()
    if ('failed' in answer) throw new Error(answer.failed)
    return answer.done as T
  }
}

/** Above every letter's number: names what there was in each store when it was given. */
const FIRST_MOMENT = 10 ** 14
const MOMENTS_MAX_COUNT = 1000

/** Several desks as one. */
export class ManyDesks implements Desk {
  readonly #desks: readonly Desk[]
  /**
   * The last number of each store, by moment. One number for all would not do: in a store with
   * lower numbers, what comes later could still be below it.
   */
  readonly #moments = new Map<number, readonly number[]>()
  #nextMoment = FIRST_MOMENT

  constructor(desks: readonly Desk[]) {
    this.#desks = desks
  }

  /** Of all of them, by number: of one store the oldest first, of several about so. */
  async list(filter: LetterFilter, limit: number): Promise<Listing> {
    const { length } = this.#desks
    const all: Listing['letters'][number][] = []
    const lastNumbers: number[] = []
    let count = 0
    let endNumber = Number.POSITIVE_INFINITY
    for (const [index, desk] of this.#desks.entries()) {
      const page = await desk.list(this.#filterOf(filter, index), limit)
      const letters = page.letters.map((letter) => ({
        ...letter,
        number: letter.number * length + index,
      }))
      all.push(...letters)
      count += page.count
      lastNumbers.push(page.lastNumber)
      // One answer carries only so many bytes: behind what it left out nothing may stand.
      const isCut = letters.length < Math.min(limit, page.count)
      if (isCut) endNumber = Math.min(endNumber, letters.at(-1)?.number ?? -1)
    }
    const shown = all.filter(({ number }) => number <= endNumber)
    shown.sort((a, b) => a.number - b.number)
    return { count, lastNumber: this.#remember(lastNumbers), letters: shown.slice(0, limit) }
  }

  async show(receipt: string): Promise<LetterPage | null> {
    const { length } = this.#desks
    for (const [index, desk] of this.#desks.entries()) {
      const page = await desk.show(receipt)
      if (page !== null) return { ...page, number: page.number * length + index }
    }
    return null
  }

  async replay(filter: LetterFilter, limit: number): Promise<Replayed> {
    let refusal: Replayed['refusal'] = null
    const { done, left } = await this.#inTurn(filter, limit, async (desk, meant, most) => {
      if (refusal !== null) return 0
      const order = await desk.replay(meant, most)
      refusal = order.refusal
      return order.replayed
    })
    return { replayed: done, left, refusal }
  }

  async purge(filter: LetterFilter, limit: number): Promise<Purged> {
    const { done, left } = await this.#inTurn(filter, limit, async (desk, meant, most) => {
      return (await desk.purge(meant, most)).purged
    })
    return { purged: done, left }
  }

  async #inTurn(
    filter: LetterFilter,
    limit: number,
    order: (desk: Desk, meant: LetterFilter, most: number) => Promise<number>,
  ): Promise<{ done: number; left: number }> {
    let count = 0
    for (const [index, desk] of this.#desks.entries()) {
      count += (await desk.list(this.#filterOf(filter, index), 0)).count
    }
    let done = 0
    for (const [index, desk] of this.#desks.entries()) {
      if (done < limit) done += await order(desk, this.#filterOf(filter, index), limit - done)
    }
    return { done, left: count - done }
  }

  #remember(lastNumbers: readonly number[]): number {
    const moment = this.#nextMoment++
    this.#moments.set(moment, lastNumbers)
    const [oldest] = this.#moments.keys()
    if (this.#moments.size > MOMENTS_MAX_COUNT) this.#moments.delete(oldest!)
    return moment
  }

  #filterOf(filter: LetterFilter, index: number): LetterFilter {
    const { length } = this.#desks
    const own = (number: number | null) =>
      number === null ? null : Math.floor((number - index) / length)
    const { after, upTo } = filter
    if (upTo === null || upTo < FIRST_MOMENT) {
      return { ...filter, after: own(after), upTo: own(upTo) }
    }
    const lastNumbers = this.#moments.get(upTo)
    if (lastNumbers === undefined) {
      throw new Error(`upTo=${upTo} is of a list that is not remembered any more: list again`)
    }
    return { ...filter, after: own(after), upTo: lastNumbers[index]! }
  }
}
