// The producer's settings: the KPL's names, defaults and ranges where it has them.

import {
  choice,
  type Fields,
  flag,
  integer,
  integerOr,
  isHostOrNothing,
  LONG_MAX,
  type Parsed,
  text,
} from '../config/index.ts'
import { PUT_RECORDS_MAX_COUNT, RECORD_MAX_BYTES } from '../wire/index.ts'
import { metricsFields } from './metrics/metrics-config.ts'

/** Of the KPL's ranges: what may be the largest Kinesis record or request. */
const AGGREGATION_MIN_BYTES = 64
const COLLECTION_MIN_BYTES = 52_224

export const producerFields = {
  region: text({
    default: '',
    pattern: /^([a-z]+-([a-z]+-)?[a-z]+-[0-9])?$/,
    allowed: 'an AWS region',
    env: 'AWS_REGION',
    says: 'The region that requests are signed for and, without an endpoint, sent to.',
  }),
  endpoint: text({
    default: '',
    pattern: /^(https?:\/\/[^/\s?#@\\]+)?$/,
    accepts: (endpoint) => endpoint === '' || URL.canParse(endpoint),
    allowed: 'http(s)://host:port, or nothing',
    env: 'AWS_ENDPOINT_URL_KINESIS',
    says: "Another Kinesis than the region's; before kinesisEndpoint.",
  }),
  kinesisEndpoint: text({
    default: '',
    pattern: /^([A-Za-z0-9\-.]+)?$/,
    allowed: 'a host name, or nothing',
    accepts: isHostOrNothing,
    says: "Host of another Kinesis than the region's, over TLS. The KPL's way to say it.",
  }),
  kinesisPort: integer({
    default: 443,
    min: 1,
    max: 65_535,
    says: 'Port of kinesisEndpoint.',
  }),
  cloudwatchEndpoint: text({
    default: '',
    pattern: /^([A-Za-z0-9\-.]+)?$/,
    allowed: 'a host name, or nothing',
    accepts: isHostOrNothing,
    says: "Host of another CloudWatch than the region's, where metrics are uploaded.",
  }),
  cloudwatchPort: integer({
    default: 443,
    min: 1,
    max: 65_535,
    says: 'Port of cloudwatchEndpoint.',
  }),
  wireFormat: choice(['cbor', 'json'], {
    default: 'cbor',
    says: 'How requests are written: CBOR carries bytes as they are, JSON needs a third more.',
  }),
  aggregationEnabled: flag({
    default: true,
    says: 'Whether user records that are expected in one shard share a Kinesis record.',
  }),
  aggregation: choice(['safe', 'always', 'same-key', 'off'], {
    default: 'safe',
    says: 'Who shares a Kinesis record: one shard as soon as its stream allows, always, one key, nobody.',
  }),
  aggregationMaxCount: integer({
    default: 4_294_967_295,
    min: 1,
    max: LONG_MAX,
    says: 'User records in one Kinesis record.',
  }),
  aggregationMaxSize: integer({
    default: 51_200,
    min: AGGREGATION_MIN_BYTES,
    max: RECORD_MAX_BYTES,
    unit: 'bytes',
    says: 'Size of one Kinesis record with several user records.',
  }),
  collectionMaxCount: integer({
    default: PUT_RECORDS_MAX_COUNT,
    min: 1,
    max: PUT_RECORDS_MAX_COUNT,
    says: 'Kinesis records in one request.',
  }),
  collectionMaxSize: integer({
    default: 5_242_880,
    min: COLLECTION_MIN_BYTES,
    max: LONG_MAX,
    unit: 'bytes',
    says: 'Size of one request, keys included; the service takes no more than 10 MiB.',
  }),
  recordMaxBufferedTime: integer({
    default: 100,
    min: 0,
    max: LONG_MAX,
    unit: 'ms',
    env: 'RECORD_MAX_BUFFERED_TIME',
    says: 'Longest wait for company in a buffer.',
  }),
  recordTtl: integerOr(['none'], {
    default: 30_000,
    min: 100,
    max: LONG_MAX,
    unit: 'ms',
    env: 'RECORD_TTL',
    says:
      'Age at which a record that is not delivered fails; none: never, its caller keeps it: ' +
      'the default of a gateway with a spool.',
  }),
  failIfThrottled: flag({
    default: false,
    env: 'FAIL_IF_THROTTLED',
    says: 'Whether a record fails on its first throttle instead of being sent again.',
  }),
  rateLimit: integerOr(['adaptive'], {
    default: 'adaptive',
    min: 1,
    max: LONG_MAX,
    unit: '%',
    env: 'RATE_LIMIT',
    says: 'What this producer sends to a shard: its fair part, learned from refusals; or always so many per cent of the limit (the KPL: 150).',
  }),
  signing: choice(['late', 'early'], {
    default: 'late',
    says: "When requests are signed: with a free connection; or before, and sent though expired or the line is full: the KPL's way, for experiments.",
  }),
  ordering: choice(['none', 'partition-key'], {
    default: 'none',
    says: 'Whether records of one key arrive in the order in which they were added.',
  }),
  maxConnections: integer({
    default: 24,
    min: 1,
    max: 256,
    says: 'Requests to the service under way at once.',
  }),
  connectTimeout: integer({
    default: 6000,
    min: 100,
    max: 300_000,
    unit: 'ms',
    says: 'Longest wait for a new connection to the service.',
  }),
  requestTimeout: integer({
    default: 6000,
    min: 100,
    max: 600_000,
    unit: 'ms',
    says: 'Longest request, from its first byte to the end of its answer.',
  }),
  maxStreams: integer({
    default: 1000,
    min: 1,
    max: 100_000,
    says: 'Streams with a line of their own; an idle one makes room for a new one.',
  }),
  shardMapMaxAge: integer({
    default: 300_000,
    min: 1000,
    max: 86_400_000,
    unit: 'ms',
    says: 'Age at which the list of shards is fetched anew, while records come; drawn between half of it and all.',
  }),
  ...metricsFields,
} satisfies Fields

export type ProducerConfig = Parsed<typeof producerFields>
