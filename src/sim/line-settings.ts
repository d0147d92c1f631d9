// What a seed decides about a world in which the line runs: sizes, settings, odds. All of it is
// printed before anything happens, so that a broken world can be talked about.

import { readConfig } from '../config/index.ts'
import { ACKS, type Ack, type GatewayConfig, gatewayFields } from '../gateway/index.ts'
import { type KinesisConfig, kinesisFields } from '../kinesis/index.ts'
import { type ProducerConfig, producerFields } from '../producer/index.ts'
import { type DiskFaults, drawNetworkFaults, type NetworkFaults, NO_DISK_FAULTS } from './faults.ts'
import type { SimRandom } from './sim-random.ts'

export const KINESIS_ORIGIN = 'http://kinesis'
export const GATEWAY_ORIGIN = 'http://gateway'

export interface LineSettings {
  /** How long the sources put records, and faults happen. */
  readonly loadMs: number
  readonly shardCount: number
  /** Programs that use the library, in the gateway's process. */
  readonly sources: readonly SourceSettings[]
  /** Programs that send requests to the gateway. */
  readonly clients: readonly ClientSettings[]
  readonly kinesis: KinesisConfig
  readonly producer: ProducerConfig
  readonly gateway: GatewayConfig
  /** Records outstanding in the producer at which the sources wait. */
  readonly maxOutstandingCount: number
  readonly kinesisLatencyMs: number
  readonly kinesisBytesPerSecond: number | null
  /** Between producer and Kinesis, and between clients and gateway. */
  readonly kinesisFaults: NetworkFaults
  readonly gatewayFaults: NetworkFaults
  readonly diskFaults: DiskFaults
  readonly mishaps: readonly Mishap[]
  /** When the load ends, the line is told to close within so many ms; null lets it finish first. */
  readonly closesWithinMs: number | null
}

/** What happens to a machine once, at an instant of the load. */
export type Mishap =
  | {
      readonly kind: 'kinesis crashes' | 'gateway crashes'
      readonly atMs: number
      readonly isPowerLost: boolean
      readonly downMs: number
    }
  | {
      readonly kind: 'wall clock jumps'
      readonly atMs: number
      readonly machine: 'gateway' | 'kinesis'
      readonly byMs: number
    }

export type KeyKind = 'one' | 'few' | 'digits' | 'long' | 'any'

export interface SourceSettings {
  readonly stream: string
  /** Between two records of the source, at most; the mean is half of it. */
  readonly pauseMaxMs: number
  readonly dataMaxBytes: number
  readonly keys: KeyKind
  /** Chances in 1000 that a record has an explicit hash key. */
  readonly explicitHashKeyPerMille: number
}

export interface ClientSettings extends SourceSettings {
  readonly door: 'writeToStream' | 'mappedIngest'
  /** Asked for in the request; null asks for nothing. */
  readonly ack: Ack | null
  /** How long the client waits for an answer. */
  readonly timeoutMs: number
}

export const STREAMS = ['s1', 's2'] as const

export function drawLineSettings(random: SimRandom): LineSettings {
  const loadMs = random.between(2_000, 15_000)
  const maxPerMille = random.pick([5, 50, 110])
  return {
    loadMs,
    shardCount: random.between(1, 4),
    sources: drawMany(random.fork('sources'), 3, drawSource),
    clients: drawMany(random.fork('clients'), 8, drawClient),
    kinesis: drawKinesisConfig(random.fork('kinesis')),
    producer: drawProducerConfig(random.fork('producer')),
    gateway: drawGatewayConfig(random.fork('gateway')),
    maxOutstandingCount: random.pick([1, 10, 100, 1_000]),
    kinesisLatencyMs: random.pick([0, 1, 5, 30]),
    kinesisBytesPerSecond: random.pick([null, null, 250_000, 1_000_000]),
    kinesisFaults: drawNetworkFaults(random.fork('kinesis faults'), maxPerMille),
    gatewayFaults: {
      ...drawNetworkFaults(random.fork('gateway faults'), maxPerMille),
      // The gateway would take the record twice, and rightly so: nothing tells it.
      twicePerMille: 0,
    },
    diskFaults: drawDiskFaults(random.fork('disk faults')),
    mishaps: drawMishaps(random.fork('mishaps'), loadMs),
    closesWithinMs: random.pick([null, null, null, 0, 300, 10_000]),
  }
}

function drawMany<T>(random: SimRandom, maxCount: number, draw: (random: SimRandom) => T): T[] {
  return Array.from({ length: random.between(0, maxCount) }, () => draw(random))
}

