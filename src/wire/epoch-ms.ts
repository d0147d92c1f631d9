/**
 * An instant in a CBOR body: tag 1 round milliseconds since the epoch. RFC 8949 says seconds, but
 * the AWS SDK for Java writes and expects milliseconds here (aws/aws-sdk-java-v2 issues 184, 4661),
 * and it is what speaks CBOR to Kinesis. In JSON bodies instants are seconds with a fraction.
 */
export class EpochMs {
  readonly ms: number
  constructor(ms: number) {
    this.ms = ms
  }
}
