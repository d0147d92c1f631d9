// Short text into bytes. A call of `Buffer.write` costs as much as some dozens of characters by
// hand, and nearly every partition key is short ASCII.

/** Longer text is left to `Buffer.write`. */
const BY_HAND_MAX_CHARACTERS = 48

/**
 * The text's UTF-8 at `at`, a lone surrogate as U+FFFD; answers the end. The caller has seen to the
 * room: three bytes for each UTF-16 unit are always enough.
 */
export function writeUtf8(text: string, into: Buffer, at: number): number {
  const length = text.length
  if (length > BY_HAND_MAX_CHARACTERS) return at + into.write(text, at, 'utf8')
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i)
    if (code > 0x7f) return at + into.write(text, at, 'utf8')
    into[at + i] = code
  }
  return at + length
}

/** The bytes that `writeUtf8` writes. */
export function utf8Bytes(text: string): number {
  const length = text.length
  if (length > BY_HAND_MAX_CHARACTERS) return Buffer.byteLength(text)
  for (let i = 0; i < length; i++) {
    if (text.charCodeAt(i) > 0x7f) return Buffer.byteLength(text)
  }
  return length
}
