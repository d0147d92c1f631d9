// What can be a partition key: 1 to 256 Unicode characters that can be written as UTF-8.

/** Unicode characters, not bytes or UTF-16 units, of a partition key. API reference, PutRecord. */
export const PARTITION_KEY_MAX_CHARACTERS = 256
/** Four bytes of UTF-8 for each at most. */
export const PARTITION_KEY_MAX_BYTES = 4 * PARTITION_KEY_MAX_CHARACTERS

/** Why a text cannot be a partition key, or null when it can. */
export function keyProblem(key: string): string | null {
  if (key.length === 0) return 'is empty; 1 to 256 characters are allowed'
  if (!key.isWellFormed()) return 'has half of a surrogate pair in it'
  // A character takes one or two UTF-16 units: only between the bounds must they be counted.
  if (key.length <= PARTITION_KEY_MAX_CHARACTERS) return null
  const isTooLong =
    key.length > 2 * PARTITION_KEY_MAX_CHARACTERS || [...key].length > PARTITION_KEY_MAX_CHARACTERS
  return isTooLong ? 'is too long; 1 to 256 characters are allowed' : null
}
