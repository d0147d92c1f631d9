// From the settings that people know to what each stage needs.

import {
  PUT_RECORDS_MAX_BYTES,
  SHARD_WRITE_BYTES_PER_SECOND,
  SHARD_WRITE_RECORDS_PER_SECOND,
} from '../wire/index.ts'
import type { AggregationConfig } from './aggregator.ts'
import type { BackoffConfig } from './backoff.ts'
import type { ClientConfig } from './client.ts'
import type { ProducerConfig } from './config.ts'
import type { LimiterConfig } from './limiter.ts'
import type { StatisticsConfig } from './metrics/processing-statistics.ts'
import type { ReducerLimits } from './reducer.ts'
import type { RetryConfig } from './retrier.ts'
import type { SenderConfig } from './sender.ts'
import { ASK_AGAIN_MAX_MS, type StreamFactsConfig } from './stream-facts.ts'
import type { BucketRates } from './token-bucket.ts'

export interface LineConfig {
  readonly aggregation: AggregationConfig
  readonly limiter: LimiterConfig
  readonly collection: ReducerLimits
  readonly sender: SenderConfig
  readonly retry: RetryConfig
  readonly backoff: BackoffConfig
  readonly statistics: StatisticsConfig
  readonly facts: StreamFactsConfig
  /** Null where nothing is expected of shards. */
  readonly shardMapMaxAgeMs: number | null
  /** Whether the records of a key stay in their order. */
  readonly isOrdered: boolean
}

/**
 * A fifth of RecordMaxBufferedTime, at most 50 ms, is left for the collector. The KPL's numbers.
 */
const COLLECTOR_WAIT_SHARE = 0.2
const COLLECTOR_WAIT_MAX_MS = 50

/** More is no rate any more, and the instants that follow from it are not told apart. */
const PERCENTAGE_MAX = 1_000_000_000

/** The KPL's way: always the same percentage of a shard's limit, whoever else writes to it. */
function fixedRatesOf(rateLimit: number): BucketRates {
  const percentage = Math.min(rateLimit, PERCENTAGE_MAX)
  return {
    recordsPerSecond: (SHARD_WRITE_RECORDS_PER_SECOND * percentage) / 100,
    bytesPerSecond: (SHARD_WRITE_BYTES_PER_SECOND * percentage) / 100,
    // One second's quota. The KPL saves up ten, which the shard then refuses.
    maxRecords: SHARD_WRITE_RECORDS_PER_SECOND,
    maxBytes: SHARD_WRITE_BYTES_PER_SECOND,
  }
}

/** A record that is not buffered at all still waits before it goes again. */
const BACKOFF_BASE_MIN_MS = 20
/** Short enough that after an outage nobody waits long, within a TTL of 30 s. */
const BACKOFF_MAX_MS = 5000
/** Of RecordMaxBufferedTime: requests that take longer on average are warned of. The KPL's. */
const SLOW_REQUESTS_FACTOR = 5

/**
 * Of the records' life. What is not aggregated for want of the stream's facts goes one by one, and
 * a backlog of it expires unless one of several questions is answered well before.
 */
const ASK_AGAIN_TTL_SHARE = 0.1

export function lineConfigOf(config: ProducerConfig): LineConfig {
  const { recordMaxBufferedTime, rateLimit } = config
  const mode = config.aggregationEnabled ? config.aggregation : 'off'
  return {
    aggregation: {
      mode,
      maxCount: config.aggregationMaxCount,
      maxSizeBytes: config.aggregationMaxSize,
    },
    limiter: {
      fixedRates: rateLimit === 'adaptive' ? null : fixedRatesOf(rateLimit),
      collectorWaitMs: Math.min(
        COLLECTOR_WAIT_MAX_MS,
        Math.trunc(recordMaxBufferedTime * COLLECTOR_WAIT_SHARE),
      ),
    },
    collection: {
      maxCount: config.collectionMaxCount,
      // The KPL lets one ask for requests that the service then refuses.
      maxSizeBytes: Math.min(config.collectionMaxSize, PUT_RECORDS_MAX_BYTES),
    },
    sender: { isExpiredSent: config.signing === 'early' },
    retry: { failIfThrottled: config.failIfThrottled },
    // The KPL's wait, each time the same, is the bound of our first one.
    backoff: {
      baseMs: Math.max(BACKOFF_BASE_MIN_MS, Math.trunc(recordMaxBufferedTime / 2)),
      maxMs: BACKOFF_MAX_MS,
    },
    statistics: { slowAboveMs: recordMaxBufferedTime * SLOW_REQUESTS_FACTOR },
    facts: {
      askAgainMaxMs: Math.min(ASK_AGAIN_MAX_MS, recordTtlMsOf(config) * ASK_AGAIN_TTL_SHARE),
    },
    shardMapMaxAgeMs: mode === 'off' ? null : config.shardMapMaxAge,
    isOrdered: config.ordering === 'partition-key',
  }
}

/** The age at which records of this configuration expire; infinite when they do not. */
export function recordTtlMsOf({ recordTtl }: Pick<ProducerConfig, 'recordTtl'>): number {
  return recordTtl === 'none' ? Number.POSITIVE_INFINITY : recordTtl
}

/** Whether it is said where the service is. */
export function isServiceNamed(config: ProducerConfig): boolean {
  return config.endpoint !== '' || config.kinesisEndpoint !== '' || config.region !== ''
}

/**
 * Signed for when only an endpoint is named: stand-ins ask for some region and do not mind which.
 */
const REGION_OF_STAND_INS = 'us-east-1'

export function clientConfigOf(config: ProducerConfig): ClientConfig {
  return {
    endpoint: config.endpoint || kplEndpointOf(config) || serviceEndpointOf(config.region),
    region: config.region || REGION_OF_STAND_INS,
    wireFormat: config.wireFormat,
    maxConnections: config.maxConnections,
    signing: config.signing,
    requestTimeoutMs: config.requestTimeout,
  }
}

/** The KPL names host and port apart, and speaks TLS in any case. */
function kplEndpointOf({ kinesisEndpoint, kinesisPort }: ProducerConfig): string {
  return kinesisEndpoint === '' ? '' : `https://${kinesisEndpoint}:${kinesisPort}`
}

/** The domains of regions that are in a partition of their own, by how their names begin. */
const DOMAINS: readonly (readonly [begin: string, domain: string])[] = [
  ['cn-', 'amazonaws.com.cn'],
  ['eusc-', 'amazonaws.eu'],
  ['us-iso-', 'c2s.ic.gov'],
  ['us-isob-', 'sc2s.sgov.gov'],
  ['us-isof-', 'csp.hci.ic.gov'],
  ['eu-isoe-', 'cloud.adc-e.uk'],
]

/** The public endpoint of a region. */
function serviceEndpointOf(region: string): string {
  const own = DOMAINS.find(([begin]) => region.startsWith(begin))
  return `https://kinesis.${region}.${own?.[1] ?? 'amazonaws.com'}`
}
