// How a stream's shards change: parents are closed, children take over their hash keys. All of a
// change is worked out here, on the records, before anything of it happens.

import assert from 'node:assert'
import { evenRanges, type HashKeyRange } from './hash-key-range.ts'
import { SequenceNumbers } from './sequence-number.ts'
import type { ShardRecord } from './shard.ts'

/**
 * A shard lives for a second at least: the creation second stands first in its sequence numbers, so
 * a child's numbers are above its parents'.
 */
const LIFE_MIN_MS = 1000

export class Reshape {
  /** In the order of their numbers. */
  readonly #records: ShardRecord[]
  readonly #nowMs: number

  /** `nowMs` is the wall clock's. */
  constructor(records: readonly ShardRecord[], nowMs: number) {
    this.#records = [...records]
    this.#nowMs = Math.floor(nowMs)
  }

  get records(): readonly ShardRecord[] {
    return this.#records
  }

  get openCount(): number {
    return this.#records.filter((record) => record.closed === null).length
  }

  /** The shard's keys below `at` go to one child, the rest to another. */
  split(number: number, at: bigint): void {
    const { start, end } = rangeOf(this.#get(number))
    assert(start < at && at <= end, `shard ${number} cannot be split at ${at}`)
    const atMs = this.#closingAtMs(number)
    this.#close(number, atMs)
    this.#open({ parents: [number], range: { start, end: at - 1n }, atMs })
    this.#open({ parents: [number], range: { start: at, end }, atMs })
  }

  /** The two shards' keys go to one child; `left` is the one with the lower keys. */
  merge(left: number, right: number): void {
    const [low, high] = [rangeOf(this.#get(left)), rangeOf(this.#get(right))]
    assert(low.end + 1n === high.start, `shards ${left} and ${right} are no neighbours`)
    const parents = [left, right]
    const atMs = Math.max(...parents.map((number) => this.#closingAtMs(number)))
    for (const number of parents) this.#close(number, atMs)
    this.#open({ parents, range: { start: low.start, end: high.end }, atMs })
  }

  /**
   * `count` open shards of the same width: splits where a new border is, merges where an old one is
   * none any more. The shards in between are closed at once, as with the service.
   */
  makeEven(count: number): void {
    const targets = evenRanges(count)
    for (const { start } of targets) {
      const owner = this.#openInOrder().findLast((record) => rangeOf(record).start <= start)!
      if (rangeOf(owner).start !== start) this.split(owner.number, start)
    }
    const borders = new Set(targets.map(({ start }) => start))
    for (;;) {
      const open = this.#openInOrder()
      const index = open.findIndex((record) => !borders.has(rangeOf(record).start))
      if (index < 0) return
      this.merge(open[index - 1]!.number, open[index]!.number)
    }
  }

  #openInOrder(): ShardRecord[] {
    return this.#records
      .filter((record) => record.closed === null)
      .sort((a, b) => (rangeOf(a).start < rangeOf(b).start ? -1 : 1))
  }

  #get(number: number): ShardRecord {
    const record = this.#records.find((one) => one.number === number)
    assert(record?.closed === null, `there is no open shard ${number}`)
    return record
  }

  /** Also when the clock was set back: a shard that ended before it began would be listed never. */
  #closingAtMs(number: number): number {
    return Math.max(this.#nowMs, this.#get(number).creationAtMs + LIFE_MIN_MS)
  }

  #close(number: number, atMs: number): void {
    const record = this.#get(number)
    const numbers = new SequenceNumbers(number, record.creationAtMs)
    const closed = { atMs, endingSequenceNumber: numbers.endText(atMs) }
    this.#records[this.#records.indexOf(record)] = { ...record, closed }
  }

  #open({ parents, range, atMs }: Child): void {
    this.#records.push({
      number: this.#records.at(-1)!.number + 1,
      startingHashKey: range.start.toString(),
      endingHashKey: range.end.toString(),
      creationAtMs: atMs,
      parentNumber: parents[0]!,
      adjacentParentNumber: parents[1] ?? null,
      closed: null,
    })
  }
}

interface Child {
  readonly parents: readonly number[]
  readonly range: HashKeyRange
  readonly atMs: number
}

function rangeOf({ startingHashKey, endingHashKey }: ShardRecord): HashKeyRange {
  return { start: BigInt(startingHashKey), end: BigInt(endingHashKey) }
}
