// Draws what a seed decides: sizes, settings, load, odds. Values at the edges of what is allowed
// come as often as ordinary ones, because that is where things break.

import { readConfig } from '../config/index.ts'
import { type DeadLettersConfig, deadLettersFields } from '../dead-letters/index.ts'
import { ACKS, type GatewayConfig, gatewayFields } from '../gateway/index.ts'
import { type KinesisConfig, kinesisFields } from '../kinesis/index.ts'
import { type ProducerConfig, producerFields } from '../producer/index.ts'
import { type SpoolConfig, spoolFields } from '../spool/index.ts'
import {
  drawDiskFaults,
  drawKinesisFaults,
  drawNetworkFaults,
  drawServiceFaults,
} from './faults.ts'
import { RECORD_ID_HEADER } from './http-client.ts'
import {
  type ClientSettings,
  FEW_LETTERS,
  type KeyKind,
  KINESIS_ORIGIN,
  type LineSettings,
  type Mishap,
  type NodeSettings,
  type SourceSettings,
  type StreamSettings,
} from './line-settings.ts'
import type { SimRandom } from './sim-random.ts'

/** The names that the default mappings send to. */
const STREAM_NAMES = ['s1', 's2'] as const

export function drawLineSettings(random: SimRandom): LineSettings {
  const loadMs = random.pick([1_000, 3_000, 3_000, 8_000])
  const maxPerMille = random.pick([0, 5, 50, 110])
  const streams = drawStreams(random.fork('streams'))
  const nodeRandom = random.fork('nodes')
  const nodes = Array.from({ length: random.pick([1, 1, 2, 3]) }, (_, number) =>
    drawNode(nodeRandom.fork(`${number}`), { number, maxPerMille, streams }),
  )
  const drawnRate = random.pick([null, null, 250_000, 1_000_000])
  // On a slow link a short timeout can be shorter than any request: only a TTL ends that.
  const canGiveUp = nodes.every(({ producer }) => producer.recordTtl !== 'none')
  return {
    loadMs,
    streams,
    kinesis: drawKinesisConfig(random.fork('kinesis'), maxPerMille),
    nodes,
    kinesisLatencyMs: random.pick([1, 5, 30]),
    kinesisBytesPerSecond: canGiveUp ? drawnRate : null,
    kinesisFaults: drawNetworkFaults(random.fork('kinesis faults'), maxPerMille),
    serviceFaults: drawServiceFaults(random.fork('service faults'), maxPerMille),
    diskFaults: drawDiskFaults(random.fork('disk faults')),
    mishaps: withoutTwins([
      ...drawMishaps(random.fork('mishaps'), loadMs, nodes.length),
      ...drawReshards(random.fork('reshards'), loadMs, streams),
    ]),
  }
}

function drawStreams(random: SimRandom): StreamSettings[] {
  const count = random.between(1, STREAM_NAMES.length)
  return STREAM_NAMES.slice(0, count).map((name) => {
    return { name, shardCount: random.pick([1, 1, 2, 3, 4, 8]), ...drawRecordSize(random) }
  })
}

/** Most streams take 1 MiB; some a multiple, up to the most that there is. */
function drawRecordSize(random: SimRandom) {
  return { maxRecordSizeKiB: random.pick([1_024, 1_024, 1_024, 2_048, 10_240]) }
}

interface NodeRange {
  readonly number: number
  readonly maxPerMille: number
  readonly streams: readonly StreamSettings[]
}

function drawNode(random: SimRandom, { number, maxPerMille, streams }: NodeRange): NodeSettings {
  const names = streams.map(({ name }) => name)
  const spool =
    random.fork('spool').below(3) > 0 ? drawSpoolConfig(random.fork('spool sizes')) : null
  const ids = random.fork('record ids').pick(spool === null ? [null] : [null, ...RECORD_IDS])
  const client = (one: SimRandom) => ({
    ...drawClient(one, names, spool !== null),
    recordIds: ids?.location ?? null,
  })
  return {
    name: `node-${number}`,
    producer: drawProducerConfig(random.fork('producer')),
    gateway: withRecordIds(drawGatewayConfig(random.fork('gateway'), spool !== null), ids),
    spool,
    deadLetters: drawDeadLettersConfig(random.fork('dead letters')),
    diskFaults: drawDiskFaults(random.fork('disk faults')),
    sources: drawMany(random.fork('sources'), 2, (one) => drawSource(one, names)),
    clients: drawMany(random.fork('clients'), 8, client),
    maxOutstandingCount: random.pick([1, 10, 100, 1_000]),
    gatewayFaults: {
      ...drawNetworkFaults(random.fork('gateway faults'), maxPerMille),
      // The gateway would take the record twice, and rightly so: nothing tells it.
      twicePerMille: 0,
    },
    credentialsLifeMs: random.pick([null, null, 302_000, 600_000]),
    closesWithinMs: random.pick([null, null, null, 0, 300, 10_000]),
  }
}

