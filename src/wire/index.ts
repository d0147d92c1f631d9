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
export { hashKeyOf } from './hash-key-of.ts'
export * from './limits.ts'
export { ProtocolError } from './protocol-error.ts'
export { shardIdOf, shardNumberOf } from './shard-id.ts'
