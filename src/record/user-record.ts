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
  /** When the producer took it over; with the next two on the monotonic clock. */
  arrivalAtMs = 0
  /** When it must leave a buffer. */
  deadlineAtMs = 0
  /** When it is given up. */
  expiresAtMs = 0
  /** How often it was tried; `attempts` keeps at most `ATTEMPTS_KEPT_MAX_COUNT` of them. */
  attemptCount = 0
  /** Some attempt ended without an answer: the record may be in the stream although it failed. */
  mayBeWritten = false
  /** How many flushes of the producer had begun when it was put. */
  flushEpoch = 0
  /** Null when no order is kept. */
  keyTurn: KeyTurn | null = null
  /** The next one that waits for the turn of its key. */
  nextOfKey: UserRecord | null = null
  /** Told first when the record settles: gives back the room that it took in the line. */
  onLeave: ((record: UserRecord) => void) | null = null

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
    this.onLeave?.(this)
    onSettle(result, this)
  }
}
