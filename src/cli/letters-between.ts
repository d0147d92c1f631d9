// Dead letters of several processes, each with a store of its own, as one desk. A letter's number
// here tells its store, too: number in the store × stores + store.

import type {
  Desk,
  LetterFilter,
  LetterPage,
  Listing,
  Purged,
  Replayed,
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
    if (answer === null) throw new Error('a process that keeps dead letters does not answer')
    if ('failed' in answer) throw new Error(answer.failed)
    return answer.done as T
  }
}

/** Several desks as one. */
export class ManyDesks implements Desk {
  readonly #desks: readonly Desk[]

  constructor(desks: readonly Desk[]) {
    this.#desks = desks
  }

  /** Of all of them, by number: of one store the oldest first, of several about so. */
  async list(filter: LetterFilter, limit: number): Promise<Listing> {
    const { length } = this.#desks
    const all: Listing['letters'][number][] = []
    let count = 0
    let lastNumber = 0
    let endNumber = Number.POSITIVE_INFINITY
    for (const [index, desk] of this.#desks.entries()) {
      const page = await desk.list(this.#filterOf(filter, index), limit)
      const letters = page.letters.map((letter) => ({
        ...letter,
        number: letter.number * length + index,
      }))
      all.push(...letters)
      count += page.count
      lastNumber = Math.max(lastNumber, page.lastNumber * length + index)
      // One answer carries only so many bytes: behind what it left out nothing may stand.
      const isCut = letters.length < Math.min(limit, page.count)
      if (isCut) endNumber = Math.min(endNumber, letters.at(-1)?.number ?? -1)
    }
    const shown = all.filter(({ number }) => number <= endNumber)
    shown.sort((a, b) => a.number - b.number)
    return { count, lastNumber, letters: shown.slice(0, limit) }
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
    const { count } = await this.list(filter, 0)
    let done = 0
    for (const [index, desk] of this.#desks.entries()) {
      if (done < limit) done += await order(desk, this.#filterOf(filter, index), limit - done)
    }
    return { done, left: count - done }
  }

  #filterOf(filter: LetterFilter, index: number): LetterFilter {
    const { length } = this.#desks
    const own = (number: number | null) =>
      number === null ? null : Math.floor((number - index) / length)
    return { ...filter, after: own(filter.after), upTo: own(filter.upTo) }
  }
}
