// A segment's number, which rises, and its marker, which is random: both are in the names of its
// files, so that damage to what is in them costs neither.

import type { Random } from '../host/index.ts'
import { MARKER_BYTES } from './frame.ts'

const NUMBER_DIGITS = 12
/** There while the disk is tried; what a crash leaves of it goes with the next start. */
export const TRIAL_NAME = 'trial'
const NAME = /^([0-9]{12})-([0-9a-f]{16})\.(log|outcomes)$/

export interface SegmentName {
  readonly number: number
  readonly marker: Buffer
}

export function drawMarker(random: Random): Buffer {
  const marker = Buffer.alloc(MARKER_BYTES)
  marker.writeUInt32BE(random.below(2 ** 32), 0)
  marker.writeUInt32BE(random.below(2 ** 32), 4)
  return marker
}

/** Without what says which of the two files it is. */
export function baseNameOf({ number, marker }: SegmentName): string {
  return `${String(number).padStart(NUMBER_DIGITS, '0')}-${marker.toString('hex')}`
}

export function parseFileName(
  name: string,
): (SegmentName & { readonly base: string; readonly kind: 'log' | 'outcomes' }) | null {
  const parts = NAME.exec(name)
  if (parts === null) return null
  const [, number, marker, kind] = parts
  return {
    number: Number(number),
    marker: Buffer.from(marker!, 'hex'),
    base: `${number}-${marker}`,
    kind: kind as 'log' | 'outcomes',
  }
}

/** The highest number in the names of files; 0 when there is none. */
export function lastNumberIn(names: readonly string[]): number {
  return names.reduce((last, name) => Math.max(last, parseFileName(name)?.number ?? 0), 0)
}
