// What the segments counted that are gone altogether. The file is replaced before their outcomes
// are removed, and names them, so that a crash between the two counts nothing twice.

import { crc32 } from 'node:zlib'
import type { Disk, Log } from '../host/index.ts'
import { FORMAT_VERSION, NewerFormatError } from './log-header.ts'
import type { Counts } from './segment.ts'

const NAME = 'totals'
const DAMAGED_NAME = 'damaged/totals'

export interface Totals extends Counts {
  /** Segments that are counted here, and whose outcomes may still be there. */
  readonly leaving: readonly number[]
  /** The highest number of a segment that there was. */
  readonly lastNumber: number
}

const NONE: Totals = { successes: 0, failures: 0, exhausted: 0, leaving: [], lastNumber: 0 }

export async function saveTotals(disk: Disk, totals: Totals): Promise<void> {
  const text = JSON.stringify({ version: FORMAT_VERSION, ...totals })
  await disk.replace(NAME, Buffer.from(`${checksumOf(text)} ${text}\n`))
}

/** Rejects with `NewerFormatError`; what is damaged is kept aside and counts as nothing. */
export async function loadTotals(disk: Disk, log: Log): Promise<Totals> {
  const bytes = await disk.load(NAME)
  if (bytes === null) return NONE
  const [, checksum, text] = /^([0-9a-f]{8}) (\{.*\})\n$/.exec(String(bytes)) ?? []
  if (text === undefined || checksum !== checksumOf(text)) {
    log.error('the totals of the spool are damaged; they begin at zero', { file: NAME })
    await disk.replace(DAMAGED_NAME, bytes).catch(() => {})
    return NONE
  }
  const { version, ...totals } = JSON.parse(text) as Totals & { version: number }
  if (version > FORMAT_VERSION) throw new NewerFormatError(NAME, version)
  return totals
}

function checksumOf(text: string): string {
  return crc32(text).toString(16).padStart(8, '0')
}
