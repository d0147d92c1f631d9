// Why nothing is taken just now, in the words that a client is told.

import type { SpoolRefusal } from '../spool/index.ts'
import type { ProblemCode } from './problem.ts'

/** The spool's words for the client; a `closed` spool is a gateway that stops. */
const CODES = {
  'spool-full': 'spool-full',
  'disk-full': 'disk-full',
  'disk-failed': 'disk-failed',
  'sync-failed': 'sync-failed',
  'transaction-too-large': 'transaction-too-large',
  closed: 'draining',
} as const satisfies Record<SpoolRefusal['code'], ProblemCode>

export interface Reason {
  readonly code: ProblemCode
  readonly detail: string
  readonly mayBeWritten: boolean
}

export function reasonOf({ code, message, mayBeWritten }: SpoolRefusal): Reason {
  const fate = mayBeWritten
    ? 'The record may be found on the disk and be delivered all the same; sent again it may be there twice.'
    : 'Nothing was stored.'
  return { code: CODES[code], detail: `${message} ${fate}`, mayBeWritten }
}