function drawMany<T>(random: SimRandom, maxCount: number, draw: (random: SimRandom) => T): T[] {
  return Array.from({ length: random.between(0, maxCount) }, () => draw(random))
}

/** Large records are rare: each costs the real time of a hundred small ones. */
const DATA_MAX_BYTES = [
  60, 60, 60, 300, 300, 300, 1_612, 1_612, 1_612, 1_612, 20_000, 100_000, 1_000_000, 3_000_000,
]
/** Records of a source whose records are large, and of the others. */
const LARGE_MAX_COUNT = 4
const SMALL_MAX_COUNTS = [20, 60, 200]

function drawSource(random: SimRandom, streams: readonly string[]): SourceSettings {
  const dataMaxBytes = random.pick(DATA_MAX_BYTES)
  const isLarge = dataMaxBytes > 20_000
  return {
    stream: random.pick(streams),
    pauseMaxMs: random.pick([1, 5, 50, 500]),
    burstCount: isLarge ? 1 : random.pick([1, 1, 7, 40]),
    maxRecordCount: isLarge ? LARGE_MAX_COUNT : random.pick(SMALL_MAX_COUNTS),
    dataMaxBytes,
    keys: random.pick<KeyKind>(['one', 'few', 'digits', 'long', 'any']),
    explicitHashKeyPerMille: random.pick([0, 0, 100, 1_000]),
    flushPerMille: random.pick([0, 0, 20, 300]),
  }
}

function drawClient(
  random: SimRandom,
  streams: readonly string[],
  isSpooled: boolean,
): Omit<ClientSettings, 'recordIds'> {
  return {
    ...drawSource(random, streams),
    explicitHashKeyPerMille: 0,
    door: random.pick(['writeToStream', 'mappedIngest'] as const),
    ack: random.pick([null, ...acksOf(isSpooled)]),
    timeoutMs: random.pick([100, 3_000, 70_000]),
    tryCount: isSpooled ? random.pick([1, 1, 2, 5]) : 1,
  }
}

/** Where mappings find the id of a record, each as often as no id at all. */
const RECORD_IDS = [
  { location: 'header', specification: RECORD_ID_HEADER },
  // With which every record begins.
  { location: 'body', specification: '/id' },
] as const

function withRecordIds(
  config: GatewayConfig,
  recordId: (typeof RECORD_IDS)[number] | null,
): GatewayConfig {
  if (recordId === null) return config
  return { ...config, mappings: config.mappings.map((mapping) => ({ ...mapping, recordId })) }
}

function acksOf(isSpooled: boolean) {
  return isSpooled ? ACKS : (['accepted', 'delivered'] as const)
}

function drawSpoolConfig(random: SimRandom): SpoolConfig {
  const KIB = 1024
  const overrides = {
    spool: {
      maxBytes: random.pick([1024 * KIB, 1024 * 1024 * KIB]),
      segmentBytes: random.pick([64 * KIB, 64 * KIB, 256 * KIB, 64 * 1024 * KIB]),
      windowBytes: random.pick([64 * KIB, 64 * KIB, 1024 * KIB, 64 * 1024 * KIB]),
      freshSharePercent: random.pick([0, 0, 50]),
      parkedMaxCount: random.fork('parked').pick([1, 10, 10_000]),
    },
  }
  return readConfig(spoolFields, { overrides })
}

function drawDeadLettersConfig(random: SimRandom): DeadLettersConfig {
  const maxCount = random.pick([1, 5, FEW_LETTERS, 100_000, 100_000, 100_000])
  return readConfig(deadLettersFields, { overrides: { maxCount } })
}

function drawGatewayConfig(random: SimRandom, isSpooled: boolean): GatewayConfig {
  const thresholds = [1, 3, 20, 100, 100] as const
  const overrides = {
    ack: {
      default: random.pick(acksOf(isSpooled)),
      deliveredTimeoutMs: random.pick([50, 1_000, 60_000]),
    },
    backpressure: {
      threshold: isSpooled
        ? random.pick(['none', 'none', 'none', ...thresholds] as const)
        : random.pick(thresholds),
      maxWaitMs: random.pick([0, 50, 5_000]),
      maxWaiting: random.pick([0, 2, 10_000]),
      strategy: random.pick(['wait', 'wait', 'wait', 'reject', 'none'] as const),
    },
    memory: { maxBytes: random.pick([1024 * 1024, 256 * 1024 * 1024]) },
    record: { maxBytes: random.pick([100_000, 1024 * 1024, 1024 * 1024, 10 * 1024 * 1024]) },
  }
  return readConfig(gatewayFields, { overrides })
}

