// Sends letters again: each goes to the spool as a transaction that keeps its receipt, and only
// when it is durable there does the letter go. A crash in between leaves both: the record may then
// be delivered twice, but it is never lost.

import type { SpoolRefusal, Transaction } from '../spool/index.ts'
import type { DeadLetters } from './dead-letters.ts'
import type { Envelope } from './filter.ts'
import type { KeptLetter } from './letter.ts'

/** Where replayed records enter. */
export interface ReplayLine {
  append(transaction: Transaction): void
}

export interface ReplayReport {
  /** In the spool again, no dead letters any more. */
  readonly replayedCount: number
  /** Why it ended before all were replayed; null when nothing stood in the way. */
  readonly refusal: SpoolRefusal | null
}

/** One file's letters are under way at once, some megabytes. Rejects with a `DiskError`. */
export async function replay(
  letters: DeadLetters,
  line: ReplayLine,
  envelopes: readonly Envelope[],
): Promise<ReplayReport> {
  let replayedCount = 0
  for await (const part of letters.read(envelopes)) {
    const refusals = await Promise.all(part.map((letter) => append(line, letter)))
    const durable = part.filter((_, index) => refusals[index] === null)
    replayedCount += durable.length
    await letters.remove(durable)
    const refusal = refusals.find((one) => one !== null)
    if (refusal !== undefined) return { replayedCount, refusal }
  }
  return { replayedCount, refusal: null }
}

/** Resolves with null when the record is durable in the spool. */
function append(line: ReplayLine, letter: KeptLetter): Promise<SpoolRefusal | null> {
  const { receipt, stream, partitionKey, explicitHashKey, data, arrivedAtMs } = letter
  return new Promise((resolve) => {
    line.append({
      records: [{ receipt, stream, partitionKey, explicitHashKey, data, arrivedAtMs }],
      idempotency: null,
      durable: () => resolve(null),
      refused: resolve,
      settled: null,
    })
  })
}
