// The program's own log: what it throws must not stop what is ours to do.

import type { Log } from '../host/index.ts'
import { throwApart } from '../host/node/index.ts'

const LEVELS = ['info', 'warn', 'error'] as const

/**
 * The same log, which never throws while somebody writes to it. Throws `TypeError` for what is no
 * log.
 */
export function apart(log: Log): Log {
  for (const level of LEVELS) {
    if (typeof log?.[level] === 'function') continue
    throw new TypeError(`log: functions ${LEVELS.join(', ')} are needed`)
  }
  const guarded =
    (level: keyof Log): Log[typeof level] =>
    (message, fields) => {
      try {
        // One that prints all that it is given, as the console does, would print `undefined`.
        if (fields === undefined) log[level](message)
        else log[level](message, fields)
      } catch (error) {
        throwApart(error)
      }
    }
  return { info: guarded('info'), warn: guarded('warn'), error: guarded('error') }
}
