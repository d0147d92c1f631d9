// What PutRecord and an entry of PutRecords have in common.

import { PARTITION_KEY_MAX_CHARACTERS, RECORD_MAX_BYTES } from '../wire/index.ts'
import type { Fields } from './field.ts'
import { invalidArgument, type ServiceError } from './service-error.ts'

export const ENTRY_FIELDS = {
  Data: { type: 'blob', required: true, max: RECORD_MAX_BYTES },
  PartitionKey: { type: 'string', required: true, min: 1, max: PARTITION_KEY_MAX_CHARACTERS },
  ExplicitHashKey: { type: 'string', pattern: '0|([1-9]\\d{0,38})' },
} as const satisfies Fields

export function explicitHashKeyOutOfRange(given: string): ServiceError {
  return invalidArgument(
    'Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. ' +
      `Specified value was ${given}`,
  )
}
