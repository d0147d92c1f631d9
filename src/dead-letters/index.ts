export { type AdminQuery, adminQueryText, LIMIT_MAX, readAdminQuery } from './admin-query.ts'
export { AdminService } from './admin-service.ts'
export { type DeadLettersConfig, deadLettersFields } from './config.ts'
export { DeadLetters, type DeadLettersStats } from './dead-letters.ts'
export { ALL_LETTERS, type LetterFilter } from './filter.ts'
export type { KeptAttempt, KeptLetter } from './letter.ts'
export { NewerVersionError } from './letter-shelf.ts'
export {
  DeadLetterOffice,
  type Desk,
  DeskAwayError,
  type LetterLine,
  type LetterPage,
  type Listing,
  type Purged,
  type Replayed,
} from './office.ts'
export type { ReplayLine } from './replay.ts'
