import { DiskError } from './disk.ts'

/** Bytes of one part; file systems end at 255, and unfinished files need some for themselves. */
const PART_MAX_BYTES = 200
const PART = new RegExp(`^[A-Za-z0-9._-]{1,${PART_MAX_BYTES}}$`)

/**
 * Rejects a name that is not made of letters, digits, `.`, `_` and `-` in parts joined by `/`, or
 * that could lead out of the disk's directory, with a `DiskError` of code `EINVAL`.
 */
export function checkFileName(name: string): void {
  for (const part of name.split('/')) {
    if (!PART.test(part) || part === '.' || part === '..') {
      throw new DiskError('EINVAL', `${JSON.stringify(name)} is no name for a file`)
    }
  }
}
