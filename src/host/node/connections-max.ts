// How many connections may be open, so that there are files left for the disk and the service: a
// process has one bound for all of them, and clients must not take the spool's.

import { readFileSync } from 'node:fs'
import { LISTEN_DEFAULTS } from './listen.ts'

/** Kept for all else; of a small bound, half. */
const OTHER_FILES_COUNT = 512

/** The bound in force, as Linux tells it: Node has raised it as far as it may. */
function openFilesMax(): number {
  try {
    const limits = readFileSync('/proc/self/limits', 'utf8')
    return Number(/^Max open files +(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY)
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

export function connectionsMax(filesMax = openFilesMax()): number {
  const left = Math.max(filesMax - OTHER_FILES_COUNT, Math.floor(filesMax / 2))
  return Math.min(LISTEN_DEFAULTS.maxConnections, left)
}
