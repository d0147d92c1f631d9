// Whether records can be taken just now, and why not.

import type { Door } from './door.ts'

/** What `/readyz` and `/metrics` may name. */
export const UNREADY_REASONS = [
  'draining',
  'ledger-imbalance',
  'memory-full',
  'too-many-requests-open',
  'back-pressure',
  'spool-full',
  'disk-full',
  'disk-failed',
  'closed',
  'backlog-too-old',
] as const
export type UnreadyReason = (typeof UNREADY_REASONS)[number]

/** Why no record can be taken just now; empty when one can. */
export function reasonsUnready(door: Door): UnreadyReason[] {
  const reasons: UnreadyReason[] = []
  const { admission, config, spool } = door
  if (door.isDraining) reasons.push('draining')
  if (door.imbalance !== 0) reasons.push('ledger-imbalance')
  if (admission.isShortOfBytes) reasons.push('memory-full')
  if (door.openCount >= config.admission.maxOpenRequests) reasons.push('too-many-requests-open')
  if (admission.turnsAway !== null) reasons.push('back-pressure')
  if (spool === null) return reasons
  const { state, oldestAgeMs } = spool.stats
  // With the dead letters full records are taken still, and kept.
  if (state !== 'ok' && state !== 'dead-letters-full') reasons.push(state)
  const { maxOldestAgeMs } = config.admission
  if (maxOldestAgeMs !== 'none' && oldestAgeMs >= maxOldestAgeMs) reasons.push('backlog-too-old')
  return reasons
}
