// A start waits a little for a disk that fails.

import { type Clock, DiskError, until } from '../host/index.ts'
import type { FrameReader } from './frame-reader.ts'

const READ_ATTEMPTS = 3
const READ_AGAIN_MS = 50

/** Null after as many failures as we have patience for. */
export async function withPatience<T>(clock: Clock, work: () => Promise<T>): Promise<T | null> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      if (attempt === READ_ATTEMPTS) return null
      await until(clock, clock.monotonicMs() + READ_AGAIN_MS)
    }
  }
}

/** What it does not get even then is stepped over. */
export async function patientLoad(clock: Clock, reader: FrameReader): Promise<void> {
  const isLoaded = await withPatience(clock, () => reader.load().then(() => true))
  if (isLoaded === null) await reader.load({ isStubborn: true })
}
