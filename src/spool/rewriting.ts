// What an ended process wrote last may be nowhere but in the memory of the system: its sync may not
// have come, or may have failed, and then one that succeeds now means nothing. So a start writes
// such a log anew. That is the newest one, and each that was ended by a failed sync: that its
// records are void may be among what was not written.

import type { Disk, Log } from '../host/index.ts'
import type { Segment } from './segment.ts'

/** Once for each log, and again at the next start when it fails. True when it is on the disk. */
export async function rewriteLog(
  { disk, log }: { disk: Disk; log: Log },
  { base: segment, log: file }: Segment,
): Promise<boolean> {
  try {
    await disk.rewrite(file.name)
  } catch (error) {
    const { message: reason } = error as Error
    log.error('what a crash left cannot be written anew; power loss may take it', {
      segment,
      reason,
    })
    return false
  }
  return true
}
