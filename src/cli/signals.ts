// A program that runs until it is told to stop.

import type { Log } from '../host/index.ts'
import { EXIT } from './exit.ts'

/**
 * Waits for SIGTERM or SIGINT, then stops in order and ends the process with 0. A second signal
 * ends it at once, with 1: somebody at a keyboard has waited long enough.
 */
export async function runUntilStopped(log: Log, stop: () => Promise<unknown>): Promise<void> {
  const signal = await new Promise<string>((resolve) => {
    process.once('SIGTERM', () => resolve('SIGTERM'))
    process.once('SIGINT', () => resolve('SIGINT'))
  })
  const cutShort = () => {
    log.warn('stopped at once by a second signal')
    process.exit(EXIT.failed)
  }
  process.once('SIGTERM', cutShort)
  process.once('SIGINT', cutShort)
  log.info('stopping', { signal })
  await stop()
  process.exit(EXIT.good)
}
