/** The two ways to write a Kinesis body: documented JSON 1.1, or the CBOR of the SDKs for Java. */
export type WireFormat = 'json' | 'cbor'

const CONTENT_TYPES = {
  json: 'application/x-amz-json-1.1',
  cbor: 'application/x-amz-cbor-1.1',
} as const

/** The `content-type` of a format's bodies. */
export function contentTypeOf(format: WireFormat): string {
  return CONTENT_TYPES[format]
}

/** The `x-amz-target` of an action, such as `PutRecords`. */
export function targetOf(action: string): string {
  return `Kinesis_20131202.${action}`
}
