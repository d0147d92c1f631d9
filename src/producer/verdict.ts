// From an error's name to what it means for a record: one table.

/**
 * - `throttled`: the shard or the account is over its rate; the record alone goes again.
 * - `transient`: may work next time.
 * - `invalid`: the service refuses the request for what is in it; one entry may be the reason.
 * - `permanent`: no record of this stream will get in until somebody changes something.
 */
export type ErrorKind = 'throttled' | 'transient' | 'invalid' | 'permanent'

export const THROTTLED_CODE = 'ProvisionedThroughputExceededException'

const KINDS: ReadonlyMap<string, ErrorKind> = new Map([
  [THROTTLED_CODE, 'throttled'],
  ['LimitExceededException', 'throttled'],
  ['ThrottlingException', 'throttled'],
  ['KMSThrottlingException', 'throttled'],
  ['ValidationException', 'invalid'],
  ['InvalidArgumentException', 'invalid'],
  ['SerializationException', 'invalid'],
  ['ResourceNotFoundException', 'permanent'],
  ['AccessDeniedException', 'permanent'],
  ['UnknownOperationException', 'permanent'],
  ['KMSAccessDeniedException', 'permanent'],
  ['KMSDisabledException', 'permanent'],
  ['KMSInvalidStateException', 'permanent'],
  ['KMSNotFoundException', 'permanent'],
  ['KMSOptInRequired', 'permanent'],
])

/** What is not in the table may work next time: the record's expiration bounds the tries. */
export function kindOf(code: string): ErrorKind {
  return KINDS.get(code) ?? 'transient'
}
