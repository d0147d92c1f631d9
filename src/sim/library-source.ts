// A program that puts records straight into the producer, as users of the library do.

import assert from 'node:assert'
import { type HashKey, hashKeyFromBigInt, UserRecord } from '../record/index.ts'
import type { KeyKind, SourceSettings } from './line-settings.ts'
import type { SimProcess } from './machine.ts'
import type { BookedRecord, RecordBook } from './record-book.ts'
import type { SimRandom } from './sim-random.ts'
import type { World } from './world.ts'

/** The part of a producer that a source needs. */
export interface Putter {
  readonly outstandingCount: number
  put(record: UserRecord): void
  flush(stream?: string | null): Promise<void>
}

export interface LibrarySourceParts {
  readonly world: World
  readonly process: SimProcess
  readonly producer: Putter
  readonly book: RecordBook
  readonly random: SimRandom
  readonly settings: SourceSettings
  readonly maxOutstandingCount: number
}

export class LibrarySource {
  readonly #parts: LibrarySourceParts
  #isStopped = false
  #putCount = 0
  /** Its records that had not settled when it last looked. */
  #unsettled: BookedRecord[] = []
  #openFlushCount = 0

  constructor(parts: LibrarySourceParts) {
    this.#parts = parts
    this.#pause()
  }

  stop(): void {
    this.#isStopped = true
  }

  /** Flushes that have not ended. */
  get openFlushCount(): number {
    return this.#openFlushCount
  }

  #pause(): void {
    const { process, random, settings } = this.#parts
    const pauseMs = random.below(settings.pauseMaxMs * 1_000) / 1_000
    process.schedule(process.clock.monotonicMs() + pauseMs, 'source', () => this.#step())
  }

  #step(): void {
    const { producer, maxOutstandingCount, random, settings } = this.#parts
    const isSilent = () => this.#isStopped || this.#putCount >= settings.maxRecordCount
    if (isSilent()) return
    for (let count = 0; count < settings.burstCount && !isSilent(); count++) {
      if (producer.outstandingCount < maxOutstandingCount) this.#put()
    }
    if (random.hits(settings.flushPerMille)) this.#flush()
    this.#pause()
  }

  #put(): void {
    const { producer, book, random, settings } = this.#parts
    const { stream, dataMaxBytes, keys, explicitHashKeyPerMille } = settings
    this.#putCount++
    const booked = book.write({
      stream,
      partitionKey: drawKey(random, keys),
      dataBytes: random.between(1, dataMaxBytes),
      isFromClient: false,
    })
    const { partitionKey, data } = booked
    this.#unsettled.push(booked)
    const explicitHashKey = random.hits(explicitHashKeyPerMille) ? drawHashKey(random) : null
    producer.put(new UserRecord({ stream, partitionKey, explicitHashKey, data, onSettle() {} }))
  }

  /** Of all streams or of its own; it ends when what was put before has settled, and not sooner. */
  #flush(): void {
    const { producer, random, settings, world } = this.#parts
    const before = this.#unsettled.filter((one) => !areSettled([one]))
    this.#unsettled = [...before]
    this.#openFlushCount++
    world.note('a flush begins', before.length)
    void producer.flush(random.pick([null, settings.stream])).then(() => {
      this.#openFlushCount--
      world.note('a flush ends', before.length)
      world.guard(() => assert(areSettled(before), 'a flush ended before its records settled'))
    })
  }
}

/** Whether every one has settled, or nobody is left who could tell. */
function areSettled(records: readonly BookedRecord[]): boolean {
  return records.every(({ result, isAbandoned }) => result !== null || isAbandoned)
}

/** A key of four-byte characters, as long as one may be. */
const LONG_KEY_CHARACTERS = 256

export function drawKey(random: SimRandom, kind: KeyKind): string {
  switch (kind) {
    case 'one':
      return 'k'
    case 'few':
      return `user-${random.below(5)}`
    case 'digits':
      return `${random.below(1_000_000)}`
    case 'long':
      return '\u{1f30a}'.repeat(random.pick([1, 20, LONG_KEY_CHARACTERS]))
    case 'any':
      return `ключ ${random.below(1_000_000)} "\\/`
  }
}

function drawHashKey(random: SimRandom): HashKey {
  const words = Array.from({ length: 4 }, () => BigInt(random.below(2 ** 32)))
  const drawn = words.reduce((sum, word) => (sum << 32n) | word, 0n)
  const edges = [0n, (1n << 127n) - 1n, 1n << 127n, (1n << 128n) - 1n]
  return hashKeyFromBigInt(random.pick([drawn, drawn, ...edges]))!
}
