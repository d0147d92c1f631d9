export { type Aggregatable, AggregateSize } from './aggregate-size.ts'
export { encodeAggregate, writeAggregate } from './aggregation.ts'
export { AggregationError, type AggregationErrorCode } from './aggregation-error.ts'
export { CBOR_MAX_DEPTH, decodeCbor } from './cbor-reader.ts'
export { encodeCbor } from './cbor-writer.ts'
export {
  type AggregatedUserRecord,
  type DeaggregatedRecord,
  deaggregate,
  deaggregateRecord,
  isAggregated,
} from './deaggregation.ts'
export { EpochMs } from './epoch-ms.ts'
export { decodeError, type ErrorAnswer } from './error-answer.ts'
export { hashKeyOf, hashTopOf } from './hash-key-of.ts'
export * from './limits.ts'
export {
  decodeListShardsAnswer,
  encodeListShards,
  type ListShardsAnswer,
  type ListShardsRequest,
  type ShardDescription,
} from './list-shards.ts'
export { type Md5Piece, writeMd5s } from './md5-lanes.ts'
export { decodeAnswer, encodeRequest } from './messages.ts'
export { ProtocolError } from './protocol-error.ts'
export { encodePutRecords, type PutRecordsEntry } from './put-records.ts'
export {
  decodePutRecordsAnswer,
  type PutRecordsAnswer,
  type PutRecordsResult,
} from './put-records-answer.ts'
export { RequestBuffer } from './request-buffer.ts'
export { shardIdOf, shardNumberOf } from './shard-id.ts'
export { type Credentials, type SignableRequest, Signer, type SignerOptions } from './signer.ts'
export {
  decodeStreamSummary,
  encodeDescribeStreamSummary,
  type StreamSummary,
} from './stream-summary.ts'
export { contentTypeOf, targetOf, type WireFormat } from './wire-format.ts'
