// Small files that a program is told to read when it starts: certificates, settings.

import { readFileSync } from 'node:fs'

/** The whole file. Throws what the system says. */
export function readTextFile(path: string, encoding: 'utf8' | 'latin1'): string {
  return readFileSync(path, encoding)
}
