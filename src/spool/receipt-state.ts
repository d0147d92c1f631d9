// What a receipt tells.

import { placeIn } from './outcome-code.ts'
import { markerStartOf, parseReceipt } from './receipt.ts'
import type { Replayed } from './replayed.ts'
import type { Segment } from './segment.ts'
import type { ReceiptState } from './transaction.ts'

export interface ReceiptBooks {
  readonly replayed: Replayed
  /** A segment that holds records, or what became of them. */
  readonly find: (number: number) => Segment | undefined
}

export async function stateOfReceipt(id: string, books: ReceiptBooks): Promise<ReceiptState> {
  const place = parseReceipt(id)
  if (place === null) return { state: 'unknown' }
  const moved = books.replayed.find(id)
  const { number, ordinal } = moved ?? place
  const segment = books.find(number)
  if (segment === undefined || ordinal >= segment.recordCount) return { state: 'unknown' }
  const isOurs = moved !== null || markerStartOf(segment.marker) === place.markerStart
  if (!isOurs) return { state: 'unknown' }
  if (!segment.settled.has(ordinal)) return { state: 'pending' }
  const found = await segment.outcomes.find(ordinal).catch(() => null)
  if (found === null) return { state: 'unknown' }
  const { entry, index } = found
  if (entry.kind === 'delivered') return { state: 'delivered', place: placeIn(entry, index) }
  return { state: 'dead-lettered', code: entry.code, message: entry.message }
}

/** Who waited for the outcome of that record does not any more. */
export function forgetReceipt(id: string, find: (number: number) => Segment | undefined): void {
  const place = parseReceipt(id)
  if (place !== null) find(place.number)?.waiting.delete(place.ordinal)
}
