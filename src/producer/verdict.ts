// From an error's name to what it means for a record: one table.

/**
 * - `permanent`: no record of this stream will get in until somebody changes something.
 * - `invalid`: the service refuses the request for what is in it; one entry may be the reason.
 * - `throttled`: the shard or the account is over its rate; nothing was written.
 * - `transient`: may work next time; nothing was written.
 * - `unknown outcome`: may work next time, and may have been written this time.
 */
export type ErrorKind = 'permanent' | 'invalid' | 'throttled' | 'transient' | 'unknown outcome'

/**
 * What may have gone bad in between, and is renewed before the next try: the keys, or what a
 * signature is made of, keys and time.
 */
export type Remedy = 'keys' | 'signature'

export interface Verdict {
  readonly kind: ErrorKind
  readonly remedy: Remedy | null
}

export const THROTTLED_CODE = 'ProvisionedThroughputExceededException'

const PERMANENT: Verdict = { kind: 'permanent', remedy: null }
const INVALID: Verdict = { kind: 'invalid', remedy: null }
const THROTTLED: Verdict = { kind: 'throttled', remedy: null }
const TRANSIENT: Verdict = { kind: 'transient', remedy: null }
const UNKNOWN_OUTCOME: Verdict = { kind: 'unknown outcome', remedy: null }
const OTHER_KEYS: Verdict = { kind: 'transient', remedy: 'keys' }
const OTHER_SIGNATURE: Verdict = { kind: 'transient', remedy: 'signature' }

/**
 * Kinesis API reference, errors of PutRecords and ListShards and those common to all actions; the
 * names of our own for what is no answer (`client.ts`, `sender.ts`).
 */
export const VERDICTS: ReadonlyMap<string, Verdict> = new Map([
  [THROTTLED_CODE, THROTTLED],
  ['LimitExceededException', THROTTLED],
  ['Throttling', THROTTLED],
  ['ThrottlingException', THROTTLED],
  ['TooManyRequestsException', THROTTLED],
  ['RequestLimitExceeded', THROTTLED],
  ['KMSThrottlingException', THROTTLED],
  ['Http429', THROTTLED],

  ['InternalFailure', UNKNOWN_OUTCOME],
  ['InternalFailureException', UNKNOWN_OUTCOME],
  ['InternalServerError', UNKNOWN_OUTCOME],
  ['ServiceUnavailable', UNKNOWN_OUTCOME],
  ['ServiceUnavailableException', UNKNOWN_OUTCOME],
  ['RequestTimeout', UNKNOWN_OUTCOME],
  ['RequestTimeoutException', UNKNOWN_OUTCOME],
  ['ConnectionLost', UNKNOWN_OUTCOME],
  ['Record Count Mismatch', UNKNOWN_OUTCOME],
  ['UnreadableAnswer', UNKNOWN_OUTCOME],

  ['ConnectFailed', TRANSIENT],
  ['CredentialsError', TRANSIENT],
  // The stream is being made or changed.
  ['ResourceInUseException', TRANSIENT],
  // A listing of shards that took too long begins again.
  ['ExpiredNextTokenException', TRANSIENT],

  ['ExpiredTokenException', OTHER_KEYS],
  ['ExpiredToken', OTHER_KEYS],
  ['UnrecognizedClientException', OTHER_KEYS],
  ['InvalidClientTokenId', OTHER_KEYS],
  ['IncompleteSignatureException', OTHER_KEYS],
  ['IncompleteSignature', OTHER_KEYS],
  ['MissingAuthenticationTokenException', OTHER_KEYS],
  ['MissingAuthenticationToken', OTHER_KEYS],
  ['InvalidSignatureException', OTHER_SIGNATURE],
  ['SignatureDoesNotMatch', OTHER_SIGNATURE],
  ['RequestExpired', OTHER_SIGNATURE],
  ['RequestTimeTooSkewed', OTHER_SIGNATURE],

  ['ValidationException', INVALID],
  ['ValidationError', INVALID],
  ['InvalidArgumentException', INVALID],
  ['SerializationException', INVALID],
  ['Http413', INVALID],

  ['ResourceNotFoundException', PERMANENT],
  ['AccessDeniedException', PERMANENT],
  ['NotAuthorized', PERMANENT],
  ['OptInRequired', PERMANENT],
  ['UnknownOperationException', PERMANENT],
  ['KMSAccessDeniedException', PERMANENT],
  ['KMSDisabledException', PERMANENT],
  ['KMSInvalidStateException', PERMANENT],
  ['KMSNotFoundException', PERMANENT],
  ['KMSOptInRequired', PERMANENT],
  ['ExpiredIteratorException', PERMANENT],
  // How the service says that it would have done what a dry run asked.
  ['DryRunOperationException', PERMANENT],
])

/** What is not in the table may work next time: the record's expiration bounds the tries. */
export function verdictOf(code: string): Verdict {
  return VERDICTS.get(code) ?? UNKNOWN_OUTCOME
}

export function kindOf(code: string): ErrorKind {
  return verdictOf(code).kind
}
