// A program that runs until it is told to stop.

import type { Log } from '../host/index.ts'
import { EXIT } from './exit.ts'

/** The last comes when a terminal is closed, or when logs are rotated. */
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const

/** Resolves when it was told to stop and has stopped; then the process ends. */
export type RunUntilStopped = (stop: () => Promise<unknown>) => Promise<void>

/**
 * To be called before a start, which may take long: a signal during it ends the process at once,
 * with 0. The first process of a container would never end by a signal that nobody waits for.
 * Later one stops it in order, with 0; a second one ends it at once, with 1: somebody at a keyboard
 * has waited long enough.
 */
export function catchSignals(log: Log): RunUntilStopped {
  let isAsked = false
  let begin = (signal: string): void => {
    log.info('stopped while it started', { signal })
    process.exit(EXIT.good)
  }
  const onSignal = (signal: string) => {
    if (isAsked) {
      log.warn('stopped at once by a second signal')
      process.exit(EXIT.failed)
    }
    isAsked = true
    begin(signal)
  }
  for (const name of SIGNALS) process.on(name, onSignal)
  return async (stop) => {
    const signal = await new Promise<string>((resolve) => {
      begin = resolve
    })
    log.info('stopping', { signal })
    await stop()
    process.exit(EXIT.good)
  }
}
