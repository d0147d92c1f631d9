// Everything that the gateway counts and measures, as plain numbers that can be written as JSON:
// counts can be added up over processes, and so can amounts; of ages the largest counts.

import type { SpoolStats } from '../spool/index.ts'
import type { DeadLetterStats, Door } from './door.ts'
import type { LedgerCounts } from './ledger.ts'
import { reasonsUnready, type UnreadyReason } from './readiness.ts'

export interface GatewaySnapshot {
  readonly ledger: LedgerCounts
  readonly imbalance: number
  /** Records in line. */
  readonly waiting: number
  readonly heldBytes: number
  readonly openRequests: number
  /** Requests by the status of their answer, refusals by their code. */
  readonly requests: Readonly<Record<string, number>>
  readonly refusals: Readonly<Record<string, number>>
  /** Connections that were closed as they came. */
  readonly closedConnections: number
  /** How many processes take nothing, for each reason that holds. */
  readonly unready: Readonly<Partial<Record<UnreadyReason, number>>>
  readonly spool: SpoolStats | null
  readonly deadLetters: DeadLetterStats | null
  /** Streams that refuse everything. */
  readonly refusedStreams: number
}

export function snapshotOf(door: Door): GatewaySnapshot {
  const { ledger, admission, tally, spool, deadLetters, refused } = door
  return {
    ledger: ledger.counts(),
    imbalance: door.imbalance,
    waiting: admission.waitingCount,
    heldBytes: door.heldBytes,
    openRequests: door.openCount,
    requests: tally.statuses(),
    refusals: tally.refusals(),
    closedConnections: door.connectionLog.count,
    unready: Object.fromEntries(reasonsUnready(door).map((reason) => [reason, 1])),
    spool: spool?.stats ?? null,
    deadLetters: deadLetters?.stats ?? null,
    refusedStreams: refused?.count ?? 0,
  }
}
