// A program that puts records straight into the producer, as users of the library do.

import { type HashKey, hashKeyFromBigInt, UserRecord } from '../record/index.ts'
import type { KeyKind, SourceSettings } from './line-settings.ts'
import type { SimProcess } from './machine.ts'
import type { BookedRecord, RecordBook } from './record-book.ts'
import type { SimRandom } from './sim-random.ts'

/** The part of a producer that a source needs. */
export interface Putter {
  readonly outstandingCount: number
  put(record: UserRecord): void
}

export interface LibrarySourceParts {
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

  constructor(parts: LibrarySourceParts) {
    this.#parts = parts
    this.#pause()
  }

  stop(): void {
    this.#isStopped = true
  }

  #pause(): void {
    const { process, random, settings } = this.#parts
    const pauseMs = random.below(settings.pauseMaxMs * 1_000) / 1_000
    process.schedule(process.clock.monotonicMs() + pauseMs, 'source', () => this.#step())
  }

  #step(): void {
    if (this.#isStopped) return
    const { producer, maxOutstandingCount } = this.#parts
    if (producer.outstandingCount < maxOutstandingCount) this.#put()
    this.#pause()
  }

  #put(): void {
    const { producer, book, random, settings } = this.#parts
    const booked = drawRecord(book, random, settings)
    const explicitHashKey = random.hits(settings.explicitHashKeyPerMille)
      ? drawHashKey(random)
      : null
    const { stream, partitionKey, data } = booked
    producer.put(new UserRecord({ stream, partitionKey, explicitHashKey, data, onSettle() {} }))
  }
}

export function drawRecord(
  book: RecordBook,
  random: SimRandom,
  { stream, dataMaxBytes, keys }: SourceSettings,
): BookedRecord {
  return book.write(stream, drawKey(random, keys), random.between(1, dataMaxBytes))
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
