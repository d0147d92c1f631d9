// Keeps the records of one key in the order in which they were added.
//
// Of one key, only what is together in one Kinesis record is under way. A request can fail in parts
// and its answer can be lost, so nothing that was added later may be sent, not even in the same
// request, before the fate of what was added earlier is known.
//
//   put ──▶ waiting ──▶ gathered in one place ──▶ cut: sent as one Kinesis record ──▶ settled
//              ▲                  │ trimmed                     │ to go again
//              └──────────────────┴─────────────────────────────┘ before all that waits
//
// What is gathered may grow until it is cut; from then on the key waits until all of it has settled
// or has come back. A record that expires leaves a gap, and the others go on.

import type { Clock } from '../host/index.ts'
import type { KeyTurn, UserRecord } from '../record/index.ts'
import { Fifo } from './fifo.ts'
import type { Stage } from './stage.ts'

/** Where what cannot grow any more is: nothing joins it. */
export const SENT = Symbol('sent')

/**
 * Stands between the size gate and the aggregator, and takes back what must go again. Bounded by
 * the window.
 */
export class KeyOrder implements Stage<UserRecord> {
  readonly #clock: Clock
  readonly #next: Stage<UserRecord>
  /** Of keys that have records here or under way. */
  readonly #byKey = new Map<string, KeyQueue>()
  /** By explicit hash key and key: with another hash key it is another shard's business. */
  readonly #byHashKey = new Map<string, KeyQueue>()
  readonly #awake = new Fifo<KeyQueue>()
  #isRunning = false

  constructor(clock: Clock, next: Stage<UserRecord>) {
    this.#clock = clock
    this.#next = next
  }

  put(record: UserRecord): void {
    if (record.keyTurn !== null) return record.keyTurn.comeBack(record)
    const { partitionKey, explicitHashKey } = record
    if (explicitHashKey === null) return this.#enter(record, this.#byKey, partitionKey)
    this.#enter(record, this.#byHashKey, `${explicitHashKey} ${partitionKey}`)
  }

