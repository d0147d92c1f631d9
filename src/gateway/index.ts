export {
  ACKS,
  type Ack,
  type GatewayConfig,
  gatewayFields,
  type Mapping,
  WITHOUT_SPOOL,
} from './config.ts'
export type { DeadLetterStats, RecordLine, SpooledLine } from './door.ts'
export { Gateway } from './gateway.ts'
export type { Build } from './health.ts'
export type { Claim, IdempotencyKeys } from './idempotency.ts'
export type { LedgerCounts } from './ledger.ts'
export type { PeerReport, Peers, WholeReport } from './peers.ts'
export { badRequest, PROBLEMS, type ProblemCode, problem } from './problem.ts'
export type { GatewaySnapshot } from './snapshot.ts'
