// What a caller hands in, on its way through the line.

import assert from 'node:assert'
import type { Attempt } from './attempt.ts'
import type { HashKey } from './hash-key.ts'
import type { RecordResult } from './result.ts'

export interface UserRecordFields {
  readonly stream: string
  readonly partitionKey: string
  /** Used in the place of the partition key's MD5. */
  readonly explicitHashKey?: HashKey | null
  /** Stored as it is. Not copied: the caller leaves it unchanged until the record has settled. */
  readonly data: Uint8Array
  /** Called exactly once, when the record's fate is decided. */
  readonly onSettle: (result: RecordResult, record: UserRecord) => void
}

/** What keeps the records of one key in order. */
export interface KeyTurn {
  /**
   * The record is about to be gathered in a place. False when others of its key are elsewhere: then
   * it waits, and must not be taken over.
   */
  mayJoin(record: UserRecord, place: unknown): boolean
  /** What was gathered of the key is sent, and grows no more. */
  sent(): void
  /** All that was gathered or sent of the key goes again; told of each, oldest first. */
  comeBack(record: UserRecord): void
  /** The record goes before all that waits; told of the newest first, and then `wake`. */
  stepBack(record: UserRecord): void
  wake(): void
  settled(record: UserRecord): void
}

/**
 * What the records have in common that came at one instant. One object for all of them: what lives
 * as long as a record is moved twice by the collector of young objects.
 */
export interface Arrival {
  /** When the producer took them over; with the next two on the monotonic clock. */
  readonly atMs: number
  /** When they must leave a buffer. */
  readonly deadlineAtMs: number
  /** When they are given up. */
  readonly expiresAtMs: number
  /** How many flushes of the producer had begun. */
  readonly flushEpoch: number
  /** Told first when one of them settles: gives back the room that it took in the line. */
  readonly onLeave: ((record: UserRecord) => void) | null
}

const NOT_ARRIVED: Arrival = {
  atMs: 0,
  deadlineAtMs: 0,
  expiresAtMs: 0,
  flushEpoch: 0,
  onLeave: null,
}

/** A shard that is not known. */
export const NO_SHARD = -1

/**
 * Attempts kept of one record: the first ones, and always the last. A long TTL can make thousands.
 */
export const ATTEMPTS_KEPT_MAX_COUNT = 64

const NONE: readonly Attempt[] = []

export class UserRecord {
  readonly stream: string
  readonly partitionKey: string
  readonly explicitHashKey: HashKey | null
  readonly data: Uint8Array

  // What follows is written by the producer, stage by stage.

  /**
   * Where it belongs: the explicit hash key, or the MD5 of the partition key; null where it would
   * have to be computed.
   */
  hashKey: HashKey | null = null
  /** The number of the shard in which we expect it to land, or `NO_SHARD`. */
  predictedShard = NO_SHARD
  /** Shared with those that came at the same instant, as long as its deadline is theirs. */
  arrival: Arrival = NOT_ARRIVED
  /** How often it was tried; `attempts` keeps at most `ATTEMPTS_KEPT_MAX_COUNT` of them. */
  attemptCount = 0
  /** Some attempt ended without an answer: the record may be in the stream although it failed. */
  mayBeWritten = false
  /** Null when no order is kept. */
  keyTurn: KeyTurn | null = null
  /** The next one that waits for the turn of its key. */
  nextOfKey: UserRecord | null = null

  /** Null when it has been told. */
  #onSettle: UserRecordFields['onSettle'] | null
  #attempts: readonly Attempt[] = NONE

  constructor(fields: UserRecordFields) {
    this.stream = fields.stream
    this.partitionKey = fields.partitionKey
    this.explicitHashKey = fields.explicitHashKey ?? null
    this.data = fields.data
    this.#onSettle = fields.onSettle
  }

  get arrivalAtMs(): number {
    return this.arrival.atMs
  }

  get deadlineAtMs(): number {
    return this.arrival.deadlineAtMs
  }

  set deadlineAtMs(deadlineAtMs: number) {
    if (deadlineAtMs !== this.arrival.deadlineAtMs) {
      this.arrival = { ...this.arrival, deadlineAtMs }
    }
  }

  get expiresAtMs(): number {
    return this.arrival.expiresAtMs
  }

  get attempts(): readonly Attempt[] {
    return this.#attempts
  }

  get isSettled(): boolean {
    return this.#onSettle === null
  }

  /** `alone`: the attempt as a list, where several records share it. */
  addAttempt(attempt: Attempt, alone: readonly Attempt[] | null = null): void {
    this.attemptCount++
    if (attempt.mayBeWritten) this.mayBeWritten = true
    const before = this.#attempts
    // Nearly always the only one: an array that can grow takes room for sixteen more.
    if (before.length === 0) this.#attempts = alone ?? [attempt]
    else this.#attempts = [...before.slice(0, ATTEMPTS_KEPT_MAX_COUNT - 1), attempt]
  }

  /** Decides the record's result, exactly once. */
  settle(result: RecordResult): void {
    const onSettle = this.#onSettle
    // Its words cost more than all the rest, so they are made only for one that is broken.
    if (onSettle === null) assert.fail(`a record of stream ${this.stream} settled twice`)
    this.#onSettle = null
    this.arrival.onLeave?.(this)
    onSettle(result, this)
  }
}
