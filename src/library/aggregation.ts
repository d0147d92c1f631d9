// headgate/aggregation: the KPL's record format, both ways.

export { HashKey, hashKeyFromDecimal } from '../record/index.ts'
export {
  type Aggregatable,
  type AggregatedUserRecord,
  AggregationError,
  deaggregate,
  deaggregateRecord,
  encodeAggregate,
  hashKeyOf,
  isAggregated,
} from '../wire/index.ts'
