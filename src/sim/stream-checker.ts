// Compares what is in the streams with what was said of every record.

import assert from 'node:assert'
import { ATTEMPTS_KEPT_MAX_COUNT, type Place } from '../record/index.ts'
import { hashKeyOf } from '../wire/index.ts'
import { membersOf } from './aggregates.ts'
import { checkStoredOrder, goneWithItsStream, type Position } from './order-checker.ts'
import { type BookedRecord, type Pass, passesOf, type RecordBook } from './record-book.ts'
import type { StoredRecord, StoredShard } from './stream-reader.ts'

/** Where one copy of a record is. */
interface Copy {
  readonly shardId: string
  readonly sequenceNumber: string
  readonly subSequenceNumber: number | null
  /** A consumer gets to see it. */
  readonly isReadable: boolean
  readonly position: Position
}

export class StreamChecker {
  readonly #book: RecordBook
  readonly #copies = new Map<number, Copy[]>()

  constructor(book: RecordBook) {
    this.#book = book
  }

  /** Records that are in the streams more than once. */
  get doubledCount(): number {
    return [...this.#copies.values()].filter((copies) => copies.length > 1).length
  }

  /** Takes what was read from a stream; throws when it is not what was put. */
  add(stream: string, shards: readonly StoredShard[]): void {
    checkFamily(shards)
    const generations = generationsOf(shards)
    for (const shard of shards) {
      const generation = generations.get(shard.shardId)!
      let last = -1n
      for (const record of shard.records) {
        const sequenceNumber = BigInt(record.sequenceNumber)
        assert(sequenceNumber > last, `${record.sequenceNumber} is out of order`)
        last = sequenceNumber
        this.#addRecord(stream, { shard, generation }, record)
      }
    }
  }

  /**
   * Throws when a record's result and the streams contradict each other. `isGone` knows what went
   * with a stream that was deleted.
   */
  check(isGone: (stream: string, place: Place) => boolean): void {
    const wentAway = ({ result }: Pass, stream: string) =>
      result?.isDelivered === true && isGone(stream, result.place)
    checkStoredOrder(this.#book.records, (booked) => {
      const copies = this.#copies.get(booked.id) ?? []
      const left = copies.filter(({ isReadable }) => isReadable).map(({ position }) => position)
      return wentAway(booked, booked.stream) ? [goneWithItsStream(booked), ...left] : left
    })
    for (const booked of this.#book.records) {
      const copies = this.#copies.get(booked.id) ?? []
      const passes = passesOf(booked)
      const carriedCount = passes.reduce((sum, pass) => sum + carried(pass), 0)
      assert(copies.length <= carriedCount, `record ${booked.id} is in the stream; nobody sent it`)
      for (const pass of passes) {
        const { result } = pass
        if (result === null || wentAway(pass, booked.stream)) continue
        checkResult(booked.id, pass, copies)
        if (passes.length === 1) checkCount(booked.id, pass, copies.length)
      }
    }
  }

  #addRecord(stream: string, { shard, generation }: Home, record: StoredRecord): void {
    const { shardId, sequenceNumber, partitionKey, data } = record
    const members = membersOf(partitionKey, data).map((member) => {
      return { ...member, booked: this.#book.find(member.data) }
    })
    const isInRange = ({ booked }: { booked: BookedRecord }) => {
      const hashKey = (booked.record?.explicitHashKey ?? hashKeyOf(booked.partitionKey)).toBigInt()
      return shard.startingHashKey <= hashKey && hashKey <= shard.endingHashKey
    }
    // The KCL passes over the whole of an aggregate in which one member is out of range.
    const isReadable = members.every(isInRange)
    const isAlone = members.length === 1
    for (const { booked, subSequenceNumber, ...member } of members) {
      const { id } = booked
      assert(booked.stream === stream, `record ${id} is in ${stream}`)
      assert(booked.data.equals(member.data), `the data of record ${id} changed`)
      assert(booked.partitionKey === member.partitionKey, `the key of record ${id} changed`)
      assert(isReadable || !isAlone, `record ${id} is in ${shardId}, where its hash key is not`)
      const copies = this.#copies.get(id)
      const position = {
        generation,
        sequenceNumber: BigInt(sequenceNumber),
        subSequenceNumber: subSequenceNumber ?? 0,
      }
      const copy = { shardId, sequenceNumber, subSequenceNumber, isReadable, position }
      if (copies === undefined) this.#copies.set(id, [copy])
      else copies.push(copy)
    }
  }
}

