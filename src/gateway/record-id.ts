// The id that a record brings along. Where its mapping says where it is, it is the record's
// idempotency key, within the mapping's resource.

/** Of UTF-8. As many as an `Idempotency-Key` may have. */
export const RECORD_ID_MAX_BYTES = 256

const ALLOWED = `1 to ${RECORD_ID_MAX_BYTES} bytes of UTF-8 are allowed`

/** What is wrong with an id, in the middle of a sentence; null when it is good. */
export function recordIdProblem(id: string): string | null {
  if (id.length === 0) return `is empty; ${ALLOWED}`
  // Two halves would be one replacement character in UTF-8, and two ids the same.
  if (!id.isWellFormed()) return 'has half of a surrogate pair in it'
  return Buffer.byteLength(id) > RECORD_ID_MAX_BYTES ? `is too long; ${ALLOWED}` : null
}

/**
 * The key that stands for it among all idempotency keys: a space is neither in the name of a
 * resource nor in an `Idempotency-Key`, so the first one tells all three apart.
 */
export function keyOfRecordId(resource: string, id: string): string {
  return `${resource} ${id}`
}
