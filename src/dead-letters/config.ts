import { type Fields, integer, type Parsed } from '../config/index.ts'

export const deadLettersFields = {
  maxCount: integer({
    default: 100_000,
    min: 1,
    max: 10_000_000,
    says: 'Records kept that could not be delivered; beyond them a record stays in the spool.',
  }),
  maxBytes: integer({
    default: 1024 * 1024 * 1024,
    // Any record finds room in an empty store.
    min: 16 * 1024 * 1024,
    max: 2 ** 50,
    unit: 'bytes',
    says: 'Bytes of all that is kept so, as they are on the disk.',
  }),
} satisfies Fields

export type DeadLettersConfig = Parsed<typeof deadLettersFields>
