/** What can be wrong with bytes that should be an aggregate. */
export type AggregationErrorCode =
  /** The first four bytes are not the magic, or there are fewer than 21 bytes. */
  | 'not-aggregated'
  /** The last 16 bytes are not the MD5 of the message. */
  | 'wrong-md5'
  /** A length reaches past the end. */
  | 'truncated'
  /** An integer of more than ten bytes. */
  | 'bad-varint'
  /** A field number 0 or a wire type that the format does not use (groups are refused too). */
  | 'bad-field'
  /** A record without partition key index or data. */
  | 'missing-field'
  /** A record refers to an entry that its table does not have. */
  | 'index-out-of-range'

export class AggregationError extends Error {
  readonly code: AggregationErrorCode
  constructor(code: AggregationErrorCode, message: string) {
    super(message)
    this.name = 'AggregationError'
    this.code = code
  }
}
