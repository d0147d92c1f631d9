// Goes over long runs of plain text in a document's strings: quotes and backslashes are found by
// the runtime's memory search, control characters by a test of four bytes at once.

const QUOTE = 0x22
const BACKSLASH = 0x5c

// As in the scan itself, the state of the one document that is being read.
let bytes: Buffer = Buffer.alloc(0)
/**
 * The next quote and the next backslash, once looked for; remembered so that none is sought twice.
 */
let quoteAt = -1
let backslashAt = -1
/** The document as 32-bit words, from the word boundary at or before its start. */
let words: Int32Array | null = null

/** Begins with another document. */
export function startPlainText(document: Buffer): void {
  bytes = document
  quoteAt = -1
  backslashAt = -1
  words = null
}

/**
 * From a place within a string's plain text on: a place at most three bytes before the next quote,
 * backslash or control character, or before the document's end. No byte of those lies between.
 */
export function plainTextEnd(from: number): number {
  if (quoteAt < from) quoteAt = find(QUOTE, from)
  if (backslashAt < from) backslashAt = find(BACKSLASH, from)
  return controlOrEnd(from, Math.min(quoteAt, backslashAt))
}

function find(byte: number, from: number): number {
  const place = bytes.indexOf(byte, from)
  return place < 0 ? bytes.length : place
}

/**
 * The test on four bytes at once is "has less" of "Bit Twiddling Hacks": exact as to whether there
 * is such a byte in the word. Four words are tested together, because the test is what costs.
 */
function controlOrEnd(from: number, end: number): number {
  const shift = bytes.byteOffset & 3
  words ??= new Int32Array(bytes.buffer, bytes.byteOffset - shift, (shift + bytes.length) >> 2)
  const all = words
  let index = (from + shift) >> 2
  const endIndex = (end + shift) >> 2
  for (; index + 4 <= endIndex; index += 4) {
    const a = all[index]!
    const b = all[index + 1]!
    const c = all[index + 2]!
    const d = all[index + 3]!
    const hits =
      ((a - 0x20202020) & ~a) |
      ((b - 0x20202020) & ~b) |
      ((c - 0x20202020) & ~c) |
      ((d - 0x20202020) & ~d)
    if ((hits & 0x80808080) !== 0) break
  }
  for (; index < endIndex; index++) {
    const word = all[index]!
    if (((word - 0x20202020) & ~word & 0x80808080) !== 0) break
  }
  return Math.max(from, index * 4 - shift)
}