  /** What waits here does not wait for company as well when its turn comes. */
  flush(): void {
    const nowMs = this.#clock.monotonicMs()
    for (const queue of this.#all()) queue.hurry(nowMs)
  }

  /** Gives up what waits; what is under way is elsewhere. */
  abandon(): UserRecord[] {
    return this.#all().flatMap((queue) => queue.abandon())
  }

  /**
   * Lets a key go on, after the others whose turn it is: one that goes on can settle others on the
   * spot, whose keys then go on, and so forth, which must not become a stack of calls.
   */
  wake(queue: KeyQueue): void {
    if (this.#isRunning) return this.#awake.push(queue)
    this.#isRunning = true
    try {
      for (let one: KeyQueue | undefined = queue; one !== undefined; one = this.#awake.shift()) {
        one.goOn(this.#next)
      }
    } finally {
      this.#isRunning = false
    }
  }

  #all(): KeyQueue[] {
    return [...this.#byKey.values(), ...this.#byHashKey.values()]
  }

  #enter(record: UserRecord, queues: Map<string, KeyQueue>, key: string): void {
    let queue = queues.get(key)
    if (queue === undefined) {
      queue = new KeyQueue(this, queues, key)
      queues.set(key, queue)
    }
    record.keyTurn = queue
    queue.add(record)
  }
}

class KeyQueue implements KeyTurn {
  readonly #order: KeyOrder
  readonly #queues: Map<string, KeyQueue>
  readonly #key: string
  // Linked through the records: both ends grow, and two become one, without moving any. No objects
  // of their own, because a key can have a single record: then this object is all that order costs.
  #firstWaiting: UserRecord | null = null
  #lastWaiting: UserRecord | null = null
  /** Came back from one Kinesis record, of which others may still be on their way back. */
  #firstBack: UserRecord | null = null
  #lastBack: UserRecord | null = null
  /** Gathered or sent, and not settled. */
  #underWayCount = 0
  /** Where that is; null when there is none. */
  #place: unknown = null
  /** The last one's that was gathered: who orders by deadlines must not turn the key's round. */
  #deadlineAtMs = Number.NEGATIVE_INFINITY

  constructor(order: KeyOrder, queues: Map<string, KeyQueue>, key: string) {
    this.#order = order
    this.#queues = queues
    this.#key = key
  }

  add(record: UserRecord): void {
    if (this.#lastWaiting === null) this.#firstWaiting = record
    else this.#lastWaiting.nextOfKey = record
    this.#lastWaiting = record
    if (this.#place !== SENT) this.#order.wake(this)
  }

  goOn(next: Stage<UserRecord>): void {
    for (;;) {
      if (this.#underWayCount === 0) {
        this.#place = null
        this.#deadlineAtMs = Number.NEGATIVE_INFINITY
        this.#waitAgain()
      }
      const record = this.#firstWaiting
      if (record === null || this.#place === SENT) return
      next.put(record)
      // It would be gathered elsewhere than those before it, which go first.
      if (this.#firstWaiting === record) return
    }
  }

  mayJoin(record: UserRecord, place: unknown): boolean {
    if (this.#place !== null && this.#place !== place) return false
    this.#place = place
    this.#shift()
    this.#underWayCount++
    if (record.deadlineAtMs < this.#deadlineAtMs) record.deadlineAtMs = this.#deadlineAtMs
    else this.#deadlineAtMs = record.deadlineAtMs
    return true
  }

  sent(): void {
    this.#place = SENT
  }

  comeBack(record: UserRecord): void {
    this.#place = SENT
    if (this.#lastBack === null) this.#firstBack = record
    else this.#lastBack.nextOfKey = record
    this.#lastBack = record
    this.#leave()
  }

  stepBack(record: UserRecord): void {
    record.nextOfKey = this.#firstWaiting
    this.#firstWaiting = record
    this.#lastWaiting ??= record
    this.#underWayCount--
  }

  wake(): void {
    this.#order.wake(this)
  }

  settled(record: UserRecord): void {
    record.keyTurn = null
    this.#leave()
  }

  hurry(nowMs: number): void {
    for (let record = this.#firstWaiting; record !== null; record = record.nextOfKey) {
      record.deadlineAtMs = Math.min(record.deadlineAtMs, nowMs)
    }
  }

  abandon(): UserRecord[] {
    this.#waitAgain()
    const left: UserRecord[] = []
    for (let record = this.#shift(); record !== null; record = this.#shift()) {
      record.keyTurn = null
      left.push(record)
    }
    return left
  }

  #leave(): void {
    if (--this.#underWayCount > 0) return
    if (this.#firstWaiting !== null || this.#firstBack !== null) this.#order.wake(this)
    else this.#queues.delete(this.#key)
  }

  #shift(): UserRecord | null {
    const record = this.#firstWaiting
    if (record === null) return null
    this.#firstWaiting = record.nextOfKey
    if (this.#firstWaiting === null) this.#lastWaiting = null
    record.nextOfKey = null
    return record
  }

  /** What came back waits before all others. */
  #waitAgain(): void {
    if (this.#lastBack === null) return
    this.#lastBack.nextOfKey = this.#firstWaiting
    this.#firstWaiting = this.#firstBack
    this.#lastWaiting ??= this.#lastBack
    this.#firstBack = null
    this.#lastBack = null
  }
}

/**
 * Puts records, which were gathered or sent together, back before all that waits of their keys, and
 * lets those go on that may. In their order, oldest first.
 */
export function stepBack(records: readonly UserRecord[]): void {
  for (let i = records.length - 1; i >= 0; i--) records[i]!.keyTurn!.stepBack(records[i]!)
  // Those that go on at once may settle at once.
  for (const record of records) record.keyTurn?.wake()
}
