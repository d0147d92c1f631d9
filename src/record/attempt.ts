// One try to deliver a record. All user records of one Kinesis record share the object.

export interface Attempt {
  /** When the request was handed over, on the monotonic clock. */
  readonly startAtMs: number
  readonly endAtMs: number
  /** The service's error name, or ours (`Expired`, `Wrong Shard`, …); null for success. */
  readonly code: string | null
  /** The service's words, or ours; null for success. */
  readonly message: string | null
  /** No answer came: the record may be in the stream although the attempt failed. */
  readonly mayBeWritten: boolean
}
