// Records that could not be read back. What a checksum disproves is lost; what the disk does not
// give now it may give at another time, and nothing is decided about it.

import type { Log } from '../host/index.ts'
import type { Segment } from './segment.ts'
import type { Usage } from './usage.ts'

export const DAMAGED = {
  code: 'Damaged',
  message: 'The record could not be read back from the spool.',
}

const REMEDY = 'mend the disk, or stop the gateway and run: headgate spool give-up'

/** Some of the segment's records wait for the next start: how many, where that is known. */
export function keepUnreadable(
  { usage, log }: { usage: Usage; log: Log },
  segment: Segment,
  recordCount: number,
  told: object = {},
): void {
  segment.isKept = true
  usage.unreadableCount += recordCount
  if (usage.unreadable.has(segment.base) && recordCount === 0) return
  usage.unreadable.add(segment.base)
  const about = { segment: segment.base, records: recordCount, ...told, remedy: REMEDY }
  log.error('records cannot be read; they wait for the next start', about)
}

/** Its log cannot be had at all. */
export function leaveUnreadable({ usage, log }: { usage: Usage; log: Log }, base: string): void {
  usage.unreadable.add(base)
  const about = { segment: base, remedy: REMEDY }
  log.error('a segment cannot be read; it is left for the next start', about)
}
