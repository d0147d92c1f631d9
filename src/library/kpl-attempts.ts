// The attempts of a record as the KPL's `Attempt` tells them.

import type { Attempt } from '../record/index.ts'
import { checkObject } from './check.ts'

export interface KplAttempt {
  /** From the end of the attempt before, or from when the record was added; whole ms. */
  readonly delay: number
  /** From the start of the request to its end; whole ms. */
  readonly duration: number
  readonly isSuccessful: boolean
  /** Null for success. */
  readonly errorCode: string | null
  readonly errorMessage: string | null
}

/** Of a result, or of a `UserRecordFailedError`; throws `TypeError` for anything else. */
export function kplAttemptsOf(told: {
  readonly arrivalAtMs: number
  readonly attempts: readonly Attempt[]
}): KplAttempt[] {
  checkObject('kplAttemptsOf', told)
  if (!Array.isArray(told.attempts) || typeof told.arrivalAtMs !== 'number') {
    throw new TypeError('kplAttemptsOf: a result, or a UserRecordFailedError, is needed')
  }
  let endedAtMs = told.arrivalAtMs
  return told.attempts.map(({ startAtMs, endAtMs, code, message }) => {
    const delay = Math.max(0, Math.round(startAtMs - endedAtMs))
    endedAtMs = endAtMs
    const duration = Math.round(endAtMs - startAtMs)
    return { delay, duration, isSuccessful: code === null, errorCode: code, errorMessage: message }
  })
}
