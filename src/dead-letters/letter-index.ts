// What is known in memory of every letter on the disk: enough to find it and to count.

import { type Envelope, isMeant, type LetterFilter } from './filter.ts'
import type { KeptLetter } from './letter.ts'
import { type LetterFile, letterBytes } from './letter-shelf.ts'

/** A letter that is on the disk. */
export interface Kept extends Envelope {
  readonly sizeBytes: number
  readonly file: LetterFile
}

export type Reference = Pick<Envelope, 'receipt' | 'number'>

export class LetterIndex {
  /** The newest letter of each receipt, in the order of their numbers. */
  readonly #byReceipt = new Map<string, Kept>()
  /** All letters of a file, also those that newer ones have taken the place of. */
  readonly #byFile = new Map<LetterFile, Map<number, Kept>>()
  #count = 0
  #bytes = 0

  /** Receipts. */
  get size(): number {
    return this.#byReceipt.size
  }

  /** Letters, also those that newer ones have taken the place of and that are about to go. */
  get count(): number {
    return this.#count
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Enters a letter; answers the one of the same receipt that it took the place of. */
  add(letter: KeptLetter, file: LetterFile): Kept | null {
    const { number, receipt, stream, code, diedAtMs } = letter
    const sizeBytes = letterBytes(letter)
    const kept = { number, receipt, stream, code, diedAtMs, sizeBytes, file }
    const before = this.#byReceipt.get(receipt) ?? null
    // Taken out first: a map leaves a key in its first place.
    this.#byReceipt.delete(receipt)
    this.#byReceipt.set(receipt, kept)
    const inFile = this.#byFile.get(file)
    if (inFile === undefined) this.#byFile.set(file, new Map([[number, kept]]))
    else inFile.set(number, kept)
    this.#count++
    this.#bytes += sizeBytes
    return before
  }

  /**
   * A file has been written anew and holds these letters of those that it had; answers how many
   * have gone.
   */
  keepOnly(file: LetterFile, numbers: ReadonlySet<number>): number {
    const inFile = this.#byFile.get(file)
    if (inFile === undefined) return 0
    const before = this.#count
    for (const kept of inFile.values()) {
      if (numbers.has(kept.number)) continue
      inFile.delete(kept.number)
      this.#count--
      this.#bytes -= kept.sizeBytes
      if (this.#byReceipt.get(kept.receipt) === kept) this.#byReceipt.delete(kept.receipt)
    }
    if (inFile.size === 0) this.#byFile.delete(file)
    return before - this.#count
  }

  /** Oldest first. */
  find(filter: LetterFilter): readonly Kept[] {
    const { receipt } = filter
    if (receipt === null) return [...this.#byReceipt.values()].filter((one) => isMeant(filter, one))
    const kept = this.#byReceipt.get(receipt)
    return kept !== undefined && isMeant(filter, kept) ? [kept] : []
  }

  /** Those of them that are still there, by file. */
  byFile(references: readonly Reference[]): ReadonlyMap<LetterFile, readonly Kept[]> {
    const files = new Map<LetterFile, Kept[]>()
    for (const { receipt, number } of references) {
      const kept = this.#byReceipt.get(receipt)
      if (kept?.number !== number) continue
      const others = files.get(kept.file)
      if (others === undefined) files.set(kept.file, [kept])
      else others.push(kept)
    }
    return files
  }
}
