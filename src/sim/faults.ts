// What can go wrong, and how often: chances in 1000, drawn from the seed and printed first.

import type { Fault } from '../kinesis/index.ts'
import type { SimRandom } from './sim-random.ts'

/** What becomes of a request. */
export type Fate =
  | 'arrives'
  | 'refused'
  | 'lost'
  | 'reset before it arrives'
  | 'answered by another'
  | 'slow'
  | 'twice'
  | 'reset after it acted'
  | 'error after it acted'
  | 'answer lost'

/** Chances in 1000 requests; the rest arrives. Their sum is at most 1000. */
export interface NetworkFaults {
  /** No connection. */
  readonly refusedPerMille: number
  /** Never arrives; the client learns of it by its deadline. */
  readonly lostPerMille: number
  /** Never arrives; the connection breaks. */
  readonly resetBeforePerMille: number
  /** Something in front of the service answers in its place. */
  readonly errorPerMille: number
  /** Takes up to `SLOW_MAX_MS` longer each way. */
  readonly slowPerMille: number
  /** Arrives a second time, later; the second answer goes nowhere. */
  readonly twicePerMille: number
  /** The service acts; the connection breaks before its answer. */
  readonly resetAfterPerMille: number
  /** The service acts; the client is told of an internal failure. */
  readonly errorAfterPerMille: number
  /** The service acts; its answer never arrives. */
  readonly answerLostPerMille: number
}

export const SLOW_MAX_MS = 5_000

export const NO_NETWORK_FAULTS: NetworkFaults = {
  refusedPerMille: 0,
  lostPerMille: 0,
  resetBeforePerMille: 0,
  errorPerMille: 0,
  slowPerMille: 0,
  twicePerMille: 0,
  resetAfterPerMille: 0,
  errorAfterPerMille: 0,
  answerLostPerMille: 0,
}

const FATES: readonly (readonly [keyof NetworkFaults, Fate])[] = [
  ['refusedPerMille', 'refused'],
  ['lostPerMille', 'lost'],
  ['resetBeforePerMille', 'reset before it arrives'],
  ['errorPerMille', 'answered by another'],
  ['slowPerMille', 'slow'],
  ['twicePerMille', 'twice'],
  ['resetAfterPerMille', 'reset after it acted'],
  ['errorAfterPerMille', 'error after it acted'],
  ['answerLostPerMille', 'answer lost'],
]

/** The fate that a draw of 0..999 stands for. */
export function fateOf(draw: number, faults: NetworkFaults): Fate {
  let bound = 0
  for (const [name, fate] of FATES) {
    bound += faults[name]
    if (draw < bound) return fate
  }
  return 'arrives'
}

/** Odds of one network; half of the worlds lack a fault, so that none hides another. */
export function drawNetworkFaults(random: SimRandom, maxPerMille: number): NetworkFaults {
  const draw = () => (random.below(2) === 0 ? 0 : random.between(0, maxPerMille))
  return {
    refusedPerMille: draw(),
    lostPerMille: draw(),
    resetBeforePerMille: draw(),
    errorPerMille: draw(),
    slowPerMille: draw(),
    twicePerMille: draw(),
    resetAfterPerMille: draw(),
    errorAfterPerMille: draw(),
    answerLostPerMille: draw(),
  }
}

/** Chances in 1000 operations. */
export interface DiskFaults {
  /** A write or a sync fails; part of a write may be there. */
  readonly errorPerMille: number
  /** An operation takes up to `SLOW_DISK_MAX_MS`. */
  readonly slowPerMille: number
  /** Bytes of all files together; null when the disk never fills up. */
  readonly capacityBytes: number | null
  /** A read, a cut, or the making or removing of a file, fails; what was made may be there. */
  readonly otherErrorPerMille?: number
  /** After a failure everything fails, for up to so long: one rarely comes alone. */
  readonly failsOnMaxMs?: number
}