interface Home {
  readonly shard: StoredShard
  readonly generation: number
}

/** Of each shard how many came before it, from parent to child. */
function generationsOf(shards: readonly StoredShard[]): Map<string, number> {
  const generations = new Map<string, number>()
  const parentsOf = new Map(shards.map(({ shardId, parentIds }) => [shardId, parentIds]))
  const generationOf = (shardId: string): number => {
    const known = generations.get(shardId)
    if (known !== undefined) return known
    const parentIds = parentsOf.get(shardId) ?? []
    const generation = parentIds.reduce((most, id) => Math.max(most, generationOf(id) + 1), 0)
    generations.set(shardId, generation)
    return generation
  }
  for (const { shardId } of shards) generationOf(shardId)
  return generations
}

/** Parents and children belong together, as somebody who reads from shard to shard needs it. */
function checkFamily(shards: readonly StoredShard[]): void {
  const byId = new Map(shards.map((shard) => [shard.shardId, shard]))
  for (const { shardId, isOpen, childIds } of shards) {
    const children = shards.filter(({ parentIds }) => parentIds.includes(shardId))
    const listed = children.map((child) => child.shardId).sort()
    assert.deepEqual([...childIds].sort(), listed, `the children of ${shardId}`)
    assert(isOpen === (children.length === 0), `${shardId} has ${children.length} children`)
  }
  for (const { shardId, startingHashKey, endingHashKey, parentIds } of shards) {
    const parents = parentIds.map((id) => byId.get(id)!).sort(byStart)
    const isWithin =
      parents.length === 0 ||
      (parents[0]!.startingHashKey <= startingHashKey &&
        endingHashKey <= parents.at(-1)!.endingHashKey)
    assert(isWithin, `${shardId} has hash keys that its parents had not`)
  }
  let next = 0n
  for (const shard of shards.filter(({ isOpen }) => isOpen).sort(byStart)) {
    assert(shard.startingHashKey === next, `${shard.shardId} does not begin at ${next}`)
    next = shard.endingHashKey + 1n
  }
  assert(next === 1n << 128n, `the open shards end at ${next}`)
}

function byStart(a: StoredShard, b: StoredShard): number {
  return a.startingHashKey < b.startingHashKey ? -1 : 1
}

/** As many copies as the requests of a pass can have made. */
function carried({ sendings }: Pass): number {
  return sendings.reduce((sum, { request }) => sum + (request.isDoubled ? 2 : 1), 0)
}

function checkResult(id: number, { result }: Pass, copies: readonly Copy[]): void {
  if (!result!.isDelivered) return
  const { shardId, sequenceNumber, subSequenceNumber } = result!.place
  const found = copies.find(
    (copy) =>
      copy.shardId === shardId &&
      copy.sequenceNumber === sequenceNumber &&
      copy.subSequenceNumber === subSequenceNumber,
  )
  const place = `${shardId} ${sequenceNumber}`
  assert(found !== undefined, `record ${id} was delivered and is not at ${place}`)
  assert(found.isReadable, `record ${id} was delivered at ${place}, where no consumer sees it`)
}

/** Of a record that was put once: no more copies than its attempts tell of. */
function checkCount(id: number, { record, sendings, result }: Pass, copyCount: number): void {
  const isDoubled = sendings.some(({ request }) => request.isDoubled)
  if (!result!.isDelivered && !result!.mayBeWritten && !isDoubled) {
    assert(copyCount === 0, `record ${id} was refused for good and is in the stream`)
  }
  const areAttemptsComplete = record!.attemptCount <= ATTEMPTS_KEPT_MAX_COUNT
  if (isDoubled || !areAttemptsComplete) return
  const openCount = result!.attempts.filter((attempt) => attempt.mayBeWritten).length
  const allowedCount = openCount + (result!.isDelivered ? 1 : 0)
  assert(copyCount <= allowedCount, `record ${id} is there ${copyCount} times`)
}