/** Large records are rare: each costs the real time of a hundred small ones. */
const DATA_MAX_BYTES = [
  60, 60, 60, 300, 300, 300, 1_612, 1_612, 1_612, 1_612, 20_000, 20_000, 100_000, 1_000_000,
]

function drawSource(random: SimRandom): SourceSettings {
  const dataMaxBytes = random.pick(DATA_MAX_BYTES)
  return {
    stream: random.pick(STREAMS),
    pauseMaxMs: dataMaxBytes > 20_000 ? random.pick([500, 2_000]) : random.pick([1, 5, 50, 500]),
    dataMaxBytes,
    keys: random.pick<KeyKind>(['one', 'few', 'digits', 'long', 'any']),
    explicitHashKeyPerMille: random.pick([0, 0, 100, 1_000]),
  }
}

function drawClient(random: SimRandom): ClientSettings {
  return {
    ...drawSource(random),
    explicitHashKeyPerMille: 0,
    door: random.pick(['writeToStream', 'mappedIngest'] as const),
    ack: random.pick([null, ...ACKS]),
    timeoutMs: random.pick([100, 3_000, 70_000]),
  }
}

function drawGatewayConfig(random: SimRandom): GatewayConfig {
  const overrides = {
    ack: {
      default: random.pick(ACKS),
      deliveredTimeoutMs: random.pick([50, 1_000, 60_000]),
    },
    backpressure: {
      threshold: random.pick([1, 3, 100]),
      maxWaitMs: random.pick([0, 50, 5_000]),
      maxWaiting: random.pick([0, 2, 10_000]),
      strategy: random.pick(['wait', 'wait', 'wait', 'reject', 'none'] as const),
    },
    memory: { maxBytes: random.pick([1024 * 1024, 256 * 1024 * 1024]) },
  }
  return readConfig(gatewayFields, { overrides })
}

function drawKinesisConfig(random: SimRandom): KinesisConfig {
  const overrides = {
    limits: random.below(8) > 0,
    writeBurstMs: random.pick([100, 1_000, 5_000]),
    segmentMaxBytes: random.pick([64 * 1024, 1024 * 1024, 64 * 1024 * 1024]),
    segmentMaxAgeMs: random.pick([1_000, 3_600_000]),
    creatingMs: random.pick([0, 0, 700]),
  }
  return readConfig(kinesisFields, { overrides })
}

function drawProducerConfig(random: SimRandom): ProducerConfig {
  const overrides = {
    endpoint: KINESIS_ORIGIN,
    region: 'us-east-1',
    wireFormat: random.pick(['cbor', 'json'] as const),
    aggregationEnabled: random.below(5) > 0,
    aggregationMaxCount: random.pick([2, 100, 4_294_967_295]),
    aggregationMaxSize: random.pick([64, 1_000, 51_200, 51_200, 1_048_576]),
    collectionMaxCount: random.pick([1, 7, 500, 500]),
    collectionMaxSize: random.pick([52_224, 5_242_880, 10_485_760]),
    recordMaxBufferedTime: random.pick([0, 20, 100, 1_000]),
    recordTtl: random.pick([500, 5_000, 30_000, 30_000]),
    failIfThrottled: random.below(10) === 0,
    rateLimit: random.pick([50, 100, 150, 400, 1_000]),
    maxConnections: random.pick([1, 2, 10, 24]),
    requestTimeout: random.pick([200, 1_000, 6_000]),
  }
  return readConfig(producerFields, { overrides })
}

function drawDiskFaults(random: SimRandom): DiskFaults {
  if (random.below(2) === 0) return NO_DISK_FAULTS
  return {
    errorPerMille: random.pick([0, 1, 20]),
    slowPerMille: random.pick([0, 5, 50]),
    capacityBytes: random.pick([null, null, 1_000_000]),
  }
}

/**
 * How far a wall clock jumps, at most, either way: what an administrator or a bad NTP server does.
 */
const WALL_JUMP_MAX_MS = 600_000

function drawMishaps(random: SimRandom, loadMs: number): Mishap[] {
  const crashes = drawMany(random, 4, () => ({
    kind: random.pick(['kinesis crashes', 'kinesis crashes', 'gateway crashes'] as const),
    atMs: random.below(loadMs),
    isPowerLost: random.below(2) === 0,
    downMs: random.between(50, 3_000),
  }))
  const jumps = drawMany(random, 2, () => ({
    kind: 'wall clock jumps' as const,
    atMs: random.below(loadMs),
    machine: random.pick(['gateway', 'kinesis'] as const),
    byMs: random.between(-WALL_JUMP_MAX_MS, WALL_JUMP_MAX_MS),
  }))
  return [...crashes, ...jumps]
}
