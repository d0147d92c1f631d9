export { type KeyClaim, KeyRegistry, type KeyRegistryOptions } from './key-registry.ts'
export type { FromWorker, Question, ToWorker } from './messages.ts'
export { WATCH_EACH_MS } from './watch.ts'
export { type WorkerDuties, WorkerLink } from './worker-link.ts'
export {
  ANSWER_TIMEOUT_MS,
  RESTART_FIRST_MS,
  RESTART_FORGIVEN_MS,
  RESTART_MAX_MS,
  STOP_GRACE_MS,
  type WorkerEvents,
  WorkerFailedError,
  type WorkerProcess,
  Workforce,
  type WorkforceOptions,
} from './workforce.ts'
