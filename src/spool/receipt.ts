// Receipts: where a record was first kept. `1f-2k-9f86d081`: segment and record, base 36, and the
// beginning of the segment's marker, which nobody can guess.

const RECEIPT = /^(0|[1-9a-z][0-9a-z]{0,9})-(0|[1-9a-z][0-9a-z]{0,6})-([0-9a-f]{8})$/
const MARKER_DIGITS = 8

export interface ReceiptPlace {
  readonly number: number
  readonly ordinal: number
  readonly markerStart: string
}

export function receiptOf(number: number, ordinal: number, marker: Buffer): string {
  return `${number.toString(36)}-${ordinal.toString(36)}-${markerStartOf(marker)}`
}

export function markerStartOf(marker: Buffer): string {
  return marker.toString('hex').slice(0, MARKER_DIGITS)
}

/** Null when it is no receipt of ours. */
export function parseReceipt(text: string): ReceiptPlace | null {
  const parts = RECEIPT.exec(text)
  if (parts === null) return null
  const [, number, ordinal, markerStart] = parts
  return {
    number: Number.parseInt(number!, 36),
    ordinal: Number.parseInt(ordinal!, 36),
    markerStart: markerStart!,
  }
}
