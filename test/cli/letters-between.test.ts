import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answerAboutLetters, DistantDesk, ManyDesks } from '../../src/cli/letters-between.ts'
import {
  ALL_LETTERS,
  type Desk,
  DeskAwayError,
  type LetterFilter,
  type LetterLine,
} from '../../src/dead-letters/index.ts'

/** A store whose letters are their numbers. */
class FakeDesk implements Desk {
  numbers: number[]
  refusesAfter = Number.POSITIVE_INFINITY
  mostShown = Number.POSITIVE_INFINITY
  readonly name: string

  constructor(name: string, numbers: number[]) {
    this.name = name
    this.numbers = numbers
  }

  async list(filter: LetterFilter, limit: number) {
    const meant = this.#meant(filter)
    const letters = meant
      .slice(0, Math.min(limit, this.mostShown))
      .map((number) => ({ number, receipt: `${this.name}${number}` }) as LetterLine)
    return { count: meant.length, lastNumber: this.numbers.at(-1) ?? 0, letters }
  }

  async show(receipt: string) {
    const { letters } = await this.list(ALL_LETTERS, 100)
    return (letters.find((letter) => letter.receipt === receipt) ?? null) as never
  }

  async replay(filter: LetterFilter, limit: number) {
    const { purged, left } = await this.purge(filter, Math.min(limit, this.refusesAfter))
    const isRefused = purged < limit && left > 0
    const refusal = isRefused ? { code: 'spool-full', message: 'full' } : null
    return { replayed: purged, left, refusal }
  }

  async purge(filter: LetterFilter, limit: number) {
    const gone = this.#meant(filter).slice(0, limit)
    this.numbers = this.numbers.filter((number) => !gone.includes(number))
    return { purged: gone.length, left: this.#meant(filter).length }
  }

  #meant({ after, upTo }: LetterFilter): number[] {
    return this.numbers.filter(
      (number) => (after === null || number > after) && (upTo === null || number <= upTo),
    )
  }
}

/** Two stores, each reached as over the channel between processes. */
function desks() {
  const a = new FakeDesk('a', [1, 2, 3])
  const b = new FakeDesk('b', [2, 5])
  const distant = (desk: Desk) => new DistantDesk((order) => answerAboutLetters(desk, order))
  return { a, b, many: new ManyDesks([distant(a), distant(b)]) }
}

const receipts = (listing: { letters: readonly { receipt: string }[] }) =>
  listing.letters.map(({ receipt }) => receipt)

test('several stores are listed as one, page by page, nothing twice and nothing left out', async () => {
  const { many } = desks()
  const all = await many.list(ALL_LETTERS, 10)
  assert.equal(all.count, 5)
  assert.deepEqual(receipts(all), ['a1', 'a2', 'b2', 'a3', 'b5'])
  assert.equal(new Set(all.letters.map(({ number }) => number)).size, 5)

  const paged: string[] = []
  let after: number | null = null
  for (let page = 0; page < 5; page++) {
    const one = await many.list({ ...ALL_LETTERS, after }, 1)
    paged.push(...receipts(one))
    after = one.letters[0]!.number
  }
  assert.deepEqual(paged, receipts(all))
  assert.deepEqual(receipts(await many.list({ ...ALL_LETTERS, after }, 1)), [])
})

test('where an answer could not carry all letters of one store, the next page goes on there', async () => {
  const { a, many } = desks()
  a.mostShown = 1
  const first = await many.list(ALL_LETTERS, 10)
  assert.deepEqual(receipts(first), ['a1'])
  const second = await many.list({ ...ALL_LETTERS, after: first.letters[0]!.number }, 10)
  assert.deepEqual(receipts(second), ['a2'])
})

test('what came after the last number is not meant', async () => {
  const { a, b, many } = desks()
  const { lastNumber } = await many.list(ALL_LETTERS, 0)
  a.numbers.push(6)
  b.numbers.push(6)
  assert.deepEqual(await many.purge({ ...ALL_LETTERS, upTo: lastNumber }, 100), {
    purged: 5,
    left: 0,
  })
  assert.deepEqual([a.numbers, b.numbers], [[6], [6]])
})

test('what dies again in a store with lower numbers is not meant again', async () => {
  const { a, b, many } = desks()
  b.numbers.push(90)
  const { lastNumber } = await many.list(ALL_LETTERS, 0)
  const meant = { ...ALL_LETTERS, upTo: lastNumber }
  assert.equal((await many.replay(meant, 3)).replayed, 3)
  a.numbers.push(4, 5, 6)
  assert.deepEqual(await many.replay(meant, 100), { replayed: 3, left: 0, refusal: null })
  assert.deepEqual([a.numbers, b.numbers], [[4, 5, 6], []])
})

test('a list that is not remembered any more is said to be', async () => {
  const { many } = desks()
  const { lastNumber } = await many.list(ALL_LETTERS, 0)
  for (let times = 0; times < 1000; times++) await many.list(ALL_LETTERS, 0)
  const meant = { ...ALL_LETTERS, upTo: lastNumber }
  await assert.rejects(many.purge(meant, 1), /list again/)
})

test('a letter is found wherever it is', async () => {
  const { many } = desks()
  assert.equal((await many.show('b5'))?.receipt, 'b5')
  assert.equal(await many.show('c1'), null)
})

test('a limit holds for all of them together, and a refusal ends the order', async () => {
  const { a, b, many } = desks()
  assert.deepEqual(await many.purge(ALL_LETTERS, 4), { purged: 4, left: 1 })
  assert.deepEqual([a.numbers, b.numbers], [[], [5]])

  const other = desks()
  other.a.refusesAfter = 1
  assert.deepEqual(await other.many.replay(ALL_LETTERS, 100), {
    replayed: 1,
    left: 4,
    refusal: { code: 'spool-full', message: 'full' },
  })
  assert.deepEqual(other.b.numbers, [2, 5])
})

test('a process that does not answer, or cannot, is an error that says so', async () => {
  const silent = new DistantDesk(async () => null)
  await assert.rejects(silent.show('x'), DeskAwayError)
  const broken = { show: () => Promise.reject(new Error('disk gone')) } as unknown as Desk
  const distant = new DistantDesk((order) => answerAboutLetters(broken, order))
  await assert.rejects(distant.show('x'), /disk gone/)
})
