// Refusals that the disk has nothing to do with.

import { type SpoolRefusal, TRANSACTION_MAX_BYTES } from './transaction.ts'

export const CLOSED: SpoolRefusal = {
  code: 'closed',
  message: 'The spool is closed.',
  mayBeWritten: false,
}

export const FULL: SpoolRefusal = {
  code: 'spool-full',
  message: 'The spool holds as much as it may.',
  mayBeWritten: false,
}

export const TOO_LARGE: SpoolRefusal = {
  code: 'transaction-too-large',
  message: `A request of more than ${TRANSACTION_MAX_BYTES} bytes cannot be kept in one piece.`,
  mayBeWritten: false,
}
