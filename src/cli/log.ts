// What the program says while it runs: JSON lines on standard error, through pino.

import { pino } from 'pino'
import type { Log, LogFields } from '../host/index.ts'

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/**
 * A log on standard error, written at once: the last words before an exit must not be lost. `base`
 * stands in every line.
 */
export function stderrLog(level: LogLevel, base: LogFields | null = null): Log {
  const logger = pino(
    { level, base, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ dest: 2, sync: true }),
  )
  return {
    info: (message, fields) => logger.info(fields ?? {}, message),
    warn: (message, fields) => logger.warn(fields ?? {}, message),
    error: (message, fields) => logger.error(fields ?? {}, message),
  }
}