export function drawDiskFaults(random: SimRandom): DiskFaults {
  if (random.below(2) === 0) return NO_DISK_FAULTS
  return {
    errorPerMille: random.pick([0, 1, 20]),
    slowPerMille: random.pick([0, 5, 50]),
    capacityBytes: random.pick([null, null, 300_000]),
  }
}

/** What the service does wrong. Chances in 1000 requests, unless they say otherwise. */
export interface ServiceFaults {
  /** The account is over its rate: the whole request is refused. */
  readonly throttledPerMille: number
  /** The keys are not good any more: the whole request is refused. */
  readonly expiredTokenPerMille: number
  /** Of 1000 entries: refused for the shard's rate, however little it got. */
  readonly entryThrottledPerMille: number
  /** Of 1000 entries: not stored, and told to have failed. */
  readonly entryFailsPerMille: number
  /** Of 1000 entries: stored, and told to have failed. */
  readonly entryFailsAfterPerMille: number
  /** The answer to a request that was served cannot be read. */
  readonly garbledPerMille: number
  /** Of 1000 listings of the shards: a map from before the stream was resharded. */
  readonly oldMapPerMille: number
  /** Of 1000 listings of the shards: refused. */
  readonly listingRefusedPerMille: number
  /** Of 1000 questions what the stream allows: denied. */
  readonly describeDeniedPerMille: number
  /** Of 1000 user records: the service refuses every request that has one of these in it. */
  readonly poisonPerMille: number
}

export const NO_SERVICE_FAULTS: ServiceFaults = {
  throttledPerMille: 0,
  expiredTokenPerMille: 0,
  entryThrottledPerMille: 0,
  entryFailsPerMille: 0,
  entryFailsAfterPerMille: 0,
  garbledPerMille: 0,
  oldMapPerMille: 0,
  listingRefusedPerMille: 0,
  describeDeniedPerMille: 0,
  poisonPerMille: 0,
}

export function drawServiceFaults(random: SimRandom, maxPerMille: number): ServiceFaults {
  const draw = () => (random.below(2) === 0 ? 0 : random.between(0, maxPerMille))
  return {
    throttledPerMille: draw(),
    expiredTokenPerMille: draw(),
    entryThrottledPerMille: draw(),
    entryFailsPerMille: draw(),
    entryFailsAfterPerMille: draw(),
    garbledPerMille: draw(),
    oldMapPerMille: random.pick([0, 0, 300, 700]),
    listingRefusedPerMille: random.pick([0, 0, 0, 500, 1_000]),
    describeDeniedPerMille: random.pick([0, 0, 0, 500, 1_000]),
    poisonPerMille: random.pick([0, 0, 0, 20]),
  }
}

export const SLOW_DISK_MAX_MS = 500

export const NO_DISK_FAULTS: DiskFaults = {
  errorPerMille: 0,
  slowPerMille: 0,
  capacityBytes: null,
}

/** Faults that the embedded Kinesis is asked for; half of the worlds lack each of them. */
export function drawKinesisFaults(random: SimRandom, maxPerMille: number): Fault[] {
  const shard = random.pick([undefined, 'shardId-000000000000'])
  const when = () => random.pick(['before', 'after'] as const)
  const kinds: readonly Fault[] = [
    { kind: 'throttle', ...(shard !== undefined && { shard }) },
    { kind: 'internal-failure' },
    { kind: 'server-error', when: when(), status: random.pick([500, 503]) },
    { kind: 'latency', when: when(), latencyMs: random.pick([0, 100]), jitterMs: SLOW_MAX_MS },
    { kind: 'cut', when: when() },
    { kind: 'expired-signature' },
  ]
  return kinds
    .filter(() => random.below(2) === 0)
    .map((fault) => ({
      ...fault,
      action: 'PutRecords',
      odds: random.between(0, maxPerMille) / 1000,
    }))
}

/** What a crash leaves of the bytes that were not synced, drawn anew for each crash. */
export const CRASH_KEEPS_PER_MILLE = [0, 500, 900, 1000] as const