function drawKinesisConfig(random: SimRandom, maxPerMille: number): KinesisConfig {
  const overrides = {
    limits: random.below(8) > 0,
    writeBurstMs: random.pick([10, 100, 1_000]),
    segmentMaxBytes: random.pick([64 * 1024, 1024 * 1024, 64 * 1024 * 1024]),
    segmentMaxAgeMs: random.pick([1_000, 3_600_000]),
    creatingMs: random.pick([0, 0, 0, 0, 700]),
    updatingMs: random.pick([0, 0, 300]),
    faults: drawKinesisFaults(random.fork('faults'), maxPerMille),
  }
  return readConfig(kinesisFields, { overrides })
}

function drawProducerConfig(random: SimRandom): ProducerConfig {
  const overrides = {
    endpoint: KINESIS_ORIGIN,
    region: 'us-east-1',
    wireFormat: random.pick(['cbor', 'json'] as const),
    aggregationEnabled: random.below(10) > 0,
    aggregation: random.pick(['safe', 'safe', 'safe', 'always', 'same-key', 'off'] as const),
    aggregationMaxCount: random.pick([2, 100, 4_294_967_295]),
    aggregationMaxSize: random.pick([64, 1_000, 51_200, 51_200, 1_048_576]),
    collectionMaxCount: random.pick([1, 7, 500, 500]),
    collectionMaxSize: random.pick([52_224, 5_242_880, 10_485_760]),
    recordMaxBufferedTime: random.pick([0, 20, 100, 1_000]),
    recordTtl: random.pick([500, 5_000, 30_000, 'none'] as const),
    failIfThrottled: random.below(10) === 0,
    rateLimit: random.pick([1, 50, 100, 150, 400]),
    maxConnections: random.pick([1, 2, 10, 24]),
    requestTimeout: random.pick([200, 1_000, 6_000]),
    maxStreams: random.pick([1, 1_000, 1_000, 1_000, 1_000]),
    shardMapMaxAge: random.pick([1_000, 3_000, 300_000, 300_000]),
    ordering: random.pick(['none', 'partition-key'] as const),
  }
  return readConfig(producerFields, { overrides })
}

/**
 * How far a wall clock jumps, at most, either way: what an administrator or a bad NTP server does.
 */
const WALL_JUMP_MAX_MS = 600_000

function drawMishaps(random: SimRandom, loadMs: number, nodeCount: number): Mishap[] {
  const crashes = drawMany(random, 3, () => ({
    kind: 'kinesis crashes' as const,
    atMs: random.below(loadMs),
    isPowerLost: random.below(2) === 0,
    downMs: random.pick([50, 500, 3_000]),
  }))
  const ends = drawMany(random, 2, () => ({
    kind: 'a node crashes' as const,
    atMs: random.below(loadMs),
    node: random.below(nodeCount),
    isPowerLost: random.below(2) === 0,
    downMs: random.pick([10, 500, 3_000]),
  }))
  const jumps = drawMany(random, 2, () => ({
    kind: 'a wall clock jumps' as const,
    atMs: random.below(loadMs),
    node: random.below(2) === 0 ? null : random.below(nodeCount),
    byMs: random.between(-WALL_JUMP_MAX_MS, WALL_JUMP_MAX_MS),
  }))
  return [...crashes, ...ends, ...jumps]
}

/**
 * A stream is older than a second before it is made anew: a Kinesis that starts makes the streams
 * that are not there, without waiting as the operator does.
 */
export const ANEW_MIN_MS = 1_200

/** Half of the worlds keep their shards. */
function drawReshards(
  random: SimRandom,
  loadMs: number,
  streams: readonly StreamSettings[],
): Mishap[] {
  if (random.below(2) === 0) return []
  const reshards = drawMany(random, 6, () => ({
    kind: 'a stream is resharded' as const,
    atMs: random.below(loadMs),
    stream: random.pick(streams).name,
    how: random.pick(['split', 'split', 'merge', 'merge', 'scale'] as const),
  }))
  if (random.below(4) > 0 || loadMs <= ANEW_MIN_MS) return reshards
  const anew = {
    kind: 'a stream is made anew' as const,
    atMs: random.between(ANEW_MIN_MS, loadMs - 1),
    stream: {
      name: random.pick(streams).name,
      shardCount: random.pick([1, 2, 3, 4, 8]),
      ...drawRecordSize(random),
    },
  }
  return [...reshards, anew]
}

/**
 * Where streams are made anew the clock of Kinesis does not jump: two streams of one name and one
 * second of creation have shards that nobody can tell apart.
 */
function withoutTwins(mishaps: readonly Mishap[]): readonly Mishap[] {
  if (!mishaps.some(({ kind }) => kind === 'a stream is made anew')) return mishaps
  return mishaps.filter((one) => one.kind !== 'a wall clock jumps' || one.node !== null)
}
